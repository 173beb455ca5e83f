import { CompactSign, exportJWK, generateKeyPair } from "jose";
import { beforeEach, describe, expect, it } from "vitest";
import { DAY, setTime } from "../../support/clock.ts";
import { Visitor } from "../../support/console.ts";
import { faulty } from "../../support/faulty.ts";
import { metered } from "../../support/meter.ts";
import {
  activate,
  admin,
  type Answer,
  call,
  eventsOf,
  newLicense,
  newToken,
  rows,
} from "../../support/service.ts";

const NOW = Date.parse("2026-06-10T08:00:00.000Z");
const HOUR = 3_600_000;

beforeEach(() => {
  setTime(NOW);
});

const reissue = (id: string, more: object = {}, query = "", options: object = {}): Promise<Answer> =>
  admin(`/licenses/${id}/reissue${query}`, { body: { reason: "It leaked.", ...more }, ...options });

const checkIn = (license_key: string, instance_id: string, certificate?: string): Promise<Answer> =>
  call("/v1/check-in", { body: { license_key, instance_id, certificate } });

const endThief = (license_key: string, certificate: string): Promise<Answer> =>
  call("/v1/deactivate", { body: { license_key, instance_id: "thief", certificate } });

const SUPERSEDED = { status: 403, body: { code: "LICENSE_KEY_SUPERSEDED" } };

/** A license on which an honest instance and a thief's run. */
async function leaked(more: Record<string, unknown> = {}) {
  const { license, license_key } = await newLicense({ max_instances: 5, ...more });
  const from = (ip: string, instance_id: string, hostname: string) =>
    call("/v1/activate", {
      body: { license_key, instance_id, hostname },
      headers: { "CF-Connecting-IP": ip },
    });
  const honest = (await from("192.0.2.1", "honest", "berlin")).body;
  setTime(NOW + HOUR);
  const thief = (await from("203.0.113.9", "thief", "lair")).body;
  return { license, license_key, honest, thief };
}

