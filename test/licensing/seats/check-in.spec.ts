import { beforeEach, describe, expect, it } from "vitest";
import { DAY, setTime } from "../../support/clock.ts";
import { metered, recorded, scansOf } from "../../support/meter.ts";
import { verifyPublished } from "../../support/documents.ts";
import { env } from "../../support/env.ts";
import { DELIVERIES, fire } from "../../support/mail.ts";
import {
  activate,
  admin,
  call,
  checkIn,
  deactivate,
  eventsOf,
  newLicense,
  rows,
  validate,
} from "../../support/service.ts";

const NOW = Date.parse("2026-06-01T08:00:00.000Z");
const LEASE = 30 * DAY;
const TODAY = "2026-06-01";

const use = (date: string, requests: number, services = 0) => ({ usage: [{ date, requests, services }] });

const usageOf = async (id: string, query = `from=2026-01-01&to=2027-12-31`) =>
  (await admin(`/licenses/${id}/usage?${query}`)).body;

const act = (id: string, action: string, body: object = { reason: "x" }) =>
  admin(`/licenses/${id}/${action}`, { body });

beforeEach(() => {
  setTime(NOW);
});

describe("check-in", () => {
  it("renews the lease and answers like an activation", async () => {
    const { license_key } = await newLicense();
    const first = await activate(license_key, "a");
    setTime(NOW + DAY);
    const { status, body } = await checkIn(license_key, "a", { nonce: "n" });
    expect(status).toBe(200);
    expect(Object.keys(body)).toEqual(Object.keys(first.body));
    expect(body).toMatchObject({
      status: "checked_in",
      activation_id: first.body.activation_id,
      instances: { active: 1, max: 2 },
      lease_expires_at: new Date(NOW + DAY + LEASE).toISOString(),
      warnings: [],
    });
    const { payload } = await verifyPublished(body.certificate, "activation+jwt");
    expect(payload).toMatchObject({ nonce: "n", jti: first.body.activation_id });
  });

  it("spreads the next check-in, so that instances started together drift apart", async () => {
    const { license_key } = await newLicense({ max_instances: null });
    const times = new Set<string>();
    for (let n = 0; n < 20; n++) times.add((await activate(license_key, `box-${n}`)).body.check_in_at);
    expect(times.size).toBeGreaterThan(15);
  });

  it("of an instance that never was activated, or was deactivated, is INSTANCE_NOT_ACTIVATED", async () => {
    const { license, license_key } = await newLicense();
    const unknown = { status: 404, body: { code: "INSTANCE_NOT_ACTIVATED" } };
    expect(await checkIn(license_key, "never", use(TODAY, 5))).toMatchObject(unknown);
    await activate(license_key, "a");
    await deactivate(license_key, "a");
    expect(await checkIn(license_key, "a", use(TODAY, 5))).toMatchObject(unknown);
    const { body } = await activate(license_key, "b");
    await admin(`/activations/${body.activation_id}`, { method: "DELETE" });
    expect(await checkIn(license_key, "b", use(TODAY, 5))).toMatchObject(unknown);
    expect((await usageOf(license.id)).data).toEqual([]);
  });

  it.each([false, true])(
    "after the lease ran out takes a seat again if one is free (marked as ended before: %s)",
    async (settled) => {
      const { license, license_key } = await newLicense({ max_instances: 1 });
      const first = await activate(license_key, "a");
      setTime(NOW + LEASE);
      if (settled) {
        await activate(license_key, "b");
        expect(await checkIn(license_key, "a")).toMatchObject({
          status: 403,
          body: { code: "ACTIVATION_LIMIT_REACHED" },
        });
        await deactivate(license_key, "b");
      }
      const { status, body } = await checkIn(license_key, "a", use("2026-07-01", 7));
      expect(status).toBe(200);
      expect(body.activation_id).not.toBe(first.body.activation_id);
      expect(body.instances.active).toBe(1);
      expect((await usageOf(license.id)).data).toMatchObject([{ date: "2026-07-01", requests: 7 }]);
    },
  );

  it("tells suspended, revoked, expired and in grace apart", async () => {
    const { license, license_key } = await newLicense({ expires_days: 10, grace_days: 5 });
    await activate(license_key, "a");
    await act(license.id, "suspend");
    expect(await checkIn(license_key, "a")).toMatchObject({ body: { code: "LICENSE_SUSPENDED" } });
    await act(license.id, "reinstate");
    setTime(NOW + 12 * DAY);
    expect(await checkIn(license_key, "a")).toMatchObject({
      status: 200,
      body: { standing: "grace", warnings: [{ code: "LICENSE_IN_GRACE" }] },
    });
    setTime(NOW + 15 * DAY);
    expect(await checkIn(license_key, "a")).toMatchObject({ body: { code: "LICENSE_EXPIRED" } });
    await act(license.id, "revoke");
    expect(await checkIn(license_key, "a")).toMatchObject({ body: { code: "LICENSE_REVOKED" } });
  });
});

