// Two Workers, or one on two databases, against each other in alternating short slices of as many requests each,
// so that whatever else the machine does falls on both alike.
import type { Callers, Call, Length, Slice } from "./load.ts";
import { cpuSecondsOf } from "./house.ts";

export interface Side {
  callers: Callers;
  /** The process whose CPU time is read. */
  pid: number;
  next: () => Call;
  status: number;
  /** Puts the database back to where a slice starts. */
  before?: (() => Promise<unknown>) | undefined;
}

interface Measure {
  requests: number;
  perSecond: number;
  p50: number;
  p99: number;
  /** Milliseconds that workerd was busy for one request: Worker, D1 and HTTP together. */
  cpu: number;
}

export interface Comparison {
  app: Measure;
  floor: Measure | null;
  /** Requests per second of the clock, the app's over the floor's. */
  byClock: Ratio | null;
  /**
   * The same per second that workerd was running: what it is where nobody else wants the machine. Not numbers where
   * the system does not tell.
   */
  byCpu: Ratio | null;
}

/** The median of all pairs of slices, and the quartiles. */
export interface Ratio {
  median: number;
  low: number;
  high: number;
}

const ratioOf = (ratios: number[]): Ratio => ({
  median: median(ratios),
  low: quantile(ratios, 0.25),
  high: quantile(ratios, 0.75),
});

export interface Effort {
  pairs: number;
  /** How long a slice of the app takes where nobody else wants the machine. */
  milliseconds: number;
  /** The least number of requests of a slice. Fewer than these would measure how the callers start and end. */
  fewest?: number;
}

const quantile = (values: number[], q: number): number => {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
};

const median = (values: number[]): number => quantile(values, 0.5);

interface Timed extends Slice {
  cpu: number;
}

async function timed(side: Side, length: Length): Promise<Timed> {
  await side.before?.();
  const before = cpuSecondsOf(side.pid);
  const slice = await side.callers.run(side.next, side.status, length);
  return { ...slice, cpu: cpuSecondsOf(side.pid) - before };
}

const WARM_UPS = 3;

const FEWEST = 64;

function measure(slices: Timed[]): Measure {
  const latencies = slices.flatMap((slice) => slice.latencies);
  return {
    requests: latencies.length,
    perSecond: median(slices.map(({ requests, seconds }) => requests / seconds)),
    p50: median(latencies),
    p99: quantile(latencies, 0.99),
    cpu: (1000 * slices.reduce((sum, { cpu }) => sum + cpu, 0)) / latencies.length,
  };
}

export async function compare(
  app: Side,
  floor: Side | null,
  { pairs, milliseconds, fewest = FEWEST }: Effort,
): Promise<Comparison> {
  const sides = floor ? [app, floor] : [app];
  let times = fewest;
  // Until the code is compiled and the caches are warm.
  for (const side of sides) {
    for (let n = 0; n < WARM_UPS; n++) {
      const { requests, seconds, cpu } = await timed(side, { milliseconds });
      const each = Number.isNaN(cpu) ? seconds : cpu;
      if (side === app) times = Math.max(fewest, Math.round((milliseconds / 1000 / each) * requests));
    }
  }
  const apps: Timed[] = [];
  const floors: Timed[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    // Who goes first changes, so that neither gains by what the other leaves behind.
    const order = pair % 2 === 0 ? sides : sides.toReversed();
    for (const side of order) (side === app ? apps : floors).push(await timed(side, { times }));
  }
  const ratio = (time: (slice: Timed) => number): Ratio | null =>
    floor &&
    ratioOf(floors.map((slice, n) => apps[n]!.requests / time(apps[n]!) / (slice.requests / time(slice))));
  return {
    app: measure(apps),
    floor: floor && measure(floors),
    byClock: ratio(({ seconds }) => seconds),
    byCpu: ratio(({ cpu }) => cpu),
  };
}
