// Seats that a restore lost: whoever activated between the backup and the restore has a certificate that the restored
// database knows nothing of. It is proof enough: the seat is given back, also above the limit.
import type { Context } from "../../context.ts";
import { floorToSecond } from "../../kernel/dates.ts";
import { recordChange } from "../../record/events.ts";

/**
 * Whether a certificate is of a seat that a restore lost: issued after the backup was begun, and before the service
 * worked on the restored data, and still valid.
 */
export async function isOfLostSeat(
  { db }: Context,
  now: number,
  { issuedAt, expiresAt }: { issuedAt: number; expiresAt: number },
): Promise<boolean> {
  if (expiresAt <= now) return false;
  const [found] = await db.batch([
    db.sql(
      "SELECT backup_at, ended_at FROM restores WHERE ended_at IS NOT NULL ORDER BY ended_at DESC LIMIT 1",
    ),
  ]);
  const restore = found?.results[0] as { backup_at: number; ended_at: number } | undefined;
  return (
    restore !== undefined && issuedAt >= floorToSecond(restore.backup_at) && issuedAt <= restore.ended_at
  );
}

/** Records that a seat was given back, if the claim of this request made one. Goes after the claim. */
export const recordRecovery = (
  context: Context,
  now: number,
  licenseId: string,
  instanceId: string,
): D1PreparedStatement =>
  recordChange(
    context,
    now,
    "activation.recovered",
    ["license", licenseId],
    {
      sql: `json_object('activation_id', a.id, 'instance_id', a.instance_id, 'above_limit', json(iif(
        (SELECT seated FROM license_seats WHERE license_id = a.license_id) > l.max_instances, 'true', 'false')))`,
      values: [],
    },
    {
      sql: `FROM activations a JOIN licenses l ON l.id = a.license_id
        WHERE a.license_id = ? AND a.ended_at = 0 AND a.instance_id = ? AND a.request_id = ?
          AND a.occasion = 'activation.created'`,
      values: [licenseId, instanceId, context.requestId],
    },
  );
