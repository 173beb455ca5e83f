// What instances use: reported with each check-in, cumulative per UTC day, stored so that nothing counts twice.
import * as z from "zod/mini";
import { allow } from "../../kernel/permissions.ts";
import type { Context } from "../../context.ts";
import { invalid } from "../../problems.ts";
import { named } from "../../storage/database.ts";
import type { License } from "../../storage/schema.ts";
import { DAY, dayOf } from "../../kernel/dates.ts";
import { unknownLicense } from "../licenses/licenses.ts";
import { firstDay, monthsIn } from "./months.ts";

export const Day = z.iso.date("Must be a date (2027-01-31)");

/** The highest figure of a day. */
export const MAX_FIGURE = 1_000_000_000_000;

const Figure = z.pipe(
  z.nullish(z.int().check(z.minimum(0), z.maximum(MAX_FIGURE))),
  z.transform((figure) => figure ?? 0),
);

/** Its length and its days are checked below, not here: a wrong clock must not cost the lease. */
export const UsageReport = z.array(z.object({ date: Day, requests: Figure, services: Figure }));

export interface DayUsage {
  day: string;
  requests: number;
  services: number;
}

/** A day later than tomorrow means a wrong clock; clients keep such a day until it has come. */
const AHEAD = DAY;

/** So does a day longer than this before the license was issued: nobody uses the product longer without a license. */
const BEFORE_ISSUE = 35 * DAY;

/** More than a year, for a courier who comes only once. */
export const MAX_DAYS = 400;

/**
 * The figures day by day, the latest last. If a day is reported twice, the higher figures count. Impossible days, days
 * that are not kept any more, and days beyond the maximum are ignored.
 */
export function usageOf(
  report: z.output<typeof UsageReport>,
  now: number,
  issuedAt: number,
): { days: DayUsage[]; ignored: number } {
  const issued = dayOf(Math.max(0, issuedAt - BEFORE_ISSUE));
  const first = issued > firstDay(now) ? issued : firstDay(now);
  const days = new Map<string, DayUsage>();
  let ignored = 0;
  for (const { date: day, requests, services } of report) {
    if (day < first || day > dayOf(now + AHEAD)) {
      ignored++;
      continue;
    }
    const known = days.get(day) ?? { day, requests: 0, services: 0 };
    days.set(day, {
      day,
      requests: Math.max(known.requests, requests),
      services: Math.max(known.services, services),
    });
  }
  const all = [...days.values()].toSorted((a, b) => (a.day < b.day ? -1 : 1));
  const kept = all.slice(-MAX_DAYS);
  return { days: kept, ignored: ignored + all.length - kept.length };
}

const KEEP = "INSERT INTO usage (license_id, day, instance_id, requests, services)";
const HIGHER = `ON CONFLICT DO UPDATE SET
  requests = max(requests, excluded.requests), services = max(services, excluded.services)
  WHERE corrected_at IS NULL`;

/** The claim of this request was granted and proven: only the instance reports usage, not everybody with its key. */
const PROVEN = `EXISTS (SELECT 1 FROM activations
  WHERE license_id = ?1 AND ended_at = 0 AND instance_id = ?2 AND request_id = ?3 AND proven)`;

/**
 * Stores the figures of an instance, after its claim in the batch. A single day, the usual case of a check-in, does
 * without json_each, which is billed as rows read.
 */
export function keepUsage(
  { db, requestId }: Context,
  licenseId: string,
  instanceId: string,
  days: DayUsage[],
): D1PreparedStatement {
  const [only] = days;
  if (days.length === 1 && only) {
    const { day, requests, services } = only;
    const sql = `${KEEP} SELECT ?1, ?4, ?2, ?5, ?6 WHERE ${PROVEN} ${HIGHER}`;
    return db.sql(sql, licenseId, instanceId, requestId, day, requests, services);
  }
  return db.sql(
    `${KEEP} SELECT ?1, value ->> 'day', ?2, value ->> 'requests', value ->> 'services'
     FROM json_each(?4) WHERE ${PROVEN} ${HIGHER}`,
    licenseId,
    instanceId,
    requestId,
    JSON.stringify(days),
  );
}

