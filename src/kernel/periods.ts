// Stretches of days that usage is looked at by: the last days, months, quarters. Pure.
import { monthsBefore } from "./calendar.ts";
import { DAY, dayOf } from "./dates.ts";
import { invalid } from "../problems.ts";

/** The first and the last day, both included. */
export interface Days {
  from: string;
  to: string;
}

export interface Period extends Days {
  /** As an address has it. */
  name: string;
  label: string;
}

const LAST_DAYS = [7, 30, 90];

const lastDays = (days: number, now: number): Period => ({
  name: `${days}d`,
  label: `${days} days`,
  from: dayOf(now - (days - 1) * DAY),
  to: dayOf(now),
});

/** A year of whole months, this one included. */
const lastMonths = (now: number): Period => ({
  name: "12m",
  label: "12 months",
  from: `${dayOf(monthsBefore(now, 11)).slice(0, 7)}-01`,
  to: dayOf(now),
});

const pad = (n: number): string => String(n).padStart(2, "0");

function quarterOf(year: number, quarter: number): Period {
  return {
    name: `${year}-Q${quarter}`,
    label: `Q${quarter} ${year}`,
    from: `${year}-${pad(quarter * 3 - 2)}-01`,
    to: dayOf(Date.UTC(year, quarter * 3) - DAY),
  };
}

/** This quarter and those before it. */
function quarters(now: number, count: number): Period[] {
  const date = new Date(now);
  const here = date.getUTCFullYear() * 4 + Math.floor(date.getUTCMonth() / 3);
  return Array.from({ length: count }, (_, n) => quarterOf(Math.floor((here - n) / 4), ((here - n) % 4) + 1));
}

/** Whole months only: what an invoice is made of. */
export const invoicePeriods = (now: number): Period[] => [...quarters(now, 6), lastMonths(now)];

/** Up to today. */
export const latestPeriods = (now: number): Period[] => [
  ...LAST_DAYS.map((days) => lastDays(days, now)),
  lastMonths(now),
];

export const chartPeriods = (now: number): Period[] => [...latestPeriods(now), ...quarters(now, 4)];

/** The one of this name; without one, the first. @throws Problem REQUEST_INVALID */
export function periodNamed<T extends Pick<Period, "name">>(
  name: string | undefined,
  periods: T[],
  member = "period",
): T {
  const found = name === undefined ? periods[0] : periods.find((period) => period.name === name);
  if (!found) throw invalid(member, `Must be one of ${periods.map((period) => period.name).join(", ")}`);
  return found;
}

/** The days of a period that have come. */
export function daysOf({ from, to }: Days, now: number): string[] {
  const days: string[] = [];
  for (let at = Date.parse(from); at <= Math.min(Date.parse(to), now); at += DAY) days.push(dayOf(at));
  return days;
}
