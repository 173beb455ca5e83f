// How the business went: activations and usage by day, renewals won and lost, the first activation after a delivery, and
// which versions run. Each reads a bounded number of rows, of the latest; it says so where that is not all.
import type { Context } from "../../context.ts";
import { monthsBefore } from "../../kernel/calendar.ts";
import { DAY, dayOf, HOUR } from "../../kernel/dates.ts";
import { messageIdsFrom } from "../../kernel/ids.ts";
import { allow } from "../../kernel/permissions.ts";
import { daysOf, type Period } from "../../kernel/periods.ts";
import type { Row } from "../../storage/database.ts";
import { byVersion } from "../instances/by-version.ts";

/** So many renewals, ended licenses, deliveries and instances are looked at. */
export const LOOKED_AT = { renewals: 2_000, ended: 2_000, deliveries: 200, instances: 5_000 };

/** Of a delivered license, so many activations are looked at for the first one. */
const FIRST_OF = 25;

const SHOWN_VERSIONS = 20;

const ACTIVATIONS = "SELECT day, n FROM activation_days WHERE day >= ?1 AND day <= ?2";

// What is not folded into the days yet.
const LATEST = `
  SELECT strftime('%Y-%m-%d', at / 1000, 'unixepoch') AS day, count(*) AS n FROM events
  WHERE id > (SELECT up_to FROM activation_totals WHERE only = 1) AND action = 'activation.created' GROUP BY day`;

const USAGE = "SELECT day, requests, services FROM usage_days WHERE day >= ?1 AND day <= ?2";

const WON = `
  SELECT strftime('%Y-%m', at / 1000, 'unixepoch') AS month, count(*) AS n FROM (
    SELECT at FROM events WHERE action = 'license.renewed' AND actor_type <> 'instance'
    ORDER BY id DESC LIMIT ${LOOKED_AT.renewals})
  WHERE at >= ?1 GROUP BY month`;

// Their grace is over, and nobody renewed, suspended or revoked them.
const LOST = `
  SELECT strftime('%Y-%m', expires_at / 1000, 'unixepoch') AS month, count(*) AS n FROM (
    SELECT expires_at, grace_days, status FROM licenses WHERE expires_at >= ?1 AND expires_at <= ?2
    ORDER BY expires_at DESC LIMIT ${LOOKED_AT.ended})
  WHERE status = 'active' AND expires_at + grace_days * ${DAY} <= ?2 GROUP BY month`;

const FIRST = `
  SELECT min(m.created_at) AS told_at, (
    SELECT min(activated_at) FROM (
      SELECT activated_at FROM activations WHERE license_id = m.license_id LIMIT ${FIRST_OF})) AS first_at
  FROM (
    SELECT license_id, created_at FROM messages WHERE kind = 'license_delivery' AND id >= ?1 AND id < ?2
    ORDER BY id DESC LIMIT ${LOOKED_AT.deliveries}) m
  WHERE m.license_id IS NOT NULL GROUP BY m.license_id`;

const VERSIONS = `
  SELECT app_version AS version, count(*) AS n FROM (
    SELECT app_version, ended_at, lease_expires_at FROM activations LIMIT ${LOOKED_AT.instances})
  WHERE ended_at = 0 AND lease_expires_at > ?1 GROUP BY app_version ORDER BY n DESC`;

const TYPES =
  "SELECT license_type AS name, n FROM license_counts WHERE status = 'active' AND n > 0 ORDER BY 1";

const WITHIN: [label: string, most: number][] = [
  ["within an hour", HOUR],
  ["within a day", DAY],
  ["within a week", 7 * DAY],
  ["within 30 days", 30 * DAY],
  ["later", Number.POSITIVE_INFINITY],
];

export interface Count {
  name: string;
  count: number;
}

/** How long after the delivery of its key a license was activated first. One that was before counts as within an hour. */
export function waits(rows: { told_at: number; first_at: number | null }[]): Count[] {
  const counts = new Map<string, number>([
    ...WITHIN.map(([label]): [string, number] => [label, 0]),
    ["not yet", 0],
  ]);
  for (const { told_at, first_at } of rows) {
    const label = first_at === null ? "not yet" : WITHIN.find(([, most]) => first_at - told_at <= most)![0];
    counts.set(label, counts.get(label)! + 1);
  }
  return [...counts].map(([name, count]) => ({ name, count }));
}

const numbers = (rows: Row[], key: string, value: string): Map<string, number> => {
  const found = new Map<string, number>();
  for (const row of rows) {
    const name = String(row[key]);
    found.set(name, (found.get(name) ?? 0) + Number(row[value]));
  }
  return found;
};

/** The versions that most instances run, in their order, and all others together. */
export function mostRun(rows: { version: string | null; n: number }[]): Count[] {
  const most = rows
    .slice(0, SHOWN_VERSIONS)
    .toSorted((a, b) => byVersion(a.version, b.version))
    .map(({ version, n }) => ({ name: version ?? "not said", count: n }));
  const others = rows.slice(SHOWN_VERSIONS).reduce((sum, { n }) => sum + n, 0);
  return others === 0 ? most : [...most, { name: "others", count: others }];
}

/** The last months, this one included. */
const monthsUpTo = (now: number, count: number): string[] =>
  Array.from({ length: count }, (_, n) => dayOf(monthsBefore(now, count - 1 - n)).slice(0, 7));

/**
 * One trip. The days of the period before, of the same length, are read for the trend.
 * @param months of how many it has the renewals
 */
export async function readHistory(context: Context, period: Period, months: number) {
  allow(context, "read");
  const db = context.db.replica("lagging");
  const now = context.clock.now();
  const days = daysOf(period, now);
  const [first, last] = [days[0]!, days.at(-1)!];
  const before = Array.from({ length: days.length }, (_, n) =>
    dayOf(Math.max(0, Date.parse(first) - (n + 1) * DAY)),
  );
  const counted = monthsUpTo(now, months);
  const since = Date.parse(`${counted[0]!}-01`);
  const results = await db.batch([
    db.sql(ACTIVATIONS, before.at(-1)!, last),
    db.sql(LATEST),
    db.sql(USAGE, before.at(-1)!, last),
    db.sql(WON, since),
    db.sql(LOST, since, now),
    db.sql(
      FIRST,
      messageIdsFrom(context, Date.parse(first)),
      messageIdsFrom(context, Date.parse(last) + DAY),
    ),
    db.sql(VERSIONS, now),
    db.sql(TYPES),
  ]);
  const [made, latest, used, won, lost, delivered, versions, types] = results.map(
    ({ results: rows }) => rows,
  ) as [Row[], Row[], Row[], Row[], Row[], Row[], Row[], Row[]];
  const activations = numbers([...made, ...latest], "day", "n");
  const [wonIn, lostIn] = [numbers(won, "month", "n"), numbers(lost, "month", "n")];
  return {
    days: { now: days, before },
    activations,
    requests: numbers(used, "day", "requests"),
    services: numbers(used, "day", "services"),
    renewals: counted.map((month) => ({ month, won: wonIn.get(month) ?? 0, lost: lostIn.get(month) ?? 0 })),
    first: waits(delivered as unknown as { told_at: number; first_at: number | null }[]),
    versions: mostRun(versions as unknown as { version: string | null; n: number }[]),
    types: types.map(({ name, n }): Count => ({ name: String(name), count: Number(n) })),
  };
}
