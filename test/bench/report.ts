// The figures as tables: for the terminal, and as docs/performance.md takes them.
import type { Metafile } from "esbuild";
import type { Against, Ratio } from "./compare.ts";
import { type Growth, type JobRow, ratioThatCounts, type Row } from "./measure.ts";
import { type Operation, OPERATIONS } from "./operations.ts";
import type { Rivalry } from "./rivals.ts";
import type { Crowded } from "./seats.ts";

export interface Part {
  licenses: number;
  rows: Row[];
  growth: Growth[];
  jobs: JobRow[];
  rivals: Rivalry[];
  seats: Crowded[];
}

export interface Table {
  head: string[];
  rows: string[][];
}

const FIRST_WIDTH = 40;

const aligned = (cells: string[], head: string[]): string =>
  `| ${cells.map((cell, n) => (n === 0 ? cell.padEnd(FIRST_WIDTH) : cell.padStart(head[n]!.length))).join(" | ")} |`;

/** A table in Markdown; aligned as well as narrow columns allow, for a terminal. */
export const alignedTable = ({ head, rows }: Table): string =>
  [aligned(head, head), `|${"---|".repeat(head.length)}`, ...rows.map((row) => aligned(row, head))].join(
    "\n",
  );

export const plainTable = ({ head, rows }: Table): string =>
  [
    `| ${head.join(" | ")} |`,
    `|${"---|".repeat(head.length)}`,
    ...rows.map((row) => `| ${row.join(" | ")} |`),
  ].join("\n");

const HEAD = [
  "operation",
  "trips",
  "read",
  "written",
  "req/s",
  "p50 ms",
  "p99 ms",
  "CPU ms",
  "floor's CPU ms",
  "of the floor",
  "of the floor that signs",
  "goal",
];

export const headLine = (): string => alignedTable({ head: HEAD, rows: [] });

const ratioText = (ratio: Ratio | null): string =>
  ratio ? `${ratio.median.toFixed(2)} (${ratio.low.toFixed(2)}–${ratio.high.toFixed(2)})` : "–";

const againstText = (against: Against | null): string => ratioText(against && ratioThatCounts(against));

/** The goal as the table says it: met or not. */
const goalText = ({ target, mostCpu }: Operation, { faults }: Row): string => {
  const goal = target ?? (mostCpu === undefined ? "" : `${mostCpu} ms`);
  return [goal, ...(faults.length > 0 ? ["missed"] : [])].filter((word) => word !== "").join(", ") || "–";
};

function cellsOf(row: Row): string[] {
  const { name, cost, app, floor, signing } = row;
  const operation = OPERATIONS.find((one) => one.name === name)!;
  return [
    name,
    String(cost.trips),
    String(cost.read),
    String(cost.written),
    app.perSecond.toFixed(0),
    app.p50.toFixed(1),
    app.p99.toFixed(0),
    app.cpu.toFixed(2),
    floor ? floor.measure.cpu.toFixed(2) : "–",
    againstText(floor),
    againstText(signing),
    goalText(operation, row),
  ];
}

export const rowLine = (row: Row): string => aligned(cellsOf(row), HEAD);

export const figureTable = (rows: Row[]): Table => ({ head: HEAD, rows: rows.map(cellsOf) });

export const jobTable = (parts: Part[]): Table => ({
  head: ["job", "licenses", "trips", "read", "written"],
  rows: parts.flatMap(({ licenses, jobs }) =>
    jobs.map(({ name, cost }) => [
      name,
      String(licenses),
      String(cost.trips),
      String(cost.read),
      String(cost.written),
    ]),
  ),
});

/** The most that p50 may grow, and what the jobs read. */
const MOST_GROWTH = 1.15;

