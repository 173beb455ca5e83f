// Who of a customer is written to.
import { describe, expect, it } from "vitest";
import { env } from "../../support/env.ts";
import { DELIVERIES, fire, messagesOf } from "../../support/mail.ts";
import {
  admin,
  type Answer,
  eventsOf,
  newCustomer,
  newLicense,
  rows,
  unique,
} from "../../support/service.ts";

const ALL = ["license", "billing", "technical"];

const address = (): string => `${unique("it")}@acme.example`;

const contactsOf = async (customer: string): Promise<Answer["body"][]> =>
  (await admin(`/customers/${customer}/contacts`)).body.data;

const add = (customer: string, body: object): Promise<Answer> =>
  admin(`/customers/${customer}/contacts`, { body });

describe("the customer's own address", () => {
  it("is a contact with every role, without the customer's site", async () => {
    const email = address();
    const { id } = await newCustomer({ email });
    expect(await contactsOf(id)).toMatchObject([
      { id: `con_${id}`, email, roles: ALL, portal: false, own: true, name: null, language: null },
    ]);
    expect((await admin(`/customers/${id}`)).body.email).toBe(email);
  });

  it("follows the customer: another address, none, and one again", async () => {
    const { id } = await newCustomer({ email: address() });
    const change = (email: string | null) => admin(`/customers/${id}`, { method: "PATCH", body: { email } });
    await admin(`/customers/${id}/contacts/con_${id}`, { method: "PATCH", body: { roles: ["billing"] } });
    const next = address();
    await change(next);
    expect(await contactsOf(id)).toMatchObject([{ email: next, roles: ["billing"] }]);
    await change(null);
    expect(await contactsOf(id)).toEqual([]);
    await change(next);
    expect(await contactsOf(id)).toMatchObject([{ email: next, roles: ALL }]);
  });

  it("is changed at the customer alone, everything else of it here", async () => {
    const { id } = await newCustomer({ email: address() });
    const own = `/customers/${id}/contacts/con_${id}`;
    for (const refused of [
      await admin(own, { method: "PATCH", body: { email: address() } }),
      await admin(own, { method: "DELETE" }),
    ]) {
      expect(refused).toMatchObject({ status: 409, body: { code: "CONFLICT" } });
    }
    const changed = await admin(own, {
      method: "PATCH",
      body: { name: "Ada", language: "ja", portal: true, roles: ["technical"] },
    });
    expect(changed.body).toMatchObject({ name: "Ada", language: "ja", portal: true, roles: ["technical"] });
  });
});

