// What a month of a license comes to: the figures of a statement. Pure.
import { DAY, dayOf, LAST_INSTANT } from "../../kernel/dates.ts";
import type { Entitled, License, Meters } from "../../storage/schema.ts";
import { graceUntil } from "../licenses/standing.ts";
import { figureOf } from "./meters.ts";

/** The sum of a license's instances on a day. */
export interface MonthDay {
  day: string;
  requests: number;
  services: number;
  meters?: Meters | undefined;
}

/** Sum of the days, highest day, what was allowed, and how many days were above it. */
interface Figure {
  total: number;
  peak: number;
  /** null: unlimited; missing: the license has no such meter. */
  value?: number | null;
  days_over: number;
}

export interface Figures {
  meters: Record<string, Figure>;
  requests: Figure;
  services: Figure;
  /** Days on which no instance reported anything. */
  days_without_report: string[];
}

/** The days of a month, as YYYY-MM-DD. */
function daysOfMonth(month: string): string[] {
  const days: string[] = [];
  for (let at = Date.parse(`${month}-01`); dayOf(at).startsWith(month); at += DAY) days.push(dayOf(at));
  return days;
}

const totals = (values: number[]) => ({
  total: values.reduce((sum, value) => sum + value, 0),
  peak: Math.max(0, ...values),
});

/** Of a figure that is limited for a day, by a term of the license. */
const ofTerm = (values: number[], value: number | null): Figure => ({
  ...totals(values),
  value,
  days_over: value === null ? 0 : values.filter((one) => one > value).length,
});

function ofMeter(code: string, days: MonthDay[], entitled: Entitled | undefined): Figure {
  const sums = totals(days.map(({ meters }) => meters?.[code] ?? 0));
  const rule = entitled?.meter;
  if (!entitled || !rule) return { ...sums, days_over: 0 };
  const value = entitled.value as number | null;
  let before: [number, number] = [0, 0];
  let over = 0;
  for (const { day, meters = {} } of days) {
    const isHeld = (entitled.until ?? LAST_INSTANT) > Date.parse(day);
    if (value !== null && isHeld && figureOf(rule, code, meters, { [code]: before }) > value) over++;
    const figure = meters[code] ?? 0;
    before = [before[0] + figure, Math.max(before[1], figure)];
  }
  return { ...sums, value, days_over: over };
}

/**
 * @param told the days of the month with a report
 * @param today the day on which the figures are made: it and later days are not over
 */
/** What a statement takes from a license. */
export type StatedLicense = Pick<
  License,
  | "id"
  | "customer_id"
  | "entitlements"
  | "issued_at"
  | "expires_at"
  | "grace_days"
  | "max_requests_per_day"
  | "max_services"
>;

export function figuresOf(license: StatedLicense, month: string, told: MonthDay[], today: string): Figures {
  const byDay = new Map(told.map((day) => [day.day, day]));
  const all = daysOfMonth(month);
  const days = all.map((day) => byDay.get(day) ?? { day, requests: 0, services: 0 });
  const codes = new Set([
    ...Object.entries(license.entitlements).flatMap(([code, { meter }]) => (meter ? [code] : [])),
    ...told.flatMap(({ meters }) => Object.keys(meters ?? {})),
  ]);
  const first = dayOf(license.issued_at);
  const last = dayOf(graceUntil(license) ?? LAST_INSTANT);
  return {
    meters: Object.fromEntries(
      [...codes].toSorted().map((code) => [code, ofMeter(code, days, license.entitlements[code])]),
    ),
    requests: ofTerm(
      days.map(({ requests }) => requests),
      license.max_requests_per_day,
    ),
    services: ofTerm(
      days.map(({ services }) => services),
      license.max_services,
    ),
    days_without_report: all.filter((day) => !byDay.has(day) && day >= first && day <= last && day < today),
  };
}
