// roll-back-a-release.md: the former release runs on the database as the newest one left it, because migrations only
// add. Each migration is applied to the schema before it, and what a Worker of that time says must go on working.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import type { Context } from "../../src/context.ts";
import { claimSeat } from "../../src/licensing/seats/claim.ts";
import type { NamedStatement, SqlValue } from "../../src/storage/database.ts";

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
    ["drops a column", "ALTER TABLE licenses DROP COLUMN features", "the column licenses.features is gone"],
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

describe("the claim of the release before the proof of seats", () => {
  const NOW = Date.parse("2026-06-01T08:00:00Z");
  const DAY = 86_400_000;
  const LICENSE = "lic_01KAS3S9XQ4ZJ7T8M2N5V6W7X8";

  function twoReleases() {
    const database = new DatabaseSync(":memory:");
    for (const name of migrations) database.exec(readFileSync(join(FOLDER, name), "utf8"));
    database.exec(`
      INSERT INTO customers (id, name, created_at, updated_at) VALUES ('acme', 'Acme', 0, 0);
      INSERT INTO licenses (id, customer_id, license_type, status, revision, issued_at, grace_days, lease_days,
        check_in_hours, features, max_instances, updated_at)
      VALUES ('${LICENSE}', 'acme', 'standard', 'active', 1, 0, 14, 30, 24, '[]', 2, 0)`);
    const statement = database.prepare(
      readFileSync(join(import.meta.dirname, "support/former-claim.sql"), "utf8"),
    );
    let n = 0;
    const former = (instance: string, now: number, more: Record<string, number | string> = {}): void => {
      const values: Record<string, number | string | null> = {
        license: LICENSE,
        revision: 1,
        instance,
        activation: `act_${LICENSE.slice(4)}_${String(++n).padStart(10, "0")}`,
        now,
        whole_second: now,
        spread: 1,
        returning: 0,
        requests: 0,
        services: 0,
        actor_type: "instance",
        actor_id: instance,
        request_id: `former-${n}`,
        ...more,
      };
      for (const name of statement.sourceSQL.matchAll(/(?<![:\w']):([a-z]\w*)/g)) values[name[1]!] ??= null;
      statement.run(values);
    };
    const newest = (instance: string, now: number, certified: string | null = null): unknown =>
      claimSeat(
        {
          db: {
            run({ text, names }: NamedStatement, values: Record<string, SqlValue>) {
              const bound = Object.fromEntries(names.map((name, at) => [`p${at + 1}`, values[name] ?? null]));
              database.prepare(text.replaceAll(/\?(\d+)/g, ":p$1")).run(bound as Record<string, string>);
            },
          },
          ids: { ulid: () => String(++n).padStart(26, "0"), random: () => 0.5 },
          actor: { type: "instance", id: instance },
          requestId: `newest-${++n}`,
          ip: "192.0.2.1",
        } as unknown as Context,
        now,
        {
          key: { licenseId: LICENSE, revision: 1, issuedAt: 0, issuer: "http://localhost:8787" },
          instance_id: instance,
          certificate: certified === null ? null : { activationId: certified, issuedAt: now },
        },
      );
    const row = (instance: string) =>
      database.prepare("SELECT * FROM activations WHERE instance_id = ? AND ended_at = 0").get(instance)!;
    const seated = () => database.prepare("SELECT seated FROM license_seats").get()?.["seated"];
    return { database, former, newest, row, seated };
  }

  it("grants, counts and renews seats beside the newest one's", () => {
    const { database, former, newest, row, seated } = twoReleases();
    former("a", NOW);
    newest("b", NOW);
    former("c", NOW);
    newest("d", NOW);
    expect([row("a"), row("b")].map((seat) => seat["lease_expires_at"])).toEqual([
      NOW + 30 * DAY,
      NOW + 30 * DAY,
    ]);
    expect(database.prepare("SELECT count(*) AS n FROM activations").get()).toEqual({ n: 2 });
    expect(seated()).toBe(2);
    former("b", NOW + DAY);
    expect(row("b")["lease_expires_at"]).toBe(NOW + 31 * DAY);
    expect(database.prepare("SELECT count(*) AS n FROM events").get()).toEqual({ n: 2 });
  });

  it("leaves seats that the newest one takes for proven until their lease ends", () => {
    const { former, newest, row } = twoReleases();
    former("a", NOW);
    const before = row("a");
    newest("a", NOW + DAY);
    expect(row("a")).toMatchObject({ proven: 0, last_seen_at: before["last_seen_at"], ip: null });
    newest("a", NOW + DAY, String(before["id"]));
    expect(row("a")).toMatchObject({ proven: 1, lease_expires_at: NOW + 31 * DAY });
    // The former one renews without a proof, and the newest one goes on from there.
    former("a", NOW + 2 * DAY);
    newest("a", NOW + 3 * DAY, String(before["id"]));
    expect(row("a")).toMatchObject({ id: before["id"], proven: 1, lease_expires_at: NOW + 33 * DAY });
  });
});
