import { and, asc, eq } from "drizzle-orm";
import { describe, expect, it } from "vitest";
import { servicesOf } from "../../src/services.ts";
import { named } from "../../src/storage/database.ts";
import { licenses } from "../../src/storage/schema.ts";
import { env } from "../support/env.ts";
import { newLicense } from "../support/service.ts";

/** A database, and the texts that D1 is given to prepare. */
function recorded() {
  const texts: string[] = [];
  const prepare = (text: string) => {
    texts.push(text);
    return env.DB.prepare(text);
  };
  const d1 = { prepare, batch: env.DB.batch.bind(env.DB) } as unknown as D1Database;
  return { db: servicesOf({ ...env, DB: d1 }).db, texts };
}

// Where the planner sees a bare parameter, SQLite prepares the statement again each time a value is bound to it.
describe("values stay out of the planner's sight", () => {
  const BARE = /(?:=|limit) \?/i;

  it("in SQL with names", async () => {
    const { db, texts } = recorded();
    const statement = named(
      "SELECT id FROM licenses WHERE id = :id AND status = :status ORDER BY id LIMIT :most",
    );
    const { license } = await newLicense();
    const [found] = await db.batch([db.run(statement, { id: license.id, status: "active", most: 5 })]);
    expect(found!.results).toEqual([{ id: license.id }]);
    expect(texts).toEqual(["SELECT id FROM licenses WHERE id = +?1 AND status = +?2 ORDER BY id LIMIT +?3"]);
  });

  it("in SQL with numbers", async () => {
    const { db, texts } = recorded();
    const { license } = await newLicense();
    const [found] = await db.batch([db.sql("SELECT version FROM licenses WHERE id = ?1", license.id)]);
    expect(found!.results).toEqual([{ version: 1 }]);
    expect(texts.filter((text) => BARE.test(text))).toEqual([]);
  });

  it("in typed queries, asked or compiled", async () => {
    const { db, texts } = recorded();
    const { license } = await newLicense();
    const query = () =>
      db.orm
        .select({ id: licenses.id })
        .from(licenses)
        // A number, too: what is bound must be compared as the column's type has it.
        .where(and(eq(licenses.id, license.id), eq(licenses.version, 1)))
        .orderBy(asc(licenses.id))
        .limit(5);
    expect(await query()).toEqual([{ id: license.id }]);
    const [found] = await db.batch([db.compile(query())]);
    expect(found!.results).toEqual([{ id: license.id }]);
    expect(texts).toHaveLength(2);
    expect(texts.filter((text) => BARE.test(text))).toEqual([]);
  });
});
