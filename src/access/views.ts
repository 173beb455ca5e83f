// How a member of staff sees the console. What the object has, and what it means, is the console's business.
import type { Context } from "../context.ts";
import { allow } from "../kernel/permissions.ts";

/** Reads it as the column `view`: JSON, or null if nothing was chosen yet. @param actor SQL for the actor's id */
export const viewColumn = (actor: string): string =>
  `(SELECT view FROM staff_views WHERE actor_id = ${actor}) AS view`;

/**
 * Keeps what the input names and leaves the rest, so that two forms sent at once both hold. A member that is null is
 * forgotten (RFC 7396). Not in the record: it changes nothing for anybody else.
 */
export async function keepView(context: Context, changes: object): Promise<void> {
  const { id } = allow(context, "read");
  const { clock, db } = context;
  await db.batch([
    db.sql(
      `INSERT INTO staff_views (actor_id, view, updated_at) VALUES (?1, json_patch('{}', ?2), ?3)
       ON CONFLICT DO UPDATE SET view = json_patch(view, ?2), updated_at = ?3`,
      id,
      JSON.stringify(changes),
      clock.now(),
    ),
  ]);
}
