// Receivers that want something else than events.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Env } from "../../src/config.ts";
import { env } from "../support/env.ts";
import { DELIVERIES, fire } from "../support/mail.ts";
import { forgetReceivers, hurry, listen, newReceiver, redirects } from "../support/receivers.ts";
import { admin, newCustomer, rows } from "../support/service.ts";

beforeEach(listen);
afterEach(async () => {
  vi.restoreAllMocks();
  await forgetReceivers();
});

/** What became of one event that such a receiver got. */
async function deliveryTo(reply: () => Response | Promise<Response>) {
  const receiver = await newReceiver({ events: ["customer.created"] }, reply);
  await newCustomer();
  const { data } = (await admin(`/webhook-endpoints/${receiver.id}/deliveries`)).body;
  expect(data).toHaveLength(1);
  return data[0];
}

describe("a receiver", () => {
  it.each([301, 302, 303, 307, 308])("that redirects with %i is not followed", async (status) => {
    redirects.length = 0;
    const delivery = await deliveryTo(
      () => new Response(null, { status, headers: { Location: "http://169.254.169.254/latest/meta-data" } }),
    );
    expect(delivery).toMatchObject({
      delivered: false,
      status,
      error: `It answered ${status}; redirects are not followed.`,
    });
    expect(redirects).toEqual(["manual"]);
  });

  it.each([400, 401, 404, 410, 429, 500, 502])("that answers %i has not taken the event", async (status) => {
    expect(await deliveryTo(() => new Response("no", { status }))).toMatchObject({
      delivered: false,
      status,
    });
  });

  it.each([200, 201, 202, 204, 299])("that answers %i has taken it", async (status) => {
    expect(await deliveryTo(() => new Response(null, { status }))).toMatchObject({ delivered: true, status });
  });

  it("that answers without end is read for 200 bytes", async () => {
    let pulled = 0;
    let cancelled = false;
    const delivery = await deliveryTo(
      () =>
        new Response(
          new ReadableStream({
            pull(controller) {
              pulled++;
              controller.enqueue(new TextEncoder().encode("é".repeat(60)));
            },
            cancel() {
              cancelled = true;
            },
          }),
        ),
    );
    expect(delivery).toMatchObject({ delivered: true, answer: "é".repeat(100) });
    expect(pulled).toBeLessThan(6);
    expect(cancelled).toBe(true);
  });

  it("that sends 2 MB in one piece leaves no more than 200 bytes", async () => {
    const { answer } = await deliveryTo(() => new Response("x".repeat(2_000_000), { status: 500 }));
    expect(answer).toBe("x".repeat(200));
  });

  it("that drips has taken the event by its status, and is not waited for", async () => {
    hurry(20);
    const started = performance.now();
    const delivery = await deliveryTo(
      () =>
        new Response(
          new ReadableStream({
            start: (controller) => controller.enqueue(new TextEncoder().encode("d")),
            pull: () => new Promise(() => undefined),
          }),
        ),
    );
    expect(delivery).toMatchObject({ delivered: true, status: 200, answer: "d" });
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  it("whose answer breaks off has taken the event", async () => {
    const delivery = await deliveryTo(
      () => new Response(new ReadableStream({ pull: (controller) => controller.error(new Error("reset")) })),
    );
    expect(delivery).toMatchObject({ delivered: true, answer: "" });
  });

  it("whose certificate is refused, or whose name is unknown, is told to staff with the reason", async () => {
    const delivery = await deliveryTo(() =>
      Promise.reject(new TypeError("TLS peer's certificate is not trusted")),
    );
    expect(delivery).toMatchObject({
      delivered: false,
      status: null,
      error: "It could not be reached: TLS peer's certificate is not trusted",
    });
  });

  it("whose connection ends with an error that says nothing is told to staff with what to look at", async () => {
    const delivery = await deliveryTo(() => Promise.reject(new Error("internal error; reference = abc")));
    expect(delivery.error).toBe(
      "No connection could be made. Check its name and its certificate. (internal error; reference = abc)",
    );
  });

  it("that answers with control characters and halves of letters is shown as text", async () => {
    const { answer } = await deliveryTo(
      () => new Response(new Uint8Array([27, 91, 51, 49, 109, 0xc3, 10, 65])),
    );
    expect(answer).toBe(" [31m\ufffd A");
    const turned = await deliveryTo(() => new Response("a\u202egnp.exe\u2028b\u2066c"));
    expect(turned.answer).toBe("a gnp.exe b c");
  });

  it("at an address that became this service's own, or was written by hand, is not called", async () => {
    for (const [url, fault] of [
      ["http://localhost:8787/v1/activate", "Must not be an address of this service"],
      ["https://10.0.0.1/", "Must name a host, not an IP address"],
    ]) {
      const receiver = await newReceiver({ events: ["customer.created"], active: false });
      await rows("UPDATE webhook_endpoints SET url = ?, active = 1 WHERE id = ?", url, receiver.id);
      await newCustomer();
      await fire(DELIVERIES, env);
      const { data } = (await admin(`/webhook-endpoints/${receiver.id}/deliveries`)).body;
      expect(data[0]).toMatchObject({ delivered: false, error: `The address may not be called: ${fault}.` });
      await admin(`/webhook-endpoints/${receiver.id}`, { method: "DELETE" });
    }
  });
});

describe("a delivery that somebody forged or replays", () => {
  it("is told apart by a library that is not ours", async () => {
    const receiver = await newReceiver({ events: ["customer.created"] });
    await newCustomer();
    const [genuine] = receiver.got;
    expect(receiver.verify(genuine!)).toBeTruthy();
    const { headers, body } = genuine!;
    const forged: [string, object][] = [
      ["another body", { body: body.replace("customer.created", "license.revoked") }],
      ["another id", { headers: { ...headers, "webhook-id": "1" } }],
      [
        "a later time",
        { headers: { ...headers, "webhook-timestamp": String(Number(headers["webhook-timestamp"]) + 1) } },
      ],
      ["another secret", { headers: { ...headers, "webhook-signature": `v1,${btoa("x".repeat(32))}` } }],
    ];
    for (const [what, change] of forged)
      expect(() => receiver.verify({ ...genuine!, ...change }), what).toThrow("signature");
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 6 * 60_000 });
    expect(() => receiver.verify(genuine!)).toThrow("too old");
  });
});

