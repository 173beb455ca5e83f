import { beforeAll, describe, expect, it } from "vitest";
import { TRANSITIONS } from "../../../src/licensing/licenses/decisions.ts";
import { DAY, setTime } from "../../support/clock.ts";
import { verifyPublished } from "../../support/documents.ts";
import { activate, admin, eventsOf, newCustomer, newLicense, rows, validate } from "../../support/service.ts";

const NOW = Date.parse("2026-06-01T08:00:00.000Z");
const iso = (at: number): string => new Date(at).toISOString();

const BODIES: Record<string, object | undefined> = {
  renew: { expires_days: 30 },
  suspend: { reason: "not paid" },
  reinstate: undefined,
  revoke: { reason: "fraud" },
  reissue: { reason: "leaked" },
  transfer: { customer_id: "globex-lifecycle", reason: "sold" },
};

beforeAll(async () => {
  await newCustomer({ id: "globex-lifecycle" });
});

const act = (id: string, action: string, body: object | undefined = BODIES[action]) =>
  admin(`/licenses/${id}/${action}`, { method: "POST", ...(body ? { body } : {}) });

const change = (id: string, body: object, headers: Record<string, string> = {}) =>
  admin(`/licenses/${id}`, { method: "PATCH", body, headers });

async function licenseThatIs(status: string): Promise<{ id: string; license_key: string }> {
  const { license, license_key } = await newLicense();
  if (status !== "active") await act(license.id, status === "suspended" ? "suspend" : "revoke");
  return { id: license.id, license_key };
}

describe("the transitions of a license", () => {
  const cases = (["active", "suspended", "revoked"] as const).flatMap((status) =>
    ["renew", "suspend", "reinstate", "revoke", "reissue", "transfer", "change"].map(
      (action) => [status, action, (TRANSITIONS[status] as readonly string[]).includes(action)] as const,
    ),
  );

  it.each(cases)("%s: %s is allowed: %s", async (status, action, allowed) => {
    const { id } = await licenseThatIs(status);
    const before = await eventsOf(id);
    const answer = action === "change" ? await change(id, { max_instances: 77 }) : await act(id, action);
    if (allowed) {
      expect(answer.status).toBe(200);
      expect(await eventsOf(id)).toHaveLength(before.length + 1);
    } else {
      expect(answer).toMatchObject({
        status: 409,
        body: { code: "INVALID_TRANSITION", allowed_transitions: TRANSITIONS[status] },
      });
      expect(await eventsOf(id)).toEqual(before);
    }
  });

  it.each(Object.keys(BODIES))("%s of an unknown license is LICENSE_NOT_FOUND", async (action) => {
    expect(await act("lic_none", action)).toMatchObject({ status: 404, body: { code: "LICENSE_NOT_FOUND" } });
  });

  it.each([
    ["suspend", {}],
    ["suspend", { reason: "" }],
    ["revoke", { reason: 7 }],
    ["reissue", { reason: "x".repeat(501) }],
    ["renew", {}],
    ["renew", { expires_days: 0 }],
    ["renew", { expires_days: 1, expires_at: "2031-01-01" }],
    ["renew", { expires_at: "2020-01-01" }],
    ["revoke", { reason: "x", force: true }],
  ])("%s refuses %j", async (action, body) => {
    const { id } = await licenseThatIs("active");
    expect(await act(id, action, body)).toMatchObject({ status: 422, body: { code: "REQUEST_INVALID" } });
    expect(await eventsOf(id)).toHaveLength(1);
  });
});

