// `npm run smoke -- URL`: checks that a deployed service answers as it should. Only reads, and knows no secret.
import { setTimeout as sleep } from "node:timers/promises";
import { commandLine, reasonOf, runCommand, wrongUsage } from "./command.ts";

const USAGE = `Usage: npm run smoke -- URL [--version ID]

  URL             the service's public address
  --version ID    the version that has to answer; waits up to a minute for it`;

export interface Finding {
  what: string;
  /** Null if it is as it should be. */
  fault: string | null;
}

type Check = [what: string, look: (url: string) => Promise<string | null>];

interface Seen {
  response: Response;
  text: string;
  /** Null if the answer is not a JSON object. */
  json: Record<string, unknown> | null;
}

async function ask(url: string, path: string, init: RequestInit = {}): Promise<Seen> {
  const response = await fetch(new URL(path, url), {
    redirect: "manual",
    signal: AbortSignal.timeout(15_000),
    ...init,
  });
  const text = await response.text();
  let json: Seen["json"] = null;
  try {
    json = JSON.parse(text) as Seen["json"];
  } catch {
    // Reported by the check that reads it.
  }
  return { response, text, json };
}

const answered = ({ response, text }: Seen): string =>
  `it answers ${response.status}: ${text.slice(0, 200).replaceAll(/\s+/g, " ") || "(nothing)"}`;

/** Cloudflare Access asks a stranger to sign in, before the request reaches the Worker. */
const isAccess = ({ headers }: Response): boolean => {
  const location = URL.parse(headers.get("Location") ?? "");
  return location !== null && location.hostname.endsWith(".cloudflareaccess.com");
};

const healthy =
  (path: string, remedy: string) =>
  async (url: string): Promise<string | null> => {
    const seen = await ask(url, path);
    // degraded: a job failed before, perhaps what this very deployment mends.
    return seen.response.ok && ["ok", "degraded"].includes(String(seen.json?.["status"]))
      ? null
      : `${answered(seen)}. ${remedy}`;
  };

const isPublicKey = (key: Record<string, unknown>): boolean => key["crv"] === "Ed25519" && !("d" in key);

async function publishedKeys(url: string): Promise<string | null> {
  const seen = await ask(url, "/.well-known/jwks.json");
  const keys = seen.json?.["keys"];
  if (!seen.response.ok || !Array.isArray(keys) || keys.length === 0) return answered(seen);
  return (keys as Record<string, unknown>[]).every(isPublicKey)
    ? null
    : "a key in it is not a public Ed25519 key";
}

async function ownAddress(url: string): Promise<string | null> {
  const seen = await ask(url, "/openapi.json");
  const [server] = (seen.json?.["servers"] ?? []) as { url?: string }[];
  if (!seen.response.ok || server?.url === undefined) return answered(seen);
  return server.url === url ? null : `ISSUER is ${server.url}, but the service is at ${url}`;
}

async function noStrangers(url: string): Promise<string | null> {
  const seen = await ask(url, "/v1/admin/me");
  const { response, json } = seen;
  if (isAccess(response)) return null;
  return response.status === 401 && json?.["code"] === "UNAUTHENTICATED" ? null : answered(seen);
}

async function refusesBadKeys(url: string): Promise<string | null> {
  const seen = await ask(url, "/v1/activate", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ license_key: "not.a.key", instance_id: "smoke-test" }),
  });
  return seen.response.status === 400 && seen.json?.["code"] === "LICENSE_KEY_INVALID"
    ? null
    : answered(seen);
}

async function consoleDoor(url: string): Promise<string | null> {
  const seen = await ask(url, "/admin");
  const location = seen.response.headers.get("Location") ?? "";
  return isAccess(seen.response) || location.includes("/admin/sign-in") ? null : answered(seen);
}

const CHECKS: Check[] = [
  ["/healthz answers", healthy("/healthz", "A variable or secret may be wrong: npx wrangler tail names it.")],
  ["/readyz reaches the migrated database", healthy("/readyz", "Apply the migrations: npm run deploy.")],
  ["/.well-known/jwks.json publishes the keys, and nothing private", publishedKeys],
  ["/openapi.json names this address as its own", ownAddress],
  ["/v1/admin lets no stranger in", noStrangers],
  ["/v1/activate refuses what is no license key", refusesBadKeys],
  ["/admin asks to sign in", consoleDoor],
];

/** @returns null once the version answers, or what answered instead for a minute */
async function awaitVersion(url: string, version: string, patience: number): Promise<string | null> {
  for (const deadline = Date.now() + patience; ; await sleep(2_000)) {
    const found = await ask(url, "/healthz").then(
      ({ response }) => response.headers.get("X-Worker-Version"),
      (error: unknown) => String(error),
    );
    if (found === version) return null;
    if (Date.now() > deadline)
      return `in place of ${version} there is ${found ?? "a service without a version"}`;
  }
}

/** Runs every check, even after a failed one. `patience` is how long to wait for the version. */
export async function smoke(address: string, version?: string, patience = 60_000): Promise<Finding[]> {
  const url = address.replace(/\/+$/, "");
  const findings: Finding[] = [];
  if (version !== undefined)
    findings.push({
      what: `the version that answers is ${version}`,
      fault: await awaitVersion(url, version, patience),
    });
  for (const [what, look] of CHECKS)
    findings.push({ what, fault: await look(url).catch((error: unknown) => reasonOf(error)) });
  return findings;
}

/** Prints the findings. @returns whether there is no fault */
export function tell(findings: Finding[]): boolean {
  for (const { what, fault } of findings)
    process.stdout.write(fault === null ? `  ok      ${what}\n` : `  FAILED  ${what}: ${fault}\n`);
  return findings.every(({ fault }) => fault === null);
}

async function main(): Promise<number> {
  const { values, positionals } = commandLine(USAGE, {
    allowPositionals: true,
    options: { version: { type: "string" } },
  });
  const [url] = positionals;
  if (url === undefined || positionals.length > 1) wrongUsage(USAGE, "One URL is needed.");
  if (!/^https?:\/\//.test(url) || !URL.canParse(url)) wrongUsage(USAGE, `${url} is no address.`);
  return tell(await smoke(url, values.version)) ? 0 : 1;
}

if (import.meta.main) await runCommand(main);
