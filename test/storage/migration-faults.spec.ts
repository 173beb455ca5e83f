// Two versions of the service on one database, as there are while a release rolls out: a Worker that is there before
// its migrations, and one of before that finds migrations it does not know.
import { applyD1Migrations } from "cloudflare:test";
import { beforeAll, describe, expect, it } from "vitest";
import { endpoints } from "../../src/app.ts";
import { env } from "../support/env.ts";
import { judge } from "../support/faulty.ts";
import { empty } from "../support/migrated.ts";
import { call, newLicense, rows } from "../support/service.ts";

const { figures, expectHonest } = judge();

/** Everything else changes what exists, or takes it away: a Worker of before would miss it. */
// A seeded type that nobody edited may get better terms.
const ADDS =
  /^(CREATE (TABLE|INDEX|TRIGGER|VIEW)|INSERT|ALTER TABLE \w+ ADD COLUMN|UPDATE license_types SET)\b/;

/** What they did the ten-minute trigger does. A Worker of before runs on; its figures of days stand still meanwhile. */
const GONE = new Set(["DROP TRIGGER usage_add_insert", "DROP TRIGGER usage_add_update"]);

describe("migrations half way", () => {
  const { before, TEST_MIGRATIONS: all } = env;

  beforeAll(() => empty(before));

  /** The rows of a license as a Worker of before wrote them: with the columns that there were. */
  async function copyInto(table: string, id: string): Promise<void> {
    const { results } = await before
      .prepare(`SELECT name FROM pragma_table_info('${table}')`)
      .all<{ name: string }>();
    const names = results.map(({ name }) => name);
    const [row] = await rows(`SELECT * FROM ${table} WHERE id = ?`, id);
    await before
      .prepare(`INSERT INTO ${table} (${names.join(", ")}) VALUES (${names.map(() => "?").join(", ")})`)
      .bind(...names.map((name) => row![name]))
      .run();
  }

  // One after the other: each goes on from the database of the one before it.
  it.each([4, 3, 2, 1])("the new Worker, %i migrations short, answers right or with 503", async (short) => {
    const bindings = { ...env, DB: before };
    await applyD1Migrations(before, all.slice(0, -short));
    const { license, license_key } = await newLicense();
    await copyInto("customers", license.customer_id);
    await copyInto("licenses", license.id);

    expect((await call("/healthz", { bindings })).status).toBe(200);
    const there = await before.prepare("SELECT 1 FROM pragma_table_info('version_days')").all();
    expect((await call("/readyz", { bindings })).status).toBe(there.results.length > 0 ? 200 : 503);
    let certificate: string | undefined;
    for (const [path, status] of [
      ["activate", 200],
      ["check-in", 200],
      ["validate", 200],
      ["deactivate", 204],
    ] as const) {
      const body = {
        license_key,
        instance_id: "box",
        usage: [{ date: "2026-03-01", requests: 1 }],
        certificate,
      };
      const answer = await call(`/v1/${path}`, { bindings, body });
      expectHonest(answer, status);
      // The seat is given back with the certificate that an older schema could already record.
      certificate = answer.body?.certificate ?? certificate;
    }
    const staff = { bindings, token: env.ADMIN_TOKEN };
    const customer = await call("/v1/admin/customers", { ...staff, body: { name: "Acme" } });
    expectHonest(customer, 201);
    const sold = { customer_id: license.customer_id, license_type: "standard" };
    expectHonest(await call("/v1/admin/licenses", { ...staff, body: sold }), 201);
    expectHonest(
      await call(`/v1/admin/licenses/${license.id}/renew`, { ...staff, body: { expires_days: 1 } }),
      200,
    );
    for (const { method, path } of endpoints) {
      if (method !== "get" || path.startsWith("/v1/admin") || path.includes("{")) continue;
      const answer = await call(path, staff);
      if (answer.status >= 500) expectHonest(answer, 503);
    }
  });

  it("only add: a Worker of before finds all that it knows", () => {
    // SQLite ends a trigger at its END; the migrations' own comments hold semicolons, too.
    const statements = all
      .flatMap(({ queries }) => queries)
      .map((query) => query.replaceAll(/--.*$/gm, "").trim());
    expect(statements.length).toBeGreaterThan(20);
    for (const [n, statement] of statements.entries()) {
      if (statement === "" || GONE.has(statement.replace(/;$/, ""))) continue;
      // A trigger may be replaced by another one that does its work.
      const replaced = /^DROP TRIGGER (\w+)/.exec(statement)?.[1];
      if (replaced && statements[n + 1]?.startsWith(`CREATE TRIGGER ${replaced} `)) continue;
      expect(statement).toMatch(ADDS);
      // A row that it writes says nothing of a column that it does not know.
      if (/ADD COLUMN/.test(statement)) expect(statement).toMatch(/DEFAULT|^(?!.*NOT NULL)/s);
    }
  });

  it("are all tried by now", ({ task }) => {
    expect(figures["503 with Retry-After"]).toBeGreaterThan(0);
    task.meta.figures = {
      "calls on older schemas": figures["failures of D1"],
      "of them right": figures["answered all the same"],
      "of them 503": figures["503 with Retry-After"],
    };
  });
});