describe("If-Match", () => {
  it.each(Object.keys(BODIES))("is honored by %s, with and without a dry run", async (action) => {
    const { id } = await licenseThatIs(action === "reinstate" ? "suspended" : "active");
    const before = (await admin(`/licenses/${id}`)).body;
    const etag = (await admin(`/licenses/${id}`)).headers.get("ETag")!;
    const send = (tag: string, query = "") =>
      admin(`/licenses/${id}/${action}${query}`, {
        method: "POST",
        body: BODIES[action] ?? {},
        headers: { "If-Match": tag },
      });
    expect(await send('"0-0"')).toMatchObject({ status: 412, body: { code: "PRECONDITION_FAILED" } });
    if (action !== "renew" && action !== "reinstate") {
      expect((await send('"0-0"', "?dry_run=true")).status).toBe(412);
    }
    expect((await admin(`/licenses/${id}`)).body).toEqual(before);
    expect((await send(etag)).status).toBe(200);
    expect((await send(etag)).status).toBe(412);
  });
});

describe("mail about a change", () => {
  it("is sent where that is asked for, and tells a customer what is theirs to know", async () => {
    const customer_id = (await newCustomer({ email: "it@acme.example" })).id;
    const { license } = await newLicense({ customer_id, max_instances: 3 });
    const messages = async () => (await admin(`/messages?license_id=${license.id}`)).body.data;
    await change(license.id, { max_instances: 4 });
    await change(license.id, { metadata: { po: "1" }, send_email: true });
    await change(license.id, { max_instances: 4, send_email: true });
    expect(await messages()).toEqual([]);
    await change(license.id, {
      max_instances: 5,
      features: ["sso"],
      updates_until: "2098-01-31",
      send_email: true,
    });
    const [message] = await messages();
    expect(message).toMatchObject({ kind: "license_changed", recipient: "it@acme.example", customer_id });
    const { preview } = (await admin(`/messages/${message.id}`)).body;
    for (const part of ["Instances", "4 → 5", "Features", "→ sso", "at any time → through 31 January 2098"]) {
      expect(preview.text).toContain(part);
    }
    expect(preview.attachments).toEqual([]);
    expect(preview.text).not.toContain("→ {");
  });

  it("is refused where there is no address, and nothing changes", async () => {
    const { license } = await newLicense();
    expect(await change(license.id, { max_instances: 9, send_email: true })).toMatchObject({
      status: 422,
      body: { errors: [{ path: "send_email" }] },
    });
    expect((await admin(`/licenses/${license.id}`)).body).toEqual(license);
  });
});

describe("suspension and reinstatement", () => {
  it("are seen by the next activation and validation at once, and recorded with their reason", async () => {
    const { license, license_key } = await newLicense();
    await activate(license_key, "a");
    const suspended = await act(license.id, "suspend", { reason: "Invoice 4711" });
    expect(suspended.body).toMatchObject({ status: "suspended", standing: "suspended" });
    expect(await activate(license_key, "a")).toMatchObject({
      status: 403,
      body: { code: "LICENSE_SUSPENDED" },
    });
    expect((await validate(license_key)).body).toMatchObject({ valid: false, code: "LICENSE_SUSPENDED" });
    expect((await act(license.id, "reinstate")).body).toMatchObject({ status: "active" });
    expect(await activate(license_key, "a")).toMatchObject({ status: 200 });
    const [, , event] = await eventsOf(license.id);
    expect(event).toMatchObject({ action: "license.suspended" });
    expect(JSON.parse(event!.detail)).toEqual({
      changes: { status: { from: "active", to: "suspended" } },
      reason: "Invoice 4711",
    });
  });
});

describe("revocation", () => {
  it("is final", async () => {
    const { license, license_key } = await newLicense();
    expect((await act(license.id, "revoke")).body).toMatchObject({ status: "revoked", standing: "revoked" });
    expect(await activate(license_key, "a")).toMatchObject({
      status: 403,
      body: { code: "LICENSE_REVOKED" },
    });
    expect(await act(license.id, "reinstate")).toMatchObject({
      status: 409,
      body: { allowed_transitions: [] },
    });
  });
});

