// Who still runs on a key that was replaced.
import type { Context } from "../../context.ts";
import { allow } from "../../kernel/permissions.ts";
import type { Activation } from "../../storage/schema.ts";

/** Bounds what a license with many events costs. A key that was replaced longer ago is no news. */
const LOOKED_THROUGH = 500;

/** When the present key of a license took the place of another; null if it is the first, or long there. */
export async function keyReplacedAt(context: Context, licenseId: string): Promise<number | null> {
  allow(context, "read");
  const { db } = context;
  const [found] = await db.batch([
    db.sql(
      `SELECT at FROM (
         SELECT id, at, action FROM events WHERE entity_id = ?1 ORDER BY id DESC
         LIMIT iif((SELECT revision FROM licenses WHERE id = ?1) > 1, ?2, 0))
       WHERE action IN ('license.reissued', 'license.transferred') ORDER BY id DESC LIMIT 1`,
      licenseId,
      LOOKED_THROUGH,
    ),
  ]);
  return (found?.results[0] as { at: number } | undefined)?.at ?? null;
}

type Seat = Pick<Activation, "activated_at" | "last_seen_at" | "proven">;

/**
 * Whether an instance has the replaced key. It gets the new one with the first answer to a request that proves who it
 * is; without proof the old key goes on for a while, and only the instance knows which one it has.
 */
export function hasOldKey(
  { activated_at, last_seen_at, proven }: Seat,
  replacedAt: number | null,
): "yes" | "perhaps" | "no" {
  if (replacedAt === null || activated_at >= replacedAt) return "no";
  if (last_seen_at < replacedAt) return "yes";
  return proven === 1 ? "no" : "perhaps";
}
