// Changes the database of a local service as the owner of the account could: without the triggers that prevent it.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

const FOLDER = "v3/d1/miniflare-D1DatabaseObject";

/** Where the names of the objects in BACKUPS are; their table is `_mf_objects`. */
const BUCKET = "v3/r2/miniflare-R2BucketObject";

/** Opens the database in a state folder, or what stands for the bucket. */
export function openDatabase(state: string, of: "database" | "bucket" = "database"): DatabaseSync {
  const folder = join(state, of === "database" ? FOLDER : BUCKET);
  const file = readdirSync(folder).find((name) => name.endsWith(".sqlite") && name !== "metadata.sqlite");
  if (file === undefined) throw new Error(`no database in ${folder}`);
  return new DatabaseSync(join(folder, file), { timeout: 5_000 });
}

/** Runs statements without the triggers that protect the record. */
export function tamper(state: string, ...statements: string[]): void {
  const database = openDatabase(state);
  try {
    const triggers = database
      .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND name GLOB '*_refuse_*'")
      .all() as { name: string; sql: string }[];
    for (const { name } of triggers) database.exec(`DROP TRIGGER ${name}`);
    for (const statement of statements) database.exec(statement);
    for (const { sql } of triggers) database.exec(sql);
  } finally {
    database.close();
  }
}

/** Changes what is kept in BACKUPS, as somebody with access to the bucket could. */
export function tamperHeads(state: string, ...statements: string[]): void {
  const bucket = openDatabase(state, "bucket");
  try {
    for (const statement of statements) bucket.exec(statement);
  } finally {
    bucket.close();
  }
}
