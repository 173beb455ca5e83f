// What an installation used in a month, by its own count, to be compared with the service's statement. Pure.
import { type Counts, covers, metersOf } from "./meters.ts";
import type { Days, Usage } from "./usage.ts";

interface Used {
  /** The sum of all days. */
  total: number;
  /** The figure of the highest day. */
  peak: number;
}

/** In the names of the service's statement. */
export interface Statement {
  /** null: not known yet. */
  license_id: string | null;
  instance_id: string;
  month: string;
  requests: Used;
  services: Used;
  /** By code. */
  meters: Record<string, Used>;
  /** Days before today for which there are no figures. */
  days_without_report: string[];
  /** Days whose figures the service does not have in full. */
  days_not_taken: string[];
}

/** @throws RangeError for anything but a month, YYYY-MM */
export function statementOf(
  month: string,
  known: Usage,
  { acknowledged, settled }: Pick<Days, "acknowledged" | "settled">,
  today: string,
): Omit<Statement, "license_id" | "instance_id"> {
  if (!/^\d{4}-(?:0[1-9]|1[0-2])$/.test(month)) throw new RangeError("A month is YYYY-MM.");
  const last = new Date(Date.parse(`${month}-01T00:00:00Z`));
  last.setUTCMonth(last.getUTCMonth() + 1, 0);
  const days = Array.from(
    { length: last.getUTCDate() },
    (_, n) => `${month}-${String(n + 1).padStart(2, "0")}`,
  );
  const used = days.filter((day) => day in known);
  const meters = used.map((day) => metersOf(known[day]!));
  const codes = [...new Set(meters.flatMap((figures) => [...figures.keys()]))].toSorted();
  const isTaken = (day: string): boolean => covers(acknowledged[day] ?? settled[day], known[day] as Counts);
  return {
    month,
    requests: over(used.map((day) => known[day]!.requests)),
    services: over(used.map((day) => known[day]!.services)),
    meters: Object.fromEntries(
      codes.map((code) => [code, over(meters.map((figures) => figures.get(code) ?? 0))]),
    ),
    // Of today there may still come one.
    days_without_report: days.filter((day) => !(day in known) && day < today),
    days_not_taken: used.filter((day) => !isTaken(day)),
  };
}

const over = (figures: number[]): Used => ({
  total: figures.reduce((sum, figure) => sum + figure, 0),
  peak: Math.max(0, ...figures),
});
