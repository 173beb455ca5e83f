// Where each kind of trouble is found: SQL that reads a bounded number of rows, whatever there is. In all of it ?1 is
// now. A row of trouble has a license, when it came (`at`), how bad it is among those of its kind, and what it is, as
// JSON.
import { DAY } from "../../../kernel/dates.ts";
import type { AttentionKind } from "../../../storage/schema.ts";
import { SILENT_DAYS } from "../../instances/census.ts";
import { KNOWN_SILENT } from "../../instances/silence.ts";
import { MAX_GRACE_DAYS } from "../../licenses/terms.ts";
import { QUIET } from "../../seats/seat-rules.ts";
import { waitingDaysAt } from "../../usage/refusing.ts";

/** How many groups of each kind are shown; the lists have all of them. */
const SHOWN = 6;

/** How many events of overuse are read: some days of a dozen licenses. */
const OVERUSES = 100;

/** How many seats, mails and orders of each kind are read. */
const EACH = 24;

/** How many licenses are read on either side of now, whatever their status. */
const ENDS = 100;

/** For how long overuse, orders that failed, and digests that did not arrive are told of. */
const LATELY = 7 * DAY;

/** A mark on a seat: a suspected clone, or requests from several addresses. */
const marked = (mark: string): string => `
  SELECT license_id, ${mark} AS at, ${mark} AS badness,
    json_object('activation_id', id, 'instance_id', instance_id, 'hostname', hostname) AS what
  FROM activations WHERE ${mark} IS NOT NULL AND ended_at = 0 AND ${mark} > ?1 - ${QUIET}
  ORDER BY ${mark} DESC LIMIT ${EACH}`;

const undelivered = (status: "bounced" | "failed"): string => `
  SELECT * FROM (
    SELECT license_id, updated_at AS at, updated_at AS badness,
      json_object('message_id', id, 'status', status, 'recipient', recipient) AS what
    FROM messages WHERE status = '${status}' AND reason IS NOT 'superseded' ORDER BY id DESC LIMIT ${EACH})
  WHERE license_id IS NOT NULL`;

const orders = (which: string, order: string): string => `
  SELECT * FROM (
    SELECT license_id, updated_at AS at, updated_at AS badness,
      json_object('pending_change_id', id, 'status', status, 'action', action, 'effective_at', effective_at) AS what
    FROM pending_changes WHERE ${which} ORDER BY effective_at ${order} LIMIT ${EACH})`;

/** How long before its end a license asks for attention: 30 days, or the last quarter of a shorter term. */
const SOON = `min(${30 * DAY}, (expires_at - coalesce(term_began_at, max(issued_at, coalesce(starts_at, 0)))) / 4)`;

const GRACE = `expires_at <= ?1 AND expires_at > ?1 - ${MAX_GRACE_DAYS * DAY}`;
const AHEAD = `expires_at > ?1 AND expires_at <= ?1 + ${30 * DAY}`;

/** Licenses that still let instances run, from a walk along their ends. @param came when they began to ask for attention */
const ending = (range: string, order: "ASC" | "DESC", came: string): string => `
  SELECT * FROM (
    SELECT id AS license_id, ${came} AS at, -expires_at AS badness, json_object('expires_at', expires_at) AS what
    FROM (
      SELECT id, status, issued_at, starts_at, term_began_at, expires_at, grace_days
      FROM licenses WHERE ${range} ORDER BY expires_at ${order} LIMIT ${ENDS})
    WHERE status = 'active' AND expires_at + grace_days * ${DAY} > ?1 AND ${came} <= ?1
    ORDER BY expires_at ${order} LIMIT ${SHOWN})`;

/** Whether there are more licenses on either side of now than are looked at. */
export const MORE_ENDS = `
  SELECT (SELECT count(*) FROM (SELECT 1 FROM licenses WHERE ${GRACE} LIMIT ${ENDS})) = ${ENDS} AS grace,
    (SELECT count(*) FROM (SELECT 1 FROM licenses WHERE ${AHEAD} LIMIT ${ENDS})) = ${ENDS} AS expiring`;

