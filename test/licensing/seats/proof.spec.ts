// Who an instance is. The license key says which license; a certificate of the live activation says which instance.
import { getTableColumns } from "drizzle-orm";
import { decodeJwt } from "jose";
import { beforeEach, describe, expect, it } from "vitest";
import { generateKeys, rotateKeys } from "../../../src/dev/keys.ts";
import { activations } from "../../../src/storage/schema.ts";
import { DAY, setTime } from "../../support/clock.ts";
import { Visitor } from "../../support/console.ts";
import { verifyPublished } from "../../support/documents.ts";
import { env } from "../../support/env.ts";
import { DELIVERIES, fire } from "../../support/mail.ts";
import { admin, type Answer, call, eventsOf, newLicense, newToken, rows } from "../../support/service.ts";
import { WEAK } from "../../support/weak-key.ts";

const NOW = Date.parse("2026-06-03T08:00:00.000Z");
const TODAY = "2026-06-03";
const HOUR = 3_600_000;
const LEASE = 30 * DAY;
const [HOME, AWAY, FAR] = ["192.0.2.1", "198.51.100.7", "203.0.113.9"];

interface From {
  ip?: string;
  certificate?: string | null;
  [member: string]: unknown;
}

/** Asks, from an address, with just what is given. */
const ask =
  (path: string) =>
  (license_key: string, { ip = HOME, ...more }: From = {}): Promise<Answer> =>
    call(path, {
      body: { license_key, instance_id: "a", ...more },
      headers: ip ? { "CF-Connecting-IP": ip } : {},
    });

const [activate, checkIn, deactivate] = [ask("/v1/activate"), ask("/v1/check-in"), ask("/v1/deactivate")];

/** Activates an installation that keeps its certificate, and has it shown once. */
async function hold(license_key: string, from: From = {}): Promise<Answer> {
  const { certificate } = (await activate(license_key, from)).body;
  return checkIn(license_key, { ...from, certificate });
}

const iso = (at: number): string => new Date(at).toISOString();
const codes = ({ body }: Answer): string[] => body.warnings.map(({ code }: { code: string }) => code);
const rowOf = async (id: string) =>
  (await rows("SELECT * FROM activations WHERE license_id = ? AND ended_at = 0", id))[0]!;
const shown = async ({ body }: Answer) => (await admin(`/activations/${body.activation_id}`)).body;
const suspicions = async (id: string) =>
  (await eventsOf(id)).filter(({ action }) => action === "instance.clone_suspected");
const reissue = (id: string, unproven_hours = 0) =>
  admin(`/licenses/${id}/reissue`, { body: { reason: "x", unproven_hours } });

beforeEach(() => {
  setTime(NOW);
});

