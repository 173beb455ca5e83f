import { eq } from "drizzle-orm";
import { describe, expect, it } from "vitest";
import { openDatabase, prefixed } from "../../src/storage/database.ts";
import { customers, licenses } from "../../src/storage/schema.ts";
import { env } from "../support/env.ts";
import { faulty, LOST } from "../support/faulty.ts";
import { newCustomer, newLicense, unique } from "../support/service.ts";

const patience = { now: () => 0, pause: async () => undefined, random: () => 0 };

/** A database that gathers, and what is sent to D1: each batch as its statements' SQL, shortened. */
function gathering() {
  const sent: string[] = [];
  const texts = new WeakMap<object, string>();
  const prepare = (sql: string) => ({
    bind(...values: unknown[]) {
      const statement = env.DB.prepare(sql).bind(...values);
      const [all, raw] = [statement.all.bind(statement), statement.raw.bind(statement)];
      const alone = <T>(run: () => Promise<T>) => {
        sent.push("alone");
        return run();
      };
      Object.assign(statement, { all: () => alone(() => all()), raw: () => alone(() => raw()) });
      texts.set(statement, sql);
      return statement;
    },
  });
  const on = (name: string): D1Database =>
    ({
      prepare,
      batch(statements: D1PreparedStatement[]) {
        sent.push([name, ...statements.map((one) => texts.get(one)!.split(" ")[0])].join(" "));
        return env.DB.batch(statements);
      },
      withSession: () => on("replica:"),
    }) as unknown as D1Database;
  return { db: openDatabase(on("primary:"), patience).gathering(), sent };
}

const ADD = "INSERT INTO people (email, role, created_at, updated_at) VALUES (?, 'viewer', 1, 1)";

describe("a database that gathers", () => {
  it("asks in one batch what is asked for at the same time, whichever way, also a few promises later", async () => {
    const customer = await newCustomer({ metadata: { tier: 1 } });
    const { db, sent } = gathering();
    const later = async () => {
      await Promise.resolve().then(() => Promise.resolve());
      return db.batch([db.sql("SELECT 3 AS n"), db.sql("SELECT 4 AS n")]);
    };
    const [[found], [one], [[two], [none]], three] = await Promise.all([
      db.orm.select().from(customers).where(eq(customers.id, customer.id)),
      db.batch([db.sql("SELECT 1 AS n")]),
      db.orm.batch([
        db.orm.select({ id: customers.id }).from(customers).where(eq(customers.id, customer.id)),
        db.orm.select().from(customers).where(eq(customers.id, "-")),
      ]),
      later(),
    ]);
    expect(sent).toEqual(["primary: SELECT select select select SELECT SELECT"]);
    expect(found).toMatchObject({ id: customer.id, metadata: { tier: 1 }, version: 1 });
    expect(one!.results).toEqual([{ n: 1 }]);
    expect(two).toEqual({ id: customer.id });
    expect(none).toBeUndefined();
    expect(three.map(({ results }) => results)).toEqual([[{ n: 3 }], [{ n: 4 }]]);
  });

  it("asks one after the other what is asked for one after the other", async () => {
    const { db, sent } = gathering();
    for (let n = 0; n < 3; n++) await db.batch([db.sql("SELECT 1")]);
    expect(sent).toEqual(["primary: SELECT", "primary: SELECT", "primary: SELECT"]);
  });

  it("asks a join by itself, since its columns may have the same names", async () => {
    const { license } = await newLicense();
    const { db, sent } = gathering();
    const [[row]] = await Promise.all([
      db.orm
        .select({ license: licenses.id, customer: customers.id })
        .from(licenses)
        .innerJoin(customers, eq(customers.id, licenses.customer_id))
        .where(eq(licenses.id, license.id)),
      db.batch([db.sql("SELECT 1")]),
    ]);
    expect(row).toEqual({ license: license.id, customer: license.customer_id });
    expect(sent.toSorted()).toEqual(["alone", "primary: SELECT"]);
  });

  it("sends a write at once and by itself, behind the reads that were asked for before", async () => {
    const { db, sent } = gathering();
    const email = unique("ada");
    const [before] = await Promise.all([
      db.batch([db.sql("SELECT count(*) AS n FROM people WHERE email = ?", email)]),
      db.batch([db.sql(ADD, email)]),
      db.batch([db.sql("SELECT 2 AS n")]),
    ]);
    expect(before[0]!.results).toEqual([{ n: 0 }]);
    expect(sent).toEqual(["primary: SELECT", "primary: INSERT", "primary: SELECT"]);
  });

  it("puts a prefix in front of the first write only, and once", async () => {
    const { db, sent } = gathering();
    const claim = prefixed(db, [db.sql("DELETE FROM people WHERE email = '-'")]);
    const write = () => claim.db.batch([claim.db.sql(ADD, unique("ada"))]);
    await Promise.all([claim.db.batch([db.sql("SELECT 1")]), write()]);
    expect(claim.sent()).toBe(true);
    await write();
    expect(sent).toEqual(["primary: SELECT", "primary: DELETE INSERT", "primary: INSERT"]);
  });

  it("asks what may lag together with the rest", async () => {
    const { db, sent } = gathering();
    const lagging = db.replica("lagging");
    const ask = (one: typeof db) => one.batch([one.sql("SELECT 1")]);
    await Promise.all([ask(db), ask(lagging), ask(lagging.replica("lagging"))]);
    expect(sent).toEqual(["primary: SELECT SELECT SELECT"]);
  });

  it("asks a replica apart from the primary", async () => {
    const { db, sent } = gathering();
    const replica = db.replica("from-here");
    const ask = (one: typeof db) => one.batch([one.sql("SELECT 1")]);
    await Promise.all([ask(db), ask(replica), ask(db), ask(replica)]);
    expect(sent.toSorted()).toEqual(["primary: SELECT SELECT", "replica: SELECT SELECT"]);
  });

  it("asks all of it again after a lost connection, and tells everybody of a failure that stays", async () => {
    const lost = faulty((call) => (call <= 2 ? { moment: "after", message: LOST } : null));
    const db = openDatabase(lost.bindings.DB, patience).gathering();
    const ask = () => db.orm.select({ id: customers.id }).from(customers).limit(1);
    await Promise.all([ask(), ask()]);
    expect(lost.calls()).toBe(3);

    const gone = openDatabase(faulty(() => ({ moment: "before", message: LOST })).bindings.DB, patience);
    const same = gone.gathering();
    const told = await Promise.allSettled([
      same.batch([same.sql("SELECT 1")]),
      same.orm.select().from(customers),
    ]);
    expect(told.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  });
});
