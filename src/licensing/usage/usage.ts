// What instances use: reported with each check-in, cumulative per UTC day, stored so that nothing counts twice.
import * as z from "zod/mini";
import type { Context } from "../../context.ts";
import { DAY, dayOf } from "../../kernel/dates.ts";
import { MAX_METERS } from "../entitlements/values.ts";
import { type DayUsage, highest } from "./meters.ts";
import { firstDay } from "./months.ts";

export const Day = z.iso.date("Must be a date (2027-01-31)");

/** The highest figure of a day. */
export const MAX_FIGURE = 1_000_000_000_000;

const Figure = z.pipe(
  z.nullish(z.int().check(z.minimum(0), z.maximum(MAX_FIGURE))),
  z.transform((figure) => figure ?? 0),
);

/** By code. Codes are compared with the license's own below: an unknown one must not cost the lease. */
const Counted = z.pipe(
  z.nullish(
    z.record(z.string().check(z.maxLength(256)), Figure).check(
      z.refine((meters) => Object.keys(meters).length <= MAX_METERS, `At most ${MAX_METERS} meters`),
      z.meta({ maxProperties: MAX_METERS }),
    ),
  ),
  z.transform((meters) => (meters && Object.keys(meters).length > 0 ? meters : undefined)),
);

/** Its length and its days are checked below, not here: a wrong clock must not cost the lease. */
export const UsageReport = z.array(
  z.object({ date: Day, requests: Figure, services: Figure, meters: z.optional(Counted) }),
);

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
  // Most requests report none.
  if (report.length === 0) return { days: [], ignored: 0 };
  const issued = dayOf(Math.max(0, issuedAt - BEFORE_ISSUE));
  const earliest = firstDay(now);
  const first = issued > earliest ? issued : earliest;
  const last = dayOf(now + AHEAD);
  const days = new Map<string, DayUsage>();
  let ignored = 0;
  for (const { date: day, requests, services, meters } of report) {
    if (day < first || day > last) {
      ignored++;
      continue;
    }
    const known: DayUsage = days.get(day) ?? { day, requests: 0, services: 0 };
    days.set(day, {
      day,
      requests: Math.max(known.requests, requests),
      services: Math.max(known.services, services),
      meters: highest(known.meters, meters),
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

/** An aggregate over the codes in a list, one by one. Reads no row, as json_each would. */
const over = (list: string, aggregate: string, where = "true"): string =>
  `(SELECT ${aggregate} FROM (SELECT ${list} ->> n AS code FROM slots) WHERE code IS NOT NULL AND ${where})`;

const KEEP_METERS = "INSERT INTO usage (license_id, day, instance_id, requests, services, meters, told)";
const HIGHER_METERS = `ON CONFLICT DO UPDATE SET
  requests = max(requests, excluded.requests), services = max(services, excluded.services),
  meters = iif(excluded.meters IS NULL, meters, json_patch(coalesce(meters, '{}'),
    ${over(
      "excluded.told",
      "json_group_object(code, max(excluded.meters ->> code, coalesce(usage.meters ->> code, 0)))",
    )})),
  told = coalesce(excluded.told, told)
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
  if (days.some(({ meters }) => meters)) return keepMeters({ db, requestId }, licenseId, instanceId, days);
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

/** The activation of the claim, if it was granted and proven, with the meters of the report that the license has. */
const CLAIMED = `FROM activations claimed
  WHERE claimed.license_id = ?1 AND claimed.ended_at = 0 AND claimed.instance_id = ?2 AND claimed.request_id = ?3
    AND claimed.proven`;

/** The figures of a report of meters that the claim took, and their codes. */
const taken = (meters: string): string => {
  const isTold = `${meters} -> code IS NOT NULL`;
  return `${over("claimed.meters", `nullif(json_group_object(code, ${meters} ->> code), '{}')`, isTold)},
    ${over("claimed.meters", "nullif(json_group_array(code), '[]')", isTold)}`;
};

function keepMeters(
  { db, requestId }: Pick<Context, "db" | "requestId">,
  licenseId: string,
  instanceId: string,
  days: DayUsage[],
): D1PreparedStatement {
  const [only] = days;
  if (days.length === 1 && only) {
    const { day, requests, services, meters } = only;
    return db.sql(
      `${KEEP_METERS} SELECT ?1, ?4, ?2, ?5, ?6, ${taken("?7")} ${CLAIMED} ${HIGHER_METERS}`,
      licenseId,
      instanceId,
      requestId,
      day,
      requests,
      services,
      JSON.stringify(meters),
    );
  }
  const one = "coalesce(one.value -> 'meters', '{}')";
  return db.sql(
    `${KEEP_METERS} SELECT ?1, one.value ->> 'day', ?2, one.value ->> 'requests', one.value ->> 'services',
       ${taken(one)}
     FROM json_each(?4) one CROSS JOIN ${CLAIMED.slice("FROM ".length)} ${HIGHER_METERS}`,
    licenseId,
    instanceId,
    requestId,
    JSON.stringify(days),
  );
}
