import { describe, expect, it } from "vitest";
import { once } from "../../src/access/idempotency.ts";
import type { Env } from "../../src/config.ts";
import type { Context } from "../../src/context.ts";
import { servicesOf } from "../../src/services.ts";
import { DAY, setTime } from "../support/clock.ts";
import { env } from "../support/env.ts";
import { metered } from "../support/meter.ts";
import {
  admin,
  type Answer,
  type Call,
  call,
  eventsOf,
  newCustomer,
  newLicense,
  newToken,
  rows,
  unique,
} from "../support/service.ts";

const NOW = Date.parse("2026-03-01T10:00:00.000Z");

/** A POST of the owner under this key. */
const keyed = (key: string, path: string, body: unknown, more: Call = {}): Promise<Answer> =>
  admin(path, { body, ...more, headers: { "Idempotency-Key": key, ...more.headers } });

const replayed = ({ headers }: Answer): string | null => headers.get("Idempotent-Replayed");

const claims = (key: string) => rows("SELECT * FROM idempotency_keys WHERE key = ?", key);

const countOf = async (name: string): Promise<number> =>
  (await rows<{ n: number }>("SELECT count(*) n FROM customers WHERE name = ?", name))[0]!.n;

/** Bindings whose D1 goes through `around` for every batch of statements, told their SQL. */
function around(hook: (sql: string[], run: () => Promise<D1Result[]>) => Promise<D1Result[]>): Env {
  const texts = new WeakMap<D1PreparedStatement, string>();
  const DB = {
    prepare: (sql: string) => ({
      bind(...values: unknown[]) {
        const bound = env.DB.prepare(sql).bind(...values);
        texts.set(bound, sql);
        return bound;
      },
    }),
    batch: (statements: D1PreparedStatement[]) =>
      hook(
        statements.map((statement) => texts.get(statement) ?? ""),
        () => env.DB.batch(statements),
      ),
  } as unknown as D1Database;
  return { ...env, DB };
}

const isAnswer = (sql: string): boolean => sql.includes("SET answer = excluded.answer");

const lookAgain = (sql: string): boolean => /^SELECT[^]*FROM idempotency_keys/.test(sql);

/** Deletes a customer behind the service's back. */
async function removeCustomer(id: string): Promise<void> {
  await rows("DELETE FROM customer_terms WHERE customer_id = ?", id);
  await rows("DELETE FROM customers WHERE id = ?", id);
}