describe("a reissue", () => {
  it("lists who runs: without proof and the latest to come first, in a dry run as well", async () => {
    const { license, license_key, honest, thief } = await leaked();
    const request = { license_key, instance_id: "island" };
    const path = `/licenses/${license.id}/offline-activations`;
    const island = (await admin(path, { body: { request } })).body.activation_id as string;
    await admin(`/activations/${island}`, { method: "DELETE" });
    // The honest one lost its state and came without proof since.
    setTime(NOW + 2 * HOUR);
    await activate(license_key, "honest");

    const events = await eventsOf(license.id);
    const dry = await reissue(license.id, {}, "?dry_run=true");
    expect(dry).toMatchObject({
      status: 200,
      body: { dry_run: true, license: { revision: 2 }, changes: { revision: { from: 1, to: 2 } } },
    });
    const listed = [
      {
        activation_id: honest.activation_id,
        instance_id: "honest",
        hostname: "berlin",
        ip: "192.0.2.1",
        activated_at: new Date(NOW).toISOString(),
        last_seen_at: new Date(NOW).toISOString(),
        lease_expires_at: honest.lease_expires_at,
        proven: false,
        offline: false,
        freed: false,
        refused_with: null,
      },
      {
        instance_id: "island",
        offline: true,
        proven: true,
        freed: true,
        refused_with: "INSTANCE_NOT_ACTIVATED",
      },
      {
        activation_id: thief.activation_id,
        instance_id: "thief",
        hostname: "lair",
        ip: "203.0.113.9",
        activated_at: new Date(NOW + HOUR).toISOString(),
        proven: true,
        offline: false,
        freed: false,
        refused_with: null,
      },
    ];
    expect(dry.body.instances).toMatchObject({ active: 3, listed });
    expect(await eventsOf(license.id)).toEqual(events);
    const strict = await reissue(license.id, { unproven_hours: 0 }, "?dry_run=true");
    expect(strict.body.instances.listed[0]).toMatchObject({ refused_with: "LICENSE_KEY_SUPERSEDED" });
    expect(await activate(license_key, "another")).toMatchObject({ status: 200 });

    const done = await reissue(license.id);
    expect(done.body).toMatchObject({ license: { revision: 2 }, instances: { active: 4 } });
    expect(done.body.license_key).not.toBe(license_key);
  });

  it("frees in the same batch those that are named: the thief is out, with his certificate, too", async () => {
    const { license, license_key, honest, thief } = await leaked();
    const dry = await reissue(license.id, { free: [thief.activation_id] }, "?dry_run=true");
    expect(dry.body.instances.listed[0]).toMatchObject({ instance_id: "thief", freed: true });
    expect((await checkIn(license_key, "thief", thief.certificate)).status).toBe(200);

    const done = await reissue(license.id, { free: [thief.activation_id, thief.activation_id] });
    expect(done.body.instances).toMatchObject({ active: 1, listed: [{ instance_id: "honest" }] });
    const told = (await eventsOf(license.id)).slice(-2);
    expect(told.map(({ action }) => action)).toEqual(["license.reissued", "activation.ended"]);
    const { code } = (await checkIn(license_key, "thief", thief.certificate)).body;
    expect(code).toBe("LICENSE_KEY_SUPERSEDED");
    expect(await activate(license_key, "thief")).toMatchObject(SUPERSEDED);
    const over = await checkIn(license_key, "honest", honest.certificate);
    expect(over).toMatchObject({ status: 200, body: { license_key: done.body.license_key } });
  });

  it("marks the seat of a file as freed: it counts until the file ends", async () => {
    const { license, license_key } = await newLicense({ max_instances: 1 });
    const request = { license_key, instance_id: "island" };
    const made = await admin(`/licenses/${license.id}/offline-activations`, {
      body: { request, lease_days: 30 },
    });
    const done = await reissue(license.id, { free: [made.body.activation_id] });
    expect(done.body.instances.listed).toMatchObject([{ instance_id: "island", offline: true, freed: true }]);
    expect(await activate(done.body.license_key, "b")).toMatchObject({ status: 403 });
    setTime(NOW + 30 * DAY);
    expect(await activate(done.body.license_key, "b")).toMatchObject({ status: 200 });
  });

  it("of unknown or foreign activations, or of those that ended, is refused, and nothing is written", async () => {
    const { license, honest, thief } = await leaked();
    const other = await leaked();
    await admin(`/activations/${honest.activation_id}`, { method: "DELETE" });
    const before = await eventsOf(license.id);
    for (const strange of ["act_none", other.thief.activation_id, honest.activation_id, "'", license.id]) {
      for (const query of ["", "?dry_run=true"]) {
        expect(await reissue(license.id, { free: [thief.activation_id, strange] }, query)).toMatchObject({
          status: 422,
          body: { code: "REQUEST_INVALID", errors: [{ path: "free.1" }] },
        });
      }
    }
    expect(await eventsOf(license.id)).toEqual(before);
    expect((await admin(`/licenses/${license.id}`)).body.revision).toBe(1);
    expect((await admin(`/activations/${thief.activation_id}`)).body.active).toBe(true);
    expect((await admin(`/activations/${other.thief.activation_id}`)).body.active).toBe(true);
  });

  it.each([
    ["free", { free: "act_x" }],
    ["free.0", { free: [""] }],
    ["free.0", { free: [null] }],
    ["free", { free: Array.from({ length: 1_001 }, (_, n) => `act_${n}`) }],
    ["unproven_hours", { unproven_hours: -1 }],
    ["unproven_hours", { unproven_hours: 337 }],
    ["unproven_hours", { unproven_hours: 1.5 }],
    ["unproven_hours", { unproven_hours: null }],
    ["reason", { reason: "" }],
    ["force", { force: true }],
  ])("is refused for its %s", async (path, more) => {
    const { license } = await newLicense();
    const refused = await reissue(license.id, more);
    expect([refused.status, refused.body.errors[0].path]).toEqual([422, path]);
    expect(await eventsOf(license.id)).toHaveLength(1);
  });

  it("is not for a viewer, a dry run either", async () => {
    const { license, thief } = await leaked();
    const { token } = await newToken({ role: "viewer" });
    for (const query of ["", "?dry_run=true"]) {
      const options = { token };
      expect((await reissue(license.id, { free: [thief.activation_id] }, query, options)).status).toBe(403);
    }
  });

  it("of a revoked license is refused, in a dry run as well", async () => {
    const { license } = await newLicense();
    await admin(`/licenses/${license.id}/revoke`, { body: { reason: "x" } });
    for (const query of ["", "?dry_run=true"]) {
      expect(await reissue(license.id, {}, query)).toMatchObject({
        status: 409,
        body: { code: "INVALID_TRANSITION" },
      });
    }
  });

  it("frees once, however many come at once: who is late names a seat that is gone", async () => {
    const { license, thief } = await leaked();
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => reissue(license.id, { free: [thief.activation_id] })),
    );
    const statuses = answers.map(({ status }) => status).toSorted();
    expect(statuses).toEqual([200, ...Array.from({ length: 7 }, () => 422)]);
    expect((await admin(`/licenses/${license.id}`)).body.revision).toBe(2);
    const ended = (await eventsOf(license.id)).filter(({ action }) => action === "activation.ended");
    expect(ended).toHaveLength(1);
  });

  it.each([1, 2, 3])(
    "frees nobody and keeps the key where a named one ends before request %i to the database",
    async (step) => {
      const { license, license_key, honest, thief } = await leaked();
      const { bindings } = faulty(async (request) => {
        if (request === step) await endThief(license_key, thief.certificate);
        return null;
      });
      const free = [honest.activation_id, thief.activation_id];
      const answer = await reissue(license.id, { free }, "", { bindings });
      expect(answer).toMatchObject({ status: 422, body: { code: "REQUEST_INVALID" } });
      expect((await admin(`/licenses/${license.id}`)).body.revision).toBe(1);
      expect((await admin(`/activations/${honest.activation_id}`)).body.ended_at).toBeNull();
    },
  );

  it("costs the same where a license has a thousand events", async () => {
    const costs: number[] = [];
    for (const happened of [0, 1_000]) {
      const { license, thief } = await leaked();
      await rows(
        `INSERT INTO events (at, action, entity_type, entity_id, actor_type, actor_id, request_id, detail)
         SELECT ?, 'license.key_revealed', 'license', ?, 'staff', 'x', 'x', '{}' FROM json_each(?)`,
        NOW,
        license.id,
        JSON.stringify(Array.from({ length: happened }, (_, n) => n)),
      );
      const { bindings, cost } = metered();
      const done = await reissue(license.id, { free: [thief.activation_id] }, "", { bindings });
      expect(done.status).toBe(200);
      costs.push(cost.read);
    }
    expect(Math.abs(costs[1]! - costs[0]!)).toBeLessThan(20);
  });
});

