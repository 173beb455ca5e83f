// roll-back-a-release.md: the former release runs on the database as the newest one left it, because migrations only
// add. Each migration is applied to the schema before it, and what a Worker of that time says must go on working.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";

const FOLDER = join(import.meta.dirname, "../../migrations");

const migrations = readdirSync(FOLDER)
  .filter((name) => name.endsWith(".sql"))
  .toSorted();

interface Column {
  name: string;
  type: string;
  notnull: number;
  dflt_value: string | null;
  pk: number;
}

interface Index {
  name: string;
  unique: number;
}

interface Table {
  columns: Map<string, Column>;
  indexes: Map<string, Index>;
}

type Schema = Map<string, Table>;

const byName = <T extends { name: string }>(rows: unknown): Map<string, T> =>
  new Map((rows as T[]).map((row) => [row.name, row]));

function schemaOf(database: DatabaseSync): Schema {
  const tables = database
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB 'sqlite_*'")
    .all() as { name: string }[];
  return new Map(
    tables.map(({ name }) => [
      name,
      {
        columns: byName<Column>(database.prepare("SELECT * FROM pragma_table_info(?)").all(name)),
        indexes: byName<Index>(database.prepare("SELECT * FROM pragma_index_list(?)").all(name)),
      },
    ]),
  );
}

/** Why a Worker that was written for `before` would fail on `after`; nothing where it would not. */
function brokenBy(before: Schema, after: Schema): string[] {
  const broken: string[] = [];
  for (const [table, { columns, indexes }] of before) {
    const now = after.get(table);
    if (!now) {
      broken.push(`the table ${table} is gone`);
      continue;
    }
    for (const [name, column] of columns) {
      const kept = now.columns.get(name);
      if (!kept) broken.push(`the column ${table}.${name} is gone`);
      else if (kept.type !== column.type || kept.notnull !== column.notnull || kept.pk !== column.pk)
        broken.push(`the column ${table}.${name} is another one`);
    }
    for (const [name, { notnull, dflt_value }] of now.columns) {
      if (!columns.has(name) && notnull === 1 && dflt_value === null)
        broken.push(`the new column ${table}.${name} has to be given`);
    }
    for (const name of indexes.keys()) if (!now.indexes.has(name)) broken.push(`the index ${name} is gone`);
    for (const [name, { unique }] of now.indexes)
      if (!indexes.has(name) && unique === 1) broken.push(`the new index ${name} refuses rows`);
  }
  return broken;
}

/** The schema after so many migrations, and what else is done to it. */
function migrated(count: number, ...more: string[]): Schema {
  const database = new DatabaseSync(":memory:");
  for (const name of migrations.slice(0, count)) database.exec(readFileSync(join(FOLDER, name), "utf8"));
  for (const statement of more) database.exec(statement);
  return schemaOf(database);
}

describe("the former release goes on working on a database that has", () => {
  it.each(migrations.slice(1).map((name, n) => [name, n + 1] as const))("%s", (_, before) => {
    expect(brokenBy(migrated(before), migrated(before + 1))).toEqual([]);
  });
});

describe("and would not, where a migration", () => {
  it.each([
    ["drops a column", "ALTER TABLE licenses DROP COLUMN metadata", "the column licenses.metadata is gone"],
    [
      "renames one",
      "ALTER TABLE licenses RENAME COLUMN metadata TO more",
      "the column licenses.metadata is gone",
    ],
    ["drops a table", "DROP TABLE mail_pace", "the table mail_pace is gone"],
    ["drops an index", "DROP INDEX licenses_by_status", "the index licenses_by_status is gone"],
    [
      "refuses what was allowed",
      "CREATE UNIQUE INDEX one_license ON licenses (customer_id)",
      "the new index one_license refuses rows",
    ],
  ])("%s", (_, statement, fault) => {
    expect(brokenBy(migrated(migrations.length), migrated(migrations.length, statement))).toContain(fault);
  });
});
