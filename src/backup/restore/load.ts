// Loading a page of a backup.
import type { Context } from "../../context.ts";
import { allow } from "../../kernel/permissions.ts";
import { invalid, Problem, requestInvalid } from "../../problems.ts";
import { databaseMessage } from "../../storage/failures.ts";
import { chained, type PageHead, pageHead } from "../file.ts";
import { type KeptTable, nameOf } from "../tables.ts";
import { advance, type Loaded, nameMeanwhile, readRestore, tablesOf } from "./restores.ts";

/** The largest page in bytes. A page has 1.5 MB, or a few rows that are larger. */
export const MAX_PAGE = 32 * 1024 * 1024;

/** D1 allows 2 MB per value. */
const MAX_CHUNK = 900_000;

/** The rows as JSON arrays, each small enough for one parameter. */
function* chunksOf(rows: string[]): Generator<string> {
  let chunk: string[] = [];
  let size = 0;
  for (const row of rows) {
    if (size + row.length > MAX_CHUNK && chunk.length > 0) {
      yield `[${chunk.join(",")}]`;
      chunk = [];
      size = 0;
    }
    chunk.push(row);
    size += row.length;
  }
  yield `[${chunk.join(",")}]`;
}

/** The table of a page, and whether its columns are those that the manifest signed for it. */
function fitting(head: PageHead, columns: string[]): boolean {
  return head.columns.length === columns.length && head.columns.every((name, n) => name === columns[n]);
}

/**
 * Loads the page with this number, from 1 on, of a table. A page that is loaded already is not loaded again.
 * @throws Problem REQUEST_INVALID for a text that is no page of this table; CONFLICT for a page out of turn
 */
export async function loadPage(
  context: Context,
  { id, table, page }: { id: string; table: string; page: number },
  text: string,
): Promise<{ table: string; pages_loaded: number }> {
  allow(context, "backups");
  const restore = await readRestore(context, id);
  const loaded = restore.loaded[table];
  const entry = tablesOf(restore).find(({ name }) => name === table);
  if (!loaded || !entry) throw invalid("table", "This restore has no such table");
  if (restore.step > 0) throw new Problem("CONFLICT", "The pages of this restore are all loaded.");
  if (page <= loaded.pages) return { table, pages_loaded: loaded.pages };
  if (page !== loaded.pages + 1)
    throw new Problem("CONFLICT", `Page ${loaded.pages + 1} of ${table} comes first.`);
  const [first = "", ...rows] = text.replace(/\n$/, "").split("\n");
  const head = pageHead(first);
  if (!head || head.table !== table || head.rows !== rows.length || !fitting(head, entry.claims.columns))
    throw requestInvalid([{ path: "", message: "Not a page of this table" }]);
  const chunks = [...chunksOf(rows)];
  const { kept } = entry;
  const { db } = context;
  const inserts = chunks.map((chunk) => db.sql(insertion(kept, head.columns), chunk));
  const parents = chunks.flatMap((chunk) =>
    missingParents(context, head, chunk).concat(missingDefinitions(context, head, chunk)),
  );
  const next: Loaded = {
    ...loaded,
    pages: page,
    rows: loaded.rows + rows.length,
    hash: await chained(loaded.hash, text),
  };
  try {
    await advance(context, restore, { loaded: { ...restore.loaded, [table]: next } }, [
      ...parents,
      ...inserts,
    ]);
  } catch (error) {
    if (/constraint failed|malformed JSON/.test(databaseMessage(error)))
      throw requestInvalid([{ path: "", message: `The page does not fit into ${table}` }]);
    throw error;
  }
  return { table, pages_loaded: page };
}

function insertion(kept: KeptTable, columns: string[]): string {
  const { parent } = kept;
  const name = nameMeanwhile(nameOf(kept.table));
  const values = columns.map((_, n) => `value ->> ${n}`);
  const condition = parent
    ? `WHERE EXISTS (SELECT 1 FROM ${parent.table} WHERE ${parent.key} = value ->> ${columns.indexOf(parent.column)})`
    : "";
  return `INSERT INTO ${name} (${columns.join(", ")}) SELECT ${values.join(", ")} FROM json_each(?) ${condition}`;
}

/**
 * Makes the customers and license types that licenses name and that went while the backup was read: a license that
 * changed hands must not be lost with its former customer.
 */
function missingParents(
  { db, clock }: Context,
  { table, columns }: PageHead,
  chunk: string,
): D1PreparedStatement[] {
  if (table !== "licenses") return [];
  const of = (column: string): string => `value ->> ${columns.indexOf(column)}`;
  const now = clock.now();
  return [
    db.sql(
      `INSERT INTO customers (id, name, created_at, updated_at)
       SELECT DISTINCT ${of("customer_id")}, ${of("customer_id")}, ?1, ?1 FROM json_each(?2) WHERE true
       ON CONFLICT DO NOTHING`,
      now,
      chunk,
    ),
    db.sql(
      `INSERT INTO license_types (id, name, grace_days, lease_days, check_in_hours, features, created_at, updated_at)
       SELECT ${["license_type", "license_type", "grace_days", "lease_days", "check_in_hours", "features"].map(of).join(", ")}, ?1, ?1
       FROM json_each(?2) WHERE true ON CONFLICT DO NOTHING`,
      now,
      chunk,
    ),
  ];
}

/** Makes the definitions of entitlements that licenses and types have and that went while the backup was read. */
function missingDefinitions(
  { db, clock }: Context,
  { table, columns }: PageHead,
  chunk: string,
): D1PreparedStatement[] {
  const place = columns.indexOf("entitlements");
  if (place === -1 || !["licenses", "license_types"].includes(table)) return [];
  return [
    db.sql(
      `INSERT INTO entitlements (code, name, kind, aggregate, period, over, created_at, updated_at)
       SELECT one.key, one.key,
         CASE WHEN one.value -> 'meter' IS NOT NULL THEN 'meter'
           WHEN json_type(one.value, '$.value') IN ('true', 'false') THEN 'flag'
           WHEN json_type(one.value, '$.value') = 'text' THEN 'text' ELSE 'limit' END,
         one.value -> 'meter' ->> 0, one.value -> 'meter' ->> 1, one.value -> 'meter' ->> 2, ?1, ?1
       FROM json_each(?2) holder CROSS JOIN json_each(holder.value ->> ${place}) one
       WHERE true GROUP BY one.key ON CONFLICT DO NOTHING`,
      clock.now(),
      chunk,
    ),
  ];
}