describe("instances without proof, after a reissue", () => {
  const until = async (id: string): Promise<unknown> =>
    (await rows("SELECT unproven_until FROM licenses WHERE id = ?", id))[0]!["unproven_until"];

  it.each([
    [undefined, 72],
    [1, 1],
    [336, 336],
  ])(
    "are renewed by the replaced key for a while, without the new one: %s",
    async (unproven_hours, hours) => {
      const { license, license_key, honest } = await leaked();
      setTime(NOW + 2 * HOUR);
      await reissue(license.id, { unproven_hours });
      expect(await until(license.id)).toBe(NOW + (2 + hours) * HOUR);
      const renewed = await checkIn(license_key, "honest");
      expect(renewed).toMatchObject({ status: 200, body: { license_key } });
      expect(Date.parse(renewed.body.lease_expires_at)).toBeLessThanOrEqual(NOW + (2 + hours) * HOUR);
      expect(await activate(license_key, "another")).toMatchObject(SUPERSEDED);
      setTime(NOW + (2 + hours) * HOUR);
      expect(await checkIn(license_key, "honest")).toMatchObject(SUPERSEDED);
      const over = await checkIn(license_key, "honest", honest.certificate);
      expect(over.status).toBe(200);
      expect(over.body.license_key).not.toBe(license_key);
    },
  );

  it("are refused at once with 0 hours, also where an earlier reissue gave some", async () => {
    const { license, license_key } = await leaked();
    await reissue(license.id);
    expect((await checkIn(license_key, "honest")).status).toBe(200);
    await reissue(license.id, { unproven_hours: 0 });
    expect(await until(license.id)).toBeNull();
    expect(await checkIn(license_key, "honest")).toMatchObject(SUPERSEDED);
  });
});

