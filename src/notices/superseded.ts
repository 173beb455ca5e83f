// Mail that is not true any more. A notice: a nearer one was written, the license changed or got another customer, the
// end came, or its recipient is no contact of the customer any more. One that waits is taken back, also if Resend may
// have accepted it: the rest of its request is then sent under the same idempotency key with another body, which Resend
// refuses if it has accepted the first one. And a key that was replaced, unless Resend may have accepted it.
import type { Context } from "../context.ts";
import { type NamedStatement, named } from "../storage/database.ts";
import type { Entitlements, License } from "../storage/schema.ts";
import { KEY_REPLACED } from "./outbox.ts";

/** The `reason` of a notice that was taken back. */
export const SUPERSEDED = "superseded";

/** Why mail to the former customer of a license is not sent. */
export const TRANSFERRED = "The license went to another customer.";

/**
 * SQL: whether the license in `l` may run, and it, or something that it entitles to, ends then. Without an end of its own
 * it goes on longer.
 */
export const ENDS_THEN = (kind: string, end: string): string => `l.status = 'active' AND iif(
  ${kind} = 'entitlement_expiring',
  ifnull(l.expires_at > ${end}, true) AND ${end} IN (SELECT held.value ->> 'until' FROM json_each(l.entitlements) held),
  l.expires_at = ${end})`;

/** SQL: whether the notice in `m` is not true any more at :now. False for other mail. */
export const UNTRUE = `m.notice_end IS NOT NULL AND (
  m.notice_days > 0 AND m.notice_end <= :now
  OR NOT EXISTS (
    SELECT 1 FROM licenses l WHERE l.id = m.license_id AND l.customer_id = m.customer_id
      AND ${ENDS_THEN("m.kind", "m.notice_end")})
  OR NOT EXISTS (
    SELECT 1 FROM contacts c WHERE c.customer_id = m.customer_id AND lower(c.email) = lower(m.recipient))
  OR EXISTS (
    SELECT 1 FROM messages nearer
    WHERE nearer.license_id = m.license_id AND nearer.notice_end = m.notice_end
      AND (nearer.kind = 'entitlement_expiring') = (m.kind = 'entitlement_expiring')
      AND nearer.notice_days < m.notice_days AND nearer.reason IS NOT '${SUPERSEDED}'))`;

/**
 * Two statements that take back the waiting notices that `which` selects: a condition on `m`, a row of messages. Those
 * that were joined with one are joined anew before they are sent.
 */
const takingBack = (which: string, words: string): NamedStatement[] => [
  named(`
    UPDATE messages SET told_on = ''
    WHERE status = 'pending' AND joined IN (SELECT m.joined FROM messages m WHERE m.status = 'pending' AND ${which})`),
  named(`
    UPDATE messages AS m SET
      status = 'skipped', reason = '${SUPERSEDED}', last_error = '${words}', joined = NULL,
      -- A notice that is due again is another message.
      dedupe_key = dedupe_key || ':' || id, updated_at = :now
    WHERE m.status = 'pending' AND ${which}`),
];

const TAKE_BACK = takingBack(UNTRUE, "It was not true any more before it could be sent.");

const NEARER = takingBack(
  `m.license_id IN (SELECT value FROM json_each(:licenses)) AND ${UNTRUE}`,
  "A later notice took its place.",
);

/** Takes back every waiting notice that is not true any more. */
export const takeBackUntrue = ({ db }: Context, now: number): D1PreparedStatement[] =>
  TAKE_BACK.map((statement) => db.run(statement, { now }));

/** Takes back what waits about these licenses, after nearer notices were written. */
export const takeBackOlder = (
  { db }: Context,
  now: number,
  licenseIds: readonly string[],
): D1PreparedStatement[] =>
  NEARER.map((statement) => db.run(statement, { now, licenses: JSON.stringify(licenseIds) }));

