// What an installation is answered while the database takes no writes.
import { decodeJwt } from "jose";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Env } from "../../../src/config.ts";
import { unrecordedLease } from "../../../src/licensing/seats/unrecorded.ts";
import { DAY, setTime } from "../../support/clock.ts";
import { verifyPublished } from "../../support/documents.ts";
import { env } from "../../support/env.ts";
import { activate, admin, call, checkIn, newLicense, rows, unique } from "../../support/service.ts";

const HOUR = 3_600_000;
const START = Date.parse("2034-03-01T12:00:00Z");

/** Bindings whose D1 refuses every write with this message, and answers questions or not even those. */
function unwritable(message = "D1_ERROR: Exceeded maximum DB size.", answers = true) {
  const reads = new WeakSet<object>();
  const trips: string[] = [];
  const DB = {
    withSession: () => DB,
    prepare: (sql: string) => ({
      bind(...values: unknown[]) {
        const statement = env.DB.prepare(sql).bind(...values);
        if (/^\s*SELECT/.test(sql)) reads.add(statement);
        return statement;
      },
    }),
    async batch(statements: D1PreparedStatement[]) {
      const isRead = statements.every((one) => reads.has(one));
      trips.push(isRead ? "read" : "write");
      if (isRead && answers) return env.DB.batch(statements);
      throw new Error(message);
    },
  } as unknown as D1Database;
  return { bindings: { ...env, DB } as Env, trips };
}

beforeEach(() => setTime(START));

const body = (license_key: string, certificate: string | undefined, more: object = {}) => ({
  license_key,
  instance_id: "box",
  certificate,
  ...more,
});

/** A license with a lease of four days, and an instance on it whose lease ends in two. */
async function nearItsEnd() {
  const license_type = unique("type");
  const type = { name: "T", lease_days: 4, grace_days: 0, duration_days: 365 };
  await admin(`/license-types/${license_type}`, { method: "PUT", body: type });
  const { license, license_key } = await newLicense({ license_type });
  const { certificate } = (await activate(license_key, "box")).body;
  setTime(START + 2 * DAY);
  return { license, license_key, certificate };
}

const today = "2034-03-03";
const usage = [{ date: today, requests: 9, services: 1 }];

