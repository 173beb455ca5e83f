// When a notice is due before (and at) the end of a license. Pure.
import { DAY } from "../kernel/dates.ts";
import type { License } from "../storage/schema.ts";

/** A threshold that was passed longer ago than this is left out: nights are missed one by one, not by the month. */
export const MISSED = 8 * DAY;

export interface DueNotice {
  /** How many days before the end the notice was to come; 0 says that the license has ended. */
  threshold: number;
  /** How many days are really left, a begun one included. */
  daysLeft: number;
}

/**
 * The notice that is due now, or null.
 * @param thresholds days before the end, in any order
 * @param sent the thresholds whose notice went to the same recipient for the same end already
 */
export function dueNotice(
  license: Pick<License, "status" | "expires_at">,
  thresholds: readonly number[],
  now: number,
  sent: ReadonlySet<number>,
): DueNotice | null {
  const { status, expires_at } = license;
  if (status !== "active" || expires_at === null) return null;
  const passed = thresholds.filter((days) => now >= expires_at - days * DAY);
  if (passed.length === 0) return null;
  // After missed nights only the nearest one is of use.
  const threshold = Math.min(...passed);
  if (now - (expires_at - threshold * DAY) >= MISSED) return null;
  // Also where the clock went back: who was told that a day is left is not told of a week.
  for (const days of sent) if (days <= threshold) return null;
  return { threshold, daysLeft: Math.max(0, Math.ceil((expires_at - now) / DAY)) };
}