export const UsageQuery = z.strictObject({ from: z.optional(Day), to: z.optional(Day) });

const DEFAULT_DAYS = 30;
const MAX_ROWS = 10_000;

/** What is read for each day: a row of its own, or its part of a month. */
const COLUMNS = "day, instance_id, requests, services, corrected";

const USED = named(`
  SELECT ${COLUMNS} FROM (
    SELECT day, instance_id, requests, services, corrected_at IS NOT NULL AS corrected FROM usage
    WHERE license_id = :id AND day >= :from AND day <= :to ORDER BY day, instance_id LIMIT ${MAX_ROWS + 1})
  UNION ALL
  SELECT ${COLUMNS} FROM (
    SELECT m.month || '-' || one.key AS day, m.instance_id, one.value ->> 0 AS requests, one.value ->> 1 AS services,
      one.value ->> 2 IS NOT NULL AS corrected
    FROM json_each(:months) chosen CROSS JOIN usage_months m ON m.month = chosen.value AND m.license_id = :id
    CROSS JOIN json_each(m.days) one
    WHERE m.month || '-' || one.key BETWEEN :from AND :to LIMIT ${MAX_ROWS + 1})
  ORDER BY day, instance_id LIMIT ${MAX_ROWS + 1}`);

/** Months whose days are not kept any more. */
const CLOSED = named(`
  SELECT month, requests, services, days FROM license_months
  WHERE license_id = :id AND month BETWEEN substr(:from, 1, 7) AND substr(:to, 1, 7) ORDER BY month`);

/** A month of a license: all its requests, the most services of a day, and for how many days it was told. */
interface ClosedMonth {
  month: string;
  requests: number;
  services: number;
  days: number;
}

interface UsageRow extends DayUsage {
  instance_id: string;
  corrected: number;
}

/**
 * The usage of a license per day and instance, with its limits; without a range, of the last 30 days. Of months whose
 * days are not kept any more it has the sums (`months`).
 * @throws Problem LICENSE_NOT_FOUND, REQUEST_INVALID if the range is reversed or holds too much
 */
export async function readUsage(context: Context, id: string, query: z.output<typeof UsageQuery>) {
  allow(context, "read");
  const { db } = context;
  const now = context.clock.now();
  const to = query.to ?? dayOf(now);
  const from = query.from ?? dayOf(Date.parse(to) - (DEFAULT_DAYS - 1) * DAY);
  if (from > to) throw invalid("from", "Must not be after to");
  const [today, first] = [dayOf(now), firstDay(now)];
  const months = JSON.stringify(monthsIn(from > first ? from : first, to < today ? to : today));
  const [limits, used, closed] = await db.batch([
    db.sql("SELECT max_requests_per_day, max_services FROM licenses WHERE id = ?", id),
    db.run(USED, { id, from, to, months }),
    db.run(CLOSED, { id, from, to }),
  ]);
  const license = limits?.results[0] as Pick<License, "max_requests_per_day" | "max_services"> | undefined;
  if (!license) throw unknownLicense(id);
  const rows = (used?.results ?? []) as unknown as UsageRow[];
  if (rows.length > MAX_ROWS) throw invalid("from", "The range holds too much; choose a shorter one");
  const days = Map.groupBy(rows, (row) => row.day);
  const ended = closed!.results as unknown as ClosedMonth[];
  return {
    license_id: id,
    from,
    to,
    max_requests_per_day: license.max_requests_per_day,
    max_services: license.max_services,
    data: [...days].map(([date, instances]) => ({
      date,
      requests: instances.reduce((sum, row) => sum + row.requests, 0),
      services: instances.reduce((sum, row) => sum + row.services, 0),
      instances: instances.map(({ instance_id, requests, services, corrected }) => ({
        instance_id,
        requests,
        services,
        corrected: corrected === 1,
      })),
    })),
    ...(ended.length > 0 ? { months: ended } : {}),
  };
}