describe.each(["/v1/check-in", "/v1/activate"])("%s", (path) => {
  it("answers a proven instance near the end of its lease from reads, and records nothing", async () => {
    const { license, license_key, certificate } = await nearItsEnd();
    const before = await rows("SELECT * FROM activations WHERE license_id = ?", license.id);
    const { bindings, trips } = unwritable();
    const asked = body(license_key, certificate, {
      nonce: "n",
      ...(path === "/v1/check-in" ? { usage } : {}),
    });
    const answer = await call(path, { bindings, body: asked });
    expect(answer.status, answer.text).toBe(200);
    const until = new Date(START + 2 * DAY + 72 * HOUR).toISOString();
    expect(answer.body).toMatchObject({ lease_expires_at: until, warnings: [{ code: "NOT_RECORDED" }] });
    expect(answer.body.usage_ignored).toEqual(path === "/v1/check-in" ? [today] : []);
    const { payload: claims } = await verifyPublished(answer.body.certificate, "activation+jwt");
    expect(claims).toMatchObject({ sub: "box", nonce: "n", exp: Date.parse(until) / 1_000 });
    expect(claims["proven"]).toBeUndefined();
    expect(trips).toEqual(["write", "read"]);
    expect(await rows("SELECT * FROM activations WHERE license_id = ?", license.id)).toEqual(before);
    expect(await rows("SELECT * FROM usage WHERE license_id = ?", license.id)).toEqual([]);
  });

  it.each([
    "D1_ERROR: Exceeded maximum account storage limit. Delete unused databases.",
    "D1_ERROR: D1 DB's isolate exceeded its memory limit and was reset.",
    "D1_ERROR: D1 DB exceeded its CPU time limit and was reset.",
    "D1_ERROR: Currently processing a long-running export.",
    "D1_ERROR: database is locked: SQLITE_BUSY",
    "D1_ERROR: database or disk is full: SQLITE_FULL",
    "D1_ERROR: D1 DB is overloaded. Too many requests queued.",
    "D1_ERROR: D1 DB storage operation exceeded timeout which caused object to be reset.",
    "D1_ERROR: attempt to write a readonly database: SQLITE_READONLY",
  ])("does so whatever D1 calls it: %s", async (message) => {
    const { license_key, certificate } = await nearItsEnd();
    const { bindings } = unwritable(message);
    const answer = await call(path, { bindings, body: body(license_key, certificate) });
    expect([answer.status, answer.body.warnings?.at(-1)?.code]).toEqual([200, "NOT_RECORDED"]);
  });

  it("says so in the log, under the name that the runbooks search for", async () => {
    const { license_key, certificate } = await nearItsEnd();
    const log: Record<string, unknown>[] = [];
    const spy = vi
      .spyOn(console, "error")
      .mockImplementation((line: string) => void log.push(JSON.parse(line)));
    const answer = await call(path, {
      bindings: unwritable().bindings,
      body: body(license_key, certificate),
    });
    spy.mockRestore();
    expect(log).toMatchObject([
      {
        event: "database unavailable",
        reason: "full",
        answered: "NOT_RECORDED",
        request_id: answer.headers.get("X-Request-Id"),
      },
    ]);
  });

  it("asks for the next check-in before the lease is half over, however short it is", async () => {
    const { license_key, certificate } = await nearItsEnd();
    const now = START + 4 * DAY - HOUR;
    setTime(now);
    const asked = body(license_key, certificate, { lease_hours: 2 });
    const answer = await call(path, { bindings: unwritable().bindings, body: asked });
    expect(answer.body).toMatchObject({
      lease_expires_at: new Date(now + 2 * HOUR).toISOString(),
      check_in_at: new Date(now + HOUR).toISOString(),
    });
  });

  it("is a 503 where the database does not answer questions either", async () => {
    const { license_key, certificate } = await nearItsEnd();
    const { bindings, trips } = unwritable(undefined, false);
    const answer = await call(path, { bindings, body: body(license_key, certificate) });
    expect(answer).toMatchObject({ status: 503, body: { code: "SERVICE_UNAVAILABLE" } });
    expect(trips).toEqual(["write", "read"]);
  });

  it("leaves what is no failure of the database as it is", async () => {
    const { license_key, certificate } = await nearItsEnd();
    const { bindings } = unwritable("D1_ERROR: near SELECT: syntax error: SQLITE_ERROR");
    expect((await call(path, { bindings, body: body(license_key, certificate) })).status).toBe(500);
  });

  const refused: [string, (near: Awaited<ReturnType<typeof nearItsEnd>>) => Promise<object | void>][] = [
    ["without its certificate", async () => ({ certificate: undefined })],
    ["with the certificate of another seat", async () => ({ certificate: (await nearItsEnd()).certificate })],
    ["for another instance", async () => ({ instance_id: "other" })],
    [
      "of a suspended license",
      ({ license }) => admin(`/licenses/${license.id}/suspend`, { body: { reason: "x" } }),
    ],
    [
      "of a revoked license",
      ({ license }) => admin(`/licenses/${license.id}/revoke`, { body: { reason: "x" } }),
    ],
    [
      "with a replaced key",
      ({ license }) => admin(`/licenses/${license.id}/reissue`, { body: { reason: "x" } }),
    ],
    ["of an expired license", async () => setTime(START + 400 * DAY)],
    ["whose lease is over", async () => setTime(START + 5 * DAY)],
    [
      "whose seat staff freed",
      async ({ license }) => {
        const { data } = (await admin(`/activations?license_id=${license.id}`)).body;
        await admin(`/activations/${data[0].id}`, { method: "DELETE" });
      },
    ],
    ["whose lease still outlasts the fault", async () => setTime(START + DAY - 1_000)],
  ];

  it.each(refused)("is a 503 to come back after, %s", async (_, change) => {
    const near = await nearItsEnd();
    const more = await change(near);
    const changed = more && "status" in more ? {} : more;
    const { bindings } = unwritable();
    const answer = await call(path, {
      bindings,
      body: body(near.license_key, near.certificate, changed ?? {}),
    });
    expect(answer).toMatchObject({ status: 503, body: { code: "SERVICE_UNAVAILABLE" } });
    expect(Number(answer.headers.get("Retry-After"))).toBeGreaterThan(0);
  });

  it("is a 503 where an unproven certificate comes, though its seat is live", async () => {
    const { license_key } = await nearItsEnd();
    const unproven = await call("/v1/activate", { body: body(license_key, undefined) });
    expect(decodeJwt(unproven.body.certificate)["proven"]).toBe(false);
    const { bindings } = unwritable();
    expect((await call(path, { bindings, body: body(license_key, unproven.body.certificate) })).status).toBe(
      503,
    );
  });
});

