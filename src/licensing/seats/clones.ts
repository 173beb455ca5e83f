// Seats that two places seem to share: what keeps the mark, and what removes it. claim.ts sets it.
import * as z from "zod/mini";
import type { Context } from "../../context.ts";
import { DAY } from "../../kernel/dates.ts";
import { Reason } from "../../kernel/inputs.ts";
import { allow } from "../../kernel/permissions.ts";
import { recordChange } from "../../record/events.ts";
import { licenseIdOf } from "./ids/activation-ids.ts";

/** A request without proof was refused, so today is not a quiet day: renews the mark. Writes at most once a day. */
export async function keepMarked(
  { db }: Context,
  now: number,
  licenseId: string,
  instanceId: string,
): Promise<void> {
  await db.batch([
    db.sql(
      `UPDATE activations SET clone_suspected_at = ?1
       WHERE license_id = ?2 AND ended_at = 0 AND instance_id = ?3 AND clone_suspected_at <= ?1 - ${DAY}`,
      now,
      licenseId,
      instanceId,
    ),
  ]);
}

export const CloneClearance = z.strictObject({ reason: Reason });

/** Removes the mark, because staff know better; does nothing if there is none. The activation must exist. */
export async function clearClone(
  context: Context,
  id: string,
  { reason }: z.output<typeof CloneClearance>,
): Promise<void> {
  allow(context, "activations");
  const { db, clock } = context;
  const licenseId = licenseIdOf(id);
  await db.batch([
    db.sql(
      `UPDATE activations SET clone_suspected_at = NULL, strays = 0
       WHERE license_id = ? AND id = ? AND clone_suspected_at IS NOT NULL`,
      licenseId,
      id,
    ),
    recordChange(context, clock.now(), "instance.clone_cleared", ["license", licenseId], {
      activation_id: id,
      reason,
    }),
  ]);
}
