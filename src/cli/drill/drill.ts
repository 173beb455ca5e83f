// A drill from beginning to end: its service, its application, its scenes, and an orderly end on every way out.
import { join } from "node:path";
import { LicenseDrill, type DrillTerms } from "../../clients/typescript/src/testing.ts";
import { EXIT } from "../failures.ts";
import { Application } from "./application.ts";
import type { Result } from "./findings.ts";
import type { Ladder } from "./scenes.ts";
import { Stage } from "./stage.ts";

interface Drill {
  /** For its files: it is given to the application, and removed by the caller. */
  folder: string;
  command: readonly string[];
  ladder: Ladder;
  /** The scenes to judge; null: all. Those before them are played and not judged. */
  only: readonly string[] | null;
  /** Whether the first mistake ends it. */
  isStopping: boolean;
  probe: string | null;
  /** Whether the application stops where nobody can tell. */
  isStrict: boolean;
  /** Seconds. */
  patience: { start: number; settle: number };
  told: (result: Result) => void;
}

export interface Drilled {
  /** Of the scenes to judge. */
  scenes: number;
  results: Result[];
  /** What the application wrote. */
  output: string;
  /** By the machine's clock, milliseconds. */
  began: number;
  ended: number;
}

/** Of what an application writes, so much is kept. */
const LOG = 10_000_000;

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** @throws Failure if the application cannot be started, or is not reached */
export async function drill(given: Drill): Promise<Drilled> {
  const { folder, command, ladder, only, isStopping, probe, isStrict, patience, told } = given;
  const began = Date.now();
  const names = only ?? ladder.scenes.map(({ name }) => name);
  const last = ladder.scenes.findLastIndex(({ name }) => names.includes(name));
  const service = await LicenseDrill.start({ runs: true });
  const licenseKey = await service.issue(camelCased(ladder.license));
  const reference = await service.open({
    licenseKey,
    instanceId: "drill-reference",
    onIndeterminate: isStrict ? "deny" : "allow",
  });
  await reference.checkIn();
  let output = "";
  const environment = environmentOf(service.environment(join(folder, "license"), licenseKey));
  const application = new Application(command, environment, (text) => {
    if (output.length < LOG) output += text;
  });
  const stopped = endsWith(application);
  const results: Result[] = [];
  try {
    const leaseDays = Number(ladder.license["lease_days"] ?? 30);
    const piece = (leaseDays * 86_400) / 2;
    const stage = new Stage({ drill: service, application, reference, probe, patience, piece });
    for (const scene of ladder.scenes.slice(0, last + 1)) {
      const result = await stage.play(scene);
      if (!names.includes(scene.name)) continue;
      results.push(result);
      told(result);
      if (isStopping && result.mistakes.length > 0) break;
    }
  } finally {
    await application.stop();
    stopped();
    await service.close();
  }
  return { scenes: names.length, results, output, began, ended: Date.now() };
}

/** Ends the application with the drill: by a signal in order, and at any other end at once. @returns what undoes it */
function endsWith(application: Application): () => void {
  const kill = (): void => application.kill();
  const end = (): void => {
    // Twice is meant: no more waiting.
    for (const signal of SIGNALS) process.once(signal, () => process.exit(EXIT.interrupted));
    void application.end().finally(() => process.exit(EXIT.interrupted));
  };
  // Others may listen who would end at once; their files are removed at the exit all the same.
  const others = SIGNALS.map((signal) => [signal, process.listeners(signal)] as const);
  process.on("exit", kill);
  for (const signal of SIGNALS) process.removeAllListeners(signal).once(signal, end);
  return () => {
    process.off("exit", kill);
    for (const [signal, listeners] of others) {
      process.off(signal, end);
      for (const listener of listeners) process.on(signal, listener);
    }
  };
}

/** Nothing of the license that the machine itself has; and no proxy between the application and the drill. */
function environmentOf(drilled: Record<string, string>): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith("CAIO_LICENSE_"));
  const direct = ["127.0.0.1", "localhost"];
  const withoutProxy = (name: string): string =>
    [...(process.env[name] ? [process.env[name]] : []), ...direct].join(",");
  return {
    ...Object.fromEntries(own),
    NO_PROXY: withoutProxy("NO_PROXY"),
    no_proxy: withoutProxy(process.env["no_proxy"] ? "no_proxy" : "NO_PROXY"),
    ...drilled,
  };
}

/** The admin API's names as the testing kit spells them. */
const camelCased = (terms: Record<string, unknown>): DrillTerms =>
  Object.fromEntries(
    Object.entries(terms).map(([name, value]) => [
      name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      value,
    ]),
  );
