// What a delivery says, and what it never says.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { WEBHOOKS } from "../../src/http/admin/webhook-endpoints/catalogue.ts";
import { impersonalEvent } from "../../src/webhook-endpoints/personal.ts";
import { env } from "../support/env.ts";
import { DELIVERIES, fire } from "../support/mail.ts";
import { forgetReceivers, listen, newReceiver, type Receiver } from "../support/receivers.ts";
import { activate, admin, newCustomer, newLicense, newToken, unique } from "../support/service.ts";

beforeEach(listen);
afterEach(forgetReceivers);

const PERSON = {
  name: "Ada Price",
  email: "ada@acme.example",
  company: "Acme",
  notes: "Calls on Mondays",
  tags: ["vip"],
};

/** Does a bit of everything that staff and installations do, as people with names and addresses. */
async function aDay(): Promise<{ key: string; license: string }> {
  const token = (await newToken({ role: "manager" })).token;
  const { id } = await newCustomer({ ...PERSON, metadata: { crm: "ada-4711" } });
  await admin(`/customers/${id}`, { method: "PATCH", body: { name: "Ada Prize" }, token });
  await admin(`/customers/${id}/contacts`, { body: { email: `${unique("bob")}@acme.example`, name: "Bob" } });
  const { license, license_key } = await newLicense({
    customer_id: id,
    send_email: true,
    notes: "Calls on Mondays",
    metadata: { order: "ada-4711" },
  });
  await activate(license_key, "box-1", { hostname: "ada-laptop", labels: { room: "ada" } });
  await admin(`/people/${unique("eve")}@acme.example`, { method: "PUT", body: { role: "viewer" } });
  await admin(`/licenses/${license.id}/key`);
  await admin(`/licenses/${license.id}/suspend`, { body: { reason: "Ada's wish" } });
  await admin(`/licenses/${license.id}/reissue`, { body: { reason: "Leaked" } }).catch(() => null);
  await fire(DELIVERIES, env);
  return { key: license_key, license: license.id };
}

interface Delivered {
  data: {
    event: { entity: { type: string }; actor: { type: string }; detail: object };
    object: object | null;
  };
}

const textOf = ({ got }: Receiver): string => got.map(({ body }) => body).join("\n");

