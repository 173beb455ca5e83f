// When a notice is due before (and at) the end of a license, and how it says how far away the end is. Pure.
import { DAY, SECOND } from "../kernel/dates.ts";
import type { License } from "../storage/schema.ts";
import type { When } from "./templates/index.ts";

/** A threshold that was passed longer ago than this is skipped: single nights are missed, not whole months. */
export const MISSED = 8 * DAY;

type Term = Pick<License, "status" | "expires_at" | "issued_at" | "starts_at" | "term_began_at">;

/**
 * The term of a license's entitlements that end at `until`, for `dueThreshold`: none if the license ends by then. Terms
 * of the license that began meanwhile change nothing about them.
 */
export const termOfEntitlements = (license: Term, until: number): Term => ({
  ...license,
  expires_at: license.expires_at !== null && license.expires_at <= until ? null : until,
  term_began_at: null,
});

const beganAt = ({ issued_at, starts_at, term_began_at }: Term): number =>
  term_began_at ?? Math.max(issued_at, starts_at ?? 0);

/**
 * The threshold whose notice is due in the night at `now`, or null. A threshold of n days is due in the last night with
 * at least n × 24 hours left, or, if that was missed, in the next one before the end; 0 in the first night after the
 * end. One that had passed when the term began is not due.
 * @param thresholds days before the end, in any order
 * @param sent the thresholds whose notice was already written to the same recipient for the same end
 */
export function dueThreshold(
  license: Term,
  thresholds: readonly number[],
  now: number,
  sent: ReadonlySet<number>,
): number | null {
  const { status, expires_at: end } = license;
  if (status !== "active" || end === null) return null;
  const left = end - now;
  // An end is rounded up to the second, a beginning down.
  const first = beganAt(license) + SECOND;
  const due = thresholds.filter((days) =>
    days === 0 ? left <= 0 : left > 0 && left < (days + 1) * DAY && end - days * DAY > first,
  );
  if (due.length === 0) return null;
  // After missed nights, only the threshold nearest to the end matters.
  const threshold = Math.min(...due);
  if (now - (end - threshold * DAY) >= MISSED) return null;
  // Also if the clock went back: a customer who was told that a day is left is not then told about a week.
  for (const days of sent) if (days <= threshold) return null;
  return threshold;
}

/** How many days of the calendar (UTC) lie between two instants: what a reader counts. */
export const daysBetween = (now: number, end: number): number =>
  Math.floor(end / DAY) - Math.floor(now / DAY);

/** How far away an end is, for a mail that goes out at `now`, before it. */
export function whenOf(now: number, end: number): When {
  const days = daysBetween(now, end);
  return days <= 0 ? "today" : days === 1 ? "tomorrow" : { in: days };
}

/** The ranges of ends in which a license may be due a notice; ranges that touch are merged. */
export function windowsOf(thresholds: readonly number[], now: number): [after: number, upTo: number][] {
  const windows: [number, number][] = [];
  for (const days of thresholds.toSorted((a, b) => a - b)) {
    const after = now + days * DAY - MISSED;
    const upTo = now + (days === 0 ? 0 : days + 1) * DAY;
    const last = windows.at(-1);
    if (last && last[1] >= after) last[1] = upTo;
    else windows.push([after, upTo]);
  }
  return windows;
}
