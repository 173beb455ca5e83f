// Instants and dates. Inside, an instant is an integer: milliseconds since the Unix epoch. Outside, it is RFC 3339 in
// UTC with milliseconds. Input may also be a bare date, which means a whole day everywhere on Earth. Pure; time is
// passed in.

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 3_600 * SECOND;
export const DAY = 86_400 * SECOND;

/** 9999-12-31T23:59:59Z, the last second with a four-digit year: RFC 3339 and SQLite have no later one. */
export const LAST_INSTANT = Date.UTC(9999, 11, 31, 23, 59, 59);

const DATE = /^(\d{4})-(\d{2})-(\d{2})$/;
const INSTANT =
  /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/;

export const daysInMonth = (year: number, month: number): number =>
  new Date(Date.UTC(year, month, 0)).getUTCDate();

const isDay = (year: number, month: number, day: number): boolean =>
  year >= 1970 && month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month);

/**
 * The instant that `text` names, or null if it is neither an RFC 3339 instant nor a date, or its day is not in the
 * calendar. A date is read in the holder's favor: as an end it lasts until the day is over in the last time zone
 * (UTC−12), as a start it begins when the day begins in the first one (UTC+14).
 */
export function parseInstant(text: string, role: "start" | "end"): number | null {
  const date = DATE.exec(text);
  if (date) {
    const [year, month, day] = date.slice(1).map(Number) as [number, number, number];
    if (!isDay(year, month, day)) return null;
    const midnight = Date.UTC(year, month - 1, day);
    // The very first and the very last day stay within the range that can be written.
    return role === "end"
      ? Math.min(midnight + DAY + 12 * HOUR, LAST_INSTANT)
      : Math.max(midnight - 14 * HOUR, 0);
  }
  const instant = INSTANT.exec(text);
  if (!instant) return null;
  const [year, month, day, hour, minute, second] = instant.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const [, , , , , , , fraction = "", sign, offsetHour = "0", offsetMinute = "0"] = instant;
  if (!isDay(year, month, day) || hour > 23 || minute > 59 || second > 59) return null;
  if (Number(offsetHour) > 23 || Number(offsetMinute) > 59) return null;
  const milliseconds = Number(fraction.padEnd(3, "0").slice(0, 3));
  const offset = (Number(offsetHour) * HOUR + Number(offsetMinute) * 60 * SECOND) * (sign === "-" ? -1 : 1);
  const at = Date.UTC(year, month - 1, day, hour, minute, second, milliseconds) - offset;
  return at >= 0 && at <= LAST_INSTANT ? at : null;
}

// The reverse: if only a bare date can give this instant, that date; otherwise the day of the instant in UTC.
export const lastDayOf = (end: number): number => (end % DAY === 12 * HOUR ? end - DAY : end);
export const firstDayOf = (start: number): number => (start % DAY === 10 * HOUR ? start + DAY : start);

/** RFC 3339, UTC, with milliseconds. */
export const formatInstant = (at: number): string => new Date(at).toISOString();

/** The UTC day of an instant, as YYYY-MM-DD. */
export const dayOf = (at: number): string => formatInstant(at).slice(0, 10);

export const formatInstantOrNull = (at: number | null): string | null =>
  at === null ? null : formatInstant(at);

// Most libraries read a JWT's NumericDate as whole seconds, so what is signed is stored as whole seconds: starts round
// down and ends round up, in the holder's favor.
export const floorToSecond = (at: number): number => Math.floor(at / SECOND) * SECOND;
export const ceilToSecond = (at: number): number => Math.ceil(at / SECOND) * SECOND;

/** NumericDate of RFC 7519 section 2. */
export const numericDate = (at: number): number => Math.floor(at / SECOND);
