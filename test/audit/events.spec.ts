import { beforeAll, describe, expect, it } from "vitest";
import { DAY, setTime } from "../support/clock.ts";
import { env } from "../support/env.ts";
import { Visitor } from "../support/console.ts";
import { visitorOf } from "../support/crew.ts";
import { metered } from "../support/meter.ts";
import { freshRecord } from "../support/record.ts";
import {
  activate,
  admin,
  type Answer,
  call,
  checkIn,
  deactivate,
  newCustomer,
  newLicense,
  newToken,
  rows,
  unique,
} from "../support/service.ts";

const at = (text: string): void => setTime(text);

const actionsOf = async (query: string): Promise<string[]> => {
  const actions: string[] = [];
  let cursor: string | null = null;
  do {
    const { body, status, text } = await admin(
      `/events?limit=3&${query}${cursor === null ? "" : `&cursor=${cursor}`}`,
    );
    if (status !== 200) throw new Error(text);
    actions.push(...body.data.map((event: { action: string }) => event.action));
    cursor = body.next_cursor as string | null;
  } while (cursor !== null);
  return actions;
};

describe("the record", () => {
  let licenseId: string;
  let customerId: string;

  // A database of its own, whose time only moves forward: what a time is found by.
  beforeAll(async () => {
    await freshRecord();
    at("2026-01-10T10:00:00Z");
    customerId = (await newCustomer({ name: "Acme", email: "ada@acme.example" })).id;
    at("2026-01-20T10:00:00Z");
    const { license, license_key } = await newLicense({ customer_id: customerId });
    licenseId = license.id;
    at("2026-01-30T10:00:00Z");
    await activate(license_key, "box");
    at("2026-02-10T10:00:00Z");
    await admin(`/licenses/${licenseId}/suspend`, {
      body: { reason: "x" },
      headers: { "CF-Connecting-IP": "192.0.2.9" },
    });
    at("2026-02-20T10:00:00Z");
    await admin(`/customers/${customerId}`, { method: "PATCH", body: { name: "Acme 2" } });
  });

  it("tells who did what to what, when, from where, and what changed", async () => {
    const { body } = await admin(`/licenses/${licenseId}/events`);
    expect(body.data[0]).toEqual({
      id: 4,
      at: "2026-02-10T10:00:00.000Z",
      action: "license.suspended",
      actor: { type: "staff", id: "ADMIN_TOKEN" },
      entity: { type: "license", id: licenseId },
      request_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      ip: "192.0.2.9",
      detail: { changes: { status: { from: "active", to: "suspended" } }, reason: "x" },
    });
    expect(body.data.map((event: { action: string }) => event.action)).toEqual([
      "license.suspended",
      "activation.created",
      "license.issued",
    ]);
  });

  it.each([
    [
      "",
      ["customer.changed", "license.suspended", "activation.created", "license.issued", "customer.created"],
    ],
    ["action=license.issued", ["license.issued"]],
    ["action=activation.created", ["activation.created"]],
    ["actor=box", ["activation.created"]],
    ["actor=ADMIN_TOKEN&action=customer.changed", ["customer.changed"]],
    ["since=2026-01-30T10:00:00Z", ["customer.changed", "license.suspended", "activation.created"]],
    ["since=2026-01-30T10:00:01Z", ["customer.changed", "license.suspended"]],
    ["until=2026-01-20T10:00:00Z", ["customer.created"]],
    ["until=2026-01-20T10:00:01Z", ["license.issued", "customer.created"]],
    ["since=2026-01-15&until=2026-02-05", ["activation.created", "license.issued"]],
    ["since=2030-01-01", []],
    ["until=2020-01-01", []],
    ["actor=ADMIN_TOKEN&since=2026-02-15", ["customer.changed"]],
  ])("is found by ?%s", async (query, actions) => {
    expect(await actionsOf(query)).toEqual(actions);
  });

  it.each([
    ["license.isued", "Near: license.issued"],
    ["licence.issued", "Near: license.issued"],
    ["activations.*", "Near: activation.*"],
    ["LICENSE.ISSUED", "Near: license.issued"],
    ["nothing.like.any.of.it", "The families are activation.*, api_token.*"],
    ["license", "Near: license.*"],
    ["__proto__", "The families are"],
  ])("refuses a type of %s, which would find nothing", async (type, says) => {
    const { status, body } = await admin(`/events?action=${type}`);
    expect(status).toBe(422);
    expect(body.errors).toEqual([{ path: "action", message: expect.stringContaining(says) }]);
    const page = await (await Visitor.signIn()).get(`/admin/activity?action=${type}`);
    expect(page.status).toBe(422);
  });

  it("is found by a family of types", async () => {
    expect(await actionsOf(`action=license.*&entity=${licenseId}`)).toEqual([
      "license.suspended",
      "license.issued",
    ]);
  });

  it("is found by what was changed", async () => {
    expect(await actionsOf(`entity=${customerId}`)).toEqual(["customer.changed", "customer.created"]);
    expect(await actionsOf(`entity=${customerId}&until=2026-02-01`)).toEqual(["customer.created"]);
    expect(await actionsOf("entity=nobody")).toEqual([]);
  });

  it.each(["node-1@acme", "tok_7", "n".repeat(120), "ops@acme.example"])(
    "of an instance is found, also where it calls itself %s",
    async (id) => {
      const { license_key } = await newLicense();
      await activate(license_key, id);
      expect(await actionsOf(`actor=${id}`)).toEqual(["activation.created"]);
    },
  );

  it.each(["clone_suspected", "fingerprint_changed"])("of an instance.%s is found by that", async (what) => {
    const { license_key } = await newLicense();
    const claim = (fingerprint: string) => activate(license_key, "box", { fingerprint });
    await claim("one");
    await claim("two");
    const stale = (await claim("two")).body.certificate;
    for (let n = 0; n < 2; n++) {
      setTime(Date.now() + 10_000);
      await claim("two");
    }
    await rows("UPDATE activations SET strays = 1 WHERE instance_id = 'box'");
    await checkIn(license_key, "box", { certificate: stale });
    expect(await actionsOf(`action=instance.${what}`)).toContain(`instance.${what}`);
  });

  it("is found to the millisecond", async () => {
    await freshRecord();
    const noon = Date.parse("2026-04-01T12:00:00Z");
    for (const ms of [54, 576]) {
      setTime(noon + ms);
      await newCustomer({ id: `at-${noon + ms}` });
    }
    const count = async (query: string) => (await actionsOf(query)).length;
    expect(await count("since=2026-04-01T12:00:00.576Z")).toBe(1);
    expect(await count("since=2026-04-01T12:00:00.054Z")).toBe(2);
    expect(await count("until=2026-04-01T12:00:00.054Z")).toBe(0);
    expect(await count("until=2026-04-01T12:00:00.055Z")).toBe(1);
  });

  it("is found also where clocks disagree, or a request waited for the database", async () => {
    await freshRecord();
    const noon = Date.parse("2026-03-01T12:00:00Z");
    const times = [0, 9, 4, 30, 12, 11, 29, 31, 60, 45, 33, 58, 70].map((seconds) => noon + seconds * 1_000);
    for (const time of times) {
      setTime(time);
      await newCustomer({ id: `at-${time}` });
    }
    for (const edge of times) {
      const found = async (query: string): Promise<string[]> =>
        (await admin(`/events?${query}=${new Date(edge).toISOString()}`)).body.data.map(
          (event: { entity: { id: string } }) => event.entity.id,
        );
      const idsOf = (chosen: number[]): string[] => chosen.map((time) => `at-${time}`).toReversed();
      expect(await found("since")).toEqual(idsOf(times.filter((time) => time >= edge)));
      expect(await found("until")).toEqual(idsOf(times.filter((time) => time < edge)));
    }
  });

  it("has no action of instances that its filter hides", async () => {
    await freshRecord();
    const noon = Date.parse("2026-03-01T12:00:00Z");
    at(new Date(noon).toISOString());
    const { license_key } = await newLicense();
    const { certificate } = (await activate(license_key, "box", { fingerprint: "one" })).body;
    const comesBack = (days: number, more: object) => {
      setTime(noon + days * DAY);
      return checkIn(license_key, "box", more);
    };
    await comesBack(1, { fingerprint: "two" });
    // An old certificate, twice, with the current one in between: a clone.
    const current = (await comesBack(2, {})).body.certificate;
    await comesBack(3, { certificate });
    await comesBack(4, { certificate: current });
    await deactivate(license_key, "box");
    const caused = await rows<{ action: string }>(
      "SELECT DISTINCT action FROM events WHERE actor_type = 'instance' ORDER BY action",
    );
    expect(caused.map(({ action }) => action)).toEqual([
      "activation.created",
      "activation.ended",
      "instance.clone_suspected",
      "instance.fingerprint_changed",
    ]);
    for (const { action } of caused) expect(await actionsOf(`action=${action}`), action).toEqual([action]);
  });

  it("is found to the millisecond", async () => {
    await freshRecord();
    const times = ["2026-03-01T12:00:00.054Z", "2026-03-01T12:00:00.576Z"];
    for (const [n, time] of times.entries()) {
      at(time);
      await newCustomer({ id: `exact-${n}` });
    }
    const found = async (query: string): Promise<string[]> =>
      (await admin(`/events?${query}`)).body.data.map((event: { entity: { id: string } }) => event.entity.id);
    expect(await found(`since=${times[1]}`)).toEqual(["exact-1"]);
    expect(await found(`since=${times[0]}`)).toEqual(["exact-1", "exact-0"]);
    expect(await found(`until=${times[0]}`)).toEqual([]);
    expect(await found(`until=${times[1]}`)).toEqual(["exact-0"]);
  });

  it.each(["since=soon", "until=2026-02-30", "limit=0", "who=me"])("refuses ?%s", async (query) => {
    expect(await call(`/v1/admin/events?${query}`, { token: env.ADMIN_TOKEN })).toMatchObject({
      status: 422,
    });
  });
});