describe("a request that is sent again under its key", () => {
  it("gets the same answer, byte by byte, and is not carried out again", async () => {
    const key = unique("key");
    const name = unique("Acme");
    const first = await keyed(key, "/customers", { name });
    expect(first.status).toBe(201);
    expect(replayed(first)).toBeNull();
    for (let n = 0; n < 3; n++) {
      const again = await keyed(key, "/customers", { name });
      expect(again).toMatchObject({ status: 201, text: first.text });
      expect(again.headers.get("Content-Type")).toBe(first.headers.get("Content-Type"));
      expect(again.headers.get("X-Request-Id")).not.toBe(first.headers.get("X-Request-Id"));
      expect(replayed(again)).toBe("true");
    }
    expect(await countOf(name)).toBe(1);
    expect(await eventsOf(first.body.id)).toHaveLength(1);
  });

  it("is the same only with the same content type", async () => {
    const key = unique("key");
    const csv = (type: string) =>
      admin("/imports/customers", {
        raw: `id,name\n${key},Acme\n`,
        headers: { "Idempotency-Key": key, "Content-Type": type },
      });
    expect(await csv("application/json")).toMatchObject({ status: 422, body: { code: "REQUEST_INVALID" } });
    expect(await csv("text/csv")).toMatchObject({ status: 200, body: { created: 1 } });
    expect(await csv("application/json")).toMatchObject({
      status: 422,
      body: { code: "IDEMPOTENCY_KEY_REUSED" },
    });
    const again = await csv("text/csv");
    expect([again.status, replayed(again)]).toEqual([200, "true"]);
  });

  it("gets a license key and a token again, which lie encrypted", async () => {
    const customer_id = (await newCustomer()).id;
    for (const [path, body, secret] of [
      ["/licenses", { customer_id, license_type: "trial" }, "license_key"],
      ["/api-tokens", { name: "CI", role: "viewer" }, "token"],
    ] as const) {
      const key = unique("key");
      const first = await keyed(key, path, body);
      expect(first.status).toBe(201);
      const again = await keyed(key, path, body);
      expect([again.text, replayed(again)]).toEqual([first.text, "true"]);
      const [claim] = await claims(key);
      const kept = new TextDecoder("latin1").decode(Uint8Array.from(claim!["answer"] as number[]));
      expect(kept.length).toBeGreaterThan(first.text.length);
      expect(kept).not.toContain(first.body[secret]);
      expect(JSON.stringify(claim)).not.toContain(first.body[secret]);
      expect(kept).not.toContain(secret);
    }
  });

  it("records that a key or a token was shown once more, and by whom", async () => {
    const { license } = await newLicense({ expires_days: 30 });
    const { token, api_token } = await newToken({ role: "manager" });
    const { license: other, license_key } = await newLicense();
    for (const [id, path, body] of [
      [license.id, `/licenses/${license.id}/renew`, { expires_days: 30 }],
      [license.id, `/licenses/${license.id}/reissue`, { reason: "x" }],
      [
        other.id,
        `/licenses/${other.id}/offline-activations`,
        { request: { license_key, instance_id: "island" } },
      ],
    ] as const) {
      const key = unique("key");
      await keyed(key, path, body, { token });
      const before = await eventsOf(id);
      for (let n = 0; n < 2; n++) {
        expect(replayed(await keyed(key, path, body, { token }))).toBe("true");
      }
      const [, ...looks] = (await eventsOf(id)).slice(before.length - 1);
      expect(looks).toMatchObject(
        Array.from({ length: 2 }, () => ({
          action: "license.key_revealed",
          actor_id: api_token.id,
          detail: '{"replayed":true}',
        })),
      );
    }
    const key = unique("key");
    const made = await keyed(key, "/api-tokens", { name: "CI", role: "viewer" });
    await keyed(key, "/api-tokens", { name: "CI", role: "viewer" });
    const told = (await eventsOf(made.body.api_token.id)).map(({ action }) => action);
    expect(told).toEqual(["api_token.created", "api_token.revealed"]);
  });

  it("records nothing where no secret is shown again", async () => {
    const { license } = await newLicense();
    const key = unique("key");
    for (let n = 0; n < 2; n++) await keyed(key, `/licenses/${license.id}/suspend`, { reason: "x" });
    const told = (await eventsOf(license.id)).map(({ action }) => action);
    expect(told).toEqual(["license.issued", "license.suspended"]);
  });

  it("is remembered for 24 hours", async () => {
    setTime(NOW);
    const key = unique("key");
    const name = unique("Acme");
    const first = await keyed(key, "/customers", { name });
    setTime(NOW + DAY - 1);
    expect(await keyed(key, "/customers", { name })).toMatchObject({ text: first.text });
    setTime(NOW + DAY);
    const second = await keyed(key, "/customers", { name });
    expect(second.status).toBe(201);
    expect(replayed(second)).toBeNull();
    expect(second.body.id).not.toBe(first.body.id);
    expect(await claims(key)).toHaveLength(1);
  });

  it("finds the key free again a day later, whether or not the nightly job was there", async () => {
    setTime(NOW);
    const old = unique("key");
    const first = await keyed(old, "/customers", { name: "Acme" });
    setTime(NOW + DAY);
    const second = await keyed(old, "/customers", { name: "Other" });
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(second.body.id).not.toBe(first.body.id);
    expect(await claims(old)).toHaveLength(1);
  });

  it("is told from one of another actor under the same key", async () => {
    const key = unique("key");
    const name = unique("Acme");
    const { token } = await newToken();
    const owners = await keyed(key, "/customers", { name });
    const theirs = await keyed(key, "/customers", { name }, { token });
    expect([owners.status, theirs.status]).toEqual([201, 201]);
    expect(theirs.body.id).not.toBe(owners.body.id);
    expect(replayed(await keyed(key, "/customers", { name }, { token }))).toBe("true");
  });

  it("is answered only to who may still ask", async () => {
    const key = unique("key");
    const { api_token, token } = await newToken();
    await keyed(key, "/customers", { name: "Acme" }, { token });
    await rows("UPDATE api_tokens SET role = 'viewer' WHERE id = ?", api_token.id);
    expect((await keyed(key, "/customers", { name: "Acme" }, { token })).status).toBe(403);
    await admin(`/api-tokens/${api_token.id}`, { method: "DELETE" });
    expect((await keyed(key, "/customers", { name: "Acme" }, { token })).status).toBe(401);
  });
});

