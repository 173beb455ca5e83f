import { describe, expect, it } from "vitest";
import { setTime } from "../../support/clock.ts";
import { termsOf } from "../../../src/licensing/customers/search-terms.ts";
import { admin, eventsOf, newCustomer, newLicense, rows, unique } from "../../support/service.ts";

const change = (id: string, body: object, headers: Record<string, string> = {}) =>
  admin(`/customers/${id}`, { method: "PATCH", body, headers });

describe("changing a customer", () => {
  it("changes what is given, empties what is null, and records what, never the values", async () => {
    const { id } = await newCustomer({ name: "Old", email: "old@acme.example", company: "Acme" });
    const { status, body, headers } = await change(id, { name: "New", company: null, metadata: { crm: 1 } });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      id,
      name: "New",
      email: "old@acme.example",
      company: null,
      metadata: { crm: 1 },
    });
    expect(headers.get("ETag")).toMatch(/^"2-[0-9a-z]+"$/);
    const [, event] = await eventsOf(id);
    expect(event).toMatchObject({ action: "customer.changed" });
    expect(JSON.parse(event!.detail)).toEqual({ changes: { name: {}, company: {}, metadata: {} } });
  });

  it("honors If-Match", async () => {
    const { id } = await newCustomer();
    const etag = (await admin(`/customers/${id}`)).headers.get("ETag")!;
    expect((await change(id, { name: "First" }, { "If-Match": etag })).status).toBe(200);
    expect(await change(id, { name: "Second" }, { "If-Match": etag })).toMatchObject({
      status: 412,
      body: { code: "PRECONDITION_FAILED" },
    });
    expect((await admin(`/customers/${id}`)).body.name).toBe("First");
  });

  it("knows one that was deleted from another of the same id", async () => {
    const { id } = await newCustomer();
    const etag = (await admin(`/customers/${id}`)).headers.get("ETag")!;
    await admin(`/customers/${id}`, { method: "DELETE" });
    setTime(Date.now() + 1);
    await newCustomer({ id, name: "Another" });
    const stale = { "If-Match": etag };
    expect(await change(id, { name: "Second" }, stale)).toMatchObject({ status: 412 });
    expect(await admin(`/customers/${id}`, { method: "DELETE", headers: stale })).toMatchObject({
      status: 412,
    });
    expect((await admin(`/customers/${id}`)).body.name).toBe("Another");
  });

  it("takes an ETag that a proxy made weak for the one that it was", async () => {
    const { id } = await newCustomer();
    const etag = (await admin(`/customers/${id}`)).headers.get("ETag")!;
    expect(await change(id, { name: "First" }, { "If-Match": `"x", W/${etag}` })).toMatchObject({
      status: 200,
    });
    expect(await change(id, { name: "Second" }, { "If-Match": `W/${etag}` })).toMatchObject({ status: 412 });
  });

  it("takes an empty If-Match for one that matches nothing", async () => {
    const { id } = await newCustomer();
    expect(await change(id, { name: "Second" }, { "If-Match": "" })).toMatchObject({ status: 412 });
  });

  it.each([
    ["/customers", { name: "Acme" }, "POST"],
    ["/license-types", { name: "Acme", duration_days: 30 }, "PUT"],
  ])("of %s is deleted as it was seen, or not at all", async (path, body, method) => {
    const id = unique("seen");
    const made = await admin(method === "POST" ? path : `${path}/${id}`, {
      method,
      body: method === "POST" ? { ...body, id } : body,
    });
    const seen = made.headers.get("ETag")!;
    const changed = await admin(`${path}/${id}`, {
      method: method === "POST" ? "PATCH" : "PUT",
      body: { ...body, name: "Another" },
    });
    const remove = (etag: string) =>
      admin(`${path}/${id}`, { method: "DELETE", headers: { "If-Match": etag } });
    expect(await remove(seen)).toMatchObject({ status: 412, body: { code: "PRECONDITION_FAILED" } });
    expect(await remove(`W/${seen}`)).toMatchObject({ status: 412 });
    expect((await eventsOf(id)).at(-1)!.action).toMatch(/changed$/);
    expect(await remove(`W/${changed.headers.get("ETag")}`)).toMatchObject({ status: 204 });
    expect(await remove("*")).toMatchObject({ status: 404 });
  });

  it("of 10 at once, each counts and none is lost", async () => {
    const { id } = await newCustomer();
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, n) => change(id, { metadata: { [`n${n}`]: true } })),
    );
    const done = answers.filter((answer) => answer.status === 200).length;
    expect(answers.every((answer) => [200, 409].includes(answer.status))).toBe(true);
    expect(await eventsOf(id)).toHaveLength(1 + done);
    expect((await admin(`/customers/${id}`)).headers.get("ETag")).toMatch(new RegExp(`^"${1 + done}-`));
  });

  it.each([[{ name: null }], [{ name: "" }], [{ id: "other" }], [{ email: "x" }]])(
    "refuses %j",
    async (body) => {
      const { id } = await newCustomer();
      expect(await change(id, body)).toMatchObject({ status: 422 });
      expect(await change("nobody", { name: "A" })).toMatchObject({
        status: 404,
        body: { code: "CUSTOMER_NOT_FOUND" },
      });
    },
  );
});

