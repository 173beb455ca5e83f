// Overuse: usage by a license's instances above its limits on a day. It causes a warning, is recorded once per day and
// limit, and is never a reason to refuse anything.
import type { Context } from "../../context.ts";
import { recordChange } from "../../record/events.ts";
import type { Terms } from "../licenses/licenses.ts";
import type { DayUsage } from "./usage.ts";

export interface Overuse {
  day: string;
  limit: "max_requests_per_day" | "max_services";
  allowed: number;
  observed: number;
}

/** How many of the reported days are checked for overuse: the latest ones. */
const MAX_DAYS = 31;

/** Reads the stored total of all instances for each reported day. Goes after the statement that stores the report. */
export function usedOn({ db }: Context, licenseId: string, days: DayUsage[]): D1PreparedStatement {
  const told = days.slice(-MAX_DAYS).map(({ day }) => day);
  const sum = "SELECT day, requests, services FROM license_usage WHERE license_id = ?1";
  // json_each is billed as rows read, so a single day does without it.
  return told.length === 1
    ? db.sql(`${sum} AND day = ?2`, licenseId, told[0]!)
    : db.sql(
        `${sum} AND day IN (SELECT value FROM json_each(?2)) ORDER BY day`,
        licenseId,
        JSON.stringify(told),
      );
}

/** Which limits of the license are exceeded on which of the days. Pure. */
export const overusesOf = (license: Terms, used: DayUsage[]): Overuse[] =>
  used.flatMap(({ day, requests, services }) =>
    (
      [
        ["max_requests_per_day", requests],
        ["max_services", services],
      ] as const
    ).flatMap(([limit, observed]) => {
      const allowed = license[limit];
      return allowed !== null && observed > allowed ? [{ day, limit, allowed, observed }] : [];
    }),
  );

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
        "INSERT OR IGNORE INTO overuse (license_id, day, limit_name) VALUES (?, ?, ?)",
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
