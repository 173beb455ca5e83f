// A turn of an endpoint: who goes first, and what keeps two runs, or a run and staff, from spoiling each other's work.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Context } from "../../src/context.ts";
import { servicesOf } from "../../src/services.ts";
import { deliverEvents } from "../../src/webhook-endpoints/delivery.ts";
import { setTime } from "../support/clock.ts";
import { env } from "../support/env.ts";
import { forgetReceivers, lastEvent, listen, newReceiver } from "../support/receivers.ts";
import { newCustomer, rows } from "../support/service.ts";

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

  it.each([204, 500])("leaves the place that staff chose meanwhile (%i)", async (status) => {
    setTime(START);
    const receiver = await newReceiver(paused, async (_, n) => {
      if (n === 1) await rows("UPDATE webhook_endpoints SET cursor = cursor - 1");
      return new Response(null, { status: n === 1 ? status : 204 });
    });
    const before = await newCustomer().then(lastEvent);
    await rows("UPDATE webhook_endpoints SET cursor = ?", before);
    const [first] = await waiting(1);
    await run();
    await rows("UPDATE webhook_endpoints SET next_try_at = 0");
    await run();
    expect(receiver.ids()).toEqual([first, before, first]);
  });
});
