// What instances count besides requests and services: the rules of meters. Pure.
import { LAST_INSTANT } from "../../kernel/dates.ts";
import type { Entitled, Entitlements, Meters, MeterRule, MonthSoFar } from "../../storage/schema.ts";

/** What an instance reports of a day. */
export interface ReportedDay {
  date: string;
  requests: number;
  services: number;
  meters?: Meters | undefined;
}

/** The figures of a day; cumulative, so the highest count. */
export interface DayUsage {
  day: string;
  requests: number;
  services: number;
  /** Missing if the report has none. */
  meters?: Meters | undefined;
}

/** The codes that a report counts, and its first day; undefined if it counts none. */
export function countedIn(days: DayUsage[]): { codes: string[]; from: string } | undefined {
  const codes = [...new Set(days.flatMap(({ meters }) => Object.keys(meters ?? {})))].toSorted();
  return codes.length === 0 ? undefined : { codes, from: days[0]!.day };
}

/** The codes of a report that are no meters of the license, or whose entitlement had ended when the report begins. */
export const unknownCodes = (
  { entitlements }: { entitlements: Entitlements },
  counted: { codes: string[]; from: string } | undefined,
): string[] =>
  (counted?.codes ?? []).filter((code) => {
    const held = entitlements[code];
    return !held?.meter || (held.until ?? LAST_INSTANT) <= Date.parse(counted!.from);
  });

/** The figures of two reports, or of what is kept and a report: the highest of each. */
export function highest(a: Meters | undefined, b: Meters | undefined): Meters | undefined {
  if (!a || !b) return a ?? b;
  const codes = [...Object.keys(a), ...Object.keys(b)].toSorted();
  return Object.fromEntries(codes.map((code) => [code, Math.max(a[code] ?? 0, b[code] ?? 0)]));
}

/** The sum of two days' figures, or of two instances'. */
export function added(a: Meters, b: Meters): Meters {
  const codes = [...Object.keys(a), ...Object.keys(b)].toSorted();
  return Object.fromEntries(codes.map((code) => [code, (a[code] ?? 0) + (b[code] ?? 0)]));
}

/** A meter with a value, which is what is compared. */
export type LimitedMeter = Entitled & { value: number; meter: MeterRule };

/** The meters of a license that have a limit on a day. */
export const limitsOn = (entitlements: Entitlements, day: string): [code: string, one: LimitedMeter][] =>
  Object.entries(entitlements).filter(
    (entry): entry is [string, LimitedMeter] =>
      entry[1].meter !== undefined &&
      typeof entry[1].value === "number" &&
      (entry[1].until ?? LAST_INSTANT) > Date.parse(day),
  );

/** What a meter comes to for its period, at the end of a day. */
export function figureOf(
  [aggregate, period]: MeterRule,
  code: string,
  meters: Meters,
  before: MonthSoFar,
): number {
  const today = meters[code] ?? 0;
  if (period === "day") return today;
  const [total, peak] = before[code] ?? [0, 0];
  return aggregate === "sum" ? total + today : Math.max(peak, today);
}