/** What each operation takes at the largest size, as a multiple of the smallest; null where there is one size only. */
export function growthTable(parts: Part[]): Table | null {
  const smallest = parts.find(({ rows }) => rows.length > 0);
  const grown = parts.filter(({ growth }) => growth.length > 0);
  if (!smallest || grown.length === 0) return null;
  return {
    head: ["operation", "licenses", `rows read at ${smallest.licenses}`, "rows read", "p50", "CPU"],
    rows: grown.flatMap(({ licenses, rows, growth }) =>
      growth.map(({ name, p50, cpu }) => {
        const [before, after] = [smallest.rows, rows].map(
          (all) => all.find((row) => row.name === name)!.cost.read,
        );
        return [name, String(licenses), String(before), String(after), p50.toFixed(2), ratioText(cpu)];
      }),
    ),
  };
}

/** The same for licenses with few and many seats. */
export const seatTable = (parts: Part[]): Table => ({
  head: ["operation", "rows read at 5 seats", "at 50 000 seats", "p50", "CPU"],
  rows: parts.flatMap(({ seats }) =>
    seats.map(({ name, few, many, p50, cpu }) => [
      name,
      String(few.read),
      String(many.read),
      p50.toFixed(2),
      ratioText(cpu),
    ]),
  ),
});

const perCpuSecond = (n: number | null): string =>
  n === null ? "–" : n.toLocaleString("en-US", { maximumSignificantDigits: 3 });

/** Requests per second of CPU. */
export const rivalTable = (parts: Part[]): Table => ({
  head: ["operation", "licenses", "the first plan", "a bare Worker", "the service"],
  rows: parts.flatMap(({ licenses, rivals }) =>
    rivals.map(({ name, plan, bare, service }) => [
      name,
      licenses.toLocaleString("en-US"),
      ...[plan, bare, service].map(perCpuSecond),
    ]),
  ),
});

export const growthFaults = (parts: Part[]): string[] => [
  ...parts.flatMap(({ licenses, growth, seats }) => [
    ...growth
      .filter(({ p50 }) => p50 > MOST_GROWTH)
      .map(
        ({ name, p50, cpu }) =>
          `${name} grows: ${p50.toFixed(2)} (CPU ${cpu.median.toFixed(2)}) at ${licenses} licenses`,
      ),
    ...seats
      .filter(({ few, many, cpu }) => many.read > few.read || cpu.median > MOST_GROWTH)
      .map(
        ({ name, few, many, cpu }) =>
          `${name} grows with the seats: CPU ${cpu.median.toFixed(2)}, rows read ${few.read} and ${many.read}`,
      ),
  ]),
  ...jobGrowthFaults(parts),
];

/** What is to be done is as much at any size, so what is read for it must not grow either. */
function jobGrowthFaults(parts: Part[]): string[] {
  const [first, ...others] = parts.filter(({ jobs }) => jobs.length > 0);
  return others.flatMap(({ licenses, jobs }) =>
    jobs
      .map(({ name, cost }, n) => ({ name, growth: cost.read / first!.jobs[n]!.cost.read }))
      .filter(({ growth }) => growth > MOST_GROWTH)
      .map(({ name, growth }) => `${name} reads ${growth.toFixed(2)} times as much at ${licenses}`),
  );
}

const SHOWN = 12;

/** What the bundle is made of: packages of node_modules, and our own folders. */
export function bundleTable(
  { outputs }: Metafile,
  { kib, atOnceKib }: { kib: number; atOnceKib: number },
  startup: number | null,
): string {
  const sums = new Map<string, number>();
  for (const { inputs } of Object.values(outputs)) {
    for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
      const owner = /node_modules\/((?:@[^/]+\/)?[^/]+)(?!.*node_modules)/.exec(path)?.[1];
      const name = owner ?? /(src\/[^/]+)/.exec(path)?.[1] ?? "other";
      sums.set(name, (sums.get(name) ?? 0) + bytesInOutput);
    }
  }
  return [
    `Bundle: ${kib.toFixed(1)} KiB gzip, ${atOnceKib.toFixed(1)} of it at once. Start-up: ${startup?.toFixed(1) ?? "?"} ms busy. Minified KiB of:`,
    ...[...sums]
      .toSorted(([, a], [, b]) => b - a)
      .slice(0, SHOWN)
      .map(([name, bytes]) => `  ${name.padEnd(28)}${(bytes / 1024).toFixed(1).padStart(8)}`),
  ].join("\n");
}
