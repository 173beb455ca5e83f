// What a webhook endpoint gets: each event, in order, at least once.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Env } from "../../src/config.ts";
import type { Context } from "../../src/context.ts";
import { notesOnEndpoints } from "../../src/jobs/failing-endpoints.ts";
import { servicesOf } from "../../src/services.ts";
import { deliverEvents } from "../../src/webhook-endpoints/delivery.ts";
import { DAY, setTime } from "../support/clock.ts";
import { env } from "../support/env.ts";
import { DELIVERIES, fire } from "../support/mail.ts";
import { metered } from "../support/meter.ts";
import { forgetReceivers, hanging, hurry, lastEvent, listen, newReceiver } from "../support/receivers.ts";
import { activate, admin, eventsOf, newCustomer, newLicense, rows, unique } from "../support/service.ts";

beforeEach(listen);
afterEach(async () => {
  vi.restoreAllMocks();
  await forgetReceivers();
});

describe("a delivery", () => {
  it("comes right after the change, signed by Standard Webhooks, with the event and the license as the API shows them", async () => {
    const { id: customer_id } = await newCustomer();
    const receiver = await newReceiver({ events: ["license.*"] });
    const { license } = await newLicense({ customer_id });
    expect(receiver.got).toHaveLength(1);
    const [told] = receiver.got;
    const event = (await admin(`/licenses/${license.id}/events`)).body.data[0];
    const {
      notes: _notes,
      metadata: _metadata,
      tags: _tags,
      ...object
    } = (await admin(`/licenses/${license.id}`)).body;
    expect(object).toMatchObject({ id: license.id, standing: "active" });
    expect(receiver.verify(told!)).toEqual({
      id: event.id,
      type: "license.issued",
      timestamp: event.at,
      data: {
        event: { ...event, ip: null },
        // With all its members but those that may be personal: no key, and nothing that only a row has.
        object,
      },
    });
    expect(told!.headers).toMatchObject({
      "webhook-id": String(event.id),
      "content-type": "application/json",
    });
  });

  it("of an activation comes after its answer", async () => {
    const receiver = await newReceiver({ events: ["activation.created"] });
    const { license, license_key } = await newLicense();
    await activate(license_key, "box-1");
    expect(receiver.got.map(({ type, data }) => [type, data.object?.["id"]])).toEqual([
      ["activation.created", license.id],
    ]);
  });

  it("passes over events that it is not subscribed to", async () => {
    const receiver = await newReceiver({ events: ["customer.created"] });
    await newLicense();
    const { id } = await newCustomer();
    await admin(`/customers/${id}`, { method: "PATCH", body: { name: "Other" } });
    expect(receiver.got.map(({ type }) => type)).toEqual(["customer.created", "customer.created"]);
    await fire(DELIVERIES, env);
    expect(await receiver.read()).toMatchObject({
      last_event: await lastEvent(),
      failures: 0,
      state: "active",
    });
  });
});

/** What was tried, the oldest first. */
const deliveriesOf = async (id: string): Promise<Record<string, unknown>[]> =>
  (await admin(`/webhook-endpoints/${id}/deliveries`)).body.data.toReversed();

const START = Date.parse("2032-01-01T00:00:00Z");
const MINUTE = 60_000;

/** So many new customers, and the events that tell of them. */
async function newEvents(count: number): Promise<number[]> {
  const before = await lastEvent();
  for (let n = 0; n < count; n++) await newCustomer();
  return Array.from({ length: count }, (_, n) => before + 1 + n);
}

describe("a change by staff", () => {
  it("asks once a minute whether anybody listens, and three times where somebody does", async () => {
    setTime(START);
    const { bindings, cost } = metered();
    const spent = async (): Promise<number> => {
      const before = cost.trips;
      const body = { id: unique("told"), name: "Acme" };
      expect((await admin("/customers", { body, bindings })).status).toBe(201);
      return cost.trips - before;
    };
    const [first, second] = [await spent(), await spent()];
    expect(first - second).toBe(1);
    setTime(START + MINUTE);
    const receiver = await newReceiver({ events: ["license.*"] });
    // Which endpoints are due, one of them with its events, and how far it came.
    expect((await spent()) - second).toBe(3);
    expect(await receiver.read()).toMatchObject({ last_event: await lastEvent() });
  });
});