describe("a request for a live seat without its certificate", () => {
  it("is answered with a short lease and a certificate that says so, and the holder's row stays as it is", async () => {
    const { license, license_key } = await newLicense({ max_instances: 1 });
    const held = await hold(license_key, { hostname: "home", fingerprint: "f", labels: { a: "b" } });
    const before = await rowOf(license.id);
    setTime(NOW + HOUR);
    const usage = [
      { date: TODAY, requests: 5 },
      { date: "2026-06-02", requests: 7 },
      { date: "2027-01-01", requests: 9 },
    ];
    const told = { hostname: "away", fingerprint: "g", app_version: "9", labels: {}, usage };
    const answer = await checkIn(license_key, { ip: AWAY, ...told });
    expect(answer).toMatchObject({
      status: 200,
      body: {
        activation_id: held.body.activation_id,
        instances: { active: 1, max: 1 },
        lease_expires_at: iso(NOW + HOUR + 72 * HOUR),
        usage_ignored: ["2026-06-02", TODAY],
        license_key,
      },
    });
    expect(codes(answer)).toEqual(["INSTANCE_UNPROVEN", "USAGE_IGNORED"]);
    expect(Date.parse(answer.body.check_in_at) - NOW - HOUR).toBeLessThanOrEqual(36 * HOUR);
    const { payload } = await verifyPublished(answer.body.certificate, "activation+jwt");
    expect(payload).toMatchObject({ proven: false, jti: held.body.activation_id, sub: "a" });
    expect(payload.exp).toBe((NOW + HOUR + 72 * HOUR) / 1000);
    expect(decodeJwt(held.body.certificate)).not.toHaveProperty("proven");

    const after = await rowOf(license.id);
    const changed = Object.keys(after).filter((column) => after[column] !== before[column]);
    expect(changed.toSorted()).toEqual([
      "clone_suspected_at",
      "proven",
      "request_id",
      "unproven",
      "unproven_until",
    ]);
    expect((await admin(`/licenses/${license.id}/usage?from=2026-05-01&to=2026-06-30`)).body.data).toEqual(
      [],
    );
    expect(await shown(held)).toMatchObject({
      proven_until: held.body.lease_expires_at,
      unproven: [{ date: TODAY, requests: 1, last_at: iso(NOW + HOUR), ip: AWAY, hostname: "away" }],
    });
  });

  // The columns come from the schema: whoever adds one decides here whether everybody with the key may change it.
  it.each([
    ["activate", activate],
    ["check-in", checkIn],
  ])(
    "%s changes of the seat's row the counts, the mark and a later end, and no other column",
    async (_, again) => {
      const { license, license_key } = await newLicense({ max_instances: 1 });
      const held = await hold(license_key, {
        hostname: "home",
        fingerprint: "f",
        app_version: "1",
        labels: {},
      });
      await checkIn(license_key, {
        certificate: held.body.certificate,
        usage: [{ date: TODAY, requests: 5 }],
      });
      await checkIn(license_key);
      await rows(
        `UPDATE activations SET replaces = 'act_before', ended_by = 'lease', license_requests = 7, license_services = 8,
         services = 9, strays = 1, usage_corrected = 1, seats_lapsed = 3, clone_suspected_at = ?1,
         fingerprint_changed_at = ?1, occasion = 'activation.created', scattered_at = ?1, public_key = 'k',
         public_key_since = ?1, meters = '["tokens"]', freed_at = ?2, lease_expires_at = ?3, proven_until = ?3 WHERE license_id = ?4`,
        NOW - 1_000,
        again === activate ? NOW : null,
        NOW + 71 * HOUR,
        license.id,
      );
      const before = await rowOf(license.id);
      expect(Object.keys(before).toSorted()).toEqual(Object.keys(getTableColumns(activations)).toSorted());
      expect(Object.keys(before).filter((column) => before[column] === null)).toEqual(
        again === activate ? [] : ["freed_at"],
      );
      setTime(NOW + 1_000);
      const told = {
        hostname: "away",
        fingerprint: "g",
        app_version: "9",
        labels: { a: "b" },
        lease_hours: 80,
      };
      const usage = [{ date: "2026-06-04", requests: 50, services: 50 }];
      const answer = await again(license_key, { ip: AWAY, ...told, ...(again === checkIn ? { usage } : {}) });
      expect(codes(answer)).toEqual(["INSTANCE_UNPROVEN"]);
      const after = await rowOf(license.id);
      expect(Object.keys(after).filter((column) => after[column] !== before[column])).toEqual([
        "lease_expires_at",
        "request_id",
        "occasion",
        "unproven_until",
        "unproven",
        "scattered_at",
      ]);
    },
  );

  it("leaves a seat that staff freed as it is: it ends with its file, and a check-in finds none", async () => {
    const { license, license_key } = await newLicense({ max_instances: 1 });
    const path = `/licenses/${license.id}/offline-activations`;
    const request = { license_key, instance_id: "a" };
    const { body } = await admin(path, { body: { request, lease_days: 10 } });
    await admin(`/activations/${body.activation_id}`, { method: "DELETE" });
    const freed = { freed_at: NOW, proven_until: NOW + 10 * DAY, lease_expires_at: NOW + 10 * DAY };
    expect(await rowOf(license.id)).toMatchObject(freed);
    expect(codes(await activate(license_key))).toEqual(["INSTANCE_UNPROVEN"]);
    expect(await rowOf(license.id)).toMatchObject(freed);
    expect(await checkIn(license_key)).toMatchObject({ status: 404 });
    setTime(NOW + 10 * DAY);
    expect(codes(await activate(license_key))).toEqual([]);
    expect(await rowOf(license.id)).toMatchObject({ freed_at: null });
  });

  it.each([
    ["none", () => null],
    ["one that is unproven itself", async (key: string) => (await checkIn(key)).body.certificate],
    [
      "one of another instance",
      async (key: string) => (await activate(key, { instance_id: "b" })).body.certificate,
    ],
    [
      "one of another license",
      async () => (await activate((await newLicense()).license_key)).body.certificate,
    ],
    ["a forged one", async (_: string, held: string) => `${held.slice(0, -3)}AAA`],
    ["the license key", (key: string) => key],
    ["not a token", () => "x"],
  ])("proves nothing with %s", async (_, certificateOf) => {
    const { license_key } = await newLicense();
    const { certificate: held } = (await activate(license_key)).body;
    const certificate = await certificateOf(license_key, held);
    for (const again of [activate, checkIn]) {
      const answer = await again(license_key, { certificate });
      expect(answer.status).toBe(200);
      expect(codes(answer)).toEqual(["INSTANCE_UNPROVEN"]);
    }
    expect(await deactivate(license_key, { certificate })).toMatchObject({
      status: 403,
      body: { code: "CERTIFICATE_REQUIRED" },
    });
  });

  it("fifty times: one seat, one certificate good for the lease, the others for three days", async () => {
    const { license, license_key } = await newLicense({ max_instances: 1 });
    const answers = await Promise.all(Array.from({ length: 50 }, () => activate(license_key)));
    const leases = answers.map(({ body }) => Date.parse(body.lease_expires_at) - NOW);
    expect(leases.filter((lease) => lease === LEASE)).toHaveLength(1);
    expect(leases.filter((lease) => lease === 72 * HOUR)).toHaveLength(49);
    expect(await rowOf(license.id)).toMatchObject({ lease_expires_at: NOW + LEASE });
    expect((await shown(answers[0]!)).unproven).toMatchObject([{ requests: 49 }]);
  });

  it("keeps the seat for its own lease where that is the longer one, up to the license's end", async () => {
    const { license, license_key } = await newLicense({ expires_days: 31, grace_days: 0 });
    await activate(license_key);
    setTime(NOW + LEASE - HOUR);
    const { body } = await checkIn(license_key);
    expect(body.lease_expires_at).toBe(license.grace_until);
    expect(await rowOf(license.id)).toMatchObject({
      lease_expires_at: Date.parse(license.grace_until),
      proven_until: NOW + LEASE,
    });
  });

  it.each([
    [{ unproven_lease_hours: 5 }, {}, 5],
    [{ unproven_lease_hours: 100 }, { lease_hours: 2 }, 2],
    [{ unproven_lease_hours: 1_000 }, {}, 30 * 24],
  ])("gets a lease by the license's term %j and the wish %j: %d hours", async (terms, wish, hours) => {
    const { license, license_key } = await newLicense();
    await admin(`/licenses/${license.id}`, { method: "PATCH", body: terms });
    await activate(license_key);
    expect((await checkIn(license_key, wish)).body.lease_expires_at).toBe(iso(NOW + hours * HOUR));
  });
});

