// Meters that refuse new instances while they are above their value (`over: refuse_new`).
import type { Context } from "../../context.ts";
import { DAY, dayOf, LAST_INSTANT } from "../../kernel/dates.ts";
import { named } from "../../storage/database.ts";

/** An instance that was seen so recently is none of the new ones. */
export const SEEN = 35 * DAY;

/** A day above so many times the value may be a mistake: it waits for staff, and refuses nobody. Of none, any is too much. */
const IMPLAUSIBLE = 10;

/** The figures of one meter, `one`, that count now: those of today, or of the days of this month. */
const COUNTED = `
  SELECT iif(one.value ->> '$.meter[0]' = 'sum', sum(n), max(n)) AS observed FROM (
    SELECT kept.meters ->> one.key AS n, kept.day
    FROM dates CROSS JOIN license_usage kept
      ON kept.day = substr(:today, 1, 8) || dates.date AND kept.license_id = :license
    WHERE one.value ->> '$.meter[1]' = 'month' OR kept.day = :today) told
  WHERE n <= ${IMPLAUSIBLE} * (one.value ->> 'value') OR one.value ->> 'value' = 0 OR EXISTS (
    SELECT 1 FROM usage looked
    WHERE looked.license_id = :license AND looked.day = told.day AND looked.corrected_at IS NOT NULL)`;

const IS_OVER = `one.value ->> '$.meter[2]' = 'refuse_new' AND one.value ->> 'value' IS NOT NULL
    AND coalesce(one.value ->> 'until', ${LAST_INSTANT}) > :now
    AND (${COUNTED}) > one.value ->> 'value'`;

/** The meters above their value among `entitlements`. Reads :license, :now and :today. */
export const METERS_OVER = `SELECT 1 FROM json_each(entitlements) one WHERE ${IS_OVER}`;

const OVER = named(`
  SELECT one.key AS code, one.value ->> 'value' AS allowed, (${COUNTED}) AS observed
  FROM licenses CROSS JOIN json_each(licenses.entitlements) one
  WHERE licenses.id = :license AND ${IS_OVER} LIMIT 1`);

/** The meter for which a new instance is refused now; undefined if there is none. */
export async function refusingMeter(
  { db }: Context,
  licenseId: string,
  now: number,
): Promise<{ code: string; allowed: number; observed: number } | undefined> {
  const [found] = await db.batch([db.run(OVER, { license: licenseId, now, today: dayOf(now) })]);
  return found?.results[0] as { code: string; allowed: number; observed: number } | undefined;
}

/** How many of the latest days over a value are looked at, and from when on. */
const LOOKED_AT = 200;
const LOOKED_BACK = 31 * DAY;

/** A day that is left out of what refuses new instances until staff corrected a figure of it. */
export interface WaitingDay {
  day: string;
  license_id: string;
  license_type: string;
  customer_name: string;
  code: string;
  allowed: number;
  observed: number;
}

/** The latest days that wait for staff, where `now` stands for the time. Such a day is above the value, and so is its month. */
export const waitingDaysAt = (now: string): string => `
  SELECT DISTINCT told.day, told.license_id, one.key AS code, one.value ->> 'value' AS allowed,
    told.meters ->> one.key AS observed
  FROM (
    SELECT day, license_id, code FROM meter_overuse
    WHERE day >= date((${now} - ${LOOKED_BACK}) / 1000, 'unixepoch') ORDER BY day DESC LIMIT ${LOOKED_AT}) due
  CROSS JOIN licenses ON licenses.id = due.license_id
  CROSS JOIN json_each(licenses.entitlements) one ON one.key = due.code
    AND one.value ->> '$.meter[2]' = 'refuse_new' AND coalesce(one.value ->> 'until', ${LAST_INSTANT}) > ${now}
  CROSS JOIN dates ON one.value ->> '$.meter[1]' = 'month' OR dates.date = substr(due.day, 9)
  CROSS JOIN license_usage told ON told.day = substr(due.day, 1, 8) || dates.date
    AND told.license_id = licenses.id AND one.value ->> 'value' > 0
    AND told.meters ->> one.key > ${IMPLAUSIBLE} * (one.value ->> 'value')
  WHERE NOT EXISTS (
    SELECT 1 FROM usage looked
    WHERE looked.license_id = told.license_id AND looked.day = told.day AND looked.corrected_at IS NOT NULL)`;

const WAITING = named(`
  SELECT day, license_id, code, allowed, observed, licenses.license_type,
    coalesce(customers.company, customers.name) AS customer_name
  FROM (${waitingDaysAt(":now")} ORDER BY told.day DESC, told.license_id, one.key LIMIT :limit)
  CROSS JOIN licenses ON licenses.id = license_id CROSS JOIN customers ON customers.id = licenses.customer_id
  ORDER BY day DESC, license_id, code`);

/** Reads the latest days that wait for staff, as rows of WaitingDay. */
export const waitingDays = ({ db }: Context, now: number, limit: number): D1PreparedStatement =>
  db.run(WAITING, { now, limit });