describe("order", () => {
  it("is that of the record, after a failure too: what comes later waits", async () => {
    setTime(START);
    const receiver = await newReceiver(
      { events: ["customer.created"] },
      () => new Response("no", { status: 500 }),
    );
    const [first, second, third] = await newEvents(3);
    expect(receiver.ids()).toEqual([first]);
    receiver.reply(() => new Response("yes"));
    setTime(START + MINUTE - 1);
    await fire(DELIVERIES, env);
    expect(receiver.ids()).toEqual([first]);
    setTime(START + MINUTE);
    await fire(DELIVERIES, env);
    expect(receiver.ids()).toEqual([first, first, second, third]);
    expect(await deliveriesOf(receiver.id)).toMatchObject([
      {
        event_id: first,
        type: "customer.created",
        delivered: false,
        status: 500,
        error: "It answered 500.",
        answer: "no",
      },
      { event_id: first, delivered: true, status: 200, error: null, answer: "yes" },
      { event_id: second, delivered: true },
      { event_id: third, delivered: true },
    ]);
  });

  it("does not break where two triggers come at once", async () => {
    const receiver = await newReceiver({ events: ["customer.created"], active: false });
    const ids = await newEvents(8);
    await rows("UPDATE webhook_endpoints SET active = 1");
    receiver.reply(async () => {
      await scheduler.wait(2);
      return new Response(null, { status: 204 });
    });
    await Promise.all([fire(DELIVERIES, env), fire(DELIVERIES, env), newLicense()]);
    expect(receiver.ids().slice(0, 8)).toEqual(ids);
    expect(new Set(receiver.ids()).size).toBe(receiver.got.length);
  });

  it("is kept where a run was killed: its endpoint is free again when its lease ends", async () => {
    setTime(START);
    const receiver = await newReceiver({ events: ["customer.created"], active: false });
    const ids = await newEvents(2);
    await rows("UPDATE webhook_endpoints SET active = 1, lease = 'killed', lease_until = ?", START + 45_000);
    setTime(START + 44_999);
    await fire(DELIVERIES, env);
    expect(receiver.got).toEqual([]);
    setTime(START + 45_000);
    await fire(DELIVERIES, env);
    expect(receiver.ids()).toEqual(ids);
  });

  it("does not wait for a lease that a clock gave that ran ahead", async () => {
    setTime(START);
    const receiver = await newReceiver({ events: ["customer.created"], active: false });
    const ids = await newEvents(1);
    await rows("UPDATE webhook_endpoints SET active = 1, lease = 'x', lease_until = ?", START + 400 * DAY);
    await fire(DELIVERIES, env);
    expect(receiver.ids()).toEqual(ids);
  });
});

