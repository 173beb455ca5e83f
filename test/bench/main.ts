// `npm run bench`: what each operation costs on D1, how it does against a bare Worker, and whether it grows.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { loadedAtOnce, whole } from "../../src/dev/bundle/bundle.ts";
import { commandLine, wrongUsage } from "../../src/dev/command.ts";
import type { Effort } from "./compare.ts";
import { bundleAll, ENTRIES, SCRATCH } from "./house.ts";
import { type Growth, type JobRow, measureAll, measureGrowth, measureJobs, type Row } from "./measure.ts";
import { bundleTable, growthFaults, growthTable, headOf, jobTable, rowLine } from "./report.ts";
import type { Size } from "./seed.ts";
import { startupOf } from "./startup.ts";
import type { Operation, World } from "./operations.ts";
import { buildWorld, endWorld } from "./world.ts";

const USAGE = `Usage: npm run bench -- [options]

  --licenses N,…   sizes of the database (1000; the full run is 1000,100000,1000000)
  --only TEXT      the operations whose name holds this
  --pairs N        pairs of slices per operation (40)
  --slice MS       length of a slice (80)
  --json FILE      where the figures go (.wrangler/bench.json)

Ends with status 1 where a budget or a target is missed.`;

const { values } = commandLine(USAGE, {
  options: {
    licenses: { type: "string", default: "1000" },
    only: { type: "string" },
    pairs: { type: "string", default: "40" },
    slice: { type: "string", default: "80" },
    json: { type: "string", default: join(SCRATCH, "../bench.json") },
  },
});

/** What the jobs work on: where the database is smaller, they get one of their own. */
const DUE = 20_000;
const BULK = 10_000;
const JOBS_FROM = 100_000;

const { only } = values;

const counts = values.licenses.split(",").map(Number);
if (![...counts, Number(values.pairs), Number(values.slice)].every((n) => Number.isInteger(n) && n > 0))
  wrongUsage(USAGE, "--licenses, --pairs and --slice take whole numbers.");

interface Part {
  licenses: number;
  rows: Row[];
  growth: Growth[];
  jobs: JobRow[];
}

const sizeOf = (licenses: number): Size =>
  licenses >= JOBS_FROM ? { licenses, due: DUE, bulk: BULK } : { licenses, due: 0, bulk: 0 };

async function measureSize(
  world: World,
  size: Size,
  smallest: World | undefined,
  effort: Effort,
): Promise<Part> {
  const { licenses, due, bulk } = size;
  // First, since the night also seals what the operations do.
  const jobs = due > 0 && only === undefined ? await measureJobs(world, due, bulk) : [];
  const rows = await measureOperations(
    world,
    licenses,
    ({ name, bulk: needed }) => name.includes(only ?? "") && (bulk > 0 || needed === undefined),
    effort,
  );
  const growth = smallest && only === undefined ? await measureGrowth(smallest, world, effort) : [];
  return { licenses, rows, growth, jobs };
}

function measureOperations(
  world: World,
  licenses: number,
  isMeasured: (operation: Operation) => boolean,
  effort: Effort,
): Promise<Row[]> {
  console.log(headOf(licenses));
  return measureAll(world, isMeasured, effort, (row) => console.log(rowLine(row)));
}

/** What takes a database with much to do, where the sizes asked for are smaller. */
async function bulkAlone(effort: Effort): Promise<Part> {
  const size: Size = { licenses: DUE + BULK + 1_000, due: DUE, bulk: BULK };
  const world = await buildWorld(size);
  const jobs = await measureJobs(world, DUE, BULK);
  const rows = await measureOperations(world, size.licenses, ({ bulk }) => bulk !== undefined, effort);
  await endWorld(world, size);
  return { licenses: size.licenses, rows, growth: [], jobs };
}

/** The first size, the smallest, stays: the others are measured against it. */
async function measureSizes(sizes: Size[], effort: Effort): Promise<Part[]> {
  const parts: Part[] = [];
  let smallest: World | undefined;
  for (const size of sizes) {
    const world = await buildWorld(size);
    parts.push(await measureSize(world, size, smallest, effort));
    if (smallest) await endWorld(world, size);
    else smallest = world;
  }
  if (smallest) await endWorld(smallest, sizes[0]!);
  return parts;
}

/** What the figures were measured on. */
function machine() {
  const workerd = JSON.parse(
    readFileSync(join(import.meta.dirname, "../../node_modules/workerd/package.json"), "utf8"),
  ) as { version: string };
  const commit = execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim();
  return { cores: cpus().length, node: process.version, workerd: workerd.version, commit };
}

async function main(): Promise<void> {
  const effort: Effort = { pairs: Number(values.pairs), milliseconds: Number(values.slice) };
  const app = await bundleAll();
  const sizes = { kib: whole(app).kibGzip, atOnceKib: loadedAtOnce(app, ENTRIES.app).kibGzip };
  const startup = startupOf();
  console.log(bundleTable(app.metafile, sizes, startup));

  const alone = only === undefined ? [await bulkAlone(effort)] : [];
  const measured = await measureSizes(counts.map(sizeOf), effort);
  const parts = [...alone, ...measured];
  if (only === undefined) console.log(jobTable(parts));
  const growth = growthTable(measured);
  if (growth !== "") console.log(growth);

  const report = { machine: machine(), at: new Date().toISOString(), bundle: sizes, startup, parts };
  writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
  console.log(`\nWritten to ${values.json}`);
  const faults = parts.flatMap((part) =>
    part.rows.flatMap((row) => row.faults.map((fault) => `${part.licenses} licenses, ${row.name}: ${fault}`)),
  );
  faults.push(...growthFaults(parts));
  for (const fault of faults) console.error(`low: ${fault}`);
  if (faults.length > 0) process.exitCode = 1;
}

await main();
