// Folding usage: a row for each day and instance would fill the database, so old days move into one row a month and
// instance, and into one a month and license. Each figure stays what it was. If an old day is reported once more, a
// trigger takes it out of its month again (migrations/0022_folding.sql), and it is folded anew.
import type { Context } from "../../context.ts";
import { named, type NamedStatement } from "../../storage/database.ts";
import { DAY } from "../../kernel/dates.ts";
import { firstDay, firstMonth, firstOpenDay } from "./months.ts";

/** How many rows a page has: as many as a batch writes without letting check-ins wait. */
const PAGE = 2_000;

/** A backup that nobody carried on for so long holds nothing up any more. */
export const BACKUP_GIVEN_UP_AFTER = DAY;

/** While a backup is read, every day stays where it is: one that moves would be in it twice, or not at all. */
const NOT_READ = "NOT EXISTS (SELECT 1 FROM backups WHERE ended_at IS NULL AND seen_at > :given_up)";

/** Sorts after every instance id. */
const LAST = "\u{10ffff}";

/** The oldest days of licenses, each with its instances. license_usage has the day of each row of usage, by day. */
const NEXT = named(`
  SELECT due.day, due.license_id, u.instance_id
  FROM (SELECT day, license_id FROM license_usage WHERE day < :open AND ${NOT_READ} ORDER BY day, license_id LIMIT ${PAGE}) due
  LEFT JOIN usage u ON u.license_id = due.license_id AND u.day = due.day
  LIMIT ${PAGE + 1}`);

/** The days in the list: pairs [day, license_id]. */
const CHOSEN = `(SELECT value ->> 0 AS day, value ->> 1 AS license_id FROM json_each(:days) WHERE ${NOT_READ}) chosen`;

const FOLD_INSTANCES = named(`
  INSERT INTO usage_months (month, license_id, instance_id, days)
  SELECT substr(u.day, 1, 7), u.license_id, u.instance_id, json_group_object(substr(u.day, 9), json(
    iif(u.corrected_at IS NULL, json_array(u.requests, u.services), json_array(u.requests, u.services, u.corrected_at))))
  FROM ${CHOSEN} CROSS JOIN usage u
    ON u.license_id = chosen.license_id AND u.day = chosen.day AND u.instance_id <= :up_to
  GROUP BY 1, 2, 3
  ON CONFLICT DO UPDATE SET days = json_patch(days, excluded.days)`);

const DROP_INSTANCES = named(`
  DELETE FROM usage
  WHERE (license_id, day) IN (SELECT license_id, day FROM ${CHOSEN}) AND instance_id <= :up_to`);

const FOLD_LICENSES = named(`
  INSERT INTO license_usage_months (month, license_id, days)
  SELECT substr(l.day, 1, 7), l.license_id, json_group_object(substr(l.day, 9), json_array(l.requests, l.services))
  FROM ${CHOSEN} CROSS JOIN license_usage l ON l.day = chosen.day AND l.license_id = chosen.license_id
  GROUP BY 1, 2
  ON CONFLICT DO UPDATE SET days = json_patch(days, excluded.days)`);

const DROP_LICENSES = named(`
  DELETE FROM license_usage WHERE (day, license_id) IN (SELECT day, license_id FROM ${CHOSEN})`);

/**
 * Folds the next days that are due, in one batch. What is read first only says how much goes into the batch: its
 * statements take what is there when they run.
 * @returns whether there may be more
 */
export async function foldUsage({ db, clock, config }: Context): Promise<boolean> {
  const given_up = clock.now() - BACKUP_GIVEN_UP_AFTER;
  const open = firstOpenDay(clock.now(), config.retention.usageDays);
  const [next] = await db.batch([db.run(NEXT, { open, given_up })]);
  const rows = next!.results as { day: string; license_id: string; instance_id: string | null }[];
  if (rows.length === 0) return false;
  const days = [...new Set(rows.map(({ day, license_id }) => JSON.stringify([day, license_id])))];
  const isCut = rows.length > PAGE;
  // The last day may have more instances than were read: it waits, unless it fills the page alone.
  const whole = isCut ? days.slice(0, -1) : days;
  const isPart = whole.length === 0;
  const values = {
    given_up,
    days: `[${(isPart ? days : whole).join(",")}]`,
    up_to: isPart ? rows.at(-1)!.instance_id : LAST,
  };
  const statements: NamedStatement[] = isPart
    ? [FOLD_INSTANCES, DROP_INSTANCES]
    : [FOLD_INSTANCES, DROP_INSTANCES, FOLD_LICENSES, DROP_LICENSES];
  await db.batch(statements.map((statement) => db.run(statement, values)));
  return isCut || days.length === PAGE;
}

// A month is summed up when all its days are in it. One that was summed up before gets nothing more: days of it are not
// taken any more, and only an earlier release still does.
const OLD = `month < :first AND month < coalesce((SELECT substr(min(day), 1, 7) FROM license_usage), '~') AND ${NOT_READ}`;

const SUM_UP = named(`
  INSERT INTO license_months (license_id, month, requests, services, days)
  SELECT license_id, month, sum(value ->> 0), max(value ->> 1), count(*)
  FROM (SELECT month, license_id, days FROM license_usage_months WHERE ${OLD}
    ORDER BY month, license_id LIMIT ${PAGE}) old CROSS JOIN json_each(old.days)
  GROUP BY 1, 2
  ON CONFLICT DO NOTHING`);

/** The rows of the table that are too old, as many as a page has. */
const dropping = (table: string, key: string): NamedStatement =>
  named(`
  DELETE FROM ${table} WHERE (${key}) IN (
    SELECT ${key} FROM ${table} WHERE ${OLD} ORDER BY ${key} LIMIT ${PAGE})`);

const DROP_SUMMED = dropping("license_usage_months", "month, license_id");
const DROP_OLD = dropping("usage_months", "month, license_id, instance_id");

const DROP_OVERUSE = named(`
  DELETE FROM overuse WHERE (license_id, day, limit_name) IN (
    SELECT license_id, day, limit_name FROM overuse WHERE day < :day ORDER BY day LIMIT ${PAGE})`);

const DROP_METER_OVERUSE = named(`
  DELETE FROM meter_overuse WHERE (day, license_id, code) IN (
    SELECT day, license_id, code FROM meter_overuse WHERE day < :day ORDER BY day LIMIT ${PAGE})`);

/** Sums up months that are too old, and drops their days. @returns whether there may be more */
export async function closeMonths({ db, clock }: Context): Promise<boolean> {
  const now = clock.now();
  const values = { first: firstMonth(now), given_up: now - BACKUP_GIVEN_UP_AFTER };
  const [, ...dropped] = await db.batch([
    db.run(SUM_UP, values),
    db.run(DROP_SUMMED, values),
    db.run(DROP_OLD, values),
    db.run(DROP_OVERUSE, { day: firstDay(now) }),
    db.run(DROP_METER_OVERUSE, { day: firstDay(now) }),
  ]);
  return dropped.some(({ meta }) => meta.changes >= PAGE);
}