describe("a replaced key", () => {
  it("goes over to the new one with the certificate of the running instance, and in no other way", async () => {
    const { license, license_key } = await newLicense();
    const { certificate } = (await activate(license_key, "a")).body;
    const other = (await activate(license_key, "b")).body.certificate;
    const foreign = await newLicense();
    const stranger = (await activate(foreign.license_key, "a")).body.certificate;
    setTime(NOW + DAY);
    const { body: reissued } = await act(license.id, "reissue", { reason: "x", unproven_hours: 0 });
    const refused = { status: 403, body: { code: "LICENSE_KEY_SUPERSEDED" } };
    for (const shown of [undefined, other, stranger, `${certificate}x`, license_key]) {
      expect(await checkIn(license_key, "a", { certificate: shown })).toMatchObject(refused);
    }
    const activated = await activate(license_key, "a", { certificate });
    expect(activated).toMatchObject({ status: 200, body: { license_key: reissued.license_key } });
    const { status, body } = await checkIn(license_key, "a", { certificate });
    expect(status).toBe(200);
    expect(body.license_key).toBe(reissued.license_key);
    expect(body.warnings).toMatchObject([{ code: "LICENSE_KEY_SUPERSEDED" }]);
    expect((await checkIn(body.license_key, "a", { certificate: body.certificate })).body.warnings).toEqual(
      [],
    );
  });

  it("stays refused for an instance whose seat was taken back, or whose lease ran out", async () => {
    const { license, license_key } = await newLicense();
    const thief = (await activate(license_key, "thief")).body;
    const late = (await activate(license_key, "late")).body;
    await act(license.id, "reissue");
    await admin(`/activations/${thief.activation_id}`, { method: "DELETE" });
    const refused = { status: 403, body: { code: "LICENSE_KEY_SUPERSEDED" } };
    expect(await checkIn(license_key, "thief", { certificate: thief.certificate })).toMatchObject(refused);
    setTime(NOW + LEASE);
    expect(await checkIn(license_key, "late", { certificate: late.certificate })).toMatchObject(refused);
  });
});

