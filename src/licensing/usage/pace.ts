// When the budget of a month runs out. Pure.
import { DAY, dayOf } from "../../kernel/dates.ts";

/**
 * The day on which the sum of a month reaches its value if each day takes as much as the average of the days so far.
 * @param days the figures from the first day of the month up to today
 * @returns null if the value is reached already, or not within the month
 */
export function runsOutOn(value: number, days: number[], now: number): string | null {
  const used = days.reduce((sum, day) => sum + day, 0);
  if (used === 0 || used >= value) return null;
  const pace = used / days.length;
  const day = dayOf(now + Math.ceil((value - used) / pace) * DAY);
  return day.slice(0, 7) === dayOf(now).slice(0, 7) ? day : null;
}