describe("renewal", () => {
  it.each([
    ["before the end: from the end", 30, 40],
    ["in the last second: from the end", 10 - 1 / 86_400, 40],
    ["at the end: from then", 10, 40],
    ["after the end: from now", 100, 130],
  ])("%s", async (_, atDay, endDay) => {
    setTime(NOW);
    const { license } = await newLicense({ expires_days: 10 });
    const early = atDay === 30;
    setTime(NOW + (early ? 0 : atDay * DAY));
    const { status, body } = await act(license.id, "renew", { expires_days: 30 });
    expect(status).toBe(200);
    expect(body.license.expires_at).toBe(iso(NOW + endDay * DAY));
  });

  it("reaches an instance that still holds the old key", async () => {
    setTime(NOW);
    const { license, license_key } = await newLicense({ expires_days: 1, grace_days: 0 });
    setTime(NOW + 2 * DAY);
    expect(await activate(license_key, "a")).toMatchObject({ body: { code: "LICENSE_EXPIRED" } });
    const renewed = await act(license.id, "renew", { expires_at: "2026-12-31" });
    const { body } = await activate(license_key, "a");
    expect(body).toMatchObject({ status: "activated", expires_at: "2027-01-01T12:00:00.000Z" });
    expect(body.license_key).toBe(renewed.body.license_key);
    const { payload } = await verifyPublished(body.license_key, "license+jwt");
    expect(payload).toMatchObject({ exp: Date.parse("2027-01-01T12:00:00Z") / 1000, rev: 1 });
  });

  it("never makes a license shorter, and a perpetual one needs none", async () => {
    const { license } = await newLicense({ expires_at: "2031-12-31" });
    expect(await act(license.id, "renew", { expires_at: "2031-12-31" })).toMatchObject({ status: 422 });
    expect((await act(license.id, "renew", { expires_at: null })).body.license.expires_at).toBeNull();
    expect(await act(license.id, "renew")).toMatchObject({
      status: 409,
      body: { code: "INVALID_TRANSITION" },
    });
  });

  it("of 20 at the same moment: each counts once", async () => {
    setTime(NOW);
    const { license } = await newLicense({ expires_days: 10 });
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => act(license.id, "renew", { expires_days: 1 })),
    );
    const done = answers.filter((answer) => answer.status === 200).length;
    expect(answers.every((answer) => [200, 409].includes(answer.status))).toBe(true);
    expect(done).toBeGreaterThan(0);
    const { body } = await admin(`/licenses/${license.id}`);
    expect(body.expires_at).toBe(iso(NOW + (10 + done) * DAY));
    expect((await eventsOf(license.id)).filter((event) => event.action === "license.renewed")).toHaveLength(
      done,
    );
  });
});

describe("with its end a license keeps", () => {
  const kept = async (id: string) =>
    (await rows("SELECT term_began_at, signed_until FROM licenses WHERE id = ?", id))[0];

  it("when the term to that end began: where the last one ended, or now", async () => {
    setTime(NOW);
    const end = NOW + 10 * DAY;
    const { id } = (await newLicense({ expires_at: iso(end), grace_days: 0 })).license;
    expect(await kept(id)).toMatchObject({ term_began_at: null });
    await act(id, "renew", { expires_days: 30 });
    expect(await kept(id)).toMatchObject({ term_began_at: end });
    // Shorter: the term that was to begin then is the present one.
    await change(id, { expires_at: iso(end + DAY) });
    expect(await kept(id)).toMatchObject({ term_began_at: NOW });
    const later = NOW + 90 * DAY;
    setTime(later);
    await act(id, "renew", { expires_days: 20 });
    expect(await kept(id)).toMatchObject({ term_began_at: later });
  });

  it("until when documents hold that were signed for a later one, however often it is shortened", async () => {
    setTime(NOW);
    const end = NOW + 50 * DAY;
    const { id } = (await newLicense({ expires_at: iso(end), grace_days: 5 })).license;
    await change(id, { expires_at: iso(end + DAY) });
    expect(await kept(id)).toMatchObject({ signed_until: null });
    for (const days of [30, 10]) {
      await change(id, { expires_at: iso(NOW + days * DAY) });
      expect(await kept(id)).toMatchObject({ signed_until: end + 6 * DAY });
    }
    await change(id, { expires_at: iso(end + 90 * DAY) });
    expect(await kept(id)).toMatchObject({ signed_until: end + 6 * DAY });
  });
});