describe("another request under the key", () => {
  it.each([
    ["another body", "/customers", '{"name":"Other"}'],
    ["the same members in other bytes", "/customers", '{ "name":"Acme"}'],
    ["another query", "/customers?x=1", '{"name":"Acme"}'],
    ["another path", "/api-tokens", '{"name":"Acme"}'],
    ["no JSON at all", "/customers", "{"],
  ])("is refused: %s", async (_, path, raw) => {
    const key = unique("key");
    await keyed(key, "/customers", { name: "Acme" });
    const before = await rows("SELECT count(*) n FROM events");
    const answer = await keyed(key, path, undefined, {
      raw,
      method: "POST",
      headers: { "Content-Type": "application/json" },
    });
    expect(answer).toMatchObject({ status: 422, body: { code: "IDEMPOTENCY_KEY_REUSED" } });
    expect(await rows("SELECT count(*) n FROM events")).toEqual(before);
  });
});

describe("identical requests at the same moment", () => {
  it("create one resource and all answer the same", async () => {
    const key = unique("key");
    const name = unique("Acme");
    const answers = await Promise.all(Array.from({ length: 20 }, () => keyed(key, "/customers", { name })));
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(answers[0]!.status).toBe(201);
    expect(answers.filter((answer) => replayed(answer) === null)).toHaveLength(1);
    expect(await countOf(name)).toBe(1);
    expect(await eventsOf(answers[0]!.body.id)).toHaveLength(1);
  });

  it("create one resource where all of them passed the look at the key before any was carried out", async () => {
    const key = unique("key");
    const name = unique("Acme");
    let looked = 0;
    let open: () => void;
    const everyone = new Promise<void>((resolve) => (open = resolve));
    const bindings = around(async ([sql], run) => {
      const results = await run();
      if (lookAgain(sql!) && ++looked <= 20) {
        if (looked === 20) open();
        await everyone;
      }
      return results;
    });
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => keyed(key, "/customers", { name }, { bindings })),
    );
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(answers[0]!.status).toBe(201);
    expect(await countOf(name)).toBe(1);
  });

  it("under 20 keys create 20", async () => {
    const name = unique("Acme");
    await Promise.all(Array.from({ length: 20 }, () => keyed(unique("key"), "/customers", { name })));
    expect(await countOf(name)).toBe(20);
  });

  it("that are all refused get the refusal, and the key stays free", async () => {
    const key = unique("key");
    const { id } = await newCustomer();
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => keyed(key, "/customers", { id, name: "Other" })),
    );
    expect(answers.map(({ status }) => status)).toEqual([409, 409, 409, 409, 409]);
    expect(await claims(key)).toEqual([]);
  });

  it("make the second wait for a slow first, for two seconds", async () => {
    const key = unique("key");
    const name = unique("Acme");
    let release: () => void;
    const held = new Promise<void>((resolve) => (release = resolve));
    let carriedOut: () => void;
    const done = new Promise<void>((resolve) => (carriedOut = resolve));
    const bindings = around(async (sql, run) => {
      if (!sql.some(isAnswer)) return run();
      carriedOut();
      await held;
      return run();
    });
    const first = keyed(key, "/customers", { name }, { bindings });
    await done;
    const impatient = await keyed(key, "/customers", { name });
    expect(impatient).toMatchObject({ status: 409, body: { code: "CONFLICT" } });
    expect(Number(impatient.headers.get("Retry-After"))).toBeGreaterThan(0);
    const patient = keyed(key, "/customers", { name });
    release!();
    expect((await patient).text).toBe((await first).text);
    expect(replayed(await patient)).toBe("true");
    expect(await countOf(name)).toBe(1);
  });
});