describe("the certificate of the live activation", () => {
  it("proves the seat however old it is, and whatever came after it", async () => {
    const { license_key } = await newLicense();
    const first = (await activate(license_key)).body.certificate;
    setTime(NOW + 20 * DAY);
    await checkIn(license_key, { certificate: first });
    setTime(NOW + 45 * DAY);
    const answer = await activate(license_key, { certificate: first });
    expect(codes(answer)).toEqual([]);
    expect(answer.body.lease_expires_at).toBe(iso(NOW + 75 * DAY));
    expect(await deactivate(license_key, { certificate: first })).toMatchObject({ status: 204 });
  });

  it("of an activation that is over proves nothing of the next one", async () => {
    const { license_key } = await newLicense();
    const first = (await activate(license_key)).body.certificate;
    await deactivate(license_key, { certificate: first });
    await activate(license_key);
    expect(codes(await checkIn(license_key, { certificate: first }))).toEqual(["INSTANCE_UNPROVEN"]);
  });

  it("proves it after the signing key was rotated, and retired; a retired key proves nothing else", async () => {
    const { license_key } = await newLicense();
    const { certificate } = (await activate(license_key)).body;
    const rotated = await rotateKeys(env.SIGNING_KEYS);
    const [fresh, { d: _private, ...old }] = JSON.parse(rotated).keys;
    const SIGNING_KEYS = JSON.stringify({ keys: [fresh] });
    const RETIRED_KEYS = JSON.stringify({ keys: [{ ...old, last_seal: 3 }] });
    const at = (bindings: object, body: object) =>
      call("/v1/check-in", { body: { instance_id: "a", ...body }, bindings: { ...env, ...bindings } });
    const turned = await at({ SIGNING_KEYS: rotated }, { license_key, certificate });
    expect(codes(turned)).toEqual([]);
    // Every key that the old one signed is worthless now; the new one is that of the answer.
    const current = turned.body.license_key;
    expect(codes(await at({ SIGNING_KEYS }, { license_key: current, certificate }))).toEqual([
      "INSTANCE_UNPROVEN",
    ]);
    expect(codes(await at({ SIGNING_KEYS, RETIRED_KEYS }, { license_key: current, certificate }))).toEqual(
      [],
    );
    expect(await at({ SIGNING_KEYS, RETIRED_KEYS }, { license_key, certificate })).toMatchObject({
      status: 400,
      body: { code: "LICENSE_KEY_INVALID" },
    });
    const published = await call("/.well-known/jwks.json", {
      bindings: { ...env, SIGNING_KEYS, RETIRED_KEYS },
    });
    expect(published.body.keys.map(({ kid }: { kid: string }) => kid)).toEqual([fresh.kid]);
  });

  it.each([
    ["a private half", async () => await generateKeys()],
    ["no JSON", () => "x"],
    [
      "one key twice",
      async () =>
        JSON.stringify({
          keys: [1, 2].map(() => ({
            kty: "OKP",
            crv: "Ed25519",
            x: JSON.parse(env.SIGNING_KEYS).keys[0].x,
            kid: "k",
          })),
        }),
    ],
    ["a key that anybody can sign for", () => JSON.stringify({ keys: [WEAK] })],
  ])("RETIRED_KEYS with %s is refused", async (_, text) => {
    const bindings = { ...env, RETIRED_KEYS: await text() };
    expect(await call("/v1/validate", { body: { license_key: "x" }, bindings })).toMatchObject({
      status: 503,
    });
  });
});