describe("metadata", () => {
  const nested = (levels: number): string => `{"a":`.repeat(levels) + "1" + "}".repeat(levels);
  const put = async (metadata: string) => {
    const { id } = await newCustomer();
    const raw = `{"metadata":${metadata}}`;
    const headers = { "Content-Type": "application/json" };
    return admin(`/customers/${id}`, { method: "PATCH", raw, headers });
  };

  it("has at most 32 levels, far from where a database or a stack gives up", async () => {
    expect(await put(nested(32))).toMatchObject({ status: 200 });
    for (const levels of [33, 1_200, 10_000]) {
      expect(await put(nested(levels))).toMatchObject({
        status: 422,
        body: { errors: [{ path: "metadata", message: "Must be at most 32 levels deep" }] },
      });
    }
  });
});

describe("deleting a customer", () => {
  it("works while there are no licenses, and leaves nothing but the record", async () => {
    const { id } = await newCustomer();
    expect(await admin(`/customers/${id}`, { method: "DELETE" })).toMatchObject({ status: 204 });
    expect(await admin(`/customers/${id}`)).toMatchObject({ status: 404 });
    expect(await rows("SELECT 1 FROM customer_terms WHERE customer_id = ?", id)).toEqual([]);
    expect((await eventsOf(id)).map((event) => event.action)).toEqual([
      "customer.created",
      "customer.deleted",
    ]);
    expect(await admin(`/customers/${id}`, { method: "DELETE" })).toMatchObject({ status: 404 });
  });

  it("is refused while there is a license, also a revoked one", async () => {
    const { license } = await newLicense();
    await admin(`/licenses/${license.id}/revoke`, { body: { reason: "x" } });
    const answer = await admin(`/customers/${license.customer_id}`, { method: "DELETE" });
    expect(answer).toMatchObject({ status: 409, body: { code: "CONFLICT" } });
    expect(await rows("SELECT 1 FROM customer_terms WHERE customer_id = ?", license.customer_id)).not.toEqual(
      [],
    );
    expect(await eventsOf(license.customer_id)).toHaveLength(1);
  });

  it("and issuing to it at the same moment: one of the two is refused", async () => {
    for (let round = 0; round < 5; round++) {
      const { id } = await newCustomer();
      const [deleted, issued] = await Promise.all([
        admin(`/customers/${id}`, { method: "DELETE" }),
        admin("/licenses", { body: { customer_id: id, license_type: "trial" } }),
      ]);
      expect([
        [204, 404],
        [409, 201],
      ]).toContainEqual([deleted.status, issued.status]);
    }
  });
});

