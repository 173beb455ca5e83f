import { describe, expect, it } from "vitest";
import { DAY, setTime } from "../../support/clock.ts";
import { verifyPublished } from "../../support/documents.ts";
import {
  activate,
  admin,
  call,
  deactivate,
  eventsOf,
  newLicense,
  rows,
  validate,
} from "../../support/service.ts";

const NOW = Date.parse("2026-06-01T08:00:00.250Z");
const iso = (at: number): string => new Date(at).toISOString();
const setStatus = (id: string, status: string) =>
  rows("UPDATE licenses SET status = ? WHERE id = ?", status, id);

describe("activate", () => {
  it("answers everything an installation needs", async () => {
    setTime(NOW);
    const { license, license_key } = await newLicense();
    const { status, body } = await activate(license_key, "box-1");
    expect(status).toBe(200);
    expect(body).toEqual({
      status: "activated",
      license_id: license.id,
      customer_id: license.customer_id,
      license_type: "standard",
      standing: "active",
      expires_at: license.expires_at,
      grace_until: license.grace_until,
      features: license.features,
      max_instances: 2,
      max_services: 10,
      max_requests_per_day: 10_000,
      instances: { active: 1, max: 2 },
      activation_id: expect.stringMatching(new RegExp(`^act_${license.id.slice(4)}_[0-9A-Z]{10}$`)),
      lease_expires_at: "2026-07-01T08:00:01.000Z",
      check_in_at: expect.any(String),
      license_key,
      certificate: expect.any(String),
      warnings: [],
      usage_ignored: [],
      server_time: iso(NOW),
    });
    const hours = (Date.parse(body.check_in_at) - NOW) / 3_600_000;
    expect(hours).toBeGreaterThanOrEqual(24 * 0.9);
    expect(hours).toBeLessThanOrEqual(24 * 1.1);
  });

  it("gives a certificate that verifies with the published keys and says the same", async () => {
    setTime(NOW);
    const { license, license_key } = await newLicense();
    const { body } = await activate(license_key, "box-1", { nonce: "n-1", fingerprint: "fp-1" });
    const { payload, protectedHeader } = await verifyPublished(body.certificate, "activation+jwt");
    expect(protectedHeader).toEqual({ alg: "EdDSA", typ: "activation+jwt", kid: expect.any(String) });
    // The head of the record, if other tests had it sealed: test/audit/segments.spec.ts.
    const { seal = "0".repeat(64), ...claims } = payload;
    expect(seal).toMatch(/^[0-9a-f]{64}$/);
    expect(claims).toEqual({
      iss: "http://localhost:8787",
      sub: "box-1",
      jti: body.activation_id,
      iat: Math.floor(NOW / 1000),
      exp: Date.parse(body.lease_expires_at) / 1000,
      license_id: license.id,
      customer_id: license.customer_id,
      license_type: "standard",
      features: license.features,
      max_instances: 2,
      max_services: 10,
      max_requests_per_day: 10_000,
      license_expires_at: license.expires_at,
      grace_until: license.grace_until,
      check_in_at: body.check_in_at,
      nonce: "n-1",
      fingerprint: "fp-1",
    });
  });

  it("leaves nonce and fingerprint out of the certificate where the request gave none", async () => {
    const { license_key } = await newLicense();
    const { body } = await activate(license_key, "box-1", { nonce: null, fingerprint: null });
    const { payload } = await verifyPublished(body.certificate, "activation+jwt");
    expect(payload).not.toHaveProperty("nonce");
    expect(payload).not.toHaveProperty("fingerprint");
  });

  it("is idempotent: the same instance keeps its seat and activation, with a renewed lease", async () => {
    setTime(NOW);
    const { license, license_key } = await newLicense({ max_instances: 1 });
    const first = await activate(license_key, "box-1", { hostname: "a", app_version: "1" });
    setTime(NOW + DAY);
    const second = await activate(license_key, "box-1", { app_version: "2" });
    expect(second.body.activation_id).toBe(first.body.activation_id);
    expect(second.body.instances).toEqual({ active: 1, max: 1 });
    expect(Date.parse(second.body.lease_expires_at) - Date.parse(first.body.lease_expires_at)).toBe(DAY);
    expect((await eventsOf(license.id)).map((event) => event.action)).toEqual([
      "license.issued",
      "activation.created",
    ]);
    expect(
      await rows("SELECT hostname, app_version FROM activations WHERE license_id = ?", license.id),
    ).toEqual([{ hostname: "a", app_version: "2" }]);
  });

  it("refuses a new instance when all seats are taken, and says what would help", async () => {
    const { license, license_key } = await newLicense({ max_instances: 2 });
    await activate(license_key, "box-1");
    await activate(license_key, "box-2");
    const { status, body } = await activate(license_key, "box-3");
    expect(status).toBe(403);
    expect(body).toMatchObject({
      code: "ACTIVATION_LIMIT_REACHED",
      detail: "The license allows 2 active instances, and 2 are active.",
      limit: "max_instances",
      allowed: 2,
      observed: 2,
      retryable: true,
      remedy: expect.stringContaining("Deactivate"),
    });
    expect(await rows("SELECT 1 FROM activations WHERE license_id = ?", license.id)).toHaveLength(2);
    expect(await activate(license_key, "box-2")).toMatchObject({ status: 200 });
  });

  it("knows no limit where max_instances is null", async () => {
    const { license_key } = await newLicense({ max_instances: null });
    for (let n = 1; n <= 12; n++) {
      const { body } = await activate(license_key, `box-${n}`);
      expect(body.instances).toEqual({ active: n, max: null });
    }
  });

  it("records the new activation with the instance as actor", async () => {
    const { license, license_key } = await newLicense();
    const { body } = await activate(license_key, "box-1", { fingerprint: "fp" });
    const events = await eventsOf(license.id);
    expect(events[1]).toMatchObject({
      action: "activation.created",
      actor_type: "instance",
      actor_id: "box-1",
    });
    expect(JSON.parse(events[1]!.detail)).toEqual({
      activation_id: body.activation_id,
      instance_id: "box-1",
      replaces: null,
    });
  });

  it("accepts a key with white space around it, and unknown members", async () => {
    const { license_key } = await newLicense();
    expect(await activate(`\n ${license_key}\n`, "box-1", { from_the_future: { a: 1 } })).toMatchObject({
      status: 200,
    });
  });

  it.each(["x", "ä-日本-🙂", "a".repeat(128), "with inner spaces", "'; DROP TABLE licenses; --"])(
    "accepts the instance id %j",
    async (instance_id) => {
      const { license_key } = await newLicense();
      const { body } = await activate(license_key, instance_id);
      const { payload } = await verifyPublished(body.certificate, "activation+jwt");
      expect(payload.sub).toBe(instance_id);
    },
  );
});