describe("the console", () => {
  const path = (id: string): string => `/admin/licenses/${id}/reissue`;

  it("lists the seats with a box for each, and frees those that are ticked", async () => {
    const { license, license_key, thief, honest } = await leaked();
    const visitor = await Visitor.signInAs("manager");
    const form = await visitor.get(path(license.id));
    for (const told of ["2 instances hold a seat", "lair, 203.0.113.9", "berlin, 192.0.2.1", "with proof"]) {
      expect(form.text).toContain(told);
    }
    const boxes = form.html.match(/<input type="checkbox" name="free"[^>]*>/g)!;
    expect(boxes).toHaveLength(2);
    for (const box of boxes) expect(box).not.toContain("checked");
    const values = { reason: "It leaked.", free: thief.activation_id, unproven_hours: "0" };
    const done = await visitor.submit(form, values);
    expect(done.location).toBe(`/admin/licenses/${license.id}/key?done=reissued`);
    expect((await admin(`/activations/${thief.activation_id}`)).body).toMatchObject({ ended_by: "staff" });
    expect((await admin(`/activations/${honest.activation_id}`)).body).toMatchObject({ active: true });
    expect(await checkIn(license_key, "honest")).toMatchObject(SUPERSEDED);
  });

  it("says which box is of a seat that is gone, and keeps what was ticked", async () => {
    const { license, thief, honest } = await leaked();
    const visitor = await Visitor.signIn();
    const form = await visitor.get(path(license.id));
    await admin(`/activations/${thief.activation_id}`, { method: "DELETE" });
    const page = await visitor.submit(form, {
      reason: "It leaked.",
      free: [honest.activation_id, thief.activation_id],
    });
    expect(page.status).toBe(422);
    expect(page.text).toContain("Is no activation that holds a seat of this license");
    expect(page.html).toMatch(new RegExp(`value="${honest.activation_id}" checked`));
    expect((await admin(`/licenses/${license.id}`)).body.revision).toBe(1);
  });

  it("says where nobody runs", async () => {
    const { license } = await newLicense();
    const visitor = await Visitor.signIn();
    expect((await visitor.get(path(license.id))).text).toContain("No instance holds a seat now.");
    const done = await visitor.fill(path(license.id), { reason: "It leaked." });
    expect(done.text).toContain("The key is replaced");
  });
});

it("an installation without a network goes over by its key, unless it is freed", async () => {
  const { license, license_key } = await newLicense();
  const { publicKey, privateKey } = await generateKeyPair("EdDSA", { crv: "Ed25519" });
  const { kty, crv, x } = await exportJWK(publicKey);
  const proof = await new CompactSign(
    new TextEncoder().encode(JSON.stringify({ instance_id: "island", nonce: "n", iat: 0 })),
  )
    .setProtectedHeader({ alg: "EdDSA", typ: "activation-request+jwt" })
    .sign(privateKey);
  const request = { license_key, instance_id: "island", public_key: { kty, crv, x }, nonce: "n", proof };
  const handIn = () => admin(`/licenses/${license.id}/offline-activations`, { body: { request } });
  expect((await handIn()).status).toBe(200);
  const { license_key: next } = (await reissue(license.id, { unproven_hours: 0 })).body;
  expect(await handIn()).toMatchObject({ status: 200, body: { license_key: next } });
});