describe("what a customer is found by", () => {
  it("is each text from every word on, in one spelling, once", () => {
    expect(
      termsOf({
        id: "ACME-1",
        name: "Ada  Lovelace",
        company: "ＡＣＭＥ Corp",
        email: "Ada@Mail.Example",
        metadata: {},
        tags: [],
        notes: null,
      }),
    ).toEqual([
      "acme-1",
      "ada lovelace",
      "acme corp",
      "ada@mail.example",
      "mail.example",
      "1",
      "lovelace",
      "corp",
    ]);
  });

  it("is bounded, whatever the name", () => {
    const terms = termsOf({
      id: "x",
      name: "a b c d e ".repeat(20),
      company: null,
      email: null,
      metadata: {},
      tags: [],
      notes: null,
    });
    expect(terms.length).toBeLessThanOrEqual(101);
    expect(Math.max(...terms.map((term) => term.length))).toBeLessThanOrEqual(100);
  });
});

describe("license types", () => {
  const put = (id: string, body: object, headers: Record<string, string> = {}) =>
    admin(`/license-types/${id}`, { method: "PUT", body, headers });

  it("are created, replaced, used and then kept from deletion", async () => {
    const id = unique("gold");
    const created = await put(id, { name: "Gold", duration_days: 90, lease_days: 7, max_instances: 3 });
    expect(created).toMatchObject({
      status: 201,
      body: {
        id,
        name: "Gold",
        duration_days: 90,
        lease_days: 7,
        grace_days: 14,
        max_instances: 3,
        features: [],
      },
    });
    const { license } = await newLicense({ license_type: id });
    expect(license).toMatchObject({ license_type: id, lease_days: 7, max_instances: 3 });

    const replaced = await put(id, { name: "Gold", max_instances: 30 });
    expect(replaced).toMatchObject({
      status: 200,
      body: { max_instances: 30, duration_days: 365, lease_days: 30 },
    });
    expect((await admin(`/licenses/${license.id}`)).body).toMatchObject({ max_instances: 3, lease_days: 7 });
    expect(await put(id, { name: "Gold" }, { "If-Match": '"1"' })).toMatchObject({ status: 412 });

    expect(await admin(`/license-types/${id}`, { method: "DELETE" })).toMatchObject({
      status: 409,
      body: { code: "CONFLICT" },
    });
    expect((await eventsOf(id)).map((event) => event.action)).toEqual([
      "license_type.created",
      "license_type.changed",
    ]);
  });

  it("that no license uses are deleted", async () => {
    const id = unique("unused");
    await put(id, { name: "Unused" });
    expect(await admin(`/license-types/${id}`, { method: "DELETE" })).toMatchObject({ status: 204 });
    expect(await admin(`/license-types/${id}`)).toMatchObject({ status: 404, body: { code: "NOT_FOUND" } });
    expect(await admin(`/license-types/${id}`, { method: "DELETE" })).toMatchObject({ status: 404 });
  });

  it("takes no id that an object of JavaScript cannot have for a member", async () => {
    const body = { name: "Odd" };
    const refused = await admin("/license-types/__proto__", { method: "PUT", body });
    expect(refused).toMatchObject({ status: 422, body: { code: "REQUEST_INVALID" } });
  });

  it.each(["constructor", "toString"])("may be called %s, and are counted", async (id) => {
    await put(id, { name: "Odd" });
    await newLicense({ license_type: id });
    expect((await admin("/statistics")).body.by_type[id]).toBe(1);
  });

  it("deleted by two at once are gone for the second, not in use", async () => {
    const id = unique("twice");
    await put(id, { name: "Twice" });
    const customer = await newCustomer();
    for (const path of [`/license-types/${id}`, `/customers/${customer.id}`]) {
      const answers = await Promise.all([1, 2, 3].map(() => admin(path, { method: "DELETE" })));
      expect(answers.map(({ status }) => status).toSorted()).toEqual([204, 404, 404]);
    }
  });

  it.each([
    [{}],
    [{ name: "" }],
    [{ name: "A", duration_days: 0 }],
    [{ name: "A", lease_days: 0 }],
    [{ name: "A", features: ["a", "a"] }],
    [{ name: "A", color: "gold" }],
  ])("refuse %j", async (body) => {
    const id = unique("bad");
    expect(await put(id, body)).toMatchObject({ status: 422, body: { code: "REQUEST_INVALID" } });
    expect(await admin(`/license-types/${id}`)).toMatchObject({ status: 404 });
    expect(await put("a%20b", { name: "A" })).toMatchObject({ status: 422 });
  });
});