const SAME_LICENSE = `m.license_id = :license
  AND EXISTS (SELECT 1 FROM licenses WHERE id = :license AND version = :version)
  AND (:order IS NULL OR EXISTS (SELECT 1 FROM pending_changes WHERE id = :order AND status = 'pending'))`;

const LICENSE_CHANGED = "The license changed before this was sent.";

// By the notice's end, not by the revision of the key, because the previous release writes no revision. What the license
// entitles to ends as before if only the license's end changes and still comes later.
const NOTICES = takingBack(
  `m.notice_end IS NOT NULL AND ${SAME_LICENSE} AND iif(m.kind = 'entitlement_expiring',
     :stopped OR m.notice_end >= :expires_at OR m.notice_end IN (SELECT value FROM json_each(:untils)), :ends)`,
  LICENSE_CHANGED,
);

/** The ends at which something ends, before a change of its license, that is something else now, or has another end. */
const changedEnds = (before: Entitlements, after: Entitlements): number[] =>
  Object.entries(before).flatMap(([code, was]) => {
    const is = after[code];
    const isSame = is && is.until === was.until && is.value === was.value;
    return was.until === undefined || isSame ? [] : [was.until];
  });

// A key that Resend may have accepted stays: nobody can call it back.
const KEYS = named(`
  UPDATE messages AS m SET status = 'failed', last_error = '${KEY_REPLACED}', batch_id = NULL, updated_at = :now
  WHERE m.status = 'pending' AND m.uncertain_since IS NULL AND m.notice_end IS NULL
    AND (m.key_revision < :revision OR :revoked) AND ${SAME_LICENSE}`);

const TO_FORMER_CUSTOMER = [
  ...takingBack(`m.notice_end IS NOT NULL AND ${SAME_LICENSE}`, TRANSFERRED),
  // Other mail that Resend may have accepted stays, as above.
  named(`
    UPDATE messages AS m SET status = 'skipped', last_error = '${TRANSFERRED}', batch_id = NULL, updated_at = :now
    WHERE m.status = 'pending' AND m.uncertain_since IS NULL AND m.notice_end IS NULL AND ${SAME_LICENSE}`),
];

/**
 * Withdraws unsent mail that would no longer be true: notices about another end or a stopped license, keys that were
 * replaced, and everything to the former customer of a license. The statements go into the batch of the change, before
 * it.
 */
export function withdrawMail(
  { db }: Context,
  { version, ...before }: License,
  after: License,
  orderId?: string,
): D1PreparedStatement[] {
  const stopped = before.status !== after.status;
  const ends = before.expires_at !== after.expires_at || stopped;
  const untils = changedEnds(before.entitlements, after.entitlements);
  if (!ends && untils.length === 0 && before.revision === after.revision) return [];
  const license = { now: after.updated_at, license: after.id, version, order: orderId ?? null };
  if (before.customer_id !== after.customer_id) {
    return TO_FORMER_CUSTOMER.map((statement) => db.run(statement, license));
  }
  const about = {
    ...license,
    stopped: stopped ? 1 : 0,
    ends: ends ? 1 : 0,
    expires_at: after.expires_at,
    untils: JSON.stringify(untils),
  };
  return [
    ...(ends || untils.length > 0 ? NOTICES.map((statement) => db.run(statement, about)) : []),
    db.run(KEYS, { ...license, revision: after.revision, revoked: after.status === "revoked" ? 1 : 0 }),
  ];
}

/** The same for notices about many licenses of a customer, whose status changes and nothing else. */
export const withdrawNotices = (
  { db }: Context,
  now: number,
  { customerId, which }: { customerId: string; which: string },
): D1PreparedStatement[] =>
  takingBack(
    `m.notice_end IS NOT NULL
       AND m.license_id IN (SELECT id FROM licenses WHERE customer_id = :customer AND ${which})`,
    LICENSE_CHANGED,
  ).map((statement) => db.run(statement, { now, customer: customerId }));