describe("a receiver that fails", () => {
  const broken = () => new Response(null, { status: 503 });

  it("is tried after 1, 3, 9 … minutes, and at once again when it is mended and staff tested it", async () => {
    setTime(START);
    const receiver = await newReceiver({ events: ["customer.created"] }, broken);
    await newEvents(1);
    let at = START;
    for (const pause of [1, 3, 9, 27, 81, 243, 720, 720]) {
      expect((await receiver.read())["next_try_at"]).toBe(new Date(at + pause * MINUTE).toISOString());
      at += pause * MINUTE;
      setTime(at);
      await fire(DELIVERIES, env);
    }
    expect(receiver.got).toHaveLength(9);
    expect(await receiver.read()).toMatchObject({
      state: "failing",
      failures: 9,
      failing_since: new Date(START).toISOString(),
    });
    receiver.reply(() => new Response(null, { status: 204 }));
    const test = await admin(`/webhook-endpoints/${receiver.id}/test`, { method: "POST" });
    expect(test.body).toMatchObject({ delivered: true, status: 204, type: "webhook_endpoint.tested" });
    expect(await receiver.read()).toMatchObject({ state: "active", failures: 0, failing_since: null });
    expect(receiver.got.map(({ type }) => type).slice(-2)).toEqual([
      "webhook_endpoint.tested",
      "customer.created",
    ]);
  });

  it("stays in its pause where staff's test fails, too", async () => {
    setTime(START);
    const receiver = await newReceiver({ events: ["customer.created"] }, broken);
    await newEvents(1);
    const before = await receiver.read();
    const { status, body } = await admin(`/webhook-endpoints/${receiver.id}/test`, { method: "POST" });
    expect([status, body.delivered, body.status]).toEqual([200, false, 503]);
    await fire(DELIVERIES, env);
    expect(receiver.got).toHaveLength(2);
    expect(await receiver.read()).toEqual({ ...before, last_event: expect.any(Number) });
    expect(before).toMatchObject({ state: "failing", last_success_at: null });
  });

  it("is tried at once where staff gave it another address", async () => {
    setTime(START);
    const former = await newReceiver({ events: ["customer.created"] }, broken);
    const [first] = await newEvents(1);
    const next = await newReceiver({ active: false });
    await admin(`/webhook-endpoints/${former.id}`, { method: "PATCH", body: { url: next.url } });
    expect(next.ids()).toEqual([first]);
    expect(await former.read()).toMatchObject({ state: "active", failures: 0, failing_since: null });
  });

  it("is switched off after five days without a success, which is an event and said in the digest", async () => {
    setTime(START);
    const receiver = await newReceiver({ events: ["customer.created"] }, broken);
    const [first] = await newEvents(1);
    setTime(START + 5 * DAY - 1);
    await fire(DELIVERIES, env);
    expect(await receiver.read()).toMatchObject({ active: true, failures: 2 });
    await rows("UPDATE webhook_endpoints SET next_try_at = 0");
    setTime(START + 5 * DAY);
    await fire(DELIVERIES, env);
    expect(await receiver.read()).toMatchObject({
      active: false,
      state: "switched_off",
      switched_off_at: new Date(START + 5 * DAY).toISOString(),
    });
    const told = (await eventsOf(receiver.id)).filter(
      ({ action }) => action === "webhook_endpoint.switched_off",
    );
    expect(told.map(({ detail }) => JSON.parse(detail))).toEqual([
      { failing_since: new Date(START).toISOString(), cursor: first! - 1 },
    ]);
    await newEvents(1);
    await fire(DELIVERIES, env);
    expect(receiver.got).toHaveLength(3);
    // Mended: it gets all that it missed.
    receiver.reply(() => new Response(null, { status: 204 }));
    await admin(`/webhook-endpoints/${receiver.id}`, { method: "PATCH", body: { active: true } });
    expect(receiver.ids().slice(3)).toEqual([first, expect.any(Number)]);
    expect(await receiver.read()).toMatchObject({
      state: "active",
      failing_since: null,
      switched_off_at: null,
    });
  });

  it("is not switched off where a single event succeeded in between", async () => {
    setTime(START);
    const receiver = await newReceiver({ events: ["customer.created"] }, (_, n) =>
      n === 2 ? new Response() : broken(),
    );
    await newEvents(2);
    setTime(START + 4 * DAY);
    await fire(DELIVERIES, env);
    expect(await receiver.read()).toMatchObject({
      failures: 1,
      failing_since: new Date(START + 4 * DAY).toISOString(),
      last_success_at: new Date(START + 4 * DAY).toISOString(),
    });
    setTime(START + 6 * DAY);
    await fire(DELIVERIES, env);
    expect(await receiver.read()).toMatchObject({ active: true, failures: 2 });
  });

  it("that hangs keeps neither the answer to the change nor another endpoint waiting", async () => {
    hurry(20);
    const order: string[] = [];
    const hung = [];
    for (let n = 0; n < 4; n++)
      hung.push(
        await newReceiver({ events: ["customer.created"] }, async ({ signal }) =>
          hanging(signal).finally(() => order.push("given up")),
        ),
      );
    const others = [];
    for (let n = 0; n < 4; n++)
      others.push(
        await newReceiver({ events: ["customer.created"] }, () => {
          order.push("told");
          return new Response(null, { status: 204 });
        }),
      );
    const [event] = await newEvents(1);
    expect(order).toEqual([...others.map(() => "told"), ...hung.map(() => "given up")]);
    for (const { id } of others)
      expect(await deliveriesOf(id)).toMatchObject([{ event_id: event, delivered: true }]);
    for (const { id } of hung)
      expect(await deliveriesOf(id)).toMatchObject([
        { delivered: false, status: null, error: "It did not answer within 10 seconds." },
      ]);
  });
});

