// How a seat is given back or lost, as SQL. Ended activations stay in the table, for the record.
import { recordChange } from "../../record/events.ts";
import type { Context } from "../../context.ts";
import type { SqlValue } from "../../storage/database.ts";
import { DAY, HOUR, SECOND } from "../../kernel/dates.ts";
import type { CertificateIdentity } from "./certificates.ts";
import type { KeyIdentity } from "../licenses/license-keys.ts";

/** Who took it, as the column says it: what a customer frees on the customer's site is taken back, as staff take it. */
function endedBy({ actor }: Context): "lease" | "instance" | "staff" {
  if (actor.type === "system") return "lease";
  return actor.type === "instance" ? "instance" : "staff";
}

// An activation ends now, or when its lease ran out earlier. The event comes first, while the row is still unchanged.
function end(
  context: Context,
  now: number,
  action: "activation.ended" | "activation.lapsed",
  where: string,
  ...values: SqlValue[]
): D1PreparedStatement[] {
  const ended = "max(activated_at, min(?, lease_expires_at))";
  return [
    recordChange(
      context,
      now,
      action,
      ["license", { sql: "license_id", values: [] }],
      {
        sql: `json_object('activation_id', id, 'instance_id', instance_id,
          'ended_at', strftime('%Y-%m-%dT%H:%M:%fZ', ${ended} / 1000.0, 'unixepoch'))`,
        values: [now],
      },
      { sql: `FROM activations WHERE ended_at = 0 AND ${where}`, values },
    ),
    // OR REPLACE removes an activation of the same instance that ended in the same millisecond.
    context.db.sql(
      `UPDATE OR REPLACE activations SET ended_at = ${ended}, ended_by = iif(freed_at IS NULL, ?, 'staff')
       WHERE ended_at = 0 AND ${where}`,
      now,
      endedBy(context),
      ...values,
    ),
  ];
}

/**
 * Ends the activation of an instance, which frees its seat; does nothing if there is none. As with a claim, the
 * certificate of the activation proves that the instance asks. Without it, the last proven lease must be over, and the
 * key must not have been replaced.
 */
export const endActivation = (
  context: Context,
  now: number,
  key: KeyIdentity,
  instanceId: string,
  certifiedId: string | null,
): D1PreparedStatement[] =>
  end(
    context,
    now,
    "activation.ended",
    `license_id = ? AND instance_id = ?
     AND (id = ? OR (coalesce(proven_until, lease_expires_at) <= ?
       AND EXISTS (SELECT 1 FROM licenses WHERE id = license_id AND revision <= ?)))`,
    key.licenseId,
    instanceId,
    certifiedId,
    now,
    key.revision,
  );

/** The activation that a receipt names, unless its seat got another certificate or another key since. */
const BY_RECEIPT = `license_id = ? AND id = ? AND last_seen_at < ? AND (? IS NULL OR proven_request = ?)
  AND (public_key IS NULL OR public_key = ?)`;

const receiptValues = ({
  licenseId,
  activationId,
  issuedAt,
  requestId,
  publicKey,
}: CertificateIdentity): SqlValue[] => [
  licenseId,
  activationId,
  issuedAt + SECOND,
  requestId,
  requestId,
  publicKey?.x ?? null,
];

export const endActivationByReceipt = (
  context: Context,
  now: number,
  stopped: CertificateIdentity,
): D1PreparedStatement[] => end(context, now, "activation.ended", BY_RECEIPT, ...receiptValues(stopped));

/** An installation without a network may still run on the file of this seat: nobody can tell it to stop. */
const FILE_RUNS = "actor_type = 'staff' AND coalesce(proven_until, lease_expires_at) > ?";

/**
 * Frees seats at the request of staff. If an installation has its seat by a file, only its receipt proves that it
 * stopped: without one, the seat is marked as freed and counts until the file ends.
 * @param where which of the activations that are not ended
 * @param force whether to end the seats of files, too
 */
