// The instances of a license in the order in which somebody would free their seats.
import { and, eq, gt, sql } from "drizzle-orm";
import { allow } from "../../kernel/permissions.ts";
import type { Context } from "../../context.ts";
import { type Activation, activations } from "../../storage/schema.ts";

/** How many seats of a license are looked at for those with the oldest contact. */
const MAX_SEATS = 500;

/**
 * Instances of a license: those that hold a seat, the one that was silent longest first, and then those that ended last.
 * Of a license with very many seats, only the first 500 by instance are compared.
 */
export async function listByContact(
  context: Context,
  licenseId: string,
  limit: number,
): Promise<Activation[]> {
  allow(context, "read");
  const { orm } = context.db;
  const seated = sql`(
    SELECT instance_id FROM (
      SELECT instance_id, last_seen_at FROM activations WHERE license_id = ${licenseId} AND ended_at = 0 LIMIT ${MAX_SEATS})
    ORDER BY last_seen_at, instance_id LIMIT ${limit})`;
  const ofLicense = eq(activations.license_id, licenseId);
  const [holding, ended] = await orm.batch([
    orm
      .select()
      .from(activations)
      .where(and(ofLicense, eq(activations.ended_at, 0), sql`${activations.instance_id} IN ${seated}`))
      .orderBy(activations.last_seen_at, activations.instance_id),
    orm
      .select()
      .from(activations)
      .where(and(ofLicense, gt(activations.ended_at, 0)))
      .orderBy(sql`${activations.ended_at} DESC`)
      .limit(limit),
  ]);
  return [...holding, ...ended].slice(0, limit);
}