describe("contacts that staff add", () => {
  it("have all roles and the customer's site unless staff say otherwise", async () => {
    const { id } = await newCustomer();
    const email = address();
    const added = await add(id, { email });
    expect(added).toMatchObject({
      status: 201,
      body: { customer_id: id, email, roles: ALL, portal: true, own: false, language: null },
    });
    expect(added.headers.get("ETag")).toBeTruthy();
    const other = await add(id, { email: address(), roles: ["billing"], language: "de", portal: false });
    expect(other.body).toMatchObject({ roles: ["billing"], language: "de", portal: false });
    expect(await contactsOf(id)).toHaveLength(2);
  });

  it("change and go, each at its version", async () => {
    const { id } = await newCustomer();
    const made = await add(id, { email: address() });
    const path = `/customers/${id}/contacts/${made.body.id}`;
    const stale = { "If-Match": made.headers.get("ETag")! };
    const changed = await admin(path, { method: "PATCH", body: { roles: ["license"] }, headers: stale });
    expect(changed).toMatchObject({ status: 200, body: { roles: ["license"] } });
    for (const method of ["PATCH", "DELETE"]) {
      const body = method === "PATCH" ? { name: "X" } : undefined;
      const refused = await admin(path, { method, headers: stale, ...(body ? { body } : {}) });
      expect(refused).toMatchObject({ status: 412, body: { code: "PRECONDITION_FAILED" } });
    }
    expect((await admin(path, { method: "DELETE" })).status).toBe(204);
    expect(await admin(path)).toMatchObject({ status: 404, body: { code: "NOT_FOUND" } });
    expect(await contactsOf(id)).toEqual([]);
  });

  it.each([
    ["no address", {}],
    ["no address at all", { email: "nobody" }],
    ["letters before the @ that servers refuse", { email: "bücher@acme.example" }],
    ["a role that there is not", { email: "a@b.example", roles: ["boss"] }],
    ["no role", { email: "a@b.example", roles: [] }],
    ["a role twice", { email: "a@b.example", roles: ["billing", "billing"] }],
    ["a language that nothing is written in", { email: "a@b.example", language: "tlh" }],
    ["an unknown member", { email: "a@b.example", phone: "1" }],
  ])("are refused with %s", async (_, body) => {
    const { id } = await newCustomer();
    expect(await add(id, body)).toMatchObject({ status: 422, body: { code: "REQUEST_INVALID" } });
    expect(await contactsOf(id)).toEqual([]);
  });

  it("are refused with an address that the customer has, in any spelling", async () => {
    const { id } = await newCustomer({ email: "it@bücher.example" });
    for (const email of ["it@bücher.example", "IT@Bücher.example", "it@xn--bcher-kva.example"]) {
      const refused = await add(id, { email });
      expect(refused).toMatchObject({ status: 422, body: { errors: [{ path: "email" }] } });
    }
  });

  it("are refused beyond fifty, and for a customer that there is not", async () => {
    const { id } = await newCustomer();
    await rows(
      `INSERT INTO contacts (id, customer_id, email, portal, created_at, updated_at)
       SELECT 'con_' || ? || value, ?, value || '@acme.example', 0, 0, 0 FROM generate_series(1, 50)`,
      id,
      id,
    ).catch(async () => {
      for (let n = 0; n < 50; n++) await add(id, { email: address() });
    });
    expect(await add(id, { email: address() })).toMatchObject({ status: 422 });
    expect(await add("nobody", { email: address() })).toMatchObject({
      status: 404,
      body: { code: "CUSTOMER_NOT_FOUND" },
    });
  });

  it("belong to their customer: another one's is not found", async () => {
    const [one, other] = [await newCustomer(), await newCustomer()];
    const { body } = await add(one.id, { email: address() });
    const path = `/customers/${other.id}/contacts/${body.id}`;
    for (const answer of [
      await admin(path),
      await admin(path, { method: "PATCH", body: { name: "X" } }),
      await admin(path, { method: "DELETE" }),
    ]) {
      expect(answer).toMatchObject({ status: 404, body: { code: "NOT_FOUND" } });
    }
    expect(await contactsOf(one.id)).toHaveLength(1);
  });

  it("leave with their customer", async () => {
    const { id } = await newCustomer({ email: address() });
    await add(id, { email: address() });
    expect((await admin(`/customers/${id}`, { method: "DELETE" })).status).toBe(204);
    expect(await rows("SELECT id FROM contacts WHERE customer_id = ?", id)).toEqual([]);
  });

  it("are in the record by id and by the names of what was changed, never by a value", async () => {
    const { id } = await newCustomer();
    const email = address();
    const { body } = await add(id, { email, name: "Ada Price" });
    const path = `/customers/${id}/contacts/${body.id}`;
    await admin(path, { method: "PATCH", body: { name: "Grace", language: "fr" } });
    await admin(path, { method: "DELETE" });
    const events = (await eventsOf(id)).filter(({ action }) => action.startsWith("contact."));
    expect(events.map(({ action, detail }) => [action, JSON.parse(detail)])).toEqual([
      ["contact.created", { contact_id: body.id, members: ["email", "name"] }],
      ["contact.changed", { contact_id: body.id, members: ["name", "language"] }],
      ["contact.deleted", { contact_id: body.id, members: [] }],
    ]);
  });

  it("find their customer, until they go, and after the customer was renamed", async () => {
    const { id } = await newCustomer({ email: address() });
    const domain = `${unique("d")}.example`;
    const { body } = await add(id, { email: `Grace@${domain}` });
    const found = async (q: string) =>
      (await admin(`/customers?q=${encodeURIComponent(q)}`)).body.data.map((one: { id: string }) => one.id);
    expect(await found(`grace@${domain}`)).toEqual([id]);
    await admin(`/customers/${id}`, { method: "PATCH", body: { name: "Another" } });
    expect(await found(domain)).toEqual([id]);
    await admin(`/customers/${id}/contacts/${body.id}`, { method: "DELETE" });
    expect(await found(domain)).toEqual([]);
    expect(await found("another")).toContain(id);
  });

  it("find their customer by their names, the own one too, until they go", async () => {
    const mark = unique("n").replaceAll("-", "");
    const { id } = await newCustomer({ email: address() });
    const { body } = await add(id, { email: address(), name: `Zoë ${mark}-Müller` });
    const found = async (q: string) =>
      (await admin(`/customers?q=${encodeURIComponent(q)}`)).body.data.map((one: { id: string }) => one.id);
    expect(await found(`ZOE ${mark}`)).toEqual([id]);
    expect(await found(`${mark}-muller`)).toEqual([id]);
    await admin(`/customers/${id}/contacts/con_${id}`, { method: "PATCH", body: { name: `Own ${mark}x` } });
    await admin(`/customers/${id}`, { method: "PATCH", body: { name: "Another" } });
    expect(await found(`${mark}x`)).toEqual([id]);
    expect(await found(mark)).toEqual([id]);
    await admin(`/customers/${id}/contacts/${body.id}`, { method: "PATCH", body: { name: null } });
    expect(await found(`${mark}-`)).toEqual([]);
    await admin(`/customers/${id}`, { method: "PATCH", body: { email: null } });
    expect(await found(mark)).toEqual([]);
  });

  it("find their customer without regard to accents, also once terms of a former spelling are written anew", async () => {
    const { id } = await newCustomer({ email: address() });
    const name = unique("d");
    await add(id, { email: `grace@m\u00fcller-${name}.example` });
    const found = async (q: string) =>
      (await admin(`/customers?q=${encodeURIComponent(q)}`)).body.data.map((one: { id: string }) => one.id);
    expect(await found(`GRACE@muller-${name}`)).toEqual([id]);
    await admin(`/customers/${id}`, { method: "PATCH", body: { name: "\u00c9mile" } });
    expect(await found(`Muller-${name}`)).toEqual([id]);
    // As the release before leaves a customer.
    await rows("UPDATE customers SET terms_at = NULL WHERE id = ?", id);
    await rows("DELETE FROM customer_terms WHERE customer_id = ?", id);
    expect(await found(`muller-${name}`)).toEqual([]);
    await fire(DELIVERIES, env);
    expect(await found(`muller-${name}`)).toEqual([id]);
    expect(await found("emile")).toContain(id);
  });
});

