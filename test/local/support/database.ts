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

type Row = Record<string, string | number | null>;

/** The record as it was, table by table. */
export type Kept = Record<"events" | "audit_seals" | "audit_marks" | "_mf_objects", Row[]>;

function table(state: string, name: keyof Kept): Row[] {
  const database = openDatabase(state, name === "_mf_objects" ? "bucket" : "database");
  try {
    return database.prepare(`SELECT * FROM ${name}`).all() as Row[];
  } finally {
    database.close();
  }
}

export const keepRecord = (state: string): Kept => ({
  events: table(state, "events"),
  audit_seals: table(state, "audit_seals"),
  audit_marks: table(state, "audit_marks"),
  _mf_objects: table(state, "_mf_objects"),
});

export const insertion = (name: string, row: Row): string => {
  const values = Object.values(row).map((value) =>
    value === null ? "NULL" : typeof value === "number" ? String(value) : `'${value.replaceAll("'", "''")}'`,
  );
  return `INSERT INTO ${name} (${Object.keys(row).join()}) VALUES (${values.join()})`;
};

/** Makes the record what it was, in the database and in the bucket. */
export function putBack(state: string, { _mf_objects: heads, ...tables }: Kept): void {
  const anew = (name: string, rows: Row[]): string[] => [
    `DELETE FROM ${name}`,
    ...rows.map((row) => insertion(name, row)),
  ];
  tamper(state, ...Object.entries(tables).flatMap(([name, rows]) => anew(name, rows)));
  tamperHeads(state, ...anew("_mf_objects", heads));
}
