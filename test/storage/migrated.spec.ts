// The database that tests begin with is the one that the migrations make.
import { applyD1Migrations } from "cloudflare:test";
import { expect, it } from "vitest";
import { emptyElsewhere } from "../support/backup.ts";
import { env } from "../support/env.ts";

/** Its schema and all its rows, without the moments at which migrations were applied. */
async function contents(): Promise<unknown> {
  const { results: schema } = await env.before
    .prepare("SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name NOT GLOB '_cf_*' ORDER BY name")
    .all<{ type: string; name: string }>();
  const tables = schema.filter(({ type }) => type === "table");
  const rows = await env.before.batch<Record<string, unknown>>(
    tables.map(({ name }) => env.before.prepare(`SELECT * FROM ${name}`)),
  );
  const kept = rows.map(({ results }) => results.map((row) => ({ ...row, applied_at: null })));
  return { schema, rows: Object.fromEntries(tables.map(({ name }, n) => [name, kept[n]])) };
}

it("a database made anew has the tables, triggers and rows of the migrations", async () => {
  await emptyElsewhere((db) => applyD1Migrations(db, env.TEST_MIGRATIONS));
  const migrated = await contents();
  // The second one at the latest is made from what was read.
  for (let n = 0; n < 2; n++) {
    await emptyElsewhere();
    expect(await contents()).toEqual(migrated);
  }
});
