// Replacing a leaked key. The finder of the key may already hold a seat. So staff see which instances run, and can free
// the seats of those that are not the customer's in the same batch.
import { and, count, desc, eq, gt, inArray, sql } from "drizzle-orm";
import * as z from "zod/mini";
import { allow } from "../../kernel/permissions.ts";
import type { Context } from "../../context.ts";
import { formatInstant } from "../../kernel/dates.ts";
import { Reason } from "../../kernel/inputs.ts";
import { requestInvalid } from "../../problems.ts";
import { type Activation, activations, type License } from "../../storage/schema.ts";
import { effectsOf } from "../licenses/effects.ts";
import { licenseKeyOf } from "../licenses/license-keys.ts";
import { decideReissue, UNPROVEN_HOURS } from "../licenses/decisions.ts";
import { carryOut, plan } from "../licenses/lifecycle.ts";
import { presentLicense } from "../licenses/licenses.ts";
import { refusalOf, standingOf } from "../licenses/standing.ts";
import { freeSeats } from "../seats/seat-ends.ts";
import { isByFile } from "./census.ts";

const MAX_FREED = 1_000;

/** Two weeks: with more time, the leaked key would be almost as good as a valid one. */
const MAX_UNPROVEN_HOURS = 336;

export const Reissue = z.strictObject({
  reason: Reason,
  /** Activations whose seats are freed together with the reissue. */
  free: z.optional(z.array(z.string().check(z.minLength(1), z.maxLength(64))).check(z.maxLength(MAX_FREED))),
  /** For how long the replaced key still renews running instances without proof. */
  unproven_hours: z._default(z.int().check(z.minimum(0), z.maximum(MAX_UNPROVEN_HOURS)), UNPROVEN_HOURS),
});

export type Reissue = z.output<typeof Reissue>;

const running = (licenseId: string, now: number) =>
  and(
    eq(activations.license_id, licenseId),
    eq(activations.ended_at, 0),
    gt(activations.lease_expires_at, now),
  );

/** @throws Problem REQUEST_INVALID that names each activation that holds no seat of the license */
async function assertRunning({ db, clock }: Context, licenseId: string, ids: string[]): Promise<void> {
  if (ids.length === 0) return;
  const rows = await db.orm
    .select({ id: activations.id })
    .from(activations)
    .where(
      and(
        running(licenseId, clock.now()),
        inArray(activations.id, sql`(SELECT value FROM json_each(${JSON.stringify(ids)}))`),
      ),
    );
  const known = new Set(rows.map(({ id }) => id));
  const faults = ids.flatMap((id, n) =>
    known.has(id)
      ? []
      : [{ path: `free.${n}`, message: "Is no activation that holds a seat of this license" }],
  );
  if (faults.length > 0) throw requestInvalid(faults);
}

/**
 * Replaces the key. From now on, keys of older revisions are refused, except from running instances with a certificate,
 * and for a while from those without. The same batch frees the seats of the named activations.
 * @throws Problem LICENSE_NOT_FOUND, INVALID_TRANSITION, CONFLICT
 * @throws Problem REQUEST_INVALID if an activation to free holds no seat; then nothing is written
 */
export async function reissueLicense(context: Context, id: string, input: Reissue, ifMatch?: string) {
  const ids = [...new Set(input.free)];
  const list = JSON.stringify(ids);
  const { db, clock, requestId } = context;
  const license = await carryOut(context, id, "reissue", decideReissue(input.unproven_hours), {
    reason: input.reason,
    ifMatch,
    unless: async () => assertRunning(context, id, input.free ?? []),
    where:
      ids.length === 0
        ? undefined
        : sql`(SELECT count(*) FROM activations WHERE license_id = ${id} AND ended_at = 0
            AND lease_expires_at > ${clock.now()} AND id IN (SELECT value FROM json_each(${list}))) = ${ids.length}`,
    also: async (after) =>
      ids.length === 0
        ? []
        : freeSeats(
            context,
            after.updated_at,
            false,
            // The event of this request exists, so this request replaced the key, and no other one was faster.
            `license_id = ? AND id IN (SELECT value FROM json_each(?)) AND EXISTS (
               SELECT 1 FROM (SELECT action, request_id FROM events WHERE entity_id = ? ORDER BY id DESC LIMIT ?)
               WHERE action = 'license.reissued' AND request_id = ?)`,
            id,
            list,
            id,
            ids.length + 1,
            requestId,
          ),
  });
  const [licenseKey, instances] = await Promise.all([
    licenseKeyOf(context, license),
    instancesOn({ ...context, db }, license),
  ]);
  return { license, licenseKey, instances };
}

/** What a reissue would do, and which instances run. Writes nothing. @throws Problem as the reissue itself */
export async function previewReissue(
  context: Context,
  id: string,
  input: Omit<Reissue, "reason">,
  ifMatch?: string,
) {
  allow(context, "licenses");
  const { before, after, changes } = await plan(
    context,
    id,
    "reissue",
    decideReissue(input.unproven_hours),
    ifMatch,
  );
  await assertRunning(context, id, input.free ?? []);
  const now = context.clock.now();
  const instances = await instancesOn(context, after, input.free);
  return {
    dry_run: true as const,
    license: presentLicense(after, now),
    changes,
    effects: effectsOf(changes, { before, after, active: instances.active, now }),
    instances,
    limits: [],
  };
}

/** How many are listed one by one. Those that may be a thief's come first: without proof, then the newest. */
const MAX_LISTED = 500;

/** The running instances of a license, and how each is refused at its next check-in with the replaced key. */
async function instancesOn({ db, clock }: Context, license: License, free: string[] = []) {
  const now = clock.now();
  const live = running(license.id, now);
  const [[total], rows] = await db.orm.batch([
    db.orm.select({ n: count() }).from(activations).where(live),
    db.orm
      .select()
      .from(activations)
      .where(live)
      .orderBy(activations.proven, desc(activations.activated_at), activations.instance_id)
      .limit(MAX_LISTED),
  ]);
  const isFreed = ({ id, freed_at }: Activation): boolean => freed_at !== null || free.includes(id);
  const stopped = refusalOf(standingOf(license, now));
  const isStopped = (row: Activation): boolean => row.proven === 0 && (license.unproven_until ?? 0) <= now;
  return {
    active: total?.n ?? 0,
    listed: rows.map((row) => ({
      activation_id: row.id,
      instance_id: row.instance_id,
      hostname: row.hostname,
      ip: row.ip,
      activated_at: formatInstant(row.activated_at),
      last_seen_at: formatInstant(row.last_seen_at),
      lease_expires_at: formatInstant(row.lease_expires_at),
      proven: row.proven === 1,
      offline: isByFile(row),
      freed: isFreed(row),
      refused_with: isFreed(row)
        ? ("INSTANCE_NOT_ACTIVATED" as const)
        : (stopped ?? (isStopped(row) ? ("LICENSE_KEY_SUPERSEDED" as const) : null)),
    })),
  };
}
