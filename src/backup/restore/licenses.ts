// What follows from the rows of some licenses: what changed while the backup was read is mended, seats are held, and
// counters are counted anew. Each statement is about the licenses after :after, up to :up_to.
import type { Context } from "../../context.ts";
import { DAY, LAST_INSTANT } from "../../kernel/dates.ts";
import { named } from "../../storage/database.ts";
import { SEATS_MEANWHILE } from "./restores.ts";

/** How many licenses are done at once. */
export const LICENSES_AT_ONCE = 1_000;

const within = (column: string): string => `${column} > :after AND ${column} <= :up_to`;

// A seat that ended while the backup was read may be in it twice, as it was before and after: it has ended.
const END_TWICE = named(`
  DELETE FROM activations WHERE ended_at = 0 AND ${within("license_id")} AND (license_id, instance_id) IN (
    SELECT o.license_id, o.instance_id FROM activations o CROSS JOIN activations s
      ON s.license_id = o.license_id AND s.ended_at = 0 AND s.instance_id = o.instance_id AND s.id = o.id
    WHERE ${within("o.license_id")} AND o.ended_at >= :backup_at)`);

const HELD = `ended_at = 0 AND freed_at IS NULL AND lease_expires_at > :backup_at AND ${within("license_id")}`;

// Whoever had a seat when the backup was made may have got another lease since: the seat is held for as long as that may
// run. What the holder has proof of stays what it was. A seat that was freed while its file runs is not held longer.
const HOLD = named(`
  UPDATE activations SET
    proven_until = coalesce(proven_until, lease_expires_at),
    lease_expires_at = max(lease_expires_at, min(
      (CAST(:backup_at AS INTEGER) + lease_expires_at - last_seen_at + 999) / 1000 * 1000,
      (SELECT coalesce(expires_at + grace_days * ${DAY}, ${LAST_INSTANT}) FROM licenses WHERE id = activations.license_id)))
  WHERE ${HELD}`);

const COUNT_HELD = named(`
  UPDATE restores SET found = json_set(found, '$.seats_held', coalesce(found ->> 'seats_held', 0) + changes())
  WHERE id = :restore`);

/** The days that are in usage though their months are folded; few, because they come by courier. */
const UNFOLDED = `usage u WHERE ${within("u.license_id")}
  AND u.day < coalesce((SELECT max(month) FROM usage_months), '') || '~'`;

// A day that left its month while the backup was read is in both: the figures in usage are the later ones.
const DAYS_OF_INSTANCES = named(`
  UPDATE usage_months SET days = json_patch(usage_months.days, moved.days)
  FROM (SELECT license_id, substr(day, 1, 7) AS month, instance_id, json_group_object(substr(day, 9), NULL) AS days
    FROM ${UNFOLDED} GROUP BY 1, 2, 3) moved
  WHERE usage_months.month = moved.month AND usage_months.license_id = moved.license_id
    AND usage_months.instance_id = moved.instance_id`);

const DAYS_OF_LICENSES = named(`
  UPDATE license_usage_months SET days = json_patch(license_usage_months.days, moved.days)
  FROM (SELECT license_id, substr(day, 1, 7) AS month, json_group_object(substr(day, 9), NULL) AS days
    FROM ${UNFOLDED} GROUP BY 1, 2) moved
  WHERE license_usage_months.month = moved.month AND license_usage_months.license_id = moved.license_id`);

const COUNT_USAGE = named(`
  INSERT INTO license_usage (day, license_id, requests, services)
  SELECT day, license_id, sum(requests), sum(services) FROM usage WHERE ${within("license_id")} GROUP BY 1, 2`);

// Of a day that left its month, other instances are still in the month.
const COUNT_FOLDED = named(`
  UPDATE license_usage SET requests = license_usage.requests + folded.requests,
    services = license_usage.services + folded.services
  FROM (SELECT d.day, d.license_id, sum(m.days -> substr(d.day, 9) ->> 0) AS requests,
      sum(m.days -> substr(d.day, 9) ->> 1) AS services
    FROM (SELECT DISTINCT day, license_id FROM ${UNFOLDED}) d CROSS JOIN usage_months m
      ON m.month = substr(d.day, 1, 7) AND m.license_id = d.license_id
    WHERE m.days -> substr(d.day, 9) IS NOT NULL GROUP BY 1, 2) folded
  WHERE license_usage.day = folded.day AND license_usage.license_id = folded.license_id`);