describe("usage", () => {
  it("is cumulative: resent, reordered or repeated it counts once, and never goes down", async () => {
    const { license, license_key } = await newLicense({ max_requests_per_day: null });
    await activate(license_key, "a");
    await activate(license_key, "b");
    const usageToday = async () => {
      await fire(DELIVERIES, env);
      return (await admin("/statistics")).body.usage_by_day.at(-1);
    };
    const before = await usageToday();
    for (const requests of [10, 30, 20, 30]) await checkIn(license_key, "a", use(TODAY, requests, 3));
    await checkIn(license_key, "b", use(TODAY, 5, 4));
    await checkIn(license_key, "a", {
      usage: [
        { date: TODAY, requests: 7 },
        { date: TODAY, requests: 31 },
      ],
    });
    await checkIn(license_key, "a", use(TODAY, 12, 1));
    expect((await usageOf(license.id)).data).toEqual([
      {
        date: TODAY,
        requests: 36,
        services: 7,
        instances: [
          { instance_id: "a", requests: 31, services: 3, corrected: false },
          { instance_id: "b", requests: 5, services: 4, corrected: false },
        ],
      },
    ]);
    const after = await usageToday();
    expect(after).toEqual({ date: TODAY, requests: before.requests + 36, services: before.services + 7 });
  });

  it("of many days comes in one check-in, in any order, and again", async () => {
    setTime(NOW - 5 * DAY);
    const { license, license_key } = await newLicense();
    setTime(NOW);
    await activate(license_key, "a");
    const days = Array.from({ length: 40 }, (_, n) => ({
      date: new Date(NOW - n * DAY).toISOString().slice(0, 10),
      requests: n + 1,
    }));
    for (let again = 0; again < 2; again++) {
      expect(await checkIn(license_key, "a", { usage: days })).toMatchObject({ status: 200 });
    }
    const { data } = await usageOf(license.id);
    expect(data).toHaveLength(40);
    expect(data.reduce((sum: number, day: { requests: number }) => sum + day.requests, 0)).toBe(820);
    expect(await usageOf(license.id, "from=2026-05-31&to=2026-05-31")).toMatchObject({
      data: [{ requests: 2 }],
    });
    expect((await usageOf(license.id, "")).data).toHaveLength(30);
  });

  it("above a limit is a warning with the figures of all instances, an event once a day, never a refusal", async () => {
    const { license, license_key } = await newLicense({ max_requests_per_day: 100, max_services: 5 });
    await activate(license_key, "a");
    await activate(license_key, "b");
    expect((await checkIn(license_key, "a", use(TODAY, 60, 3))).body.warnings).toEqual([]);
    const { body } = await checkIn(license_key, "b", use(TODAY, 41, 3));
    expect(body.warnings).toMatchObject([
      { code: "OVER_LIMIT", limit: "max_requests_per_day", allowed: 100, observed: 101 },
      { code: "OVER_LIMIT", limit: "max_services", allowed: 5, observed: 6 },
    ]);
    expect((await checkIn(license_key, "a", use(TODAY, 70, 3))).body.warnings).toMatchObject([
      { observed: 111 },
      { observed: 6 },
    ]);
    setTime(NOW + DAY);
    expect((await checkIn(license_key, "a", use("2026-06-02", 100, 1))).body.warnings).toEqual([]);
    await checkIn(license_key, "a", use("2026-06-02", 101, 1));
    const overused = (await eventsOf(license.id)).filter((event) => event.action === "license.overused");
    expect(overused.map((event) => JSON.parse(event.detail))).toEqual([
      { day: TODAY, limit: "max_requests_per_day", allowed: 100, observed: 101 },
      { day: TODAY, limit: "max_services", allowed: 5, observed: 6 },
      { day: "2026-06-02", limit: "max_requests_per_day", allowed: 100, observed: 101 },
    ]);
  });

  it("above a limit is told of each day that comes, also of one that is over, and by an instance that is gone", async () => {
    const { license, license_key } = await newLicense({ max_requests_per_day: 100 });
    const day = (date: string, requests: number) => ({ date, requests });
    const warned = async (instance: string, ...usage: object[]): Promise<string[]> =>
      (await checkIn(license_key, instance, { usage })).body.warnings.map(
        ({ detail }: { detail: string }) => /(\d+ used on [\d-]+)/.exec(detail)?.[1],
      );
    await activate(license_key, "a");
    expect(await warned("a", day("2026-05-31", 500), day(TODAY, 3))).toEqual(["500 used on 2026-05-31"]);
    expect(await warned("a", day("2026-05-30", 101))).toEqual(["101 used on 2026-05-30"]);
    // A clock that was a day ahead hides nothing of today.
    expect(await warned("a", day("2026-06-02", 1))).toEqual([]);
    expect(await warned("a", day(TODAY, 90))).toEqual([]);
    await deactivate(license_key, "a");
    await activate(license_key, "b");
    setTime(NOW + DAY);
    expect(await warned("b", day(TODAY, 20), day("2026-06-02", 4))).toEqual([`110 used on ${TODAY}`]);
    const overused = (await eventsOf(license.id)).filter((event) => event.action === "license.overused");
    expect(overused.map((event) => JSON.parse(event.detail).day)).toEqual([
      "2026-05-31",
      "2026-05-30",
      TODAY,
    ]);
  });

  it("of earlier days takes no further trip, whether there is a limit or not", async () => {
    for (const limit of [null, 100]) {
      const { license_key } = await newLicense({ max_requests_per_day: limit, max_services: limit });
      await activate(license_key, "a");
      const { bindings, cost } = metered();
      const usage = [...use("2026-05-31", 1).usage, ...use(TODAY, 1).usage];
      await call("/v1/check-in", { body: { license_key, instance_id: "a", usage }, bindings });
      expect(cost.trips).toBe(1);
    }
  });

  it("of days after tomorrow is ignored with a warning: a wrong clock stops nobody", async () => {
    const { license, license_key } = await newLicense();
    await activate(license_key, "a");
    const { status, body } = await checkIn(license_key, "a", {
      usage: [
        { date: "2026-06-02", requests: 1 },
        { date: "2026-06-03", requests: 2 },
        { date: "2031-01-01", requests: 9 },
      ],
    });
    expect(status).toBe(200);
    expect(body.warnings).toMatchObject([{ code: "USAGE_IGNORED" }]);
    expect((await usageOf(license.id)).data).toMatchObject([{ date: "2026-06-02", requests: 1 }]);
  });

  it("of days that cannot be, or of too many, is ignored with a warning: the lease is renewed", async () => {
    setTime(Date.parse("2025-05-20T23:59:59Z"));
    const { license, license_key } = await newLicense({ expires_at: null });
    setTime(NOW);
    await activate(license_key, "a");
    const days = (from: string, count: number) =>
      Array.from({ length: count }, (_, n) => ({
        date: new Date(Date.parse(from) + n * DAY).toISOString().slice(0, 10),
        requests: 1,
      }));
    const ends = `from=1970-01-01&to=2026-06-02`;
    for (const [usage, ignored, kept] of [
      [days("0001-01-01", 1), 1, 0],
      [days("1969-12-30", 3), 3, 0],
      // Issued on the 20th of May: it may have been in use for 35 days by then.
      [days("2025-04-14", 2), 1, 1],
      [days("2025-04-29", 400), 0, 401],
      [days("2025-04-28", 401), 1, 401],
    ] as const) {
      const { status, body } = await checkIn(license_key, "a", { usage });
      expect(status).toBe(200);
      expect(body.warnings.map((warning: { code: string }) => warning.code)).toEqual(
        ignored === 0 ? [] : ["USAGE_IGNORED"],
      );
      expect((await usageOf(license.id, ends)).data).toHaveLength(kept);
    }
    // What is too old to be kept is what goes.
    expect((await usageOf(license.id, "from=2025-04-28&to=2025-04-29")).data).toMatchObject([
      { date: "2025-04-29" },
    ]);
  });

  it("that is null counts as none, like null elsewhere", async () => {
    const { license, license_key } = await newLicense();
    await activate(license_key, "a");
    const usage = [
      { date: TODAY, requests: null, services: 2 },
      { date: "2026-05-31", requests: 3, services: null },
    ];
    expect(await checkIn(license_key, "a", { usage })).toMatchObject({ status: 200, body: { warnings: [] } });
    expect((await usageOf(license.id)).data).toMatchObject([
      { date: "2026-05-31", requests: 3, services: 0 },
      { date: TODAY, requests: 0, services: 2 },
    ]);
  });

  it.each([
    [[{ date: "2026-02-30", requests: 1 }]],
    [[{ date: null, requests: 1 }]],
    [[{ requests: 1 }]],
    [[null]],
    [[{ date: "2026-06-01T00:00:00Z", requests: 1 }]],
    [[{ date: TODAY, requests: -1 }]],
    [[{ date: TODAY, requests: 1.5 }]],
    [[{ date: TODAY, requests: "many" }]],
    ["none"],
  ])("refuses %j", async (usage) => {
    const { license, license_key } = await newLicense();
    await activate(license_key, "a");
    expect(await checkIn(license_key, "a", { usage })).toMatchObject({ status: 422 });
    expect((await usageOf(license.id)).data).toEqual([]);
  });

  it("is read for a sensible range of a license that there is", async () => {
    const { license } = await newLicense();
    for (const query of ["from=2026-06-02&to=2026-06-01", "from=yesterday", "to=2026-13-01", "day=1"]) {
      expect(await admin(`/licenses/${license.id}/usage?${query}`)).toMatchObject({ status: 422 });
    }
    expect(await admin("/licenses/lic_none/usage")).toMatchObject({ status: 404 });
    expect(await usageOf(license.id, "")).toMatchObject({
      max_requests_per_day: 10_000,
      max_services: 10,
      data: [],
    });
  });
});

