// A database as the migrations leave it. Applying them takes longer than most tests, so that is done once: what they made
// is read then, and made again for whoever needs an empty database.
import { applyD1Migrations, reset } from "cloudflare:test";
import { env } from "./env.ts";

type Row = Record<string, string | number | null | number[]>;

/** SQL with its values: tables, then the rows that are there from the beginning, then what watches over both. */
let made: [sql: string, values: unknown[]][] | undefined;

const OURS = "name NOT GLOB '_cf_*' AND name NOT GLOB 'sqlite_*'";

async function read(db: D1Database): Promise<typeof made> {
  const { results: entries } = await db
    .prepare(`SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND ${OURS} ORDER BY rowid`)
    .all<{ type: string; name: string; sql: string }>();
  const tables = entries.filter(({ type }) => type === "table");
  const rows: [string, unknown[]][] = [];
  for (const { name } of tables) {
    for (const row of (await db.prepare(`SELECT * FROM ${name}`).all<Row>()).results) {
      const values = Object.values(row).map((value) =>
        Array.isArray(value) ? Uint8Array.from(value) : value,
      );
      const columns = Object.keys(row);
      rows.push([
        `INSERT INTO ${name} (${columns.join()}) VALUES (${columns.map(() => "?").join()})`,
        values,
      ]);
    }
  }
  const others = entries.filter(({ type }) => type !== "table");
  return [
    ["PRAGMA defer_foreign_keys = on", []],
    ...tables.map(({ sql }): [string, unknown[]] => [sql, []]),
    ...rows,
    ...others.map(({ sql }): [string, unknown[]] => [sql, []]),
  ];
}

/** Makes in an empty database what the migrations make. */
export async function migrate(db: D1Database): Promise<void> {
  if (made) {
    await db.batch(made.map(([sql, values]) => db.prepare(sql).bind(...values)));
    return;
  }
  await applyD1Migrations(db, env.TEST_MIGRATIONS);
  made = await read(db);
}

/** Begins with an empty database. */
export async function migrateAnew(): Promise<void> {
  await reset();
  await migrate(env.DB);
}