describe("by default a delivery says nothing personal", () => {
  it("of all that happens on a day", async () => {
    const receiver = await newReceiver();
    const { key, license } = await aDay();
    const text = textOf(receiver);
    expect(receiver.got.length).toBeGreaterThan(6);
    for (const personal of [
      "Ada",
      "ada-",
      "Acme",
      "Monday",
      "vip",
      "Bob",
      "bob",
      "@",
      "4711",
      "laptop",
      env.ADMIN_TOKEN,
    ])
      expect(text).not.toContain(personal);
    expect(text).not.toContain(key);
    expect(text).not.toMatch(/eyJ|whsec_|caio_/);
    const types = receiver.got.map(({ type }) => type);
    for (const type of [
      "customer.created",
      "customer.changed",
      "contact.created",
      "license.issued",
      "license.mailed",
      "activation.created",
      "license.key_revealed",
      "license.suspended",
    ])
      expect(types).toContain(type);
    expect(types.filter((type) => /^(?:api_token|person|session)\./.test(type))).toEqual([]);
    for (const one of receiver.got) expect(receiver.verify(one)).toMatchObject({ type: one.type });
    const last = receiver.got.findLast(({ type }) => type === "license.suspended")!;
    expect(last.data.object).toMatchObject({ id: license, status: "suspended", standing: "suspended" });
  });

  it("and each looks as its example in the reference does", async () => {
    const receiver = await newReceiver();
    await aDay();
    await admin(`/webhook-endpoints/${receiver.id}/test`, { method: "POST" });
    const looks = ({ data: { event, object } }: Delivered) => ({
      entity: event.entity.type,
      actor: event.actor.type,
      object: object && Object.keys(object).toSorted(),
    });
    for (const { type, body } of receiver.got) {
      const told = JSON.parse(body) as Delivered;
      const example = WEBHOOKS.find((one) => one.type === type)!.example as unknown as Delivered;
      expect(looks(told), type).toEqual(looks(example));
      expect(Object.keys(told.data.event.detail), type).toEqual(
        expect.arrayContaining(Object.keys(example.data.event.detail)),
      );
    }
    expect(new Set(receiver.got.map(({ type }) => type)).size).toBeGreaterThan(7);
  });

  it("and what the endpoint asks for: never a key, and nothing of access", async () => {
    const receiver = await newReceiver({ include_personal: true });
    const { key } = await aDay();
    const customer = receiver.got.find(({ type }) => type === "customer.changed")!;
    // As it is at delivery.
    expect(customer.data.object).toMatchObject({ ...PERSON, name: "Ada Prize" });
    const text = textOf(receiver);
    expect(text).toContain("Ada's wish");
    expect(text).not.toContain(key);
    expect(text).not.toMatch(/eyJ|whsec_|caio_/);
    expect(text).not.toMatch(/"type":"(?:api_token|person|session)\./);
  });
});

describe("the object", () => {
  it("is null where the thing is gone by now", async () => {
    const receiver = await newReceiver({ events: ["customer.*"], active: false });
    const { id } = await newCustomer();
    await admin(`/customers/${id}`, { method: "DELETE" });
    await admin(`/webhook-endpoints/${receiver.id}`, { method: "PATCH", body: { active: true } });
    expect(receiver.got.map(({ type, data }) => [type, data.object])).toEqual([
      ["customer.created", null],
      ["customer.deleted", null],
    ]);
  });

  it.each([
    [
      "license type",
      "license_type.created",
      (id: string) =>
        [
          `/license-types/${id}`,
          "PUT",
          {
            name: "T",
            grace_days: 1,
            features: [],
            max_instances: 1,
            max_services: 1,
            max_requests_per_day: 1,
            duration: "P1Y",
          },
        ] as const,
    ],
    [
      "entitlement",
      "entitlement.created",
      (code: string) =>
        [`/entitlements/${code}`, "PUT", { name: "T", kind: "meter", unit: "tokens", over: "warn" }] as const,
    ],
  ])("of a %s is as the API shows it", async (_, type, request) => {
    const receiver = await newReceiver({ events: [type] });
    const id = unique("type");
    const [path, method, body] = request(id);
    const made = await admin(path, { method, body });
    expect(made.status).toBe(201);
    expect(receiver.got[0]!.data.object).toEqual(made.body);
  });
});

describe("an event of a former release, which kept what is personal,", () => {
  it("is told without it, and with its ids", () => {
    const event = {
      id: 1,
      at: "2026-01-01T00:00:00.000Z",
      action: "license.mailed",
      actor: { type: "staff", id: "ada@acme.example" },
      entity: { type: "license", id: "lic_1" },
      request_id: "r",
      ip: "192.0.2.1",
      detail: {
        to: "ada@acme.example",
        hostname: "ada-laptop",
        instance_id: "ada@box",
        reason: "Ada Price asked for it",
        changes: { name: { from: "Ada", to: "Bob" }, email: {}, expires_at: { from: 1, to: 2 } },
        nested: [{ ip: "192.0.2.1", labels: { a: "b" }, max_instances: 3 }],
      },
    };
    expect(impersonalEvent(event)).toEqual({
      ...event,
      actor: { type: "staff", id: null },
      ip: null,
      detail: {
        to: null,
        instance_id: "ada@box",
        changes: { email: {}, expires_at: { from: 1, to: 2 } },
        nested: [{ max_instances: 3 }],
      },
    });
  });

  it("names an instance, which chose its id itself, and a token", () => {
    const by = (type: string, id: string) =>
      impersonalEvent({
        id: 1,
        at: "",
        action: "",
        actor: { type, id },
        entity: { type: "", id: "" },
        request_id: "",
        ip: null,
        detail: {},
      }).actor.id;
    expect(by("instance", "a@b.example")).toBe("a@b.example");
    expect(by("staff", "tok_1")).toBe("tok_1");
    expect(by("staff", "ADMIN_TOKEN")).toBe("ADMIN_TOKEN");
  });
});