describe("the record of who may come in", () => {
  let ownersToken: string;
  let tokenId: string;
  let email: string;
  const others: Record<string, string> = {};

  beforeAll(async () => {
    await freshRecord();
    at("2026-05-01T10:00:00Z");
    email = `${unique("ada")}@smarthaus.example`;
    const made = await newToken({ role: "owner", name: "Deploys" });
    ({ token: ownersToken } = made);
    tokenId = made.api_token.id;
    await admin(`/people/${email}`, { method: "PUT", body: { role: "manager" } });
    await admin(`/people/${email}`, { method: "PUT", body: { role: "viewer" } });
    await visitorOf(ownersToken);
    for (const role of ["manager", "viewer"]) others[role] = (await newToken({ role })).token;
    await admin("/customers", { token: ownersToken, body: { id: "acme", name: "Acme" } });
    // A customer may be called what a token is called.
    await admin("/customers", { body: { id: tokenId, name: "Deploys" } });
    for (let n = 0; n < 3; n++) await visitorOf(ownersToken);
  });

  const read = (token: string, query: string) => call(`/v1/admin/events?${query}`, { token });

  const actionsIn = ({ body }: { body: { data: { action: string }[] } }): string[] =>
    body.data.map(({ action }) => action);

  it("is whole for owners", async () => {
    const told = new Set(actionsIn(await read(ownersToken, "limit=100")));
    for (const action of ["api_token.created", "person.added", "person.changed", "session.opened"]) {
      expect(told).toContain(action);
    }
    expect(actionsIn(await read(ownersToken, `entity=${email}`))).toEqual(["person.changed", "person.added"]);
    expect(actionsIn(await read(ownersToken, "action=person.added"))).toEqual(["person.added"]);
  });

  describe.each(["manager", "viewer"])("shows a %s", (role) => {
    it("what happened to customers and licenses, and who did it", async () => {
      const { body } = await read(others[role]!, "limit=100");
      expect(body.data).toMatchObject([
        { action: "customer.created", entity: { id: tokenId } },
        { action: "customer.created", entity: { id: "acme" }, actor: { id: tokenId } },
      ]);
      expect(actionsIn(await read(others[role]!, `actor=${tokenId}`))).toEqual(["customer.created"]);
    });

    it("nothing of people, tokens and sign-ins, whatever it is looked for by, not even by a cursor", async () => {
      for (const query of [
        `entity=${email}`,
        `entity=${email}&action=person.added`,
        `entity=${email}&since=2026-01-01`,
        "entity=ADMIN_TOKEN",
        `actor=${email}`,
        "action=person.added",
        "action=person.changed",
        "action=api_token.created",
        "action=session.opened",
        `action=session.opened&actor=${tokenId}`,
        `actor=${tokenId}&action=session.opened`,
        "action=api_token.created&since=2026-01-01",
      ]) {
        const { status, body } = await read(others[role]!, `${query}&limit=1`);
        expect([query, status, body]).toEqual([query, 200, { data: [], next_cursor: null }]);
      }
    });

    it("of a customer that is called like a token only what happened to the customer", async () => {
      for (const limit of [1, 100]) {
        const found = await read(others[role]!, `entity=${tokenId}&limit=${limit}`);
        expect(actionsIn(found)).toEqual(["customer.created"]);
        expect(found.body.next_cursor).toBeNull();
      }
    });

    it("page by page no more than at once", async () => {
      const seen: string[] = [];
      let cursor: string | null = "";
      while (cursor !== null) {
        const page: Answer = await read(others[role]!, `limit=1${cursor && `&cursor=${cursor}`}`);
        seen.push(...actionsIn(page));
        cursor = page.body.next_cursor;
      }
      expect(seen).toEqual(["customer.created", "customer.created"]);
    });
  });

  it("stays bounded where there is nothing but it", async () => {
    for (let n = 0; n < 120; n++) {
      await rows(
        `INSERT INTO events (at, action, entity_type, entity_id, actor_type, actor_id, request_id, detail)
         VALUES (?, 'session.opened', 'session', ?, 'staff', ?, '-', '{}')`,
        Date.now(),
        tokenId,
        tokenId,
      );
    }
    const { bindings, cost } = metered();
    const page = await call("/v1/admin/events?limit=10", { token: others["viewer"]!, bindings });
    expect(page.body.data).toEqual([]);
    expect(page.body.next_cursor).not.toBeNull();
    expect(cost.read).toBeLessThan(120);
  });

  it("leaves a page as full as was asked, where it lies in between", async () => {
    await rows(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 220)
       INSERT INTO events (at, action, entity_type, entity_id, actor_type, actor_id, request_id, detail)
       SELECT ?, 'x', iif(i % 3 = 0, 'session', 'license'), 'lic_x', 'staff', 'x', '-', '{}' FROM n`,
      Date.now(),
    );
    for (const limit of [50, 90, 100]) {
      const { bindings, cost } = metered();
      const page = await call(`/v1/admin/events?limit=${limit}`, { token: others["viewer"]!, bindings });
      expect(page.body.data).toHaveLength(limit);
      expect(cost.read).toBeLessThan(200);
    }
  });

  it("of the last time is a page as full as was asked for owners, too", async () => {
    const since = await rows<{ at: number }>("SELECT max(at) AS at FROM events");
    const from = new Date(since[0]!.at).toISOString();
    const { bindings, cost } = metered();
    const page = await call(`/v1/admin/events?limit=100&since=${from}`, { token: ownersToken, bindings });
    expect(page.body.data).toHaveLength(100);
    expect(cost.read).toBeLessThan(200);
  });
});