describe("after the last proven lease", () => {
  it("the next request is proven, to the millisecond, and takes the seat over as it is", async () => {
    const { license, license_key } = await newLicense({ max_instances: 1 });
    const first = await activate(license_key, { lease_hours: 1 });
    setTime(NOW + HOUR - 1);
    expect(codes(await checkIn(license_key))).toEqual(["INSTANCE_UNPROVEN"]);
    setTime(NOW + HOUR);
    const usage = [{ date: TODAY, requests: 5 }];
    const next = await checkIn(license_key, { lease_hours: 1, usage });
    expect(codes(next)).toEqual([]);
    expect(next.body).toMatchObject({ activation_id: first.body.activation_id, usage_ignored: [] });
    expect((await admin(`/licenses/${license.id}/usage`)).body.data).toMatchObject([{ requests: 5 }]);
    setTime(NOW + 2 * HOUR - 1);
    expect(await deactivate(license_key)).toMatchObject({ status: 403 });
    setTime(NOW + 2 * HOUR);
    expect(await deactivate(license_key)).toMatchObject({ status: 204 });
  });

  it.each([
    ["with its certificate", true],
    ["as the next to ask", false],
  ])(
    "%s the holder gets the lease that it wants, while the seat is kept for what others were promised",
    async (_, isHeld) => {
      const { license, license_key } = await newLicense({ max_instances: 1 });
      const { certificate } = (await activate(license_key, { lease_hours: 1 })).body;
      setTime(NOW + HOUR / 2);
      const promised = NOW + HOUR / 2 + 72 * HOUR;
      expect((await checkIn(license_key, { ip: AWAY })).body.lease_expires_at).toBe(iso(promised));
      const now = NOW + (isHeld ? HOUR / 2 : HOUR);
      setTime(now);
      const next = await checkIn(license_key, { lease_hours: 1, certificate: isHeld ? certificate : null });
      expect(codes(next)).toEqual([]);
      expect(next.body.lease_expires_at).toBe(iso(now + HOUR));
      expect(decodeJwt(next.body.certificate).exp).toBe((now + HOUR) / 1000);
      expect(Date.parse(next.body.check_in_at) - now).toBeLessThanOrEqual(HOUR / 2);
      expect(await rowOf(license.id)).toMatchObject({ proven_until: now + HOUR, lease_expires_at: promised });
      expect(await shown(next)).toMatchObject({ lease_expires_at: iso(promised) });
      // Nobody else gets the seat before the latest promise is over.
      setTime(promised - 1);
      expect(await activate(license_key, { instance_id: "b" })).toMatchObject({ status: 403 });
      setTime(promised);
      expect(await activate(license_key, { instance_id: "b" })).toMatchObject({ status: 200 });
    },
  );

  it("the seat is kept for nobody beyond the license's grace", async () => {
    const { license, license_key } = await newLicense();
    const { certificate } = (await activate(license_key, { lease_hours: 1 })).body;
    await checkIn(license_key);
    await rows("UPDATE licenses SET expires_at = ?, grace_days = 1 WHERE id = ?", NOW + HOUR, license.id);
    await checkIn(license_key, { certificate, lease_hours: 1 });
    const end = NOW + HOUR + DAY;
    expect(await rowOf(license.id)).toMatchObject({ proven_until: NOW + HOUR, lease_expires_at: end });
  });

  it("counts as the lease's end for seats of a release that did not keep it", async () => {
    const { license, license_key } = await newLicense();
    await activate(license_key);
    await rows("UPDATE activations SET proven_until = NULL WHERE license_id = ?", license.id);
    setTime(NOW + LEASE - 1);
    expect(codes(await checkIn(license_key))).toEqual(["INSTANCE_UNPROVEN"]);
    // That request holds the seat for longer, but nobody proved it.
    expect(await rowOf(license.id)).toMatchObject({ proven_until: NOW + LEASE });
    setTime(NOW + LEASE);
    expect(codes(await checkIn(license_key))).toEqual([]);
  });
});

describe("lease_hours", () => {
  it("is the most that an installation wants, never below what a certificate promised it", async () => {
    const { license_key } = await newLicense();
    const first = await activate(license_key, { lease_hours: 2 });
    expect(first.body.lease_expires_at).toBe(iso(NOW + 2 * HOUR));
    expect(Date.parse(first.body.check_in_at) - NOW).toBeLessThanOrEqual(HOUR);
    const { certificate } = first.body;
    const second = await checkIn(license_key, { certificate, lease_hours: 8_760 });
    expect(second.body.lease_expires_at).toBe(iso(NOW + LEASE));
    setTime(NOW + DAY);
    const third = await checkIn(license_key, { certificate, lease_hours: 1 });
    expect(third.body.lease_expires_at).toBe(iso(NOW + LEASE));
    expect(Date.parse(third.body.check_in_at) - NOW - DAY).toBeLessThanOrEqual(1.1 * DAY);
  });

  it.each([0, 8_761, 1.5, "2"])("%j is refused", async (lease_hours) => {
    const { license_key } = await newLicense();
    for (const again of [activate, checkIn])
      expect(await again(license_key, { lease_hours })).toMatchObject({ status: 422 });
  });
});

