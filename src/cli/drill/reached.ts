// Whether a drill reaches the application at all: what is passed in code does not come from the environment.
import { setTimeout as sleep } from "node:timers/promises";
import type { Heard, LicenseDrill } from "../../clients/typescript/src/testing.ts";
import { EXIT, Failure } from "../failures.ts";
import type { Application } from "./application.ts";

/** What the application asked: all requests but those of the license client to which it is compared. */
export const askedIn = ({ drill, reference }: Pick<Cast, "drill" | "reference">): Heard[] =>
  drill.heard.filter(({ body }) => body["instance_id"] !== reference.instanceId);

/** Why the application takes no part, from what it asked; null if it does. Pure. */
export function unreached(heard: readonly Heard[]): string[] | null {
  const claims = heard.filter(({ path }) => path === "/v1/activate" || path === "/v1/check-in");
  if (claims.length === 0)
    return [
      "It never asked the drill's license service.",
      "Either it has no license client, or it passes url in code, where CAIO_LICENSE_URL does not count.",
    ];
  if (claims.every(({ code }) => code === "LICENSE_KEY_INVALID"))
    return [
      "It asked the drill's license service with another license key.",
      "It passes license_key (licenseKey) in code, where CAIO_LICENSE_KEY does not count.",
    ];
  if (claims.every(({ drillClock }) => drillClock === null))
    return [
      "It asked the drill's license service, but does not believe it.",
      "It passes issuer or trusted_keys (trustedKeys) in code, where CAIO_LICENSE_ISSUER and CAIO_LICENSE_KEYS do not count; or its client is older than drills.",
    ];
  return null;
}

/** The last that an application wrote which ended before it asked anything: most often it could not start. Pure. */
export function lastWords({ exits, exitCode, output }: Cast["application"]): string[] {
  if (exits === 0 || exitCode === 0) return [];
  const how = exitCode === null ? "by a signal" : `with exit code ${exitCode}`;
  const lines = output.split("\n").filter((line) => line.trim() !== "");
  if (lines.length === 0) return [`It ended ${how}, and wrote nothing.`];
  return [
    `It ended ${how}. The last that it wrote:`,
    ...lines.slice(-12).map((line) => `  ${line.trimEnd().slice(0, 200)}`),
  ];
}

/**
 * An application that runs and has asked nothing yet may still be starting; otherwise it is soon clear.
 * @throws Failure that says why it is not reached
 */
export async function assertReached(cast: Cast): Promise<void> {
  const { application, patience } = cast;
  const began = performance.now();
  for (;;) {
    const heard = askedIn(cast);
    const why = unreached(heard);
    if (why === null) return;
    const isStarting = application.isRunning && heard.length === 0;
    const seconds = isStarting ? patience.start : patience.settle;
    if (performance.now() - began >= seconds * 1000)
      throw new Failure(EXIT.usage, "The drill does not reach the application.", [
        ...why,
        "remedy: in a drill, let it take these from the environment; in production pass them in code again.",
        ...(heard.length === 0 ? lastWords(application) : []),
      ]);
    await sleep(100);
  }
}

interface Cast {
  drill: Pick<LicenseDrill, "heard">;
  application: Pick<Application, "isRunning" | "exits" | "exitCode" | "output">;
  reference: { readonly instanceId: string };
  patience: { start: number; settle: number };
}
