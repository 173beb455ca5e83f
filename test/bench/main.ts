// `npm run bench`: what each operation costs on D1, how it does against a bare Worker, and whether it grows.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { loadedAtOnce, whole } from "../../src/dev/bundle/bundle.ts";
import { commandLine, wrongUsage } from "../../src/dev/command.ts";
import type { Effort } from "./compare.ts";
import { bundleAll, ENTRIES, SCRATCH } from "./house.ts";
import { writeDocs } from "./docs.ts";
import { measureAll, measureGrowth, measureJobs, type Row } from "./measure.ts";
import { type Operation, OPERATIONS, type World } from "./operations.ts";
import {
  alignedTable,
  bundleTable,
  figureTable,
  growthFaults,
  growthTable,
  headLine,
  jobTable,
  type Part,
  plainTable,
  rivalTable,
  rowLine,
  seatTable,
  type Table,
} from "./report.ts";
import { measureRivals } from "./rivals.ts";
import { measureSeats } from "./seats.ts";
import type { Size } from "./seed.ts";
import { startupOf } from "./startup.ts";
import { buildWorld, endWorld } from "./world.ts";

const USAGE = `Usage: npm run bench -- [options]

  --licenses N,…   sizes of the database (1000; the full run is 1000,100000,1000000)
  --only TEXT      the operations whose name holds this
  --pairs N        pairs of slices per operation (40)
  --slice MS       length of a slice (80)
  --json FILE      where the figures go (.wrangler/bench.json)

Puts its tables into docs/performance.md, and ends with status 1 where a budget or a goal is missed.`;

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
const LARGE = 100_000;

/** Fewer pairs say too little for the page. */
const PAIRS_OF_DOCS = 40;

const { only } = values;

const counts = values.licenses.split(",").map(Number);
if (![...counts, Number(values.pairs), Number(values.slice)].every((n) => Number.isInteger(n) && n > 0))
  wrongUsage(USAGE, "--licenses, --pairs and --slice take whole numbers.");

const sizeOf = (licenses: number): Size =>
  licenses >= LARGE ? { licenses, due: DUE, bulk: BULK } : { licenses, due: 0, bulk: 0 };

const say = (title: string, table: Table | null): void => {
  if (table && table.rows.length > 0) console.log(`\n${title}\n\n${alignedTable(table)}`);
};

/** The first size, the smallest, stays: the others are measured against it. */
async function measureSizes(sizes: Size[], effort: Effort): Promise<Part[]> {
  const parts: Part[] = [];
  let smallest: World | undefined;
  for (const size of sizes) {
    const world = await buildWorld(size);
    parts.push(await measureSize(world, size, smallest, effort));
    if (smallest) await endWorld(world);
    else smallest = world;
  }
  if (smallest && only === undefined) parts[0]!.seats = await measureSeats(smallest, effort);
  if (smallest) await endWorld(smallest);
  return parts;
}

async function measureSize(
  world: World,
  { licenses, due, bulk }: Size,
  smallest: World | undefined,
  effort: Effort,
): Promise<Part> {
  const isAll = only === undefined;
  // First, since the night also seals what the operations do.
  const jobs = due > 0 && isAll ? await measureJobs(world, due, bulk) : [];
  const rows = await measureOperations(
    world,
    licenses,
    ({ name, bulk: needed }) => name.includes(only ?? "") && (bulk > 0 || needed === undefined),
    effort,
  );
  const growth = smallest && isAll ? await measureGrowth(smallest, world, effort) : [];
  const rivals = isAll && licenses <= LARGE ? await measureRivals(world) : [];
  return { licenses, rows, growth, jobs, rivals, seats: [] };
}

function measureOperations(
  world: World,
  licenses: number,
  isMeasured: (operation: Operation) => boolean,
  effort: Effort,
): Promise<Row[]> {
  console.log(`\n${licenses} licenses\n\n${headLine()}`);
  return measureAll(world, isMeasured, effort, (row) => console.log(rowLine(row)));
}

/** What takes a large database, where the sizes asked for are smaller. */
async function largeAlone(effort: Effort): Promise<Part> {
  const size = sizeOf(LARGE);
  const world = await buildWorld(size);
  const jobs = await measureJobs(world, DUE, BULK);
  const rows = await measureOperations(world, LARGE, ({ bulk }) => bulk !== undefined, effort);
  const rivals = await measureRivals(world);
  await endWorld(world);
  return { licenses: LARGE, rows, growth: [], jobs, rivals, seats: [] };
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
  const started = performance.now();
  const effort: Effort = { pairs: Number(values.pairs), milliseconds: Number(values.slice) };
  const app = await bundleAll();
  const sizes = { kib: whole(app).kibGzip, atOnceKib: loadedAtOnce(app, ENTRIES.app).kibGzip };
  const startup = startupOf();
  console.log(bundleTable(app.metafile, sizes, startup));

  const measured = await measureSizes(counts.map(sizeOf), effort);
  const isLargeMissing = only === undefined && counts.every((count) => count < LARGE);
  const parts = isLargeMissing ? [...measured, await largeAlone(effort)] : measured;
  const tables = {
    jobs: jobTable(parts),
    growth: growthTable(measured),
    seats: seatTable(parts),
    rivals: rivalTable(parts),
  };
  say("Jobs", tables.jobs);
  say("Growth", tables.growth);
  say("Growth with the seats of a license", tables.seats);
  say("Requests per second of CPU", tables.rivals);

  const on = machine();
  const report = { machine: on, at: new Date().toISOString(), bundle: sizes, startup, parts };
  writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
  console.log(`\nWritten to ${values.json}`);
  const faults = parts.flatMap((part) =>
    part.rows.flatMap((row) => row.faults.map((fault) => `${part.licenses} licenses, ${row.name}: ${fault}`)),
  );
  faults.push(...growthFaults(parts));
  if (only === undefined && effort.pairs >= PAIRS_OF_DOCS) {
    const { growth, ...others } = tables;
    const rows = [...measured[0]!.rows, ...parts.slice(1).flatMap((part) => part.rows.filter(isBulk))];
    writeDocs({
      machine: machineText(on, effort, report.at),
      figures: plainTable(figureTable(rows)),
      ...Object.fromEntries(Object.entries(others).map(([name, table]) => [name, plainTable(table)])),
      ...(growth === null ? {} : { growth: plainTable(growth) }),
      goals: faults.length === 0 ? "All goals are met." : faults.map((fault) => `- ${fault}`).join("\n"),
    });
    console.log("The tables are in docs/performance.md.");
  }
  console.log(`It took ${((performance.now() - started) / 60_000).toFixed(1)} minutes.`);
  for (const fault of faults) console.error(`missed: ${fault}`);
  if (faults.length > 0) process.exitCode = 1;
}

/** Whether an operation is measured on a large database only. */
const isBulk = ({ name }: Row): boolean =>
  OPERATIONS.some((operation) => operation.name === name && operation.bulk !== undefined);

const machineText = (
  { cores, node, workerd, commit }: Machine,
  { pairs, milliseconds }: Effort,
  at: string,
) =>
  `Measured on ${at.slice(0, 10)} at ${commit}: ${cores} cores, workerd ${workerd}, Node ${node.slice(1)}, ${counts[0]!.toLocaleString("en-US")} licenses, ${pairs} pairs of ${milliseconds} ms. CPU is that of the whole process, including the database.`;

type Machine = ReturnType<typeof machine>;

await main();
