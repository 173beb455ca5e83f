// Overuse: usage by a license's instances above its limits on a day. It causes a warning, is recorded once per day and
// limit, and is never a reason to refuse anything.
import type { Context } from "../../context.ts";
import { recordChange } from "../../record/events.ts";
import type { Terms } from "../licenses/licenses.ts";
import type { Meters, MonthSoFar } from "../../storage/schema.ts";
import { type DayUsage, figureOf, limitsOn } from "./meters.ts";

export interface Overuse {
  day: string;
  /** If the limit is for a month: which, up to the day. */
  month?: string | undefined;
  /** max_requests_per_day, max_services, or the code of a meter. */
  limit: string;
  allowed: number;
  observed: number;
}

/** How many of the reported days are checked for overuse: the latest ones. */
const MAX_DAYS = 31;

/** Reads the stored total of all instances for each reported day. Goes after the statement that stores the report. */
export function usedOn({ db }: Context, licenseId: string, days: DayUsage[]): D1PreparedStatement {
  const told = days.slice(-MAX_DAYS).map(({ day }) => day);
  const sum = "SELECT day, requests, services, meters, before FROM license_usage WHERE license_id = ?1";
  // json_each is billed as rows read, so a single day does without it.
  return told.length === 1
    ? db.sql(`${sum} AND day = ?2`, licenseId, told[0]!)
    : db.sql(
        `${sum} AND day IN (SELECT value FROM json_each(?2)) ORDER BY day`,
        licenseId,
        JSON.stringify(told),
      );
}

/** The stored total of a day. */
export interface UsedDay {
  day: string;
  requests: number;
  services: number;
  /** JSON: the meters of the day, and what the days of the month before it come to. */
  meters: string | null;
  before: string | null;
}

/** Which limits of the license are exceeded on which of the days, those of a month on its latest day. Pure. */
export const overusesOf = (license: Terms, used: UsedDay[], counted: readonly string[] = []): Overuse[] =>
  used.flatMap((one, at) => {
    const { day, requests, services } = one;
    const builtIn = (
      [
        ["max_requests_per_day", requests],
        ["max_services", services],
      ] as const
    ).flatMap(([limit, observed]) => {
      const allowed = license[limit];
      return allowed !== null && observed > allowed ? [{ day, limit, allowed, observed }] : [];
    });
    const isLatest = used[at + 1]?.day.slice(0, 7) !== day.slice(0, 7);
    return [...builtIn, ...(counted.length > 0 ? metersOver(license, one, isLatest) : [])];
  });

function metersOver({ entitlements }: Terms, { day, meters, before }: UsedDay, isLatest: boolean): Overuse[] {
  if (meters === null) return [];
  const today = JSON.parse(meters) as Meters;
  const earlier = before === null ? {} : (JSON.parse(before) as MonthSoFar);
  return limitsOn(entitlements, day).flatMap(([code, { value, meter }]) => {
    const isOfMonth = meter[1] === "month";
    if (isOfMonth && !isLatest) return [];
    const observed = figureOf(meter, code, today, earlier);
    if (observed <= value) return [];
    return [{ day, month: isOfMonth ? day.slice(0, 7) : undefined, limit: code, allowed: value, observed }];
  });
}

const BUILT_IN = new Set(["max_requests_per_day", "max_services"]);

/** Records that a license was used above a limit, once per day and limit. */
export async function recordOveruse(
  context: Context,
  now: number,
  licenseId: string,
  overuses: Overuse[],
): Promise<void> {
  const acting: Context = { ...context, actor: { type: "system", id: "usage" }, ip: null };
  await context.db.batch(
    overuses.flatMap(({ day, limit, allowed, observed }) => [
      context.db.sql(
        BUILT_IN.has(limit)
          ? "INSERT OR IGNORE INTO overuse (license_id, day, limit_name) VALUES (?, ?, ?)"
          : "INSERT OR IGNORE INTO meter_overuse (license_id, day, code) VALUES (?, ?, ?)",
        licenseId,
        day,
        limit,
      ),
      recordChange(acting, now, "license.overused", ["license", licenseId], {
        day,
        limit,
        allowed,
        observed,
      }),
    ]),
  );
}
