// `npm run torture`: attack, load and failure, as long as they take to be believed, and a table of what they found.
import { randomInt } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { commandLine, wrongUsage } from "../../src/dev/command.ts";
import { crash } from "./crash.ts";
import { SCRATCH } from "./house.ts";
import { type Part, tableOf } from "./report.ts";
import { suites } from "./suites.ts";

const USAGE = `Usage: npm run torture -- [options]

  --short          a minute in place of ten: what \`npm test\` does not run, and little of it
  --only PART,…    documents, fuzz, console, site, access, faults, races, crash
  --rounds N       rounds of crash and races (50 and 100; 2 and 4 with --short)
  --seed N         what chance begins with (else chosen, and printed); chooses what is asked and when it is
                   killed, not what the machine does meanwhile
  --json FILE      where the figures go (.wrangler/torture.json)

Ends with status 1 where anything was found.`;

const { values } = commandLine(USAGE, {
  options: {
    short: { type: "boolean", default: false },
    only: { type: "string" },
    rounds: { type: "string" },
    seed: { type: "string" },
    json: { type: "string", default: join(SCRATCH, "../torture.json") },
  },
});

/** From the OpenAPI document, and half as many from each of the tables of pages and forms. */
const FUZZ_REQUESTS = 50_000;

interface Plan {
  name: string;
  /** Whether `npm test` runs it already, with less. */
  isTested: boolean;
  run(): Promise<Part>;
}

function plans(seed: number, short: boolean, rounds: number | null): Plan[] {
  const fuzz = (requests: number) => ({ FUZZ_REQUESTS: requests, FUZZ_SEED: seed });
  const races = { RACE_ROUNDS: rounds ?? (short ? 4 : 100), RACE_SEED: seed };
  const tested = (name: string, run: () => Promise<Part>): Plan => ({ name, isTested: true, run });
  return [
    tested("documents", () => suites("documents", ["test/crypto/forged-documents"])),
    tested("fuzz", () => suites("fuzz", ["test/http/fuzz"], fuzz(FUZZ_REQUESTS))),
    tested("console", () => suites("console", ["test/http/console/fuzz"], fuzz(FUZZ_REQUESTS / 2))),
    tested("site", () => suites("site", ["test/http/portal/fuzz"], fuzz(FUZZ_REQUESTS / 2))),
    tested("access", () =>
      suites("access", ["test/access/doors", "test/access/brakes", "test/access/strangers"]),
    ),
    tested("faults", () => suites("faults", ["faults.spec"], { FAULTS: "all" })),
    { name: "races", isTested: false, run: () => suites("races", ["races.spec"], races) },
    { name: "crash", isTested: false, run: () => crash(rounds ?? (short ? 2 : 50), seed) },
  ];
}

async function main(): Promise<void> {
  const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed);
  const rounds = values.rounds === undefined ? null : Number(values.rounds);
  const only = values.only?.split(",");
  const all = plans(seed, values.short, rounds);
  const unknown = only?.filter((name) => !all.some((plan) => plan.name === name)) ?? [];
  if (unknown.length > 0) wrongUsage(USAGE, `--only ${unknown.join(",")}: there is no such part.`);
  if (![seed, rounds ?? 1].every((n) => Number.isInteger(n) && n >= 0))
    wrongUsage(USAGE, "--rounds and --seed take a whole number.");
  const chosen = all.filter(({ name, isTested }) => only?.includes(name) ?? !(values.short && isTested));
  console.log(`seed ${seed}`);
  const parts: (Part & { seconds: number })[] = [];
  for (const { name, ...plan } of chosen) {
    const started = performance.now();
    const part = await plan.run().catch((error: unknown): Part => ({
      name,
      figures: {},
      faults: [error instanceof Error ? (error.stack ?? error.message) : String(error)],
    }));
    const seconds = (performance.now() - started) / 1_000;
    parts.push({ ...part, seconds });
    console.log(`${part.faults.length === 0 ? "ok" : "FAULTY"} ${name} (${Math.round(seconds)} s)`);
    for (const fault of part.faults.slice(0, 20)) console.error(`  ${fault}`);
  }
  console.log(`\n${tableOf(parts)}`);
  mkdirSync(dirname(values.json), { recursive: true });
  writeFileSync(values.json, `${JSON.stringify({ at: new Date().toISOString(), seed, parts }, null, 2)}\n`);
  console.log(`\nWritten to ${values.json}`);
  process.exitCode = parts.every(({ faults }) => faults.length === 0) ? 0 : 1;
}

await main();