describe("deactivate", () => {
  it("without a certificate frees nobody's live seat, and is 204 where there is none", async () => {
    const { license, license_key } = await newLicense();
    const { body } = await activate(license_key);
    expect(await deactivate(license_key)).toMatchObject({
      status: 403,
      body: { code: "CERTIFICATE_REQUIRED" },
    });
    expect(await eventsOf(license.id)).toHaveLength(2);
    expect(await deactivate(license_key, { certificate: body.certificate })).toMatchObject({ status: 204 });
    expect(await deactivate(license_key)).toMatchObject({ status: 204 });
    expect(await deactivate(license_key, { instance_id: "never" })).toMatchObject({ status: 204 });
  });

  it("gives a seat back with a replaced key, too, where the certificate comes along", async () => {
    const { license, license_key } = await newLicense();
    const { certificate } = (await activate(license_key)).body;
    await reissue(license.id);
    const refused = { status: 403, body: { code: "LICENSE_KEY_SUPERSEDED" } };
    expect(await deactivate(license_key)).toMatchObject(refused);
    expect(await deactivate(license_key, { certificate })).toMatchObject({ status: 204 });
    expect(await deactivate(license_key)).toMatchObject(refused);
  });

  // The same instance id on another license of the same thief: nothing here is his.
  it("tells a replaced key nothing of its license for the certificate of another one", async () => {
    const { license, license_key } = await newLicense();
    const { certificate } = (await activate((await newLicense()).license_key)).body;
    await reissue(license.id);
    expect(await deactivate(license_key, { certificate })).toMatchObject({
      status: 403,
      body: { code: "LICENSE_KEY_SUPERSEDED" },
    });
  });
});

describe("a replaced key", () => {
  it("renews unproven holders until the license says, without the new key", async () => {
    const { license, license_key } = await newLicense();
    const held = (await activate(license_key)).body;
    await reissue(license.id);
    const refused = { status: 403, body: { code: "LICENSE_KEY_SUPERSEDED" } };
    expect(await checkIn(license_key)).toMatchObject(refused);
    const until = NOW + 10 * HOUR;
    await reissue(license.id, 10);
    setTime(NOW + HOUR);
    const answer = await checkIn(license_key);
    expect(answer).toMatchObject({ status: 200, body: { license_key, lease_expires_at: iso(until) } });
    expect(codes(answer)).toEqual(["LICENSE_KEY_SUPERSEDED", "INSTANCE_UNPROVEN"]);
    expect(await activate(license_key, { instance_id: "new" })).toMatchObject(refused);
    expect(await deactivate(license_key)).toMatchObject(refused);
    const proven = await activate(license_key, { certificate: held.certificate });
    expect(codes(proven)).toEqual(["LICENSE_KEY_SUPERSEDED"]);
    expect(proven.body.license_key).not.toBe(license_key);
    setTime(until);
    expect(await checkIn(license_key)).toMatchObject(refused);
  });

  it("is not proven by waiting: only who has the certificate gets the new one", async () => {
    const { license, license_key } = await newLicense();
    await activate(license_key, { lease_hours: 1 });
    await checkIn(license_key);
    await reissue(license.id, 240);
    setTime(NOW + 2 * HOUR);
    const answer = await checkIn(license_key);
    expect(codes(answer)).toContain("INSTANCE_UNPROVEN");
    expect(answer.body.license_key).toBe(license_key);
    // Nor may he give the seat back.
    expect(await deactivate(license_key)).toMatchObject({ status: 403 });
    expect(await rowOf(license.id)).toMatchObject({ id: answer.body.activation_id });
  });
});

