// /v1/admin/webhook-endpoints: adding, changing, and removing who is told.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { setTime } from "../support/clock.ts";
import { forgetReceivers, lastEvent, listen, newReceiver } from "../support/receivers.ts";
import { admin, eventsOf, newLicense, rows } from "../support/service.ts";

beforeEach(listen);
afterEach(forgetReceivers);

const URL_ = "https://hooks.acme.example/caio";

const add = (input: Record<string, unknown> = {}, headers: Record<string, string> = {}) =>
  admin("/webhook-endpoints", { body: { url: URL_, events: ["license.*"], ...input }, headers });

const errorsOf = async (input: Record<string, unknown>): Promise<unknown> => {
  const { status, body } = await add(input);
  expect(status).toBe(422);
  return body.errors.map(({ path }: { path: string }) => path);
};

describe("an endpoint", () => {
  it("is answered with its secret this once, and kept without it", async () => {
    const before = await lastEvent();
    const { status, body } = await add({ active: false, description: "CRM" });
    expect(status).toBe(201);
    expect(body.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    const { id } = body.webhook_endpoint;
    expect(body.webhook_endpoint).toMatchObject({
      url: URL_,
      events: ["license.*"],
      description: "CRM",
      active: false,
      include_personal: false,
      state: "paused",
      // Its own creation is the last that it does not get.
      last_event: before + 1,
      failures: 0,
      failing_since: null,
      next_try_at: null,
    });
    for (const path of [
      `/webhook-endpoints/${id}`,
      "/webhook-endpoints",
      `/webhook-endpoints/${id}/deliveries`,
    ])
      expect((await admin(path)).text).not.toContain(body.secret);
    const [kept] = await rows<{ secret: string }>("SELECT * FROM webhook_secrets WHERE endpoint_id = ?", id);
    expect(kept!.secret).not.toContain(body.secret.slice(6));
    expect(JSON.stringify(await eventsOf(id))).not.toContain(URL_);
  });

  it("shows its secret again to a repeated request alone, and records that", async () => {
    const headers = { "Idempotency-Key": crypto.randomUUID() };
    const first = await add({}, headers);
    const again = await add({}, headers);
    expect(again.body).toEqual(first.body);
    const told = (await eventsOf(first.body.webhook_endpoint.id)).map(({ action }) => action);
    expect(told).toEqual(["webhook_endpoint.created", "webhook_endpoint.secret_revealed"]);
  });

  it("is refused with an address, types, or members that cannot be", async () => {
    expect(await errorsOf({ url: "https://10.0.0.1/" })).toEqual(["url"]);
    expect(await errorsOf({ url: "http://localhost:8787/" })).toEqual(["url"]);
    expect(await errorsOf({ url: "" })).toEqual(["url"]);
    expect(await errorsOf({ events: [] })).toEqual(["events"]);
    expect(await errorsOf({ events: ["license.*", "license.*"] })).toEqual(["events"]);
    for (const pattern of [
      "license",
      "license.made",
      "lic*",
      "",
      "**",
      "[a-z]*",
      "api_token.created",
      "person.*",
      "session.*",
    ])
      expect(await errorsOf({ events: [pattern] })).toEqual(["events.0"]);
    expect(await errorsOf({ secret: "whsec_mine" })).toEqual(["secret"]);
    expect(await errorsOf({ include_personal: "yes" })).toEqual(["include_personal"]);
    expect(await rows("SELECT 1 FROM webhook_endpoints")).toEqual([]);
  });

  it("is one of a hundred at most", async () => {
    const { body } = await add({ active: false });
    await rows(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 99)
       INSERT INTO webhook_endpoints (id, url, events, active, include_personal, cursor, created_at, updated_at)
       SELECT 'whe_' || i, 'https://acme.example', '["*"]', 0, 0, 0, 0, 0 FROM n`,
    );
    const { status, body: refusal } = await add();
    expect([status, refusal.code]).toEqual([409, "CONFLICT"]);
    expect((await rows("SELECT 1 FROM webhook_secrets")).length).toBe(1);
    expect((await admin(`/webhook-endpoints/${body.webhook_endpoint.id}`, { method: "DELETE" })).status).toBe(
      204,
    );
    expect((await add()).status).toBe(201);
  });

  it("is changed by what the request names, under its ETag", async () => {
    const { body, headers } = await add();
    const path = `/webhook-endpoints/${body.webhook_endpoint.id}`;
    const etag = headers.get("ETag")!;
    const changed = await admin(path, {
      method: "PATCH",
      body: { events: ["*"], include_personal: true },
      headers: { "If-Match": etag },
    });
    expect(changed.body).toMatchObject({ url: URL_, events: ["*"], include_personal: true, active: true });
    const late = await admin(path, {
      method: "PATCH",
      body: { active: false },
      headers: { "If-Match": etag },
    });
    expect(late.status).toBe(412);
    const same = await admin(path, { method: "PATCH", body: { events: ["*"] } });
    expect(same.headers.get("ETag")).toBe(changed.headers.get("ETag"));
    expect((await admin(path, { method: "PATCH", body: { url: "https://10.0.0.1/" } })).status).toBe(422);
    const told = await eventsOf(body.webhook_endpoint.id);
    expect(told.map(({ action, detail }) => [action, JSON.parse(detail).members])).toEqual([
      ["webhook_endpoint.created", undefined],
      ["webhook_endpoint.changed", ["events", "include_personal"]],
    ]);
  });

  it("goes with its secrets and deliveries, and is told nothing any more", async () => {
    const receiver = await newReceiver();
    await newLicense();
    const before = receiver.got.length;
    expect(before).toBeGreaterThan(0);
    expect((await admin(`/webhook-endpoints/${receiver.id}`, { method: "DELETE" })).status).toBe(204);
    await newLicense();
    expect(receiver.got).toHaveLength(before);
    for (const table of ["webhook_secrets", "webhook_deliveries"])
      expect(await rows(`SELECT 1 FROM ${table}`)).toEqual([]);
  });

  it.each([
    ["GET", ""],
    ["PATCH", "", { active: true }],
    ["DELETE", ""],
    ["POST", "/rotate-secret"],
    ["POST", "/test"],
    ["POST", "/replay", { from_event: 1 }],
    ["GET", "/deliveries"],
  ])("that is not there: %s %s is 404", async (method, path, body?: object) => {
    const before = await lastEvent();
    const { status } = await admin(`/webhook-endpoints/whe_none${path}`, { method, body });
    expect(status).toBe(404);
    expect(await lastEvent()).toBe(before);
  });

  it("is listed in pages in order of creation", async () => {
    const ids = [];
    for (let n = 0; n < 3; n++) ids.push((await add({ active: false })).body.webhook_endpoint.id);
    const first = (await admin("/webhook-endpoints?limit=2")).body;
    const second = (await admin(`/webhook-endpoints?limit=2&cursor=${first.next_cursor}`)).body;
    expect([...first.data, ...second.data].map(({ id }) => id)).toEqual(ids);
    expect(second.next_cursor).toBeNull();
  });
});

describe("a secret that is changed", () => {
  const START = Date.parse("2031-01-01T00:00:00Z");

  const rotate = (id: string) => admin(`/webhook-endpoints/${id}/rotate-secret`, { method: "POST" });

  it("signs beside the new one for 24 hours, and then no more", async () => {
    setTime(START);
    const receiver = await newReceiver({ events: ["customer.created"] });
    const { status, body } = await rotate(receiver.id);
    expect(status).toBe(200);
    expect(body.former_until).toBe("2031-01-02T00:00:00.000Z");
    expect(body.secret).not.toBe(receiver.secret);
    setTime(START + 86_400_000 - 1);
    await newLicense();
    setTime(START + 86_400_000);
    await newLicense();
    const [during, after] = receiver.got;
    expect(during!.headers["webhook-signature"]!.split(" ")).toHaveLength(2);
    expect(receiver.verify(during!)).toMatchObject({ type: "customer.created" });
    expect(after!.headers["webhook-signature"]!.split(" ")).toHaveLength(1);
    expect(() => receiver.verify(after!)).toThrow("signature");
  });

  it("signs for its 24 hours also where the next one is changed, because nobody read it", async () => {
    setTime(START);
    const receiver = await newReceiver({ events: ["customer.created"] });
    const signatures = async () => {
      await newLicense();
      return receiver.got.at(-1)!.headers["webhook-signature"]!.split(" ").length;
    };
    await rotate(receiver.id);
    setTime(START + 3_600_000);
    await rotate(receiver.id);
    expect(await signatures()).toBe(3);
    expect(receiver.verify(receiver.got.at(-1)!)).toMatchObject({ type: "customer.created" });
    setTime(START + 86_400_000);
    expect(await signatures()).toBe(2);
    expect(() => receiver.verify(receiver.got.at(-1)!)).toThrow("signature");
    setTime(START + 90_000_000);
    expect(await signatures()).toBe(1);
    await rotate(receiver.id);
    expect(await rows("SELECT 1 FROM webhook_secrets")).toHaveLength(2);
  });

  it("signs beside the four latest of the former ones at most", async () => {
    setTime(START);
    const receiver = await newReceiver({ events: ["customer.created"] });
    const rotateAt = (second: number) => {
      setTime(START + 1_000 * second);
      return rotate(receiver.id);
    };
    for (let n = 1; n <= 4; n++) await rotateAt(n);
    await newLicense();
    expect(receiver.verify(receiver.got[0]!)).toMatchObject({ type: "customer.created" });
    await rotateAt(5);
    await newLicense();
    expect(receiver.got[1]!.headers["webhook-signature"]!.split(" ")).toHaveLength(5);
    expect(() => receiver.verify(receiver.got[1]!)).toThrow("signature");
  });
});
