// The usage of one license or of all licenses of a customer, by day: sums of the license, without its instances.
import type { Context } from "../../context.ts";
import { dayOf } from "../../kernel/dates.ts";
import { allow } from "../../kernel/permissions.ts";
import { daysOf, type Period } from "../../kernel/periods.ts";
import { and, eq, gt } from "drizzle-orm";
import { named } from "../../storage/database.ts";
import { type License, licenses, type Meters } from "../../storage/schema.ts";
import { type Figures, figuresOf, type MonthDay } from "./figures.ts";
import { firstDay, monthsIn } from "./months.ts";

/** Days have rows of their own, or lie together in one row a month. */
const daysOfLicenses = (chosen: string) =>
  named(`
  SELECT one.license_id, one.day, one.requests, one.services, one.meters
  FROM (${chosen}) chosen CROSS JOIN json_each(:days) date
  CROSS JOIN license_usage one ON one.day = date.value AND one.license_id = chosen.id
  UNION ALL
  SELECT folded.license_id, folded.month || '-' || date.key, date.value ->> 0, date.value ->> 1, date.value -> 2
  FROM (${chosen}) chosen CROSS JOIN json_each(:months) month
  CROSS JOIN license_usage_months folded ON folded.month = month.value AND folded.license_id = chosen.id
  CROSS JOIN json_each(folded.days) date
  WHERE folded.month || '-' || date.key BETWEEN :from AND :to
  ORDER BY 2`);

const OF_CUSTOMER = daysOfLicenses(
  "SELECT id FROM licenses WHERE customer_id = :customer AND id > :after ORDER BY id LIMIT :count",
);

const OF_LICENSE = daysOfLicenses("SELECT :license AS id");

export interface LicenseUsage {
  license: License;
  /** The days with a report, the earliest first. */
  days: MonthDay[];
}

type DayRow = Omit<MonthDay, "meters"> & { license_id: string; meters: string | null };

const shownDay = ({ day, requests, services, meters }: DayRow): MonthDay => ({
  day,
  requests,
  services,
  meters: meters === null ? undefined : (JSON.parse(meters) as Meters),
});

const rangeOf = (period: Period, now: number) => {
  const days = daysOf(period, now);
  const from = period.from > firstDay(now) ? period.from : firstDay(now);
  return {
    days: JSON.stringify(days),
    months: JSON.stringify(monthsIn(from, days.at(-1) ?? from)),
    from,
    to: period.to,
  };
};

/** The days of a license. */
export async function readDays(context: Context, license: string, period: Period): Promise<MonthDay[]> {
  allow(context, "read");
  const { db, clock } = context;
  const [found] = await db.batch([db.run(OF_LICENSE, { license, ...rangeOf(period, clock.now()) })]);
  return (found!.results as unknown as DayRow[]).map(shownDay);
}

/**
 * The days of a customer's licenses, license by license.
 * @param after the id after which it goes on; empty for the first of them
 * @param count the most licenses; each costs at most a row a day
 */
export async function readCustomerDays(
  context: Context,
  customer: string,
  period: Period,
  after: string,
  count: number,
): Promise<LicenseUsage[]> {
  allow(context, "read");
  const { db, clock } = context;
  const values = { customer, after, count, ...rangeOf(period, clock.now()) };
  const [held, [found]] = await Promise.all([
    db.orm
      .select()
      .from(licenses)
      .where(and(eq(licenses.customer_id, customer), gt(licenses.id, after)))
      .orderBy(licenses.id)
      .limit(count),
    db.batch([db.run(OF_CUSTOMER, values)]),
  ]);
  const byLicense = Map.groupBy(found!.results as unknown as DayRow[], ({ license_id }) => license_id);
  return held.map((license) => ({ license, days: (byLicense.get(license.id) ?? []).map(shownDay) }));
}

/** The figures of each month of a period, as its statement has them while it is open. */
export const monthsOf = ({ license, days }: LicenseUsage, period: Period, now: number): [string, Figures][] =>
  monthsIn(period.from, period.to < dayOf(now) ? period.to : dayOf(now)).map((month) => [
    month,
    figuresOf(
      license,
      month,
      days.filter(({ day }) => day.startsWith(month)),
      dayOf(now),
    ),
  ]);
