// Workers, or one on two databases, against each other in alternating short slices of as many requests each, so that
// whatever else the machine does falls on all of them alike.
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

export interface Measure {
  requests: number;
  perSecond: number;
  p50: number;
  p99: number;
  /** Milliseconds that workerd was busy for one request: Worker, D1 and HTTP together. */
  cpu: number;
}

export interface Comparison {
  app: Measure;
  /** What it is compared with, in the order in which that was given. */
  against: Against[];
}

export interface Against {
  measure: Measure;
  /** Requests per second of the clock, the app's over this one's. */
  byClock: Ratio;
  /**
   * The same per second that the process was running: what it is where nobody else wants the machine. Not numbers
   * where the system does not tell.
   */
  byCpu: Ratio;
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

export interface Timed extends Slice {
  cpu: number;
}

export async function timed(side: Side, length: Length): Promise<Timed> {
  await side.before?.();
  const before = cpuSecondsOf(side.pid);
  const slice = await side.callers.run(side.next, side.status, length);
  return { ...slice, cpu: cpuSecondsOf(side.pid) - before };
}

const WARM_UPS = 3;

const FEWEST = 64;

export function measure(slices: Timed[]): Measure {
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
  others: Side[],
  { pairs, milliseconds, fewest = FEWEST }: Effort,
): Promise<Comparison> {
  const sides = [app, ...others];
  let times = fewest;
  // Until the code is compiled and the caches are warm.
  for (const side of sides) {
    for (let n = 0; n < WARM_UPS; n++) {
      const { requests, seconds, cpu } = await timed(side, { milliseconds });
      const each = Number.isNaN(cpu) ? seconds : cpu;
      if (side === app) times = Math.max(fewest, Math.round((milliseconds / 1000 / each) * requests));
    }
  }
  const taken = new Map<Side, Timed[]>(sides.map((side) => [side, []]));
  for (let pair = 0; pair < pairs; pair++) {
    // Who goes first changes, so that none gains by what another leaves behind.
    const order = pair % 2 === 0 ? sides : sides.toReversed();
    for (const side of order) taken.get(side)!.push(await timed(side, { times }));
  }
  const apps = taken.get(app)!;
  return {
    app: measure(apps),
    against: others.map((other) => {
      const slices = taken.get(other)!;
      const ratio = (time: (slice: Timed) => number): Ratio =>
        ratioOf(
          slices.map((slice, n) => apps[n]!.requests / time(apps[n]!) / (slice.requests / time(slice))),
        );
      return {
        measure: measure(slices),
        byClock: ratio(({ seconds }) => seconds),
        byCpu: ratio(({ cpu }) => cpu),
      };
    }),
  };
}