describe("mail goes by role", () => {
  const recipients = async (license: string) =>
    (await messagesOf(license)).map(({ recipient }) => recipient).toSorted();

  it("keys go to the contacts for licenses, each its own mail; the answer is the first", async () => {
    const { id } = await newCustomer();
    const [one, two, billing] = [address(), address(), address()];
    await add(id, { email: one, roles: ["license"] });
    await add(id, { email: billing, roles: ["billing"] });
    await add(id, { email: two, roles: ["license", "technical"] });
    const { license } = await newLicense({ customer_id: id, send_email: true });
    expect(await recipients(license.id)).toEqual([one, two].toSorted());
    const { body } = await admin(`/licenses/${license.id}/send-email`, { body: {} });
    expect(body.recipient).toBe(one);
    await admin(`/licenses/${license.id}/renew`, { body: { expires_days: 30 } });
    const renewed = (await messagesOf(license.id)).filter(({ kind }) => kind === "license_renewed");
    expect(renewed.map(({ recipient }) => recipient).toSorted()).toEqual([one, two].toSorted());
  });

  it("without a contact of the role they go to the first contact", async () => {
    const own = address();
    const { id } = await newCustomer({ email: own });
    await admin(`/customers/${id}/contacts/con_${id}`, { method: "PATCH", body: { roles: ["technical"] } });
    await add(id, { email: address(), roles: ["billing"] });
    const { license } = await newLicense({ customer_id: id, send_email: true });
    expect(await recipients(license.id)).toEqual([own]);
  });
});

describe("an address in any script", () => {
  it.each(["it@bücher.example", "it@xn--bcher-kva.example", "it@例え.テスト"])(
    "%s is kept as it is written, of customers and contacts alike",
    async (email) => {
      const { id } = await newCustomer({ email });
      expect((await admin(`/customers/${id}`)).body.email).toBe(email);
      const other = await newCustomer();
      expect(await add(other.id, { email })).toMatchObject({ status: 201, body: { email } });
      const { license } = await newLicense({ customer_id: id });
      const sent = await admin(`/licenses/${license.id}/send-email`, { body: { to: email } });
      expect(sent).toMatchObject({ status: 200, body: { recipient: email } });
    },
  );

  it.each([
    "nobody",
    "a b@acme.example",
    "a@b",
    "a@-b.example",
    "a@b..example",
    "a@1.2.3.4",
    "a@[::1]",
    "a@acme.example/path",
    "a@acme%2eexample",
    "a@b@acme.example",
    ".a@acme.example",
    "a..b@acme.example",
    `${"a".repeat(65)}@acme.example`,
    `a@${"b".repeat(64)}.example`,
    "a@acme.example\nBcc: b@acme.example",
  ])("%j is refused in words", async (email) => {
    const refused = await admin("/customers", { body: { name: "A", email } });
    expect(refused).toMatchObject({ status: 422, body: { errors: [{ path: "email" }] } });
    expect(refused.body.errors[0].message).toContain("e-mail address");
  });
});