describe("a replay", () => {
  it("sends everything from an event on again, in order, under the same ids", async () => {
    const receiver = await newReceiver({ events: ["customer.created"] });
    const ids = await newEvents(4);
    const { status, body } = await admin(`/webhook-endpoints/${receiver.id}/replay`, {
      body: { from_event: ids[1] },
    });
    expect([status, body.last_event]).toEqual([200, ids[1]! - 1]);
    expect(receiver.ids()).toEqual([...ids, ...ids.slice(1)]);
    expect(receiver.verify(receiver.got[4]!)).toMatchObject({ id: ids[1] });
  });

  it("may skip what waits, and nothing beyond", async () => {
    const receiver = await newReceiver({ events: ["customer.created"], active: false });
    await newEvents(2);
    const replay = async (from_event: unknown) =>
      (await admin(`/webhook-endpoints/${receiver.id}/replay`, { body: { from_event } })).status;
    const last = await lastEvent();
    expect(await replay(last + 2)).toBe(422);
    expect(await replay(0)).toBe(422);
    expect(await replay(1.5)).toBe(422);
    expect(await replay("1")).toBe(422);
    expect(await lastEvent()).toBe(last);
    expect(await replay(last + 1)).toBe(200);
    await admin(`/webhook-endpoints/${receiver.id}`, { method: "PATCH", body: { active: true } });
    const [next] = await newEvents(1);
    expect(receiver.ids()).toEqual([next]);
  });
});

describe("the digest of the night", () => {
  it("names endpoints that fail, and once those that were switched off, without their addresses", async () => {
    setTime(START);
    const failing = await newReceiver(
      { events: ["customer.created"] },
      () => new Response(null, { status: 500 }),
    );
    const off = await newReceiver(
      { events: ["customer.created"], description: "CRM" },
      () => new Response(null, { status: 500 }),
    );
    await newEvents(1);
    await rows(
      "UPDATE webhook_endpoints SET failing_since = ?, next_try_at = 0 WHERE id = ?",
      START - 6 * DAY,
      off.id,
    );
    await fire(DELIVERIES, env);
    const context = { ...servicesOf(env), actor: { type: "system", id: "nightly" } } as Context;
    const notes = await notesOnEndpoints(context, START - DAY);
    expect(notes.map(({ title, lines }) => [title, lines.map((line) => line.split(/[:,]/)[0])])).toEqual([
      ["Webhook endpoints that were switched off", [`${off.id} (CRM)`]],
      ["Webhook endpoints that fail", [`${failing.id} (${new URL(failing.url).hostname})`]],
    ]);
    expect(JSON.stringify(notes)).not.toContain("/caio");
    expect((await notesOnEndpoints(context, START)).map(({ title }) => title)).toEqual([
      "Webhook endpoints that fail",
    ]);
  });
});