it("a request file that staff hand in is never answered unrecorded: staff wait for what is written", async () => {
  const { license, license_key, certificate } = await nearItsEnd();
  const request = body(license_key, certificate);
  const path = `/licenses/${license.id}/offline-activations`;
  const { bindings, trips } = unwritable();
  const answer = await admin(path, { bindings, body: { request } });
  expect(answer).toMatchObject({ status: 503, body: { code: "SERVICE_UNAVAILABLE" } });
  expect(trips.at(-1)).toBe("write");
  expect((await call("/v1/check-in", { bindings, body: request })).status).toBe(200);
  expect((await admin(path, { body: { request } })).status).toBe(200);
});

describe("once it can be recorded again", () => {
  it("the same instance is renewed by the certificate of the fault, as no clone, and its usage is taken", async () => {
    const { license, license_key, certificate } = await nearItsEnd();
    const { bindings } = unwritable();
    const asked = body(license_key, certificate, { usage });
    const given = (await call("/v1/check-in", { bindings, body: asked })).body.certificate;
    setTime(START + 2 * DAY + HOUR);
    const answer = await checkIn(license_key, "box", { certificate: given, usage });
    expect(answer.body.warnings).toEqual([]);
    expect(answer.body.usage_ignored).toEqual([]);
    expect(answer.body.lease_expires_at).toBe(new Date(START + 6 * DAY + HOUR).toISOString());
    expect(
      await rows("SELECT strays, clone_suspected_at FROM activations WHERE license_id = ?", license.id),
    ).toEqual([{ strays: 0, clone_suspected_at: null }]);
    expect(await rows("SELECT requests FROM usage WHERE license_id = ?", license.id)).toEqual([
      { requests: 9 },
    ]);
  });
});

describe("the lease that is not recorded", () => {
  const NOW = START + 500;
  const license = {
    status: "active",
    starts_at: null,
    expires_at: null,
    grace_days: 0,
    revision: 2,
    unproven_lease_hours: 72,
  };
  const seat = { activation_id: "act_1", lease_expires_at: START + DAY };
  const lease = (changes: { license?: object; seat?: object; freed?: boolean; hours?: number } = {}) =>
    unrecordedLease(
      {
        license: { ...license, ...changes.license } as never,
        seat: { ...seat, ...changes.seat } as never,
        freed: changes.freed ?? false,
      },
      {
        key: { licenseId: "lic_1", revision: 2 } as never,
        request: { instance_id: "box", lease_hours: changes.hours },
        certificate: { activationId: "act_1", issuedAt: START },
      },
      NOW,
    );

  it.each([
    ["is unproven_lease_hours long", {}, START + 72 * HOUR],
    ["as the license says", { license: { unproven_lease_hours: 30 } }, START + 30 * HOUR],
    ["is no longer than wanted", { hours: 30 }, START + 30 * HOUR],
    ["nor than the license", { license: { expires_at: START + 30 * HOUR } }, START + 30 * HOUR],
    ["its grace included", { license: { expires_at: START + HOUR, grace_days: 1 } }, START + 25 * HOUR],
    ["but never shorter than what was promised", { hours: 1 }, START + DAY],
    [
      "given up to an end within these hours",
      { seat: { lease_expires_at: START + 72 * HOUR } },
      START + 72 * HOUR,
    ],
    ["and none after it", { seat: { lease_expires_at: START + 72 * HOUR + 1_000 } }, null],
    [
      "by the holder's own lease, whatever others were promised",
      { seat: { proven_until: START + HOUR, lease_expires_at: START + 200 * HOUR }, hours: 2 },
      START + 2 * HOUR,
    ],
    ["none for a replaced key", { license: { revision: 3 } }, null],
    ["none for another seat", { seat: { activation_id: "act_2" } }, null],
    ["none for a freed one", { freed: true }, null],
    ["none before the license starts", { license: { starts_at: NOW + 1 } }, null],
    ["one from its start on", { license: { starts_at: NOW } }, START + 72 * HOUR],
    ["none at the end of the license", { license: { expires_at: NOW } }, null],
  ])("%s", (_, changes, end) => {
    expect(lease(changes)).toBe(end);
  });
});
