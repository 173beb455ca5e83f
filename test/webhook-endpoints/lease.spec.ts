// A turn of an endpoint: who goes first, and what keeps two runs, or a run and staff, from spoiling each other's work.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Context } from "../../src/context.ts";
import { servicesOf } from "../../src/services.ts";
import { deliverEvents } from "../../src/webhook-endpoints/delivery.ts";
import { setTime } from "../support/clock.ts";
import { env } from "../support/env.ts";
import { forgetReceivers, lastEvent, listen, newReceiver } from "../support/receivers.ts";
import { admin, newCustomer, rows } from "../support/service.ts";

beforeEach(listen);
afterEach(forgetReceivers);

const START = Date.parse("2033-01-01T00:00:00Z");
const SECOND = 1_000;

/** One run, with no limit but these. */
const run = (requests = 1_000): Promise<number> =>
  deliverEvents(
    { ...servicesOf(env), actor: { type: "system", id: "deliveries" }, requestId: "r", ip: null } as Context,
    Date.now(),
    { time: 3_600 * SECOND, requests, hasRoom: () => true },
  );

const paused = { events: ["customer.created"], active: false };

/** So many new customers, of which no active endpoint knows yet, and the ids of their events. */
async function waiting(count: number): Promise<number[]> {
  const before = await lastEvent();
  for (let n = 0; n < count; n++) await newCustomer();
  await rows("UPDATE webhook_endpoints SET active = 1");
  return Array.from({ length: count }, (_, n) => before + 1 + n);
}

describe("a run that does not come to every endpoint", () => {
  it("serves those that failed last, and of the others the one that is farthest behind first", async () => {
    setTime(START);
    const receivers = [];
    for (let n = 0; n < 7; n++) receivers.push(await newReceiver(paused));
    const [failed, ahead, ...behind] = receivers;
    const [first] = await waiting(2);
    await rows(
      "UPDATE webhook_endpoints SET failures = 1, failing_since = ? WHERE id = ?",
      START,
      failed!.id,
    );
    await rows("UPDATE webhook_endpoints SET cursor = ? WHERE id = ?", first!, ahead!.id);
    // Five are served at once; the first request uses the budget up.
    await run(1);
    expect(behind.map(({ got }) => got.length)).toEqual([1, 1, 1, 1, 1]);
    expect([failed!.got, ahead!.got]).toEqual([[], []]);
    await run(1);
    expect(failed!.got).toEqual([]);
  });

  it("serves those that were slow after those that were not, however far they are behind", async () => {
    setTime(START);
    const slow = [];
    for (let n = 0; n < 5; n++) slow.push(await newReceiver(paused));
    const other = await newReceiver(paused);
    const [first] = await waiting(2);
    const attempts = slow.map(({ id }) => [id, 1_001]).concat([[other.id, 1_000]]);
    for (const [id, ms] of attempts)
      await rows(
        `INSERT INTO webhook_deliveries (endpoint_id, number, event_id, action, at, status, ms, error, answer)
         VALUES (?1, 1, 1, 'x', 0, 204, 5000, NULL, ''), (?1, 2, 1, 'x', 0, 204, ?2, NULL, '')`,
        id!,
        ms!,
      );
    await rows("UPDATE webhook_endpoints SET cursor = ? WHERE id = ?", first!, other.id);
    await run(1);
    expect(other.got).toHaveLength(1);
    expect(slow.filter(({ got }) => got.length > 0)).toHaveLength(4);
  });
});

describe("a turn", () => {
  it("begins no request in the last part of its lease, however long it has events", async () => {
    setTime(START);
    let now = START;
    const left: number[] = [];
    const receiver = await newReceiver(paused, async () => {
      const [endpoint] = await rows<{ lease_until: number }>("SELECT lease_until FROM webhook_endpoints");
      left.push(endpoint!.lease_until - now);
      setTime((now += 8 * SECOND));
      return new Response(null, { status: 204 });
    });
    const ids = await waiting(8);
    await run();
    expect(receiver.ids()).toEqual(ids);
    // The longest request takes ten seconds, and writing down what it did some more.
    expect(Math.min(...left)).toBeGreaterThanOrEqual(20 * SECOND);
    expect(left.filter((one) => one === 45 * SECOND).length).toBeLessThan(ids.length);
  });

  it.each([204, 500])("that lost its lease to another run changes nothing any more (%i)", async (status) => {
    setTime(START);
    const receiver = await newReceiver(paused, async () => {
      await rows("UPDATE webhook_endpoints SET lease = 'another', lease_until = ?", START + 45 * SECOND);
      return new Response(null, { status });
    });
    const [first] = await waiting(1);
    const before = await receiver.read();
    await run();
    expect(receiver.ids()).toEqual([first]);
    expect(await receiver.read()).toEqual(before);
    expect(await rows("SELECT lease FROM webhook_endpoints")).toEqual([{ lease: "another" }]);
  });

  const change = (path: string, method: string, body?: object) => async () => {
    const { status } = await admin(path, { method, body });
    if (status >= 300) throw new Error(String(status));
  };

  it.each([204, 500])(
    "leaves the place that staff chose meanwhile, and goes on there (%i)",
    async (status) => {
      setTime(START);
      let replay = async (): Promise<void> => undefined;
      const receiver = await newReceiver(paused, async (_, n) => {
        if (n === 2) await replay();
        return new Response(null, { status: n === 2 ? status : 204 });
      });
      const [first, second] = await waiting(2);
      // Also to the place where the turn began.
      replay = change(`/webhook-endpoints/${receiver.id}/replay`, "POST", { from_event: first });
      await run();
      expect(receiver.ids()).toEqual([first, second, first, second]);
      expect(await receiver.read()).toMatchObject({ failures: 0, failing_since: null, state: "active" });
    },
  );

  it.each([204, 500])(
    "sends to another address what went to the former one meanwhile (%i)",
    async (status) => {
      setTime(START);
      const next = await newReceiver(paused);
      let move = async (): Promise<void> => undefined;
      const former = await newReceiver(paused, async (_, n) => {
        if (n === 1) await move();
        return new Response(null, { status });
      });
      const ids = await waiting(3);
      await rows("UPDATE webhook_endpoints SET active = 0 WHERE id = ?", next.id);
      move = change(`/webhook-endpoints/${former.id}`, "PATCH", { url: next.url });
      await run();
      expect(former.ids()).toEqual(status === 204 ? ids : ids.slice(0, 1));
      expect(next.ids()).toEqual(ids);
      expect(await former.read()).toMatchObject({ failures: 0, next_try_at: null, state: "active" });
      expect((await former.read())["last_event"]).toBeGreaterThanOrEqual(ids[2]!);
    },
  );

  it("of an endpoint that is deleted or paused meanwhile ends, and nothing follows", async () => {
    setTime(START);
    let end = async (): Promise<void> => undefined;
    const receiver = await newReceiver(paused, async () => {
      await end();
      return new Response(null, { status: 500 });
    });
    const path = `/webhook-endpoints/${receiver.id}`;
    await waiting(2);
    end = change(path, "PATCH", { active: false });
    await run();
    expect(await receiver.read()).toMatchObject({ state: "paused", failures: 0 });
    expect(await rows("SELECT lease FROM webhook_endpoints")).toEqual([{ lease: null }]);
    await rows("UPDATE webhook_endpoints SET active = 1");
    end = change(path, "DELETE");
    await run();
    await run();
    expect(receiver.got).toHaveLength(2);
    expect(await rows("SELECT 1 FROM webhook_deliveries")).toEqual([]);
  });
});
