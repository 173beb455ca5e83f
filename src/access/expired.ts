// Sessions and idempotency keys that count no more.
import type { Context } from "../context.ts";
import { DAY } from "../kernel/dates.ts";
import { KEPT } from "./idempotency.ts";

const PAGE = 1_000;

/** Drops those whose time is over. @returns whether there may be more */
export async function dropExpired({ db, clock }: Context): Promise<boolean> {
  const now = clock.now();
  const dropped = await db.batch([
    db.sql(
      `DELETE FROM sessions WHERE id IN (
         SELECT id FROM sessions WHERE expires_at <= ? ORDER BY expires_at LIMIT ${PAGE})`,
      now,
    ),
    db.sql(
      `DELETE FROM portal_sessions WHERE hash IN (
         SELECT hash FROM portal_sessions WHERE expires_at <= ? ORDER BY expires_at LIMIT ${PAGE})`,
      now,
    ),
    // What was asked for in the last hour still counts.
    db.sql(
      `DELETE FROM portal_links WHERE hash IN (
         SELECT hash FROM portal_links WHERE created_at <= ? ORDER BY created_at LIMIT ${PAGE})`,
      now - DAY,
    ),
    db.sql(
      `DELETE FROM portal_frees WHERE (license_id, freed_at, activation_id) IN (
         SELECT license_id, freed_at, activation_id FROM portal_frees
         WHERE freed_at <= ? ORDER BY freed_at LIMIT ${PAGE})`,
      now - 60 * DAY,
    ),
    // Nobody confirmed them.
    db.sql(
      `DELETE FROM portal_invitations WHERE id IN (
         SELECT id FROM portal_invitations WHERE confirmed_at IS NULL AND created_at <= ? ORDER BY created_at LIMIT ${PAGE})`,
      now - 7 * DAY,
    ),
    db.sql(
      `DELETE FROM idempotency_keys WHERE (actor_id, key) IN (
         SELECT actor_id, key FROM idempotency_keys WHERE created_at <= ? ORDER BY created_at LIMIT ${PAGE})`,
      now - KEPT,
    ),
  ]);
  return dropped.some(({ meta }) => meta.changes === PAGE);
}
