// Over-use: what a license's instances used above its limits on a day. Told with a warning, recorded once a day and
// limit, and never a reason to refuse anything.
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

/** What a seat's row keeps of the last day that its instance told of: the sums of all the license's instances. */
interface LastDay {
  usage_day: string | null;
  license_requests: number;
  license_services: number;
}

/** As many days are looked at for over-use, the latest of those told. */
const MAX_DAYS = 31;

/**
 * What the license's instances together used on each day told. The claim has counted the last day that the instance
 * ever told of; earlier ones, such as yesterday's final figure, are read, where there is a limit to exceed.
 */
export async function usedOn(
  context: Context,
  license: Terms,
  seat: LastDay,
  days: DayUsage[],
): Promise<DayUsage[]> {
  if (days.length === 0 || (license.max_requests_per_day === null && license.max_services === null))
    return [];
  const { usage_day, license_requests: requests, license_services: services } = seat;
  const earlier = days.flatMap(({ day }) => (day === usage_day ? [] : [day])).slice(-MAX_DAYS);
  return [
    ...(earlier.length > 0 ? await usedOnDays(context, license.id, earlier) : []),
    ...(days.at(-1)?.day === usage_day && usage_day !== null ? [{ day: usage_day, requests, services }] : []),
  ];
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

/** What all instances of a license used on each of the days; none where nothing is known of one. */
async function usedOnDays({ db }: Context, licenseId: string, days: string[]): Promise<DayUsage[]> {
  const [found] = await db.batch([
    db.sql(
      `SELECT day, sum(requests) AS requests, sum(services) AS services FROM usage
       WHERE license_id = ? AND day IN (SELECT value FROM json_each(?)) GROUP BY day ORDER BY day`,
      licenseId,
      JSON.stringify(days),
    ),
  ]);
  return (found?.results ?? []) as unknown as DayUsage[];
}

/** Records that a license was used above a limit, once a day and limit. */
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