describe("reissue", () => {
  it("gives a key of the next revision and refuses the older one", async () => {
    const { license, license_key } = await newLicense();
    const { status, body } = await act(license.id, "reissue");
    expect(status).toBe(200);
    expect(body.license.revision).toBe(2);
    expect((await verifyPublished(body.license_key, "license+jwt")).payload).toMatchObject({ rev: 2 });
    expect(await activate(license_key, "a")).toMatchObject({ body: { code: "LICENSE_KEY_SUPERSEDED" } });
    expect(await activate(body.license_key, "a")).toMatchObject({ status: 200 });
  });
});

describe("changing terms", () => {
  it("changes what is given and records from and to", async () => {
    const { license, license_key } = await newLicense();
    const { status, body } = await change(license.id, {
      max_instances: 9,
      features: ["sso"],
      expires_at: null,
    });
    expect(status).toBe(200);
    expect(body).toMatchObject({ max_instances: 9, features: ["sso"], expires_at: null, max_services: 10 });
    const [, event] = await eventsOf(license.id);
    expect(JSON.parse(event!.detail).changes).toEqual({
      max_instances: { from: 2, to: 9 },
      features: { from: license.features, to: ["sso"] },
      expires_at: { from: Date.parse(license.expires_at), to: null },
    });
    expect((await activate(license_key, "a")).body).toMatchObject({ max_instances: 9, expires_at: null });
  });

  it("does nothing, and records nothing, where nothing is different", async () => {
    const { license } = await newLicense();
    expect((await change(license.id, { max_instances: 2 })).status).toBe(200);
    expect(await eventsOf(license.id)).toHaveLength(1);
  });

  it("can end a license early", async () => {
    const { license, license_key } = await newLicense({ grace_days: 0 });
    expect((await change(license.id, { expires_at: "2026-01-01" })).body.standing).toBe("expired");
    expect(await activate(license_key, "a")).toMatchObject({ body: { code: "LICENSE_EXPIRED" } });
  });

  it("can be set to last as long as a calendar with four digits does", async () => {
    const { license } = await newLicense();
    const ends = { expires_at: "9999-12-31T23:59:59.000Z", grace_until: "9999-12-31T23:59:59.000Z" };
    expect(await change(license.id, { expires_at: "9999-12-31" })).toMatchObject({ status: 200, body: ends });
    const begins = await change(license.id, { starts_at: "1970-01-01" });
    expect(begins).toMatchObject({ status: 200, body: { starts_at: "1970-01-01T00:00:00.000Z" } });
  });

  it.each([
    [{ max_instances: 0 }],
    [{ starts_at: "2031-01-01", expires_at: "2030-01-01" }],
    [{ expires_at: "1970-01-01T00:00:00Z" }],
    [{ license_type: "golden" }],
    [{ status: "revoked" }],
    [{ customer_id: "somebody-else" }],
    [{ revision: 7 }],
  ])("refuses %j", async (body) => {
    const { license } = await newLicense();
    expect(await change(license.id, body)).toMatchObject({ status: 422, body: { code: "REQUEST_INVALID" } });
    expect(await eventsOf(license.id)).toHaveLength(1);
  });
});