describe("a clone", () => {
  it("is suspected when somebody unproven asks from elsewhere on a day on which the holder was seen", async () => {
    const { license, license_key } = await newLicense();
    const held = await hold(license_key, { hostname: "home" });
    setTime(NOW + HOUR);
    await checkIn(license_key, { ip: AWAY });
    const [event, ...more] = (await rows("SELECT * FROM events WHERE entity_id = ?", license.id)).slice(2);
    expect(more).toEqual([]);
    // The record names the activation; the addresses are in its row.
    expect(event).toMatchObject({
      action: "instance.clone_suspected",
      at: NOW + HOUR,
      ip: null,
      actor_id: "a",
    });
    expect(await shown(held)).toMatchObject({
      clone_suspected_at: iso(NOW + HOUR),
      ip: HOME,
      hostname: "home",
    });
    setTime(NOW + 2 * HOUR);
    await checkIn(license_key, { ip: AWAY });
    expect(await suspicions(license.id)).toHaveLength(1);
    expect(await shown(held)).toMatchObject({ clone_suspected_at: iso(NOW + 2 * HOUR) });
  });

  it.each([
    ["another host", { hostname: "away" }, true],
    ["another fingerprint", { fingerprint: "g" }, true],
    ["the same place", { hostname: "home", fingerprint: "f" }, false],
    ["the same address, telling nothing", {}, false],
  ])("from %s: %s", async (_, told, expected) => {
    const { license, license_key } = await newLicense();
    await hold(license_key, { hostname: "home", fingerprint: "f" });
    await checkIn(license_key, told);
    expect(await suspicions(license.id)).toHaveLength(expected ? 1 : 0);
  });

  it("is not suspected on a day on which the holder was not seen", async () => {
    const { license, license_key } = await newLicense();
    await hold(license_key);
    setTime(Date.parse("2026-06-04T00:00:00Z"));
    await checkIn(license_key, { ip: AWAY });
    expect(await suspicions(license.id)).toEqual([]);
  });

  it("of a pod without a volume is suspected once its process goes on while another one asks elsewhere", async () => {
    const { license, license_key } = await newLicense();
    const { certificate } = (await activate(license_key, { lease_hours: 4 })).body;
    setTime(NOW + HOUR);
    await checkIn(license_key, { ip: AWAY, lease_hours: 4 });
    expect(await suspicions(license.id)).toEqual([]);
    setTime(NOW + 2 * HOUR);
    expect(codes(await checkIn(license_key, { certificate, lease_hours: 4 }))).toEqual([]);
    expect(await suspicions(license.id)).toHaveLength(1);
  });

  // It keeps nothing: its first start after the last proven lease is the next to ask, and all others are unproven.
  it.each([undefined, 1, 24, 200])(
    "is no pod without a volume that fails at each start, under another name each time (lease_hours %s)",
    async (lease_hours) => {
      const { license, license_key } = await newLicense({ max_instances: 1, clone_policy: "refuse" });
      const [proven, unproven] = [[], ["INSTANCE_UNPROVEN"]].map((told) => JSON.stringify(told));
      const told = new Set<string>();
      for (let n = 0; n < 250; n++) {
        setTime(NOW + n * 5 * HOUR);
        const from = { ip: [HOME, AWAY, FAR][n % 3]!, hostname: `pod-${n}` };
        const started = await activate(license_key, { ...from, lease_hours });
        expect(started.status).toBe(200);
        told.add(JSON.stringify(codes(started)));
      }
      expect([...told].toSorted()).toEqual(lease_hours === 1 ? [proven] : [unproven, proven].toSorted());
      expect(await suspicions(license.id)).toEqual([]);
      expect(await rowOf(license.id)).toMatchObject({ clone_suspected_at: null });
    },
  );

  it("is suspected where such a pod's neighbor keeps its certificate: at its next check-in, or on the next day", async () => {
    const { license, license_key } = await newLicense();
    let { certificate } = (await activate(license_key, { hostname: "home" })).body;
    setTime(NOW + HOUR);
    await activate(license_key, { hostname: "pod-1" });
    expect(await suspicions(license.id)).toEqual([]);
    setTime(NOW + DAY);
    ({ certificate } = (await checkIn(license_key, { hostname: "home", certificate })).body);
    expect(await suspicions(license.id)).toEqual([]);
    setTime(NOW + DAY + HOUR);
    await activate(license_key, { hostname: "pod-2" });
    expect(await suspicions(license.id)).toHaveLength(1);
    setTime(NOW + 10 * DAY);
    await activate(license_key, { hostname: "pod-3" });
    setTime(NOW + 10 * DAY + HOUR);
    await checkIn(license_key, { hostname: "home", certificate });
    expect(await suspicions(license.id)).toHaveLength(2);
  });

  it("is no reason to refuse whoever takes the seat over without a certificate", async () => {
    const { license, license_key } = await newLicense({ max_instances: 1, clone_policy: "refuse" });
    const { certificate } = (await hold(license_key, { lease_hours: 73 })).body;
    setTime(NOW + 2 * HOUR);
    await checkIn(license_key, { ip: AWAY });
    expect(await checkIn(license_key, { ip: AWAY })).toMatchObject({ status: 403 });
    // The holder is gone, and the mark is still there.
    setTime(NOW + 73 * HOUR);
    for (const hostname of ["pod-1", "pod-2", "pod-3"])
      expect((await activate(license_key, { ip: AWAY, hostname })).status).toBe(200);
    expect(await rowOf(license.id)).toMatchObject({ clone_suspected_at: NOW + 2 * HOUR });
    // It comes back, and shows what it kept.
    await checkIn(license_key, { certificate });
    expect(await activate(license_key, { ip: AWAY, hostname: "pod-4" })).toMatchObject({ status: 403 });
  });

  it("is no pod in a crash loop that moves from node to node: never refused, never marked", async () => {
    const { license, license_key } = await newLicense({ max_instances: 1, clone_policy: "refuse" });
    const nodes = [HOME, AWAY, FAR];
    for (let n = 0; n < 200; n++) {
      setTime(NOW + n * 7 * 60_000);
      const place = { ip: nodes[Math.floor(n / 5) % 3]!, hostname: `pod-${n}`, lease_hours: 1 };
      const started = await activate(license_key, place);
      expect(started.status).toBe(200);
      // Some live long enough to check in.
      if (n % 4 > 0) continue;
      setTime(NOW + n * 7 * 60_000 + 60_000);
      expect((await checkIn(license_key, { ...place, certificate: started.body.certificate })).status).toBe(
        200,
      );
    }
    expect(await suspicions(license.id)).toEqual([]);
    expect(await rowOf(license.id)).toMatchObject({ clone_suspected_at: null });
  });

  it("of a license that refuses is answered 403 without proof, while the holder's lease lasts", async () => {
    const { license, license_key } = await newLicense({ clone_policy: "refuse" });
    const held = (await hold(license_key)).body;
    expect((await checkIn(license_key, { ip: AWAY })).status).toBe(200);
    const before = await rowOf(license.id);
    const refused = { status: 403, body: { code: "INSTANCE_CLONED", retryable: true } };
    for (const again of [activate, checkIn])
      expect(await again(license_key, { ip: AWAY })).toMatchObject(refused);
    expect(await rowOf(license.id)).toEqual(before);
    expect(await checkIn(license_key, { certificate: held.certificate })).toMatchObject({ status: 200 });
    setTime(NOW + 7 * DAY);
    expect(await checkIn(license_key, { ip: AWAY })).toMatchObject({ status: 200 });
  });

  it("stays marked while somebody is refused each day, and until the holder's lease is over", async () => {
    const { license_key } = await newLicense({ clone_policy: "refuse" });
    await hold(license_key);
    await checkIn(license_key, { ip: AWAY });
    for (let day = 1; day < 30; day++) {
      setTime(NOW + day * DAY);
      expect(await checkIn(license_key, { ip: AWAY })).toMatchObject({ status: 403 });
    }
    setTime(NOW + LEASE);
    expect(await activate(license_key, { ip: AWAY })).toMatchObject({ status: 200 });
  });

  it("is cleared by staff with a reason, in the API and the console, and by nobody else", async () => {
    const { license, license_key } = await newLicense({ clone_policy: "refuse" });
    const { certificate, activation_id } = (await hold(license_key)).body;
    const path = `/activations/${activation_id}/clear-clone`;
    await checkIn(license_key, { ip: AWAY });
    const { token } = await newToken({ role: "viewer" });
    expect(await admin(path, { body: { reason: "x" }, token })).toMatchObject({ status: 403 });
    for (const body of [{}, { reason: "" }, { reason: "x", more: 1 }])
      expect(await admin(path, { body })).toMatchObject({ status: 422 });
    const body = { reason: "The machine was replaced." };
    expect(await admin(path, { body })).toMatchObject({ status: 200, body: { clone_suspected_at: null } });
    expect(await admin(path, { body })).toMatchObject({ status: 200 });
    const cleared = (await eventsOf(license.id)).filter(({ action }) => action === "instance.clone_cleared");
    expect(cleared.map(({ detail }) => JSON.parse(detail))).toEqual([{ activation_id, ...body }]);
    expect(await admin("/activations/act_none_1/clear-clone", { body })).toMatchObject({ status: 404 });

    setTime(NOW + HOUR);
    await checkIn(license_key, { certificate });
    expect(await checkIn(license_key, { ip: AWAY })).toMatchObject({ status: 200 });
    expect(await suspicions(license.id)).toHaveLength(2);
    const visitor = await Visitor.signIn();
    const form = `/admin/instances/${activation_id}/clear-clone`;
    expect((await visitor.fill(form, { reason: "Known." })).text).toContain("The clone mark is cleared");
    expect((await admin(`/activations/${activation_id}`)).body.clone_suspected_at).toBeNull();
  });
});