const SOURCES: Record<AttentionKind, string> = {
  cloned: marked("clone_suspected_at"),
  scattered: marked("scattered_at"),
  undelivered: `${undelivered("bounced")} UNION ALL ${undelivered("failed")}`,
  stuck: `${orders("status = 'held'", "ASC")} UNION ALL
    ${orders(`status = 'failed' AND effective_at > ?1 - ${LATELY}`, "DESC")}`,
  // One that ends is told of again when its grace begins.
  ending: `
    ${ending(GRACE, "DESC", "expires_at")} UNION ALL
    ${ending(AHEAD, "ASC", `(expires_at - ${SOON})`)}`,
  // The index leaves out events that instances caused.
  overused: `
    SELECT entity_id AS license_id, at,
      coalesce(1.0 * (detail ->> 'observed') / (detail ->> 'allowed'), 0) AS badness, detail AS what
    FROM events WHERE action = 'license.overused' AND actor_type <> 'instance' AND at > ?1 - ${LATELY}
    ORDER BY id DESC LIMIT ${OVERUSES}`,
  implausible: `
    SELECT license_id, unixepoch(day) * 1000 AS at, 1.0 * observed / allowed AS badness,
      json_object('code', code, 'day', day, 'allowed', allowed, 'observed', observed) AS what
    FROM (${waitingDaysAt("?1")} ORDER BY told.day DESC LIMIT ${EACH})`,
  silent: `
    SELECT license_id, last_seen_at + ${SILENT_DAYS * DAY} AS at, -last_seen_at AS badness,
      json_object('activation_id', id, 'instance_id', instance_id, 'hostname', hostname, 'last_seen_at', last_seen_at)
        AS what
    FROM (${KNOWN_SILENT(`?1 - ${SILENT_DAYS * DAY}`, EACH)})`,
};

/** The trouble of a kind that is not settled, one row for each license: how often, the latest, and the worst. */
const grouped = (kind: AttentionKind, limit: number): string => `
  SELECT found.*, l.customer_id, l.license_type, coalesce(c.company, c.name) AS customer_name
  FROM (
    SELECT * FROM (
      SELECT license_id, what, count(*) OVER one AS count, max(at) OVER one AS at, max(badness) OVER one AS worst,
        row_number() OVER (PARTITION BY license_id ORDER BY badness DESC, at DESC) AS place
      FROM (${SOURCES[kind]}) trouble
      WHERE NOT EXISTS (
        SELECT 1 FROM settled_attention s
        WHERE s.license_id = trouble.license_id AND s.kind = '${kind}'
          AND (s.until > ?1 OR s.until IS NULL AND s.settled_at >= trouble.at))
      WINDOW one AS (PARTITION BY license_id))
    WHERE place = 1 ORDER BY ${kind === "ending" ? "worst" : "at"} DESC LIMIT ${limit}) found
  CROSS JOIN licenses l ON l.id = found.license_id CROSS JOIN customers c ON c.id = l.customer_id
  ORDER BY ${kind === "ending" ? "worst" : "at"} DESC`;

/** By kind, those that stop customers first. */
export const QUERIES: [AttentionKind, string][] = (Object.keys(SOURCES) as AttentionKind[]).map((kind) => [
  kind,
  grouped(kind, kind === "ending" ? 2 * SHOWN : SHOWN),
]);

/** Mail that is about no license: digests, previews. */
export const OTHER_MAIL = `
  SELECT id, status, recipient, updated_at FROM (
    SELECT * FROM (SELECT * FROM messages WHERE status = 'bounced' ORDER BY id DESC LIMIT ${EACH})
    UNION ALL
    SELECT * FROM (SELECT * FROM messages WHERE status = 'failed' ORDER BY id DESC LIMIT ${EACH}))
  WHERE license_id IS NULL AND updated_at > ?1 - ${LATELY} ORDER BY updated_at DESC LIMIT ${SHOWN}`;
