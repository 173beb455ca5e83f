// When a notice is due before (and at) the end of a license. Pure.
import { DAY } from "../kernel/dates.ts";
import type { License } from "../storage/schema.ts";

/** A threshold that was passed longer ago than this is skipped: single nights are missed, not whole months. */
export const MISSED = 8 * DAY;

export interface DueNotice {
  /** How many days before the end the notice was planned; 0 says that the license has ended. */
  threshold: number;
  /** How many days are really left, including a partial one. */
  daysLeft: number;
}

/**
 * The notice that is due now, or null.
 * @param thresholds days before the end, in any order
 * @param sent the thresholds whose notice was already sent to the same recipient for the same end
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
  // After missed nights, only the threshold nearest to the end matters.
  const threshold = Math.min(...passed);
  if (now - (expires_at - threshold * DAY) >= MISSED) return null;
  // Also if the clock went back: a customer who was told that a day is left is not then told about a week.
  for (const days of sent) if (days <= threshold) return null;
  return { threshold, daysLeft: Math.max(0, Math.ceil((expires_at - now) / DAY)) };
}
