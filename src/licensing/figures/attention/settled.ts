// Trouble that staff need not look at again. Why is in the record, and nothing else changes: what the service does about
// it goes on.
import * as z from "zod/mini";
import type { Context } from "../../../context.ts";
import { DAY, formatInstant } from "../../../kernel/dates.ts";
import { Reason } from "../../../kernel/inputs.ts";
import { allow } from "../../../kernel/permissions.ts";
import { named } from "../../../storage/database.ts";
import { Problem } from "../../../problems.ts";
import { ATTENTION_KINDS } from "../../../storage/schema.ts";
import { recordChange } from "../../../record/events.ts";
import { unknownLicense } from "../../licenses/licenses.ts";

export const Settlement = z.strictObject({
  kind: z.enum(ATTENTION_KINDS),
  /** For how many days nothing of this kind is shown, whatever happens; without it, until something new happens. */
  snooze_days: z.optional(z.int().check(z.minimum(1), z.maximum(365))),
  reason: Reason,
});

export const Unsettlement = z.strictObject({ kind: z.enum(ATTENTION_KINDS), reason: z.optional(Reason) });

export type Settlement = z.output<typeof Settlement>;

const SETTLE = named(`
  INSERT INTO settled_attention (license_id, kind, settled_at, until)
  SELECT id, :kind, :now, :until FROM licenses WHERE id = :license
  ON CONFLICT DO UPDATE SET settled_at = :now, until = :until`);

/**
 * Takes the trouble of a kind off the list of what needs attention. A later decision replaces the one before.
 * @returns until when, or null if until something new happens
 * @throws Problem LICENSE_NOT_FOUND
 */
export async function settleAttention(
  context: Context,
  licenseId: string,
  { kind, snooze_days, reason }: Settlement,
): Promise<{ license_id: string; kind: Settlement["kind"]; until: string | null }> {
  allow(context, "licenses");
  const { db, clock } = context;
  const now = clock.now();
  const until = snooze_days === undefined ? null : now + snooze_days * DAY;
  const shownUntil = until === null ? null : formatInstant(until);
  const [settled] = await db.batch([
    db.run(SETTLE, { license: licenseId, kind, now, until }),
    recordChange(context, now, "license.attention_settled", ["license", licenseId], {
      kind,
      until: shownUntil,
      reason,
    }),
  ]);
  if (settled?.meta.changes !== 1) throw unknownLicense(licenseId);
  return { license_id: licenseId, kind, until: shownUntil };
}

/** A settlement that holds at :now. One until something new happens holds until somebody takes it back. */
export const IN_FORCE = "(until IS NULL OR until > :now)";

const UNSETTLE = named(
  `DELETE FROM settled_attention WHERE license_id = :license AND kind = :kind AND ${IN_FORCE}`,
);

const LICENSE = named("SELECT 1 FROM licenses WHERE id = :license");

/**
 * Takes a settlement back: what it left out needs attention again if it is still there.
 * @throws Problem LICENSE_NOT_FOUND, NOT_FOUND if nothing of this kind is settled
 */
export async function unsettleAttention(
  context: Context,
  licenseId: string,
  { kind, reason }: z.output<typeof Unsettlement>,
): Promise<{ license_id: string; kind: Settlement["kind"] }> {
  allow(context, "licenses");
  const { db, clock } = context;
  const now = clock.now();
  const [unsettled, , license] = await db.batch([
    db.run(UNSETTLE, { license: licenseId, kind, now }),
    recordChange(context, now, "license.attention_unsettled", ["license", licenseId], {
      kind,
      reason: reason ?? null,
    }),
    db.run(LICENSE, { license: licenseId }),
  ]);
  if (license?.results.length === 0) throw unknownLicense(licenseId);
  if (unsettled?.meta.changes !== 1)
    throw new Problem("NOT_FOUND", `Nothing of the kind ${kind} is settled for this license.`);
  return { license_id: licenseId, kind };
}
