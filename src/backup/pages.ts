// Reading a backup page by page. A page is one batch, and what the next one needs is in the position that the page
// returns, so a reader who is stopped goes on from the last position, and may ask for a page again.
//
// D1 has no snapshot: rows change while others are read. Each row is at least as new as the event that records the
// backup, and the record in it ends there. What is still possible, `restore/licenses.ts` mends: a seat that ended
// meanwhile is in it twice, and so is a day of usage that left its month.
import type { Context } from "../context.ts";
import { numericDate } from "../kernel/dates.ts";
import { BACKUP_GIVEN_UP_AFTER } from "../licensing/usage/folding.ts";
import { Problem } from "../problems.ts";
import type { SqlValue } from "../storage/database.ts";
import { chained, FORMAT, type Manifest, NO_PAGES, pageText, type TableClaims } from "./file.ts";
import { columnsOf, KEPT, type KeptTable, nameOf } from "./tables.ts";

/** Where the next page begins. */
export interface Position {
  id: string;
  event: number;
  begun_at: number;
  with_access: boolean;
  /** How many of the tables are read. */
  done: number;
  /** The key of the last row that was read of the present one. */
  after: SqlValue[] | null;
  /** How many rows a page may have. */
  limit: number;
  told: Record<string, Omit<TableClaims, "columns">>;
}

/** The size that pages should have, in characters, and the numbers of rows that they have for it. */
const SIZE = 1_500_000;
const LIMITS = { first: 500, least: 20, most: 8_000 };

/** The tables of a backup, in the order in which they are read. */
const tablesRead = (withAccess: boolean): KeptTable[] =>
  KEPT.filter(({ access }) => withAccess || !access).toReversed();

/** @param id of the backup, of which the event tells */
export const startOf = (id: string, event: number, begunAt: number, withAccess: boolean): Position => ({
  id,
  event,
  begun_at: begunAt,
  with_access: withAccess,
  done: 0,
  after: null,
  limit: LIMITS.first,
  told: {},
});

export interface Read {
  /** The page; empty if there are no more rows. */
  text: string;
  /** Null after the last page. */
  next: Position | null;
}

/**
 * The next page.
 * @throws Problem CONFLICT if nobody read a page of this backup for a day
 */
export async function readPage(context: Context, from: Position): Promise<Read> {
  const { db, clock } = context;
  const now = clock.now();
  const tables = tablesRead(from.with_access);
  const position = { ...from };
  for (;;) {
    const kept = tables[position.done];
    if (!kept) return { text: "", next: null };
    const [seen, found] = await db.batch(
      [
        db.sql(
          "UPDATE backups SET seen_at = ? WHERE id = ? AND seen_at > ?",
          now,
          from.id,
          now - BACKUP_GIVEN_UP_AFTER,
        ),
        selectRows(context, kept, position),
      ],
      "repeatable",
    );
    if (seen!.meta.changes === 0)
      throw new Problem("CONFLICT", "Nobody carried this backup on for a day. Begin a new one.");
    const rows = found!.results as ({ row: string } & Record<string, SqlValue>)[];
    const last = rows.at(-1);
    if (!last) {
      Object.assign(position, { done: position.done + 1, after: null, limit: LIMITS.first });
      continue;
    }
    const table = nameOf(kept.table);
    const head = { table, columns: columnsOf(kept), rows: rows.length };
    const text = pageText(
      head,
      rows.map(({ row }) => row),
    );
    const told = position.told[table] ?? { pages: 0, rows: 0, hash: NO_PAGES };
    const isLast = rows.length < position.limit;
    return {
      text,
      next: {
        ...position,
        done: position.done + (isLast ? 1 : 0),
        after: isLast ? null : kept.key.map((_, n) => last[`k${n}`]!),
        limit: isLast ? LIMITS.first : limitFor(text.length / rows.length),
        told: {
          ...position.told,
          [table]: {
            pages: told.pages + 1,
            rows: told.rows + rows.length,
            hash: await chained(told.hash, text),
          },
        },
      },
    };
  }
}

const limitFor = (size: number): number =>
  Math.max(LIMITS.least, Math.min(LIMITS.most, Math.floor(SIZE / size)));

/** SQLite writes the rows as JSON itself, so that every value comes back as it is. */
function selectRows(
  { db }: Context,
  kept: KeptTable,
  { event, after, limit }: Position,
): D1PreparedStatement {
  const { table, key, where } = kept;
  const values: SqlValue[] = where ? [event] : [];
  const bound = (after ?? []).map((value) => `?${values.push(value)}`);
  const conditions = [
    ...(where ? [`(${where})`] : []),
    ...(after ? [`(${key.join(", ")}) > (${bound.join(", ")})`] : []),
  ];
  return db.sql(
    `SELECT json_array(${columnsOf(kept).join(", ")}) AS row, ${key.map((name, n) => `${name} AS k${n}`).join(", ")}
     FROM ${nameOf(table)} ${conditions.length > 0 ? `WHERE ${conditions.join(" AND ")}` : ""}
     ORDER BY ${key.join(", ")} LIMIT ${limit}`,
    ...values,
  );
}

/** Lets what was held up while the backup was read go on. */
export const endBackup = ({ db, clock }: Context, id: string): Promise<unknown> =>
  db.batch(
    [db.sql("UPDATE backups SET ended_at = coalesce(ended_at, ?) WHERE id = ?", clock.now(), id)],
    "repeatable",
  );

/** The signed manifest of a backup whose last page is read. */
export const signManifest = (
  { keyring, config }: Context,
  now: number,
  { id, event, begun_at, with_access, told }: Position,
): Promise<string> => {
  const claims: Manifest = {
    iss: config.issuer,
    iat: numericDate(now),
    jti: id,
    format: FORMAT,
    begun_at,
    event,
    with_access,
    tables: Object.fromEntries(
      tablesRead(with_access)
        .toReversed()
        .map((kept) => {
          const name = nameOf(kept.table);
          return [
            name,
            { columns: columnsOf(kept), ...(told[name] ?? { pages: 0, rows: 0, hash: NO_PAGES }) },
          ];
        }),
    ),
  };
  return keyring.sign("backup+jwt", { ...claims });
};
