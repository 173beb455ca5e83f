// Erasures out of the database's reach, in the bucket BACKUPS: a database that is restored from before knows nothing of
// them.
import type { Context } from "../../context.ts";
import type { ErasureRow } from "../../storage/schema.ts";

/** Whom an erasure is about: ids only. `contact_id` null: the whole customer. */
export type Erasure = Pick<ErasureRow, "id" | "customer_id" | "contact_id" | "erased_at">;

const FOLDER = "erasures/";

const keyOf = (id: string): string => `${FOLDER}${id}.json`;

/** Writes an erasure to the bucket. @returns whether it is there */
export async function keepErasure(
  context: Context,
  { id, customer_id, contact_id, erased_at }: Erasure,
): Promise<boolean> {
  const { backups, db, clock } = context;
  if (backups === null) return false;
  try {
    await backups.put(keyOf(id), JSON.stringify({ id, customer_id, contact_id, erased_at }), {
      httpMetadata: { contentType: "application/json" },
    });
  } catch {
    context.log("error", { event: "erasure", error: "The bucket BACKUPS does not answer.", erasure: id });
    return false;
  }
  const kept = db.sql("UPDATE erasures SET kept_at = coalesce(kept_at, ?) WHERE id = ?", clock.now(), id);
  await db.batch([kept], "repeatable");
  return true;
}

/** The erasures in the bucket that the database does not know, the oldest first. */
export async function* keptErasures({ backups, db }: Context): AsyncGenerator<Erasure, void> {
  if (backups === null) return;
  let cursor: string | undefined;
  do {
    const page = await backups.list({ prefix: FOLDER, ...(cursor === undefined ? {} : { cursor }) });
    const ids = page.objects.map(({ key }) => key.slice(FOLDER.length).replace(/\.json$/, ""));
    cursor = page.truncated ? page.cursor : undefined;
    if (ids.length === 0) continue;
    const [unknown] = await db.batch([
      db.sql(
        `SELECT value AS id FROM json_each(?)
         WHERE NOT EXISTS (SELECT 1 FROM erasures WHERE erasures.id = value) ORDER BY value`,
        JSON.stringify(ids),
      ),
    ]);
    for (const { id } of unknown!.results) {
      const kept = await backups.get(keyOf(String(id)));
      if (kept !== null) yield await kept.json<Erasure>();
    }
  } while (cursor !== undefined);
}
