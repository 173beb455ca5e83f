// The figures of a day. They only grow, so that a day reported twice counts once. Pure.
//
// `requests` and `services` are always there; a meter stands beside them under its kind and its code: "sum:tokens",
// "peak:gpus". Requests and sums add up; of services and peaks the highest counts.

export interface Figures {
  requests: number;
  /** The most at one time on that day. */
  services: number;
  [meter: string]: number;
}

/** What was counted of a day: some of its figures. */
export type Counts = Readonly<Record<string, number>>;

const CODE = /^[A-Za-z][A-Za-z0-9._-]{0,63}$/;
const NAME = /^(?:sum|peak):(.*)$/s;

/** The most meters of a day, and the largest figure, that the service takes. */
export const MAX_METERS = 32;
export const MAX_FIGURE = 1_000_000_000_000;

export const blank = (): Figures => ({ requests: 0, services: 0 });

/** The name of a meter's figure. @throws RangeError where no meter can have this code */
export function meterOf(kind: "sum" | "peak", code: string): string {
  if (typeof code !== "string" || !CODE.test(code))
    throw new RangeError(
      "A meter's code has 1 to 64 letters of ASCII, digits, '.', '_' and '-', a letter first.",
    );
  return `${kind}:${code}`;
}

/** @throws RangeError where it is no number of things */
export function countable(n: number): number {
  if (!Number.isSafeInteger(n) || n < 0) throw new RangeError(`${n} is not a number of things.`);
  return n;
}

const isMeter = (name: string): boolean => name.includes(":");
const addsUp = (name: string): boolean => name === "requests" || name.startsWith("sum:");

/** Adds what adds up and raises the others; meters beyond the most that a day may have are left out. */
export function added(known: Figures, counts: Counts): Figures {
  const sum = { ...known };
  for (const [name, n] of Object.entries(counts)) {
    const before = sum[name] ?? 0;
    if (name in sum || !isMeter(name) || metersIn(sum) < MAX_METERS)
      sum[name] = Math.min(addsUp(name) ? before + n : Math.max(before, n), MAX_FIGURE);
  }
  return sum;
}

const metersIn = (figures: Counts): number => Object.keys(figures).filter(isMeter).length;

/** The larger figures of both. */
export function highest(known: Figures, figures: Counts): Figures {
  const both = { ...known };
  for (const [name, figure] of Object.entries(figures)) both[name] = Math.max(both[name] ?? 0, figure);
  return both;
}

export const covers = (told: Counts | undefined, figures: Counts): boolean =>
  told !== undefined && Object.entries(figures).every(([name, figure]) => (told[name] ?? 0) >= figure);

/** What is left to report elsewhere. A highest number does not add up: one that was reported is not left. */
export function left(figures: Figures, told: Counts = {}): Figures {
  const rest = blank();
  for (const [name, figure] of Object.entries(figures)) {
    const before = told[name] ?? 0;
    if (figure > before) rest[name] = addsUp(name) ? figure - before : figure;
  }
  return rest;
}

/** By code, as the service takes them. */
export function metersOf(figures: Counts): Map<string, number> {
  const meters = new Map<string, number>();
  for (const [name, figure] of Object.entries(figures)) {
    const code = NAME.exec(name)?.[1];
    if (code !== undefined) meters.set(code, Math.max(meters.get(code) ?? 0, figure));
  }
  return meters;
}

/** Those in a file. What the service does not take is left out: it would refuse every check-in from then on. */
export const readMeters = (figures: Record<string, unknown>): Counts =>
  Object.fromEntries(
    Object.entries(figures)
      .filter((entry): entry is [string, number] => isFigure(...entry))
      .slice(0, MAX_METERS),
  );

const isFigure = (name: string, figure: unknown): boolean =>
  CODE.test(NAME.exec(name)?.[1] ?? "") &&
  Number.isSafeInteger(figure) &&
  (figure as number) >= 0 &&
  (figure as number) <= MAX_FIGURE;

/**
 * That a day may have this meter.
 * @throws RangeError where it is counted and observed, or the 33rd
 */
export function checkMeter(name: string, known: Counts): void {
  if (!isMeter(name) || name in known) return;
  const meters = metersOf(known);
  if (meters.has(NAME.exec(name)![1]!)) throw new RangeError("A meter is either counted or observed.");
  if (meters.size >= MAX_METERS) throw new RangeError(`A day has at most ${MAX_METERS} meters.`);
}
