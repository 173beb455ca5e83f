// How long usage is kept. Days that are older than RETAIN_USAGE_DAYS lie together in one row a month and instance; of
// days that are older than 25 months only the sums of the license stay. Pure.
import { monthsBefore } from "../../kernel/calendar.ts";
import { DAY, dayOf } from "../../kernel/dates.ts";

/** How many months back days are kept, besides the present month. */
const MONTHS = 25;

/** The first month (YYYY-MM) of which days are kept. */
export const firstMonth = (now: number): string => dayOf(monthsBefore(now, MONTHS)).slice(0, 7);

/** The first day that is kept, and taken from an instance or from staff. */
export const firstDay = (now: number): string => `${firstMonth(now)}-01`;

/** The first day that lies in a row of its own. */
export const firstOpenDay = (now: number, retainDays: number): string => dayOf(now - retainDays * DAY);

/** The months of a range of days, both included. */
export function monthsIn(from: string, to: string): string[] {
  const months: string[] = [];
  for (let month = from.slice(0, 7); month <= to.slice(0, 7); month = nextMonth(month)) months.push(month);
  return months;
}

export const nextMonth = (month: string): string => {
  const [year, index] = month.split("-").map(Number) as [number, number];
  return dayOf(Date.UTC(year, index)).slice(0, 7);
};

/** So long after its end, a month is closed: by then, couriers have brought what they had. */
const CLOSED_AFTER = 40 * DAY;

/** The instant from which a month is closed. */
export const closesAt = (month: string): number => Date.parse(`${nextMonth(month)}-01`) + CLOSED_AFTER;

/** The last month that is closed. */
export const lastClosed = (now: number): string =>
  dayOf(monthsBefore(Date.parse(`${dayOf(now - CLOSED_AFTER).slice(0, 7)}-01`), 1)).slice(0, 7);
