// A database as the migrations leave it. Applying them takes longer than most tests, so that is done once: what they made
// is read then, and made again for whoever needs an empty database.
import { applyD1Migrations } from "cloudflare:test";
import { env } from "./env.ts";

/** SQL: tables, then the rows that are there from the beginning, then what watches over both. */
let made: string | undefined;

const OURS = "name NOT GLOB '_cf_*' AND name NOT GLOB 'sqlite_*'";

/** One text, since D1 takes as long for a statement as for hundreds in one text. */
const inOne = (statements: string[]): string => ["PRAGMA defer_foreign_keys = on", ...statements].join(";\n");

async function read(db: D1Database): Promise<string> {
  const { results: entries } = await db
    .prepare(`SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND ${OURS} ORDER BY rowid`)
    .all<{ type: string; name: string; sql: string }>();
  const tables = entries.filter(({ type }) => type === "table");
  const rows: string[] = [];
  for (const { name } of tables) {
    const { results: columns } = await db
      .prepare("SELECT name FROM pragma_table_info(?)")
      .bind(name)
      .all<{ name: string }>();
    const quoted = columns.map((column) => `quote(${column.name})`).join(" || ',' || ");
    const { results } = await db.prepare(`SELECT ${quoted} AS quoted FROM ${name}`).all<{ quoted: string }>();
    rows.push(...results.map((row) => `INSERT INTO ${name} VALUES (${row.quoted})`));
  }
  const others = entries.filter(({ type }) => type !== "table");
  return inOne([...tables.map(({ sql }) => sql), ...rows, ...others.map(({ sql }) => sql)]);
}

/** Makes in an empty database what the migrations make. */
export async function migrate(db: D1Database): Promise<void> {
  if (made) {
    await db.prepare(made).run();
    return;
  }
  await applyD1Migrations(db, env.TEST_MIGRATIONS);
  made = await read(db);
}

/** Removes everything from a database. */
export async function empty(db: D1Database): Promise<void> {
  const { results } = await db
    .prepare(
      `SELECT type, name FROM sqlite_schema WHERE type IN ('table', 'view') AND ${OURS} ORDER BY type DESC`,
    )
    .all<{ type: string; name: string }>();
  await db.prepare(inOne(results.map(({ type, name }) => `DROP ${type} ${name}`))).run();
}

/** Begins with an empty database and an empty bucket. */
export async function freshRecord(): Promise<void> {
  // reset() of cloudflare:test takes as long, and leaves tables and objects behind on a busy machine.
  await empty(env.DB);
  await migrate(env.DB);
  const { objects } = await env.BACKUPS!.list();
  if (objects.length > 0) await env.BACKUPS!.delete(objects.map(({ key }) => key));
}