describe("activate, by the license's standing", () => {
  it("warns when the license is about to expire, and in grace, but runs", async () => {
    setTime(NOW);
    const { license, license_key } = await newLicense({ expires_days: 31, grace_days: 5 });
    const end = Date.parse(license.expires_at);
    setTime(end - 30 * DAY);
    expect((await activate(license_key, "a")).body).toMatchObject({
      standing: "expiring",
      warnings: [{ code: "LICENSE_EXPIRING" }],
    });
    setTime(end);
    expect((await activate(license_key, "a")).body).toMatchObject({
      standing: "grace",
      warnings: [{ code: "LICENSE_IN_GRACE" }],
      lease_expires_at: license.grace_until,
    });
  });

  it("never leases past the end of grace, and asks for the next check-in before the lease ends", async () => {
    setTime(NOW);
    const { license, license_key } = await newLicense({ expires_days: 10, grace_days: 5 });
    setTime(Date.parse(license.grace_until) - 1000);
    const { body } = await activate(license_key, "a");
    expect(body.lease_expires_at).toBe(license.grace_until);
    expect(Date.parse(body.check_in_at)).toBeLessThan(Date.parse(body.lease_expires_at));
    const { payload } = await verifyPublished(body.certificate, "activation+jwt");
    expect(payload.exp).toBe(Date.parse(license.grace_until) / 1000);
  });

  it.each([
    ["LICENSE_EXPIRED", "expired"],
    ["LICENSE_NOT_STARTED", "scheduled"],
    ["LICENSE_SUSPENDED", "suspended"],
    ["LICENSE_REVOKED", "revoked"],
  ])("refuses with %s and writes nothing", async (code, standing) => {
    setTime(NOW);
    const { license, license_key } = await newLicense({
      starts_at: iso(NOW + DAY),
      expires_at: iso(NOW + 2 * DAY),
      grace_days: 1,
    });
    const at = { expired: 3, scheduled: 0.999, suspended: 1, revoked: 1 }[standing]!;
    if (standing === "suspended" || standing === "revoked") await setStatus(license.id, standing);
    setTime(NOW + at * DAY + (standing === "expired" ? 750 : 0));
    const answer = await activate(license_key, "a");
    expect(answer).toMatchObject({ status: 403, body: { code, detail: expect.any(String) } });
    expect(await rows("SELECT 1 FROM activations WHERE license_id = ?", license.id)).toEqual([]);
    expect(await eventsOf(license.id)).toHaveLength(1);
    expect((await validate(license_key)).body).toMatchObject({ valid: false, code, standing });
  });

  it("refuses a key of an older revision with LICENSE_KEY_SUPERSEDED, everywhere", async () => {
    const { license, license_key } = await newLicense();
    await activate(license_key, "a");
    await rows("UPDATE licenses SET revision = 2 WHERE id = ?", license.id);
    const refused = { status: 403, body: { code: "LICENSE_KEY_SUPERSEDED" } };
    const unproven = { certificate: null };
    expect(await activate(license_key, "a", unproven)).toMatchObject(refused);
    expect(await deactivate(license_key, "a", unproven)).toMatchObject(refused);
    expect((await validate(license_key, "a")).body).toMatchObject({
      valid: false,
      code: "LICENSE_KEY_SUPERSEDED",
    });
    expect(await rows("SELECT ended_at FROM activations WHERE license_id = ?", license.id)).toEqual([
      { ended_at: 0 },
    ]);
  });

  it("answers LICENSE_NOT_FOUND for a key of ours whose license is gone", async () => {
    const { license, license_key } = await newLicense();
    await rows("DELETE FROM licenses WHERE id = ?", license.id);
    const gone = { status: 404, body: { code: "LICENSE_NOT_FOUND" } };
    expect(await activate(license_key, "a")).toMatchObject(gone);
    expect(await validate(license_key)).toMatchObject(gone);
    expect(await deactivate(license_key, "a")).toMatchObject(gone);
  });

  it("lets the database's terms win over the key's, and answers with the current key", async () => {
    setTime(NOW);
    const { license, license_key } = await newLicense({ expires_days: 1, grace_days: 0 });
    const later = NOW - 250 + 40 * DAY;
    await rows("UPDATE licenses SET expires_at = ?, max_instances = 9 WHERE id = ?", later, license.id);
    setTime(NOW + 5 * DAY);
    const { status, body } = await activate(license_key, "a");
    expect(status).toBe(200);
    expect(body).toMatchObject({ expires_at: iso(later), instances: { active: 1, max: 9 } });
    const { payload } = await verifyPublished(body.license_key, "license+jwt");
    expect(payload).toMatchObject({ exp: later / 1000, max_instances: 9, rev: 1 });
  });
});