describe("a Worker that dies", () => {
  it("after carrying a request out, before keeping the answer: says so, and does not do it again", async () => {
    setTime(NOW);
    const key = unique("key");
    const name = unique("Acme");
    const bindings = around((sql, run) => (sql.some(isAnswer) ? Promise.reject(new Error("died")) : run()));
    const first = await keyed(key, "/customers", { name }, { bindings });
    expect(first.status).toBe(201);
    setTime(NOW + 60_000);
    const again = await keyed(key, "/customers", { name });
    expect(again).toMatchObject({ status: 409, body: { code: "CONFLICT" } });
    expect(again.body.detail).toContain(first.headers.get("X-Request-Id"));
    expect(again.headers.get("Retry-After")).toBeNull();
    expect(await countOf(name)).toBe(1);
    setTime(NOW + DAY);
    expect((await keyed(key, "/customers", { name })).status).toBe(201);
  });

  it("before carrying it out: leaves nothing, and the next try does it", async () => {
    const key = unique("key");
    const name = unique("Acme");
    const bindings = around((sql, run) =>
      sql.some((text) => text.startsWith("insert into")) ? Promise.reject(new Error("died")) : run(),
    );
    expect((await keyed(key, "/customers", { name }, { bindings })).status).toBe(500);
    expect(await claims(key)).toEqual([]);
    expect((await keyed(key, "/customers", { name })).status).toBe(201);
    expect(await countOf(name)).toBe(1);
  });

  it("in the middle of the batch: the claim is undone with the change", async () => {
    const key = unique("key");
    const customer_id = (await newCustomer()).id;
    const bindings = around(async (sql, run) => {
      // The customer goes between being looked up and getting the license: its foreign key fails.
      if (sql.length > 1) await removeCustomer(customer_id);
      return run();
    });
    const body = { customer_id, license_type: "trial" };
    expect((await keyed(key, "/licenses", body, { bindings })).status).toBe(404);
    expect(await claims(key)).toEqual([]);
  });

  it("with the connection to D1 lost after the batch: the request counts as carried out", async () => {
    setTime(NOW);
    const key = unique("key");
    const name = unique("Acme");
    const bindings = around(async (sql, run) => {
      const results = await run();
      if (sql.length > 1) throw new Error("D1_ERROR: Network connection lost.");
      return results;
    });
    const lost = await keyed(key, "/customers", { name }, { bindings });
    expect(lost.status).toBe(503);
    setTime(NOW + 60_000);
    expect(await keyed(key, "/customers", { name })).toMatchObject({ status: 409 });
    expect(await countOf(name)).toBe(1);
  });

  it("overtaken by another change, before it tries again: does not claim to have done anything", async () => {
    setTime(NOW);
    const key = unique("key");
    const { license } = await newLicense();
    let changes = 0;
    const bindings = around(async (sql, run) => {
      if (!sql.some((text) => text.startsWith("update `licenses`"))) return run();
      if (++changes > 1) throw new Error("D1_ERROR: Network connection lost.");
      await admin(`/licenses/${license.id}`, { method: "PATCH", body: { grace_days: 7 } });
      return run();
    });
    const path = `/licenses/${license.id}/suspend`;
    expect((await keyed(key, path, { reason: "x" }, { bindings })).status).toBe(503);
    setTime(NOW + 60_000);
    const again = await keyed(key, path, { reason: "x" });
    expect(again).toMatchObject({ status: 409, body: { code: "CONFLICT" } });
    expect(again.body.detail).toMatch(/what it did, if anything, and use a new key/);
    expect((await admin(`/licenses/${license.id}`)).body.status).toBe("active");
    expect((await keyed(unique("key"), path, { reason: "x" })).body.status).toBe("suspended");
  });

  it("and is started again with another SESSION_SECRET: kept answers are lost, not leaked or repeated", async () => {
    const key = unique("key");
    const name = unique("Acme");
    await keyed(key, "/customers", { name });
    const bindings = { ...env, SESSION_SECRET: "another secret of at least 32 characters" };
    const again = await keyed(key, "/customers", { name }, { bindings });
    expect(again).toMatchObject({ status: 409, body: { code: "CONFLICT" } });
    expect(await countOf(name)).toBe(1);
  });
});