describe("unproven requests", () => {
  it("are counted by the day for seven days, with the last of each", async () => {
    const { license_key } = await newLicense();
    const held = await activate(license_key);
    for (let day = 0; day < 10; day++) {
      for (let n = 0; n <= day; n++) {
        setTime(NOW + day * DAY + n * 1_000);
        await checkIn(license_key, { hostname: `h${n}` });
      }
    }
    const { unproven } = await shown(held);
    expect(unproven.map(({ requests }: { requests: number }) => requests)).toEqual([4, 5, 6, 7, 8, 9, 10]);
    expect(unproven.at(-1)).toEqual({
      date: "2026-06-12",
      requests: 10,
      last_at: iso(NOW + 9 * DAY + 9_000),
      ip: HOME,
      hostname: "h9",
    });
  });

  it("from two addresses need the attention of staff, for a week", async () => {
    const { license_key } = await newLicense();
    const instance_id = `scattered-${crypto.randomUUID()}`;
    const overview = async () => (await (await Visitor.signIn()).get("/admin")).text;
    await activate(license_key, { instance_id });
    setTime(NOW + DAY);
    await checkIn(license_key, { instance_id, ip: AWAY });
    await checkIn(license_key, { instance_id, ip: AWAY });
    const named = `unproven requests Acme, standard ${instance_id}`;
    expect(await overview()).not.toContain(named);
    setTime(NOW + 3 * DAY);
    await checkIn(license_key, { instance_id, ip: FAR });
    expect(await overview()).toContain(named);
    setTime(NOW + 10 * DAY);
    expect(await overview()).not.toContain(named);
  });
});

