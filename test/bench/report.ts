// The figures as tables, as docs/performance.md takes them.
import type { Metafile } from "esbuild";
import type { Ratio } from "./compare.ts";
import { type Growth, type JobRow, ratioThatCounts, type Row } from "./measure.ts";
import { OPERATIONS } from "./operations.ts";

interface Part {
  licenses: number;
  rows: Row[];
  growth: Growth[];
  jobs: JobRow[];
}

const WIDTHS = [40, 5, 6, 7, 6, 6, 6, 6, 6, 16, 4, 3];

const line = (cells: string[]): string =>
  `| ${cells.map((cell, n) => (n === 0 ? cell.padEnd(WIDTHS[0]!) : cell.padStart(WIDTHS[n]!))).join(" | ")} |`;

const head = (cells: string[]): string => `${line(cells)}\n|${"---|".repeat(cells.length)}`;

export const headOf = (licenses: number): string =>
  `\n${licenses} licenses\n\n${head([
    "operation",
    "trips",
    "read",
    "written",
    "req/s",
    "p50 ms",
    "p99 ms",
    "CPU ms",
    "floor",
    "of the floor",
    "goal",
    "",
  ])}`;

const ratioText = (ratio: Ratio | null): string =>
  ratio ? `${ratio.median.toFixed(2)} (${ratio.low.toFixed(2)}–${ratio.high.toFixed(2)})` : "–";

/** A row: the last cells are the ratio to the floor with its quartiles, the goal, and ok or low. */
export function rowLine({ name, cost, comparison, faults }: Row): string {
  const { target, budget } = OPERATIONS.find((operation) => operation.name === name)!;
  const { app, floor } = comparison;
  return line([
    name,
    String(cost.trips),
    String(cost.read),
    String(cost.written),
    app.perSecond.toFixed(0),
    app.p50.toFixed(2),
    app.p99.toFixed(2),
    app.cpu.toFixed(3),
    floor ? floor.cpu.toFixed(3) : "–",
    ratioText(ratioThatCounts(comparison)),
    target === undefined ? "–" : String(target),
    target === undefined && budget === undefined ? "" : faults.length > 0 ? "low" : "ok",
  ]);
}

export const jobTable = (parts: Part[]): string =>
  [
    "\nJobs\n",
    head(["job", "trips", "read", "written", "seconds"]),
    ...parts.flatMap(({ licenses, jobs }) =>
      jobs.map(({ name, cost, seconds }) =>
        line([
          `${name}, of ${licenses}`,
          String(cost.trips),
          String(cost.read),
          String(cost.written),
          seconds.toFixed(1),
        ]),
      ),
    ),
  ].join("\n");

/** The most that p50 may grow, and what the jobs read. */
const MOST_GROWTH = 1.15;

export function growthTable(parts: Part[]): string {
  const smallest = parts.find(({ rows }) => rows.length > 0);
  const grown = parts.filter(({ growth }) => growth.length > 0);
  if (!smallest || grown.length === 0) return "";
  return [
    `\nGrowth, as a multiple of what it takes at ${smallest.licenses}\n`,
    head(["operation", "read", "p50", "CPU"]),
    ...grown.flatMap(({ licenses, rows, growth }) =>
      growth.map(({ name, p50, cpu }) => {
        const [before, after] = [smallest.rows, rows].map(
          (all) => all.find((row) => row.name === name)!.cost.read,
        );
        const read = after! / Math.max(1, before!);
        return line([`${name}, ${licenses}`, read.toFixed(2), p50.toFixed(2), ratioText(cpu)]);
      }),
    ),
  ].join("\n");
}

export const growthFaults = (parts: Part[]): string[] => [
  ...parts.flatMap(({ licenses, growth }) =>
    growth
      .filter(({ p50 }) => p50 > MOST_GROWTH)
      .map(
        ({ name, p50, cpu }) =>
          `${name} grows: ${p50.toFixed(2)} (CPU ${cpu.median.toFixed(2)}) at ${licenses}`,
      ),
  ),
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
