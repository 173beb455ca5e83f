// Columns that several tables have.
import { customType, text } from "drizzle-orm/sqlite-core";

/** A value kept as JSON. */
export const json = <T>() => text({ mode: "json" }).$type<T>();

/** The latest time that a Date can be, in milliseconds; the earliest is as far on the other side. */
const MAX_TIME = 8_640_000_000_000_000;

// Somebody who writes to the database by hand may put anything into the record. It must be read all the same, so that
// the check of the seals names the row instead of failing at it.

/** A time of the record: one that no Date can be is read as the nearest that can. */
export const recordTime = customType<{ data: number; driverData: number }>({
  dataType: () => "integer",
  fromDriver: recordTimeIn,
});

export function recordTimeIn(at: number): number {
  return Math.max(-MAX_TIME, Math.min(at, MAX_TIME));
}

/** An object of the record, kept as JSON: a text that is none is read as `{"unreadable": text}`. */
export const recordDetail = customType<{ data: Record<string, unknown>; driverData: string }>({
  dataType: () => "text",
  toDriver: (detail) => JSON.stringify(detail),
  fromDriver: recordDetailIn,
});

export function recordDetailIn(kept: string): Record<string, unknown> {
  try {
    const detail = JSON.parse(kept) as Record<string, unknown> | null;
    if (typeof detail === "object" && detail !== null) return detail;
  } catch {
    // No JSON.
  }
  return { unreadable: kept };
}