describe("a receiver that fails at random", () => {
  /** A small generator, so that a failure can be repeated. */
  const chance = (seed: number) => () => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return seed / 2 ** 31;
  };

  it.each([1, 2, 3, 4])(
    "gets every event at least once, in order, over killed, doubled and missed triggers (%i)",
    async (seed) => {
      const random = chance(seed);
      setTime(START);
      /** What the receiver took: a request that it dropped before it read it is not among them. */
      const taken: number[] = [];
      const receiver = await newReceiver({ events: ["customer.created"] }, async ({ id, signal }) => {
        const fate = random();
        if (fate < 0.15) throw new TypeError("Connection refused");
        if (fate < 0.25) return hanging(signal);
        if (fate < 0.45) return new Response(null, { status: 500 + Math.floor(random() * 5) });
        taken.push(Number(id));
        // Taken, and the answer is lost.
        if (fate < 0.6) throw new TypeError("Network connection lost.");
        return new Response(null, { status: 204 });
      });
      hurry(1_000);
      // Each database call may be the last of its run: the platform killed it.
      const killing = (): Env => {
        let left = 1 + Math.floor(random() * 40);
        const DB = {
          prepare: (sql: string) => env.DB.prepare(sql),
          withSession: () => DB,
          batch: (statements: D1PreparedStatement[]) =>
            left-- > 0 ? env.DB.batch(statements) : Promise.reject(new Error("killed")),
        } as unknown as D1Database;
        return { ...env, DB };
      };
      const events: number[] = [];
      let at = START;
      for (let n = 0; n < 60; n++) {
        at += Math.floor(random() * 20) * MINUTE;
        setTime(at);
        if (events.length < 24 && random() < 0.6) events.push(...(await newEvents(1)));
        const fate = random();
        if (fate < 0.2) continue;
        if (fate < 0.4) await Promise.allSettled([fire(DELIVERIES, env), fire(DELIVERIES, env)]);
        else if (fate < 0.6) await fire(DELIVERIES, killing()).catch(() => null);
        else await fire(DELIVERIES, env);
      }
      for (let n = 0; n < 60 && (await receiver.read())["failures"] !== 0; n++) {
        at += 12 * 60 * MINUTE;
        setTime(at);
        await rows("UPDATE webhook_endpoints SET active = 1, failing_since = ?", at);
        await fire(DELIVERIES, env);
      }
      // Without what came again, it is the record in its order. Nothing is ever passed over: an event follows itself, the
      // one before, or, where a run was killed before it kept how far it came, a later one.
      expect([...new Set(taken)]).toEqual(events);
      const places = taken.map((id) => events.indexOf(id));
      expect(places.filter((place, n) => place > (places[n - 1] ?? -1) + 1)).toEqual([]);
      expect(taken.length).toBeGreaterThan(events.length);
    },
    60_000,
  );
});

/** Half a million requests take minutes, so FAULTS=all asks for them. */
const IS_WHOLE = env.FAULTS === "all";
const MANY = IS_WHOLE ? 10_000 : 400;

describe("what an import causes", () => {
  it(
    "is delivered within the limits of the platform, run by run, to every endpoint, and catches up",
    async () => {
      const receivers = [];
      for (let n = 0; n < 50; n++) {
        const receiver = await newReceiver({ events: ["customer.imported"], active: false });
        receivers.push({ receiver, got: 0 });
      }
      const first = (await lastEvent()) + 1;
      await rows(
        `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
       INSERT INTO events (at, action, entity_type, entity_id, actor_type, actor_id, request_id, detail)
       SELECT 1780000000000, 'customer.imported', 'customer', 'imported-' || i, 'staff', 'ADMIN_TOKEN', 'r', '{}' FROM n`,
        MANY,
      );
      await rows("UPDATE webhook_endpoints SET active = 1");
      let runs = 0;
      for (let total = 0; total < receivers.length * MANY; runs++) {
        const { db, queries, hasRoom } = servicesOf(env).db.counted();
        const context = {
          ...servicesOf(env),
          db,
          actor: { type: "system", id: "deliveries" },
          requestId: "r",
          ip: null,
        } as Context;
        const before = total;
        await deliverEvents(context, Date.now(), {
          time: 60_000,
          requests: 8_000,
          hasRoom: (left) => hasRoom(300 + left),
        });
        for (const one of receivers) {
          const ids = one.receiver.ids();
          // Each event once, in order, and nothing between two runs is kept: all of it would not fit.
          expect(ids).toEqual(ids.map((_, n) => first + one.got + n));
          one.got += ids.length;
          one.receiver.got.length = 0;
        }
        const counts = receivers.map(({ got }) => got);
        total = counts.reduce((sum, got) => sum + got, 0);
        expect(queries()).toBeLessThanOrEqual(700);
        expect(total - before).toBeLessThanOrEqual(8_005);
        expect(total).toBeGreaterThan(before);
        // Nobody is far ahead of the others: they take turns.
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(100);
      }
      expect(runs).toBeGreaterThan(2);
      for (const { got } of receivers) expect(got).toBe(MANY);
      // A hundred deliveries are kept of each.
      const last = Array.from({ length: 100 }, (_, n) => first + MANY - 100 + n);
      expect((await deliveriesOf(receivers[0]!.receiver.id)).map(({ event_id }) => event_id)).toEqual(last);
      expect(
        await rows("SELECT 1 FROM webhook_deliveries GROUP BY endpoint_id HAVING count(*) > 100"),
      ).toEqual([]);
    },
    IS_WHOLE ? 900_000 : 120_000,
  );
});