describe("an endpoint without a readable secret", () => {
  it("gets nothing unsigned, and says what to do", async () => {
    const receiver = await newReceiver({ events: ["customer.created"] });
    await rows("UPDATE webhook_secrets SET secret = 'AAAA'");
    await newCustomer();
    expect(receiver.got).toEqual([]);
    const { data } = (await admin(`/webhook-endpoints/${receiver.id}/deliveries`)).body;
    expect(data[0].error).toBe(
      "There is no secret to sign with: SESSION_SECRET was changed, or a backup was restored. Rotate the secret.",
    );
    await admin(`/webhook-endpoints/${receiver.id}/rotate-secret`, { method: "POST" });
    expect(receiver.got).toHaveLength(1);
    expect(env.SESSION_SECRET).toBeTruthy();
  });
});

/** Bindings that read another event than is written: the record cannot be written by hand here. */
function reading(entityId: string, otherwise: object): Env {
  const DB = {
    prepare: (sql: string) => env.DB.prepare(sql),
    withSession: () => DB,
    async batch(statements: D1PreparedStatement[]) {
      const results = await env.DB.batch<Record<string, unknown>>(statements);
      for (const row of results.flatMap((one) => one.results))
        if (row["entity_id"] === entityId) Object.assign(row, otherwise);
      return results;
    },
  } as unknown as D1Database;
  return { ...env, DB };
}

describe("an event of a type that this release does not know", () => {
  it("is told without what may be personal", async () => {
    const receiver = await newReceiver({ events: ["customer.created"], active: false });
    const { id } = await newCustomer();
    await rows("UPDATE webhook_endpoints SET active = 1");
    const unknown = {
      action: "passkey.added",
      entity_type: "passkey",
      entity_id: "ada@acme.example",
      actor_type: "robot",
      actor_id: "eve@acme.example",
      ip: "192.0.2.1",
      detail: '{"device":{"name":"Ada","email":"ada@acme.example"},"count":2}',
    };
    await fire(DELIVERIES, reading(id, unknown));
    const [told] = receiver.got;
    expect(receiver.verify(told!)).toMatchObject({ type: "passkey.added" });
    expect(told!.data).toMatchObject({
      object: null,
      event: {
        entity: { type: "passkey", id: null },
        actor: { type: "robot", id: null },
        ip: null,
        detail: { device: {}, count: 2 },
      },
    });
  });
});

describe("an event that somebody wrote by hand", () => {
  it("keeps no later one back", async () => {
    const receiver = await newReceiver({ events: ["customer.created"], active: false });
    const [{ id: spoilt }, { id: later }] = [await newCustomer(), await newCustomer()];
    await rows("UPDATE webhook_endpoints SET active = 1");
    await fire(DELIVERIES, reading(spoilt, { at: 9e15, detail: "no JSON" }));
    expect(receiver.got.map(({ data }) => data.event)).toMatchObject([
      { entity: { id: spoilt }, detail: { unreadable: "no JSON" } },
      { entity: { id: later } },
    ]);
  });
});
