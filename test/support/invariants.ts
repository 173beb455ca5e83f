// What is always true in the database, no matter what was interrupted. Each rule is SQL that finds rows that break it.
// It counts rows, and takes nothing from the counters that it checks. Runs on D1 and on the file itself.

const differing = (kept: string, counted: string): string =>
  `SELECT 'kept' AS what, * FROM (${kept} EXCEPT ${counted})
   UNION ALL SELECT 'counted', * FROM (${counted} EXCEPT ${kept})`;

const CHANGES = ["changed", "renewed", "suspended", "reinstated", "revoked", "reissued"]
  .map((change) => `'license.${change}'`)
  .join(", ");

/** The time of the latest event, so many months before. */
const back = (months: number): string =>
  `strftime('%Y-%m-%dT%H:%M:%SZ', coalesce((SELECT max(at) FROM events), 0) / 1000, 'unixepoch', '-${months} months')`;

/** The last event may be a little older than the run that dropped them. */
const IS_COUNTED = `(size = 7 OR prefix >= substr(${back(0)}, 1, 7))`;

/** Ended activations are kept a month longer. */
const ENDED_MONTHS = 24;

export const INVARIANTS: Record<string, string> = {
  "licenses are counted by type and status": differing(
    "SELECT license_type, status, n FROM license_counts WHERE n <> 0",
    "SELECT license_type, status, count(*) FROM licenses GROUP BY 1, 2",
  ),
  "the turns of licenses are counted, those that passed by month": differing(
    `SELECT turn, size, prefix, n FROM license_turns WHERE n <> 0 AND ${IS_COUNTED}`,
    `SELECT turn, size, prefix, count(*) FROM license_turns_of WHERE ${IS_COUNTED} GROUP BY 1, 2, 3`,
  ),
  "usage is added up by license and day, wherever a day lies": differing(
    `SELECT day, license_id, requests, services FROM license_usage
     UNION ALL SELECT month || '-' || key, license_id, value ->> 0, value ->> 1
     FROM license_usage_months, json_each(days)`,
    `SELECT day, license_id, sum(requests), sum(services) FROM (
       SELECT day, license_id, requests, services FROM usage
       UNION ALL SELECT month || '-' || key, license_id, value ->> 0, value ->> 1 FROM usage_months, json_each(days))
     GROUP BY day, license_id`,
  ),
  "a day of an instance lies in one place": `
    SELECT license_id, day, instance_id FROM usage
    INTERSECT SELECT license_id, month || '-' || key, instance_id FROM usage_months, json_each(days)`,
  "seats are counted by license": differing(
    "SELECT license_id, seated FROM license_seats WHERE seated <> 0",
    "SELECT license_id, count(*) FROM activations WHERE ended_at = 0 GROUP BY license_id",
  ),
  "a seat is proven no longer than it is leased": `
    SELECT id FROM activations WHERE proven_until > lease_expires_at`,
  "activations are counted by day, as far as they are folded": differing(
    "SELECT day, n FROM activation_days",
    `SELECT strftime('%Y-%m-%d', at / 1000, 'unixepoch'), count(*) FROM events
     WHERE action = 'activation.created' AND id <= (SELECT up_to FROM activation_totals) GROUP BY 1`,
  ),
  "the seats that the record tells of are there": differing(
    `SELECT entity_id, count(*) FILTER (WHERE action = 'activation.created' AND detail ->> 'replaces' IS NULL)
       - count(*) FILTER (WHERE action IN ('activation.ended', 'activation.lapsed')) AS n
     FROM events WHERE action LIKE 'activation.%' GROUP BY 1 HAVING n <> 0`,
    "SELECT license_id, count(*) FROM activations WHERE ended_at = 0 GROUP BY 1",
  ),
  "an activation has its event": `
    SELECT a.id FROM activations a WHERE 1 <> (
      SELECT count(*) FROM events
      WHERE entity_id = a.license_id AND action = 'activation.created' AND detail ->> 'activation_id' = a.id)`,
  "an end has its event": `
    SELECT a.id FROM activations a WHERE (a.ended_at > 0) <> (
      SELECT count(*) FROM events WHERE entity_id = a.license_id
        AND action IN ('activation.ended', 'activation.lapsed') AND detail ->> 'activation_id' = a.id)`,
  "an activation's event has its row, or one that took its place, or it ended long ago": `
    SELECT e.id FROM events e
    WHERE e.action = 'activation.created'
      AND NOT EXISTS (
        SELECT 1 FROM activations WHERE license_id = e.entity_id AND id = e.detail ->> 'activation_id')
      AND NOT EXISTS (
        SELECT 1 FROM events later WHERE later.entity_id = e.entity_id AND later.action = 'activation.created'
          AND later.detail ->> 'replaces' = e.detail ->> 'activation_id')
      AND NOT EXISTS (
        SELECT 1 FROM events ended WHERE ended.entity_id = e.entity_id
          AND ended.action IN ('activation.ended', 'activation.lapsed')
          AND ended.detail ->> 'activation_id' = e.detail ->> 'activation_id'
          AND ended.detail ->> 'ended_at' < ${back(ENDED_MONTHS)})
      AND NOT EXISTS (
        SELECT 1 FROM events ended JOIN activations a
          ON a.license_id = e.entity_id AND a.instance_id = e.detail ->> 'instance_id'
          AND strftime('%Y-%m-%dT%H:%M:%fZ', a.ended_at / 1000.0, 'unixepoch') = ended.detail ->> 'ended_at'
        WHERE ended.entity_id = e.entity_id AND ended.detail ->> 'activation_id' = e.detail ->> 'activation_id')`,
  "a license has one beginning": `
    SELECT l.id FROM licenses l WHERE 1 <> (
      SELECT count(*) FROM events WHERE entity_id = l.id AND action IN ('license.issued', 'license.imported'))`,
  "a license has an event for each change": `
    SELECT l.id, l.version FROM licenses l WHERE NOT EXISTS (
        SELECT 1 FROM events WHERE entity_id = l.customer_id AND action = 'customer.erased')
      AND l.version - 1 <> (
      SELECT count(*) FROM events WHERE entity_id = l.id AND action IN (${CHANGES}))`,
  "an event of a license has its license": `
    SELECT e.id FROM events e WHERE e.entity_type = 'license'
      AND NOT EXISTS (SELECT 1 FROM licenses WHERE id = e.entity_id)`,
  "a customer has one beginning": `
    SELECT c.id FROM customers c WHERE 1 <> (
      SELECT count(*) FROM events WHERE entity_id = c.id AND action IN ('customer.created', 'customer.imported'))
      + (SELECT -count(*) FROM events WHERE entity_id = c.id AND action = 'customer.deleted')`,
  "a customer has an event for each change": `
    SELECT c.id, c.version FROM customers c WHERE c.version - 1 <> (
      SELECT count(*) FROM events WHERE entity_id = c.id AND action IN ('customer.changed', 'customer.erased', 'contact.erased')
        AND id > (SELECT max(id) FROM events
          WHERE entity_id = c.id AND action IN ('customer.created', 'customer.imported')))`,
  "a customer can be found": `
    SELECT c.id FROM customers c WHERE NOT EXISTS (SELECT 1 FROM customer_terms WHERE customer_id = c.id)`,
  "an event of a customer has its customer, or tells of its end": `
    SELECT e.id FROM events e WHERE e.action = 'customer.created'
      AND NOT EXISTS (SELECT 1 FROM customers WHERE id = e.entity_id)
      AND NOT EXISTS (SELECT 1 FROM events WHERE entity_id = e.entity_id AND action = 'customer.deleted')`,
  "the record has no gaps": "SELECT max(id), count(*) FROM events HAVING coalesce(max(id), 0) <> count(*)",
  "a mail is about a license that is there": `
    SELECT m.id FROM messages m WHERE m.license_id IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM licenses WHERE id = m.license_id)`,
  "a key that was mailed is in the record": `
    SELECT m.id FROM messages m WHERE m.kind IN ('license_delivery', 'license_renewed')
      AND NOT EXISTS (SELECT 1 FROM events
        WHERE entity_id = m.license_id AND action = 'license.mailed' AND detail ->> 'message_id' = m.id)`,
  "usage is that of an instance that was activated": `
    SELECT u.license_id, u.instance_id FROM usage u WHERE NOT EXISTS (
      SELECT 1 FROM activations a WHERE a.license_id = u.license_id AND a.instance_id = u.instance_id)`,
};

/** The broken rules, each with up to three rows that break it. */
export async function brokenIn(
  ask: (sql: string) => object[] | Promise<object[]>,
): Promise<Record<string, object[]>> {
  const broken: Record<string, object[]> = {};
  for (const [rule, sql] of Object.entries(INVARIANTS)) {
    const found = await ask(`SELECT * FROM (${sql}) LIMIT 3`);
    if (found.length > 0) broken[rule] = found;
  }
  return broken;
}