describe("ETag and If-Match", () => {
  it("let a change through only from the state that the caller saw", async () => {
    const { license } = await newLicense();
    const seen = (await admin(`/licenses/${license.id}`)).headers.get("ETag")!;
    const first = await change(license.id, { max_instances: 3 }, { "If-Match": seen });
    expect(first.status).toBe(200);
    expect(first.headers.get("ETag")).not.toBe(seen);
    const second = await change(license.id, { max_instances: 4 }, { "If-Match": seen });
    expect(second).toMatchObject({ status: 412, body: { code: "PRECONDITION_FAILED" } });
    const etag = first.headers.get("ETag")!;
    expect((await change(license.id, { max_instances: 4 }, { "If-Match": `"x", ${etag}` })).status).toBe(200);
    expect((await change(license.id, { max_instances: 5 }, { "If-Match": "*" })).status).toBe(200);
  });

  it("of 10 at once from the same state, let exactly one through", async () => {
    const { license } = await newLicense();
    const seen = (await admin(`/licenses/${license.id}`)).headers.get("ETag")!;
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, n) =>
        change(license.id, { max_instances: 10 + n }, { "If-Match": seen }),
      ),
    );
    expect(answers.map((answer) => answer.status).toSorted()).toEqual([
      200,
      ...Array.from({ length: 9 }, () => 412),
    ]);
  });
});

describe("a dry run", () => {
  it("tells whom a suspension would stop, and writes nothing", async () => {
    const { license, license_key } = await newLicense();
    const { body: activation } = await activate(license_key, "a", { hostname: "host-a" });
    const { status, body } = await admin(`/licenses/${license.id}/suspend?dry_run=true`, {
      body: { reason: "x" },
    });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      dry_run: true,
      license: { status: "suspended", standing: "suspended" },
      changes: { status: { from: "active", to: "suspended" } },
      instances: {
        active: 1,
        listed: [
          {
            activation_id: activation.activation_id,
            instance_id: "a",
            hostname: "host-a",
            lease_expires_at: activation.lease_expires_at,
            refused_with: "LICENSE_SUSPENDED",
          },
        ],
      },
      limits: [],
    });
    expect((await admin(`/licenses/${license.id}`)).body.status).toBe("active");
    expect(await eventsOf(license.id)).toHaveLength(2);
  });

  it("tells which limit a change would exceed", async () => {
    const { license, license_key } = await newLicense();
    for (const instance of ["a", "b"]) await activate(license_key, instance);
    const { body } = await admin(`/licenses/${license.id}?dry_run=true`, {
      method: "PATCH",
      body: { max_instances: 1 },
    });
    expect(body).toMatchObject({
      changes: { max_instances: { from: 2, to: 1 } },
      instances: { active: 2, listed: [{ refused_with: null }, { refused_with: null }] },
      limits: [{ limit: "max_instances", allowed: 1, observed: 2 }],
    });
    expect((await admin(`/licenses/${license.id}`)).body.max_instances).toBe(2);
  });

  it("refuses what the change itself would refuse", async () => {
    const { id } = await licenseThatIs("revoked");
    const answer = await admin(`/licenses/${id}/revoke?dry_run=true`, { body: { reason: "x" } });
    expect(answer).toMatchObject({ status: 409, body: { code: "INVALID_TRANSITION" } });
    const bad = await admin(`/licenses/${id}/suspend?dry_run=perhaps`, { body: { reason: "x" } });
    expect(bad).toMatchObject({ status: 422 });
    const { license } = await newLicense();
    const wanted = { method: "PATCH", body: { license_type: "none-such" } };
    for (const query of ["?dry_run=true", ""]) {
      expect(await admin(`/licenses/${license.id}${query}`, wanted)).toMatchObject({
        status: 422,
        body: { errors: [{ path: "license_type" }] },
      });
    }
  });
});

describe("revealing a key", () => {
  it("gives the current key and is recorded", async () => {
    const { license, license_key } = await newLicense();
    expect((await admin(`/licenses/${license.id}/key`)).body).toEqual({ license_key });
    expect((await eventsOf(license.id)).map((event) => event.action)).toEqual([
      "license.issued",
      "license.key_revealed",
    ]);
    const [row] = await rows<{ detail: string }>(
      "SELECT detail FROM events WHERE action = 'license.key_revealed' ORDER BY id DESC",
    );
    expect(row!.detail).not.toContain(license_key.slice(-20));
  });
});