describe("validate", () => {
  it("tells the license's worth and writes nothing", async () => {
    const { license, license_key } = await newLicense();
    const before = await rows("SELECT count(*) AS n FROM events");
    const { status, body } = await validate(license_key);
    expect(status).toBe(200);
    const { metadata: _metadata, notice_days: _notices, updated_at: _updated, ...more } = license;
    const { notes: _notes, tags: _tags, ...shown } = more;
    expect(body).toEqual({
      valid: true,
      code: "VALID",
      standing: "active",
      license: shown,
      instance: null,
      server_time: expect.any(String),
    });
    expect(await rows("SELECT count(*) AS n FROM events")).toEqual(before);
    expect(await rows("SELECT 1 FROM activations WHERE license_id = ?", license.id)).toEqual([]);
  });

  it("tells whether an instance holds a seat", async () => {
    const { license_key } = await newLicense();
    expect((await validate(license_key, "a")).body).toMatchObject({
      valid: false,
      code: "INSTANCE_NOT_ACTIVATED",
      instance: null,
    });
    const { body } = await activate(license_key, "a", { hostname: "h", app_version: "17" });
    expect((await validate(license_key, "a")).body).toMatchObject({
      valid: true,
      code: "VALID",
      instance: {
        activation_id: body.activation_id,
        instance_id: "a",
        lease_expires_at: body.lease_expires_at,
        hostname: "h",
        app_version: "17",
      },
    });
  });
});