describe("new instances", () => {
  const seats = (id: string) =>
    rows("SELECT new_day, new_ids, seated FROM license_seats WHERE license_id = ?", id);

  it("are counted with their claim, each id once a day, and a returning one not at all", async () => {
    const { license, license_key } = await newLicense({ max_instances: null });
    const { certificate } = (await activate(license_key)).body;
    await activate(license_key, { instance_id: "b" });
    await checkIn(license_key, { certificate });
    await deactivate(license_key, { certificate });
    await activate(license_key);
    expect(await seats(license.id)).toEqual([{ new_day: TODAY, new_ids: 2, seated: 2 }]);
    setTime(NOW + DAY);
    await activate(license_key, { instance_id: "c" });
    expect(await seats(license.id)).toEqual([{ new_day: "2026-06-04", new_ids: 1, seated: 3 }]);
  });

  it("are not those whose file staff hand in, nor those that come back after their lease", async () => {
    const { license, license_key } = await newLicense({ max_instances: null });
    const request = { license_key, instance_id: "file" };
    const path = `/licenses/${license.id}/offline-activations`;
    expect((await admin(path, { body: { request, lease_days: 90 } })).status).toBe(200);
    expect(await seats(license.id)).toEqual([{ new_day: null, new_ids: 0, seated: 1 }]);
    await activate(license_key);
    setTime(NOW + 40 * DAY);
    await activate(license_key);
    expect(await seats(license.id)).toEqual([{ new_day: TODAY, new_ids: 1, seated: 2 }]);
  });

  it("are never more than the license allows, however many come at once", async () => {
    const { license, license_key } = await newLicense({ max_instances: null });
    await activate(license_key);
    await rows("UPDATE license_seats SET new_ids = 99998 WHERE license_id = ?", license.id);
    const asked = await Promise.all(
      Array.from({ length: 8 }, (_, n) => activate(license_key, { instance_id: `at once ${n}` })),
    );
    expect(asked.filter(({ status }) => status === 200)).toHaveLength(2);
    expect(await seats(license.id)).toEqual([{ new_day: TODAY, new_ids: 100_000, seated: 3 }]);
  });

  it("are forgotten once their day is over", async () => {
    const { license, license_key } = await newLicense({ max_instances: null });
    const days = async () =>
      (await rows<{ day: string }>("SELECT day FROM new_instances WHERE license_id = ?", license.id)).map(
        ({ day }) => day,
      );
    for (let day = 0; day < 3; day++) {
      setTime(NOW + day * DAY);
      await activate(license_key, { instance_id: `day-${day}` });
    }
    await fire(DELIVERIES, env, NOW + 2 * DAY);
    expect(await days()).toEqual(["2026-06-04", "2026-06-05"]);
  });

  it.each([
    [1, 1_000],
    [100, 1_000],
    [101, 1_010],
    [null, 100_000],
  ])(
    "of a license for %s are %d a day; then RATE_LIMITED until the day is over",
    async (max_instances, bound) => {
      const { license, license_key } = await newLicense({ max_instances });
      const first = (await activate(license_key)).body;
      await deactivate(license_key, { certificate: first.certificate });
      const count = (n: number) =>
        rows("UPDATE license_seats SET new_ids = ? WHERE license_id = ?", n, license.id);
      await count(bound - 1);
      const last = await activate(license_key, { instance_id: "last" });
      expect(last.status).toBe(200);
      await deactivate(license_key, { instance_id: "last", certificate: last.body.certificate });
      const refused = await activate(license_key, { instance_id: "one more" });
      expect(refused).toMatchObject({ status: 429, body: { code: "RATE_LIMITED" } });
      expect(Number(refused.headers.get("Retry-After"))).toBe(16 * 3_600);
      // Who took a seat today is no new one, in a crash loop that gives it back each time, too.
      expect((await activate(license_key)).status).toBe(200);
      setTime(Date.parse("2026-06-04T00:00:00Z"));
      expect((await activate(license_key, { instance_id: "one more" })).status).toBe(
        max_instances === 1 ? 403 : 200,
      );
    },
  );
});

describe("the terms of proof", () => {
  it("come from the type, or are the license's own, and are changed like others", async () => {
    const terms = { unproven_lease_hours: 12, clone_policy: "refuse" };
    const type = `proof-${crypto.randomUUID().slice(0, 8)}`;
    const put = await admin(`/license-types/${type}`, { method: "PUT", body: { name: "Proof", ...terms } });
    expect(put.body).toMatchObject(terms);
    expect((await newLicense({ license_type: type })).license).toMatchObject(terms);
    const own = await newLicense({ license_type: type, unproven_lease_hours: 1, clone_policy: "warn" });
    expect(own.license).toMatchObject({ unproven_lease_hours: 1, clone_policy: "warn" });
    const path = `/licenses/${own.license.id}`;
    expect((await admin(path, { method: "PATCH", body: terms })).body).toMatchObject(terms);
    expect((await newLicense()).license).toMatchObject({ unproven_lease_hours: 72, clone_policy: "warn" });
    for (const fault of [
      { unproven_lease_hours: 0 },
      { unproven_lease_hours: null },
      { clone_policy: "stop" },
    ])
      expect(await admin(path, { method: "PATCH", body: fault })).toMatchObject({ status: 422 });
    const csv = `customer_id,license_type,unproven_lease_hours,clone_policy\n${own.license.customer_id},standard,7,refuse\n`;
    const imported = await admin("/imports/licenses", { raw: csv, headers: { "Content-Type": "text/csv" } });
    expect(imported).toMatchObject({ status: 200, body: { created: 1 } });
    const { data } = (await admin(`/licenses?customer_id=${own.license.customer_id}`)).body;
    expect(data).toContainEqual(expect.objectContaining({ unproven_lease_hours: 7, clone_policy: "refuse" }));
  });
});