describe("a kept answer", () => {
  it("does not open in the row of another key", async () => {
    const [one, two] = [unique("key"), unique("key")];
    await keyed(one, "/customers", { name: "Acme" });
    await keyed(two, "/customers", { name: "Acme" });
    await rows(
      "UPDATE idempotency_keys SET answer = (SELECT answer FROM idempotency_keys WHERE key = ?) WHERE key = ?",
      one,
      two,
    );
    expect((await keyed(two, "/customers", { name: "Acme" })).status).toBe(409);
  });
});

describe("a refused request", () => {
  it.each([
    ["invalid", { name: "" }, 422],
    ["in conflict", { id: "taken", name: "Acme" }, 409],
  ])("is not remembered: %s", async (_, body, status) => {
    await admin("/customers", { body: { id: "taken", name: "Acme" } });
    const key = unique("key");
    expect((await keyed(key, "/customers", body)).status).toBe(status);
    expect(await claims(key)).toEqual([]);
    const mended = await keyed(key, "/customers", { name: "Acme" });
    expect(mended.status).toBe(201);
    expect(replayed(mended)).toBeNull();
  });

  it("leaves the key free for later, when the same request may succeed", async () => {
    const key = unique("key");
    const customer_id = unique("customer");
    const body = { customer_id, license_type: "trial" };
    expect((await keyed(key, "/licenses", body)).status).toBe(404);
    await newCustomer({ id: customer_id });
    expect((await keyed(key, "/licenses", body)).status).toBe(201);
  });

  it("that was refused for what the same request just did gets that one's answer", async () => {
    const key = unique("key");
    const body = { customer_id: unique("customer"), license_type: "trial" };
    let winner: Answer | undefined;
    // The same request wins between this one's look at the key and its look at the customer.
    const bindings = around(async (sql, run) => {
      const results = await run();
      if (!winner && lookAgain(sql[0]!)) {
        await newCustomer({ id: body.customer_id });
        winner = await keyed(key, "/licenses", body);
        await rows("DELETE FROM licenses WHERE customer_id = ?", body.customer_id);
        await removeCustomer(body.customer_id);
      }
      return results;
    });
    const second = await keyed(key, "/licenses", body, { bindings });
    expect(winner!.status).toBe(201);
    expect([second.status, second.text]).toEqual([201, winner!.text]);
    expect(replayed(second)).toBe("true");
  });
});

const context = (id: string): Context => ({
  ...servicesOf(env),
  actor: { type: "staff", id, role: "owner" },
  requestId: unique("request"),
  ip: null,
  defer: () => undefined,
});

const REQUEST = { key: "key", hash: "hash" };

const saying = (body: string) => ({ status: 200, headers: {}, body });