describe("fingerprints and clones", () => {
  const recordOf = async (id: string) => (await admin(`/activations/${id}`)).body;
  const suspicions = async (id: string) =>
    (await eventsOf(id)).filter((event) => event.action === "instance.clone_suspected").length;

  it("a changed fingerprint is a warning and an event, not a refusal", async () => {
    const { license, license_key } = await newLicense();
    const { activation_id } = (await activate(license_key, "a", { fingerprint: "one" })).body;
    expect((await checkIn(license_key, "a")).body.warnings).toEqual([]);
    setTime(NOW + 1000);
    const changed = await checkIn(license_key, "a", { fingerprint: "two" });
    expect(changed).toMatchObject({ status: 200, body: { warnings: [{ code: "FINGERPRINT_CHANGED" }] } });
    setTime(NOW + 2000);
    expect((await checkIn(license_key, "a", { fingerprint: "two" })).body.warnings).toEqual([]);
    expect(
      (await eventsOf(license.id)).filter((e) => e.action === "instance.fingerprint_changed"),
    ).toHaveLength(1);
    expect(await recordOf(activation_id)).toMatchObject({
      fingerprint: "two",
      fingerprint_changed_at: "2026-06-01T08:00:01.000Z",
    });
  });

  /** An installation that shows the certificate that it got last. */
  const place = (license_key: string, certificate: string) => {
    const held = { certificate };
    return {
      held,
      async checksIn(at: number): Promise<void> {
        setTime(at);
        const { status, body } = await checkIn(license_key, "a", held);
        expect(status).toBe(200);
        held.certificate = body.certificate;
      },
    };
  };

  it("one identity alive in two places is noticed, recorded once and shown to staff; nobody is refused", async () => {
    const { license, license_key } = await newLicense();
    const { activation_id, certificate } = (await activate(license_key, "a")).body;
    const [one, two] = [place(license_key, certificate), place(license_key, certificate)];
    for (let day = 1; day <= 6; day++) {
      await one.checksIn(NOW + day * DAY);
      await two.checksIn(NOW + day * DAY + DAY / 2);
    }
    expect(await suspicions(license.id)).toBe(1);
    expect((await recordOf(activation_id)).clone_suspected_at).not.toBeNull();
  });

  it("an instance in line for a month is no clone", async () => {
    const { license, license_key } = await newLicense();
    const { certificate } = (await activate(license_key, "a")).body;
    const one = place(license_key, certificate);
    for (let day = 1; day <= 30; day++) await one.checksIn(NOW + day * DAY);
    expect(await suspicions(license.id)).toBe(0);
  });

  it("a restored backup is no clone, once or every week", async () => {
    const { license, license_key } = await newLicense();
    const { certificate } = (await activate(license_key, "a")).body;
    const one = place(license_key, certificate);
    let backup = certificate;
    for (let day = 1; day <= 28; day++) {
      await one.checksIn(NOW + day * DAY);
      if (day % 7 === 3) backup = one.held.certificate;
      if (day % 7 === 6) one.held.certificate = backup;
    }
    expect(await suspicions(license.id)).toBe(0);
  });

  it("a certificate of another instance or license says nothing of this one", async () => {
    const [mine, other] = [await newLicense(), await newLicense()];
    const strange: string[] = [];
    for (const [key, instance] of [
      [mine.license_key, "b"],
      [other.license_key, "a"],
    ]) {
      for (let n = 0; n < 3; n++) {
        setTime(NOW + strange.length * 1_000);
        strange.push((await activate(key, instance)).body.certificate);
      }
    }
    const one = place(mine.license_key, "");
    await activate(mine.license_key, "a");
    for (const [n, certificate] of strange.entries()) {
      // Each is another one, and older than what this instance got last: two of its own would be a clone.
      one.held.certificate = certificate;
      await one.checksIn(NOW + (n + 1) * DAY);
    }
    expect(await suspicions(mine.license.id)).toBe(0);
  });

  it("answers that get lost make no clone", async () => {
    const { license, license_key } = await newLicense();
    const { certificate } = (await activate(license_key, "a")).body;
    const one = place(license_key, certificate);
    for (let day = 1; day <= 12; day++) {
      const kept = one.held.certificate;
      await one.checksIn(NOW + day * DAY);
      if (day % 4 !== 0) one.held.certificate = kept;
    }
    expect(await suspicions(license.id)).toBe(0);
  });
});