export function freeSeats(
  context: Context,
  now: number,
  force: boolean,
  where: string,
  ...values: SqlValue[]
): D1PreparedStatement[] {
  if (force) return end(context, now, "activation.ended", where, ...values);
  const held = `ended_at = 0 AND freed_at IS NULL AND ${FILE_RUNS} AND ${where}`;
  return [
    ...end(context, now, "activation.ended", `NOT (${FILE_RUNS}) AND ${where}`, now, ...values),
    recordChange(
      context,
      now,
      "activation.freed",
      ["license", { sql: "license_id", values: [] }],
      {
        sql: `json_object('activation_id', id, 'instance_id', instance_id,
          'counts_until', strftime('%Y-%m-%dT%H:%M:%fZ', lease_expires_at / 1000.0, 'unixepoch'))`,
        values: [],
      },
      { sql: `FROM activations WHERE ${held}`, values: [now, ...values] },
    ),
    context.db.sql(`UPDATE activations SET freed_at = ? WHERE ${held}`, now, now, ...values),
  ];
}

/** The most seats of a license that its customer frees within this time is max_instances. */
export const FREEING_WINDOW = 30 * DAY;

/**
 * Frees seats at the request of their customer: in a while only as many as the license has, or a license for one would
 * run anywhere in turn. The first statement enforces that, and the others end what it counted.
 */
const endCounted = (
  context: Context,
  now: number,
  customerId: string,
  where: string,
  ...values: SqlValue[]
): D1PreparedStatement[] => [
  context.db.sql(
    `INSERT INTO portal_frees (license_id, freed_at, activation_id)
     SELECT license_id, ?, id FROM activations WHERE ended_at = 0 AND ${where} AND EXISTS (
       SELECT 1 FROM licenses l WHERE l.id = activations.license_id AND l.customer_id = ?
         AND (l.max_instances IS NULL OR l.max_instances > (
           SELECT count(*) FROM portal_frees f WHERE f.license_id = l.id AND f.freed_at > ?)))`,
    now,
    ...values,
    customerId,
    now - FREEING_WINDOW,
  ),
  ...end(
    context,
    now,
    "activation.ended",
    `${where} AND EXISTS (SELECT 1 FROM portal_frees f
       WHERE f.license_id = activations.license_id AND f.freed_at = ? AND f.activation_id = activations.id)`,
    ...values,
    now,
  ),
];

/** Frees a seat of a customer: never that of a file. */
export const freeOwnSeat = (
  context: Context,
  now: number,
  { customerId, licenseId, activationId }: { customerId: string; licenseId: string; activationId: string },
): D1PreparedStatement[] =>
  endCounted(
    context,
    now,
    customerId,
    "license_id = ? AND id = ? AND lease_expires_at > ? AND actor_type <> 'staff'",
    licenseId,
    activationId,
    now,
  );

/**
 * Frees the seat of a customer's file by a receipt. It counts as well: whoever signed the receipt may have kept a copy
 * of the machine.
 */
export const freeOwnFile = (
  context: Context,
  now: number,
  customerId: string,
  stopped: CertificateIdentity,
): D1PreparedStatement[] => endCounted(context, now, customerId, BY_RECEIPT, ...receiptValues(stopped));

/**
 * Marks the activations of a license as ended if their lease ran out. They already hold no seat; this only keeps them
 * out of the next count, and records the end.
 */
export async function settleLapsed(context: Context, now: number, licenseId: string): Promise<void> {
  const acting: Context = { ...context, actor: { type: "system", id: "lease" }, ip: null };
  await context.db.batch(
    end(acting, now, "activation.lapsed", "license_id = ? AND lease_expires_at <= ?", licenseId, now),
  );
}

/** The same for a license that seems to have too many seats; at most once an hour, because it reads them all. */
export async function settleCrowded(context: Context, now: number, licenseId: string): Promise<void> {
  const [looked] = await context.db.batch([
    context.db.sql(
      "UPDATE license_seats SET settled_at = ? WHERE license_id = ? AND settled_at <= ?",
      now,
      licenseId,
      now - HOUR,
    ),
  ]);
  if (looked?.meta.changes !== 0) await settleLapsed(context, now, licenseId);
}
