// The usage of a license as staff read it: by day and instance, and by month where days are not kept any more.
import * as z from "zod/mini";
import type { Context } from "../../context.ts";
import { DAY, dayOf, formatInstant } from "../../kernel/dates.ts";
import { allow } from "../../kernel/permissions.ts";
import { invalid } from "../../problems.ts";
import { named } from "../../storage/database.ts";
import type { Entitlements, License, Meters } from "../../storage/schema.ts";
import { unknownLicense } from "../licenses/licenses.ts";
import { added, type DayUsage } from "./meters.ts";
import { firstDay, monthsIn } from "./months.ts";
import { Day } from "./usage.ts";

export const UsageQuery = z.strictObject({ from: z.optional(Day), to: z.optional(Day) });

const DEFAULT_DAYS = 30;
const MAX_ROWS = 10_000;

/** What is read for each day: a row of its own, or its part of a month. */
const COLUMNS = "day, instance_id, requests, services, corrected, meters";

const USED = named(`
  SELECT ${COLUMNS} FROM (
    SELECT day, instance_id, requests, services, corrected_at IS NOT NULL AS corrected, meters FROM usage
    WHERE license_id = :id AND day >= :from AND day <= :to ORDER BY day, instance_id LIMIT ${MAX_ROWS + 1})
  UNION ALL
  SELECT ${COLUMNS} FROM (
    SELECT m.month || '-' || one.key AS day, m.instance_id, one.value ->> 0 AS requests, one.value ->> 1 AS services,
      one.value ->> 2 IS NOT NULL AS corrected, one.value -> 3 AS meters
    FROM json_each(:months) chosen CROSS JOIN usage_months m ON m.month = chosen.value AND m.license_id = :id
    CROSS JOIN json_each(m.days) one
    WHERE m.month || '-' || one.key BETWEEN :from AND :to LIMIT ${MAX_ROWS + 1})
  ORDER BY day, instance_id LIMIT ${MAX_ROWS + 1}`);

/** Months whose days are not kept any more. */
const CLOSED = named(`
  SELECT month, requests, services, days, meters FROM license_months
  WHERE license_id = :id AND month BETWEEN substr(:from, 1, 7) AND substr(:to, 1, 7) ORDER BY month`);

/** A month of a license: all its requests, the most services of a day, and for how many days it was told. */
interface ClosedMonth {
  month: string;
  requests: number;
  services: number;
  days: number;
  meters?: Record<string, { total: number; peak: number; days: number }>;
}

type ClosedRow = Omit<ClosedMonth, "meters"> & { meters: string | null };

function closedMonth({ meters, ...month }: ClosedRow): ClosedMonth {
  if (meters === null) return month;
  const kept = Object.entries(JSON.parse(meters) as Record<string, [number, number, number]>);
  const shown = kept.map(([code, [total, peak, days]]) => [code, { total, peak, days }] as const);
  return { ...month, meters: Object.fromEntries(shown) };
}

interface UsageRow extends Omit<DayUsage, "meters"> {
  instance_id: string;
  corrected: number;
  /** JSON. */
  meters: string | null;
}

const metersIn = (kept: string | null): { meters?: Meters } =>
  kept === null ? {} : { meters: JSON.parse(kept) as Meters };

/** The sum of a day's instances; nothing if none of them counted anything. */
function sumOf(instances: UsageRow[]): { meters?: Meters } {
  const all = instances.map(({ meters }) => metersIn(meters).meters).filter((meters) => meters !== undefined);
  return all.length === 0 ? {} : { meters: all.reduce(added, {}) };
}

const usedDay = (date: string, instances: UsageRow[]) => ({
  date,
  requests: instances.reduce((sum, row) => sum + row.requests, 0),
  services: instances.reduce((sum, row) => sum + row.services, 0),
  ...sumOf(instances),
  instances: instances.map(usedBy),
});

function usedBy({ instance_id, requests, services, corrected, meters }: UsageRow) {
  return { instance_id, requests, services, corrected: corrected === 1, ...metersIn(meters) };
}

/** The meters of a license as its usage is compared with them; nothing if it has none. */
function metersOf(entitlements: Entitlements) {
  const meters = Object.entries(entitlements).flatMap(([code, { value, until, meter }]) => {
    if (!meter) return [];
    const [aggregate, period, over] = meter;
    const end = until === undefined ? {} : { until: formatInstant(until) };
    return [[code, { value: value as number | null, ...end, aggregate, period, over }] as const];
  });
  return meters.length === 0 ? {} : { meters: Object.fromEntries(meters) };
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
    db.sql("SELECT max_requests_per_day, max_services, entitlements FROM licenses WHERE id = ?", id),
    db.run(USED, { id, from, to, months }),
    db.run(CLOSED, { id, from, to }),
  ]);
  const license = limits?.results[0] as
    | (Pick<License, "max_requests_per_day" | "max_services"> & { entitlements: string })
    | undefined;
  if (!license) throw unknownLicense(id);
  const rows = (used?.results ?? []) as unknown as UsageRow[];
  if (rows.length > MAX_ROWS) throw invalid("from", "The range holds too much; choose a shorter one");
  const days = Map.groupBy(rows, (row) => row.day);
  const ended = (closed!.results as unknown as ClosedRow[]).map(closedMonth);
  return {
    license_id: id,
    from,
    to,
    max_requests_per_day: license.max_requests_per_day,
    max_services: license.max_services,
    ...metersOf(JSON.parse(license.entitlements) as Entitlements),
    data: [...days].map(([date, instances]) => usedDay(date, instances)),
    ...(ended.length > 0 ? { months: ended } : {}),
  };
}