describe("once", () => {
  it("remembers a request that writes nothing, too", async () => {
    const actor = unique("actor");
    const first = await once(context(actor), REQUEST, async () => saying("first"));
    const second = await once(context(actor), REQUEST, async () => saying("second"));
    expect(first).toEqual({ answer: saying("first"), replayed: false });
    expect(second).toEqual({ answer: saying("first"), replayed: true });
  });

  it("lets work that goes on after the answer write as it likes", async () => {
    const actor = unique("actor");
    let after: Context;
    await once(context(actor), REQUEST, async (claiming) => {
      after = claiming;
      return saying("first");
    });
    const [result] = await after!.db.batch([
      after!.db.sql("UPDATE customers SET name = name WHERE id = 'none'"),
    ]);
    expect(result!.success).toBe(true);
  });

  it("keeps the answer of a request whose only write is work that goes on after it", async () => {
    const actor = unique("actor");
    const first = await once(context(actor), REQUEST, async ({ db }) => {
      void db.batch([db.sql("UPDATE customers SET name = name WHERE id = 'none'")]);
      return saying("first");
    });
    expect(first).toEqual({ answer: saying("first"), replayed: false });
    expect(await once(context(actor), REQUEST, async () => saying("second"))).toMatchObject({
      answer: saying("first"),
      replayed: true,
    });
  });

  it("gives parallel requests that write nothing one answer", async () => {
    const actor = unique("actor");
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, n) => once(context(actor), REQUEST, async () => saying(String(n)))),
    );
    expect(new Set(answers.map((one) => one.answer.body)).size).toBe(1);
  });

  it.each([
    ["SELECT 1", 0],
    ["\n  select 1", 0],
    ["WITH one AS (SELECT 1 AS updated_at) SELECT * FROM one", 0],
    ["UPDATE customers SET name = name WHERE id = 'none'", 1],
    ["WITH one AS (SELECT 1) DELETE FROM customers WHERE id = 'none'", 1],
    ["-- a remark\nDELETE FROM customers WHERE id = 'none'", 1],
  ])("claims the key in a batch of %j: %d", async (sql, claimed) => {
    const actor = unique("actor");
    const seen: number[] = [];
    await once(context(actor), REQUEST, async ({ db }) => {
      const [result, ...more] = await db.batch([db.sql(sql)]);
      expect([result!.success, more]).toEqual([true, []]);
      seen.push((await rows("SELECT 1 FROM idempotency_keys WHERE actor_id = ?", actor)).length);
      return saying("done");
    });
    expect(seen).toEqual([claimed]);
  });

  it("claims the key in the first batch that writes, before its first statement, and in no other", async () => {
    const actor = unique("actor");
    await once(context(actor), REQUEST, async ({ db }) => {
      await db.batch([db.sql("SELECT 1")]);
      const [update, look] = await db.batch([
        db.sql("UPDATE customers SET name = name WHERE id = 'none'"),
        db.sql("SELECT changes() AS changed"),
      ]);
      expect(update!.meta.changes).toBe(0);
      expect(look!.results).toEqual([{ changed: 0 }]);
      await db.batch([db.sql("UPDATE customers SET name = name WHERE id = 'none'")]);
      return saying("done");
    });
    expect(await rows("SELECT 1 FROM idempotency_keys WHERE actor_id = ?", actor)).toHaveLength(1);
  });
});

describe("the header Idempotency-Key", () => {
  it.each([
    ["x".repeat(255), 201],
    ['~!@#$%^&*()_+ "quoted"', 201],
    ["x".repeat(256), 422],
    ["", 422],
    ["tab\there", 422],
    ["delete\x7f", 422],
  ])("%j is %d", async (key, status) => {
    const answer = await keyed(key, "/customers", { name: "Acme" });
    expect(answer.status).toBe(status);
    await rows("DELETE FROM idempotency_keys WHERE key = ?", key);
  });

  it("means nothing to other methods and to the public API", async () => {
    const key = unique("key");
    const headers = { "Idempotency-Key": key };
    expect((await admin("/customers", { headers })).status).toBe(200);
    expect((await admin("/customers", { headers: { "Idempotency-Key": "" } })).status).toBe(200);
    await call("/v1/validate", { body: { license_key: "x" }, headers });
    const { api_token } = await newToken();
    await admin(`/api-tokens/${api_token.id}`, { method: "DELETE", headers });
    expect(await claims(key)).toEqual([]);
  });

  it("costs nothing where it is not sent, and two round trips more where it is", async () => {
    const plain = metered();
    await admin("/customers", { body: { name: "Acme" }, bindings: plain.bindings });
    // One of them, after the answer, looks for webhook endpoints: once a minute in each isolate.
    expect(plain.cost.trips).toBe(2);
    const { bindings, cost } = metered();
    await keyed(unique("key"), "/customers", { name: "Acme" }, { bindings });
    expect(cost.trips).toBe(4);
    expect(cost.written).toBeLessThanOrEqual(plain.cost.written + 3);
  });

  it("stands in the OpenAPI document for every POST of the admin API, and nowhere else", async () => {
    const { body } = await call("/openapi.json");
    for (const [path, methods] of Object.entries<Record<string, any>>(body.paths)) {
      for (const [method, operation] of Object.entries(methods)) {
        const names = (operation.parameters ?? []).map((parameter: { name: string }) => parameter.name);
        const expected = method === "post" && path.startsWith("/v1/admin/");
        expect([path, method, names.includes("Idempotency-Key")]).toEqual([path, method, expected]);
      }
    }
  });
});