describe("deactivate", () => {
  it("frees the seat, and the next instance takes it", async () => {
    const { license, license_key } = await newLicense({ max_instances: 1 });
    await activate(license_key, "a");
    expect(await deactivate(license_key, "a")).toMatchObject({ status: 204, text: "" });
    expect(await activate(license_key, "b")).toMatchObject({ status: 200 });
    expect((await eventsOf(license.id)).map((event) => event.action)).toEqual([
      "license.issued",
      "activation.created",
      "activation.ended",
      "activation.created",
    ]);
  });

  it("answers 204 also for an instance that is gone or never was, and records nothing", async () => {
    const { license, license_key } = await newLicense();
    await activate(license_key, "a");
    await deactivate(license_key, "a");
    expect(await deactivate(license_key, "a")).toMatchObject({ status: 204 });
    expect(await deactivate(license_key, "never")).toMatchObject({ status: 204 });
    expect(await eventsOf(license.id)).toHaveLength(3);
  });

  it.each(["suspended", "revoked"])("works while the license is %s", async (status) => {
    const { license, license_key } = await newLicense();
    await activate(license_key, "a");
    await setStatus(license.id, status);
    expect(await deactivate(license_key, "a")).toMatchObject({ status: 204 });
  });

  it("keeps the record of every activation, also of several that ended in one millisecond", async () => {
    setTime(NOW);
    const { license, license_key } = await newLicense({ max_instances: 1 });
    const ids = [];
    for (let n = 0; n < 3; n++) {
      ids.push((await activate(license_key, "a")).body.activation_id);
      expect(await deactivate(license_key, "a")).toMatchObject({ status: 204 });
    }
    expect(new Set(ids).size).toBe(3);
    const created = (await eventsOf(license.id)).filter((event) => event.action === "activation.created");
    expect(created.map((event) => JSON.parse(event.detail).activation_id)).toEqual(ids);
  });

  it("leaves other instances and other licenses alone", async () => {
    const [one, two] = [await newLicense(), await newLicense()];
    await activate(one.license_key, "a");
    await activate(one.license_key, "b");
    await activate(two.license_key, "a");
    await deactivate(one.license_key, "a");
    expect((await validate(one.license_key, "b")).body.valid).toBe(true);
    expect((await validate(two.license_key, "a")).body.valid).toBe(true);
  });
});

it("counts characters as the published schema does: an emoji is one", async () => {
  const { license_key } = await newLicense();
  const about = {
    hostname: "🖥".repeat(255),
    app_version: "🚀".repeat(64),
    labels: { ["🏷".repeat(64)]: "🏠".repeat(256) },
  };
  const { status, body } = await activate(license_key, "🦊".repeat(128), about);
  expect(status).toBe(200);
  expect((await admin(`/activations/${body.activation_id}`)).body).toMatchObject(about);
});

describe("malformed instance requests", () => {
  it.each([
    ["license_key", { instance_id: "a" }],
    ["license_key", { license_key: 7, instance_id: "a" }],
    ["instance_id", { license_key: "k" }],
    ["instance_id", { license_key: "k", instance_id: "" }],
    ["instance_id", { license_key: "k", instance_id: "   " }],
    ["instance_id", { license_key: "k", instance_id: "a".repeat(129) }],
    ["instance_id", { license_key: "k", instance_id: "a\u0000b" }],
    ["instance_id", { license_key: "k", instance_id: "tab\there" }],
    ["instance_id", { license_key: "k", instance_id: "\ud800" }],
    ["instance_id", { license_key: "k", instance_id: 1 }],
    ["nonce", { license_key: "k", instance_id: "a", nonce: "x".repeat(257) }],
    ["hostname", { license_key: "k", instance_id: "a", hostname: "🖥".repeat(256) }],
    ["labels", { license_key: "k", instance_id: "a", labels: "prod" }],
    ["labels.tier", { license_key: "k", instance_id: "a", labels: { tier: 1 } }],
    ["", []],
    ["", null],
    ["", "text"],
  ])("a bad %s is 422: %j", async (path, body) => {
    const answer = await call("/v1/activate", { body });
    expect(answer).toMatchObject({ status: 422, body: { code: "REQUEST_INVALID" } });
    expect(answer.body.errors.map((error: { path: string }) => error.path)).toContain(path);
  });
});
