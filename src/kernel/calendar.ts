// Durations on the calendar: a number of years, months, weeks or days. Pure.
import { DAY, daysInMonth, HOUR, LAST_INSTANT } from "./dates.ts";

/** ISO 8601, with a single unit. */
export const DURATION = /^P([1-9][0-9]{0,4})([YMWD])$/;

type Unit = "Y" | "M" | "W" | "D";

/** How many days a unit is shown as where only days can be shown. */
const SHOWN_AS: Record<Unit, number> = { Y: 365, M: 30, W: 7, D: 1 };

/** @param duration one that `DURATION` matches */
export function partsOf(duration: string): { count: number; unit: Unit } {
  const [, count, unit] = DURATION.exec(duration) ?? [];
  return { count: Number(count), unit: unit as Unit };
}

/** A duration in days where only days can be shown: 365 a year, 30 a month. */
export function daysOf(duration: string): number {
  const { count, unit } = partsOf(duration);
  return count * SHOWN_AS[unit];
}

const NAMES: Record<Unit, string> = { Y: "year", M: "month", W: "week", D: "day" };

/** "1 year", "30 days" */
export function durationInWords(duration: string): string {
  const { count, unit } = partsOf(duration);
  return `${count} ${NAMES[unit]}${count === 1 ? "" : "s"}`;
}

/** The same time of day so many months later; in a month that is too short, on its last day. */
function addMonths(at: number, months: number): number {
  const date = new Date(at);
  const month = date.getUTCFullYear() * 12 + date.getUTCMonth() + months;
  const year = Math.floor(month / 12);
  if (year > 9999) return LAST_INSTANT;
  const day = Math.min(date.getUTCDate(), daysInMonth(year, (month % 12) + 1));
  return Date.UTC(year, month % 12, day) + (at % DAY);
}

/** The same time of day so many months earlier, at the earliest the first instant. */
export const monthsBefore = (at: number, months: number): number => Math.max(0, addMonths(at, -months));

/** An instant so much later, at most the last one. */
export function addDuration(at: number, duration: string): number {
  const { count, unit } = partsOf(duration);
  const later =
    unit === "D" || unit === "W"
      ? at + daysOf(duration) * DAY
      : addMonths(at, unit === "Y" ? 12 * count : count);
  return Math.min(later, LAST_INSTANT);
}

/** From midnight of a day until it is over in the last time zone. */
const TO_ITS_END = DAY + 12 * HOUR;

/**
 * An end so much later. If it is the end of a date, the duration is added to that date: what is valid through 31
 * January and is extended by a month is valid through the last day of February.
 */
export const addToEnd = (end: number, duration: string): number =>
  end % DAY === 12 * HOUR
    ? Math.min(addDuration(end - TO_ITS_END, duration) + TO_ITS_END, LAST_INSTANT)
    : addDuration(end, duration);