// After the two statements above: what is in usage, and of a day that left its month, other instances.
const COUNT_METERS = named(`
  UPDATE license_usage SET meters = counted.meters
  FROM (SELECT day, license_id, json_group_object(code, n) AS meters
    FROM (SELECT day, license_id, code, sum(n) AS n
      FROM (SELECT u.day, u.license_id, one.key AS code, one.value AS n
        FROM usage u CROSS JOIN json_each(u.meters) one WHERE ${within("u.license_id")} AND u.meters IS NOT NULL
        UNION ALL
        SELECT d.day, d.license_id, one.key, one.value
        FROM (SELECT DISTINCT day, license_id FROM ${UNFOLDED}) d CROSS JOIN usage_months m
          ON m.month = substr(d.day, 1, 7) AND m.license_id = d.license_id
        CROSS JOIN json_each(m.days -> substr(d.day, 9) -> 3) one)
      GROUP BY 1, 2, 3)
    GROUP BY 1, 2) counted
  WHERE license_usage.day = counted.day AND license_usage.license_id = counted.license_id`);

// What the earlier days of the month come to, as triggers keep it otherwise. Part of a month may be folded.
const COUNT_BEFORE = named(`
  UPDATE license_usage SET before = so_far.before
  FROM (SELECT DISTINCT day, license_id FROM usage WHERE ${within("license_id")} AND meters IS NOT NULL) told
  CROSS JOIN license_usage_before so_far ON so_far.day = told.day AND so_far.license_id = told.license_id
  WHERE license_usage.day = told.day AND license_usage.license_id = told.license_id`);

const USES = "INSERT INTO entitlement_uses (code, holder, id, until)";

const COUNT_USES = named(`
  ${USES} SELECT one.key, 'license', l.id, one.value ->> 'until'
  FROM licenses l CROSS JOIN json_each(l.entitlements) one WHERE ${within("l.id")} AND l.entitlements <> '{}'`);

/** Counts what license types have. Once, after the licenses. */
export const COUNT_TYPES = `
  ${USES} SELECT one.key, 'license_type', t.id, NULL FROM license_types t CROSS JOIN json_each(t.entitlements) one`;

const COUNT_SEATS = named(`
  INSERT INTO ${SEATS_MEANWHILE} (license_id, seated)
  SELECT license_id, count(*) FROM activations WHERE ended_at = 0 AND ${within("license_id")} GROUP BY license_id
  ON CONFLICT DO UPDATE SET seated = excluded.seated`);

const NO_SEATS = named(`
  UPDATE ${SEATS_MEANWHILE} SET seated = 0 WHERE seated <> 0 AND ${within("license_id")} AND NOT EXISTS (
    SELECT 1 FROM activations a WHERE a.license_id = ${SEATS_MEANWHILE}.license_id AND a.ended_at = 0)`);

const COUNT_LICENSES = named(`
  INSERT INTO license_counts (license_type, status, n)
  SELECT license_type, status, count(*) FROM licenses WHERE ${within("id")} GROUP BY 1, 2
  ON CONFLICT DO UPDATE SET n = n + excluded.n`);

const COUNT_TURNS = named(`
  INSERT INTO license_turns (turn, size, prefix, n)
  SELECT turn, size, prefix, count(*) FROM license_turns_of WHERE ${within("id")} GROUP BY 1, 2, 3
  ON CONFLICT DO UPDATE SET n = n + excluded.n`);

const STATEMENTS = [
  END_TWICE,
  HOLD,
  COUNT_HELD,
  DAYS_OF_INSTANCES,
  DAYS_OF_LICENSES,
  COUNT_USAGE,
  COUNT_FOLDED,
  COUNT_METERS,
  COUNT_BEFORE,
  COUNT_USES,
  COUNT_SEATS,
  NO_SEATS,
  COUNT_LICENSES,
  COUNT_TURNS,
];

/** The statements for these licenses, in order. */
export const statementsFor = (
  { db }: Context,
  values: { restore: string; after: string; up_to: string; backup_at: number },
): D1PreparedStatement[] => STATEMENTS.map((statement) => db.run(statement, values));