describe("the revocation list", () => {
  const list = async (headers: Record<string, string> = {}) => call("/v1/revocations", { headers });
  const claims = async () => {
    const { text } = await list();
    return (await verifyPublished(text, "revocations+jwt")).payload;
  };

  it("is signed, names what is revoked, suspended or superseded, and nothing else", async () => {
    const [revoked, suspended, superseded, active] = [
      await newLicense(),
      await newLicense(),
      await newLicense(),
      await newLicense(),
    ];
    await act(revoked.license.id, "revoke");
    await act(suspended.license.id, "suspend");
    await act(superseded.license.id, "reissue");
    const { status, headers } = await list();
    expect(status).toBe(200);
    expect(headers.get("Content-Type")).toBe("application/jwt");
    expect(headers.get("Cache-Control")).toBe("public, max-age=60");
    const payload = await claims();
    expect(Object.keys(payload)).toEqual(["iss", "iat", "exp", "revoked", "suspended", "superseded"]);
    expect(payload.exp! - payload.iat!).toBe(7 * 86_400);
    expect(payload["revoked"]).toContain(revoked.license.id);
    expect(payload["suspended"]).toContain(suspended.license.id);
    expect(payload["superseded"]).toMatchObject({ [superseded.license.id]: 2 });
    expect(JSON.stringify(payload)).not.toContain(active.license.id);
  });

  it("changes at once with a change, and answers 304 to who has it", async () => {
    const { license } = await newLicense();
    const etag = (await list()).headers.get("ETag")!;
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
      expect(await list({ "If-None-Match": known })).toMatchObject({ status: 304, text: "" });
    }
    await act(license.id, "suspend");
    const changed = await list({ "If-None-Match": etag });
    expect(changed.status).toBe(200);
    expect((await claims())["suspended"]).toContain(license.id);
    await act(license.id, "reinstate");
    expect((await claims())["suspended"]).not.toContain(license.id);
  });

  it.each([
    ["revoke", "revoked"],
    ["suspend", "suspended"],
    ["reissue", "superseded"],
  ])("names after a %s what was signed for an end that was brought forward", async (action, member) => {
    const { license } = await newLicense({ expires_days: 100, grace_days: 10 });
    const terms = { expires_at: "2026-05-20", grace_days: 0 };
    await admin(`/licenses/${license.id}`, { method: "PATCH", body: terms });
    await act(license.id, action);
    const named = async () => JSON.stringify((await claims())[member]).includes(license.id);
    setTime(NOW + 110 * DAY - 1);
    expect(await named()).toBe(true);
    setTime(NOW + 110 * DAY);
    expect(await named()).toBe(false);
  });

  it("is not issued before what it tells of: a certificate of the same hour would seem to be newer", async () => {
    const { license, license_key } = await newLicense();
    setTime(NOW + 10 * 60_000 + 300);
    const { certificate } = (await activate(license_key, "a")).body;
    const { payload } = await verifyPublished(certificate, "activation+jwt");
    setTime(NOW + 10 * 60_000 + 900);
    await act(license.id, "revoke");
    expect((await claims()).iat).toBeGreaterThanOrEqual(payload.iat!);
    const { text } = await list();
    setTime(NOW + 50 * 60_000);
    expect((await list()).text).toBe(text);
  });

  it("drops a license once everything signed for it has expired, and keeps a perpetual one", async () => {
    const ending = await newLicense({ expires_days: 10, grace_days: 5 });
    const perpetual = await newLicense({ expires_at: null });
    await act(ending.license.id, "revoke");
    await act(perpetual.license.id, "revoke");
    setTime(NOW + 15 * DAY - 1);
    expect((await claims())["revoked"]).toContain(ending.license.id);
    setTime(NOW + 15 * DAY);
    expect((await claims())["revoked"]).not.toContain(ending.license.id);
    expect((await claims())["revoked"]).toContain(perpetual.license.id);
  });

  /** Makes the list a new one that says the same. */
  const changeAndBack = async () => {
    const { id } = (await newLicense()).license;
    await act(id, "suspend");
    await act(id, "reinstate");
  };

  it("is read and signed once, and then costs a look whether it changed", async () => {
    await changeAndBack();
    const first = await list();
    const { bindings, cost } = recorded();
    const again = await call("/v1/revocations", { bindings });
    expect(cost).toEqual({ trips: 1, read: expect.any(Number), written: 0 });
    expect(cost.read).toBeLessThanOrEqual(24);
    expect(again.text).toBe(first.text);
    expect(again.headers.get("ETag")).toBe(first.headers.get("ETag"));
    expect(again.headers.get("Cache-Control")).toBe("public, max-age=60");
  });

  it("costs the same however many licenses were revoked over the years and ended since", async () => {
    const costOf = async () => {
      await changeAndBack();
      const { bindings, cost, statements } = recorded();
      expect((await call("/v1/revocations", { bindings })).status).toBe(200);
      expect(await scansOf(statements)).toEqual([]);
      return cost;
    };
    const before = await costOf();
    const { license } = await newLicense();
    await rows(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
       INSERT INTO licenses (id, customer_id, license_type, status, revision, issued_at, expires_at, grace_days,
         lease_days, check_in_hours, features, updated_at)
       SELECT printf('lic_GONE%022d', i), ?, 'standard', 'revoked', 2, 0, ? - i * 1000, 0, 30, 24, '[]', 0 FROM n`,
      license.customer_id,
      NOW,
    );
    expect(await costOf()).toEqual(before);
  });
});

describe("validate", () => {
  it("knows an instance by its check-ins", async () => {
    const { license_key } = await newLicense();
    await activate(license_key, "a");
    setTime(NOW + LEASE - 1);
    await checkIn(license_key, "a");
    setTime(NOW + LEASE + DAY);
    expect((await validate(license_key, "a")).body).toMatchObject({ valid: true });
  });
});
