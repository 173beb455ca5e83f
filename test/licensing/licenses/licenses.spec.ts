import { describe, expect, it } from "vitest";
import { DAY, setTime } from "../../support/clock.ts";
import { dissect, verifyPublished } from "../../support/documents.ts";
import { admin, eventsOf, newCustomer, newLicense, rows, unique } from "../../support/service.ts";

describe("issuing a license", () => {
  it("takes what is left out from the license type", async () => {
    setTime("2026-03-01T10:00:00.789Z");
    const customer = await newCustomer();
    const answer = await admin("/licenses", {
      body: { customer_id: customer.id, license_type: "professional" },
    });
    expect(answer.status).toBe(201);
    const { data: types } = (await admin("/license-types")).body;
    const type = types.find((candidate: { id: string }) => candidate.id === "professional");
    expect(answer.body.license).toEqual({
      id: expect.stringMatching(/^lic_[0-9A-Z]{26}$/),
      customer_id: customer.id,
      license_type: "professional",
      status: "active",
      standing: "active",
      revision: 1,
      issued_at: "2026-03-01T10:00:00.000Z",
      starts_at: null,
      expires_at: "2027-03-01T10:00:00.000Z",
      grace_days: type.grace_days,
      grace_until: "2027-03-15T10:00:00.000Z",
      lease_days: type.lease_days,
      check_in_hours: type.check_in_hours,
      features: type.features,
      max_instances: type.max_instances,
      max_services: type.max_services,
      max_requests_per_day: type.max_requests_per_day,
      unproven_lease_hours: type.unproven_lease_hours,
      clone_policy: type.clone_policy,
      updates_until: null,
      entitlements: {},
      metadata: {},
      updated_at: "2026-03-01T10:00:00.789Z",
      notice_days: null,
      notes: null,
      tags: [],
    });
  });

  it("lets the request override every term", async () => {
    const terms = {
      expires_at: "2031-12-31",
      starts_at: "2031-01-01",
      grace_days: 0,
      features: ["sso", "custom:feature"],
      max_instances: 7,
      max_services: null,
      max_requests_per_day: 12,
      metadata: { order: "PO-77", nested: { deep: [1, null] } },
    };
    const { license } = await newLicense(terms);
    expect(license).toMatchObject({
      ...terms,
      starts_at: "2030-12-31T10:00:00.000Z",
      expires_at: "2032-01-01T12:00:00.000Z",
      grace_until: "2032-01-01T12:00:00.000Z",
      standing: "scheduled",
    });
    expect((await admin(`/licenses/${license.id}`)).body).toEqual(license);
  });

  it.each([
    [{ expires_days: 1 }, "2026-03-02T10:00:00.000Z"],
    [{ expires_days: 365 }, "2027-03-01T10:00:00.000Z"],
    [{ expires_at: "2027-01-31" }, "2027-02-01T12:00:00.000Z"],
    [{ expires_at: "2027-01-31T10:00:00+02:00" }, "2027-01-31T08:00:00.000Z"],
    [{ expires_at: "2027-01-31T10:00:00.001Z" }, "2027-01-31T10:00:01.000Z"],
    [{ expires_at: null }, null],
    [{}, "2027-03-01T10:00:00.000Z"],
  ])("%j ends at %s", async (input, expires_at) => {
    setTime("2026-03-01T10:00:00.000Z");
    const { license } = await newLicense(input);
    expect(license.expires_at).toBe(expires_at);
  });

  it("records who issued what, and nothing secret", async () => {
    const { license, license_key } = await newLicense();
    const [event, ...more] = await eventsOf(license.id);
    expect(event).toMatchObject({ action: "license.issued", actor_type: "staff", actor_id: "ADMIN_TOKEN" });
    expect(JSON.parse(event!.detail).after).toMatchObject({ id: license.id, license_type: "standard" });
    expect(event!.detail).not.toContain(license_key);
    expect(more).toEqual([]);
  });

  it("stores no key", async () => {
    const { license, license_key } = await newLicense();
    const [row] = await rows("SELECT * FROM licenses WHERE id = ?", license.id);
    const signature = license_key.split(".")[2];
    expect(JSON.stringify(row)).not.toContain(signature);
  });

  it("refuses an unknown customer and an unknown type", async () => {
    const customer = await newCustomer();
    const nobody = await admin("/licenses", { body: { customer_id: "nobody", license_type: "standard" } });
    expect(nobody).toMatchObject({ status: 404, body: { code: "CUSTOMER_NOT_FOUND" } });
    const typeless = await admin("/licenses", { body: { customer_id: customer.id, license_type: "golden" } });
    expect(typeless).toMatchObject({
      status: 422,
      body: { code: "REQUEST_INVALID", errors: [{ path: "license_type" }] },
    });
  });

  it.each([
    ["customer_id", { customer_id: undefined }],
    ["license_type", { license_type: undefined }],
    ["expires_days", { expires_days: 0 }],
    ["expires_days", { expires_days: -1 }],
    ["expires_days", { expires_days: 1.5 }],
    ["expires_days", { expires_days: "30" }],
    ["expires_days", { expires_days: 36_501 }],
    ["expires_at", { expires_at: "2027-02-30" }],
    ["expires_at", { expires_at: 1_800_000_000 }],
    ["expires_at", { expires_at: "2020-01-01" }],
    ["expires_at", { expires_at: "2031-01-01", expires_days: 30 }],
    ["expires_at", { expires_at: "2031-01-01", starts_at: "2031-06-01" }],
    ["starts_at", { starts_at: "soon" }],
    ["grace_days", { grace_days: -1 }],
    ["features", { features: "sso" }],
    ["features", { features: ["sso", "sso"] }],
    ["features.0", { features: [""] }],
    ["features.1", { features: ["sso", "<script>"] }],
    ["max_instances", { max_instances: 0 }],
    ["max_services", { max_services: -5 }],
    ["max_requests_per_day", { max_requests_per_day: 1e300 }],
    ["metadata", { metadata: "x" }],
    ["metadata", { metadata: { long: "x".repeat(9_000) } }],
    ["max_instance", { max_instance: 3 }],
  ])("refuses a bad %s: %j", async (path, input) => {
    const customer = await newCustomer();
    const body = { customer_id: customer.id, license_type: "standard", ...input };
    const answer = await admin("/licenses", { body });
    expect(answer).toMatchObject({ status: 422, body: { code: "REQUEST_INVALID" } });
    expect(answer.body.errors.map((error: { path: string }) => error.path)).toContain(path);
    expect(await rows("SELECT 1 FROM licenses WHERE customer_id = ?", customer.id)).toEqual([]);
  });
});

describe("the license key", () => {
  it("says what the license says, verified with the published keys only", async () => {
    setTime("2026-03-01T10:00:00.789Z");
    const { license, license_key } = await newLicense({ starts_at: "2026-01-01", expires_days: 10 });
    const { payload, protectedHeader } = await verifyPublished(license_key, "license+jwt");
    expect(protectedHeader).toEqual({ alg: "EdDSA", typ: "license+jwt", kid: expect.any(String) });
    expect(payload).toEqual({
      iss: "http://localhost:8787",
      sub: license.customer_id,
      jti: license.id,
      iat: Date.parse("2026-03-01T10:00:00Z") / 1000,
      nbf: Date.parse("2025-12-31T10:00:00Z") / 1000,
      exp: Date.parse("2026-03-11T10:00:00Z") / 1000,
      license_type: "standard",
      features: license.features,
      max_instances: 2,
      max_services: 10,
      max_requests_per_day: 10_000,
      rev: 1,
    });
  });

  it("has neither nbf nor exp where the license has neither start nor end", async () => {
    const { license_key } = await newLicense({ expires_at: null, max_instances: null });
    const { payload } = await verifyPublished(license_key, "license+jwt");
    expect(payload).not.toHaveProperty("nbf");
    expect(payload).not.toHaveProperty("exp");
    expect(payload).toMatchObject({ max_instances: null });
  });

  it("ends for a verifier exactly when the license does", async () => {
    setTime("2026-03-01T10:00:00.999Z");
    const { license, license_key } = await newLicense({ expires_days: 1 });
    const end = Date.parse(license.expires_at);
    setTime(end - 1);
    await expect(verifyPublished(license_key, "license+jwt")).resolves.toBeDefined();
    setTime(end);
    await expect(verifyPublished(license_key, "license+jwt")).rejects.toThrow(/exp/);
  });

  it("names a published key and nothing else in its header", async () => {
    const { license_key } = await newLicense();
    expect(Object.keys(dissect(license_key).header).toSorted()).toEqual(["alg", "kid", "typ"]);
  });
});

describe("reading licenses", () => {
  it("answers LICENSE_NOT_FOUND for an unknown id", async () => {
    expect(await admin("/licenses/lic_none")).toMatchObject({
      status: 404,
      body: { code: "LICENSE_NOT_FOUND" },
    });
  });

  it("derives the standing at the moment of reading", async () => {
    setTime("2026-03-01T10:00:00Z");
    const { license } = await newLicense({ expires_days: 40, grace_days: 2 });
    const seen = [];
    for (const days of [0, 10, 40, 42]) {
      setTime(Date.parse("2026-03-01T10:00:00Z") + days * DAY);
      seen.push((await admin(`/licenses/${license.id}`)).body.standing);
    }
    expect(seen).toEqual(["active", "expiring", "grace", "expired"]);
  });
});

describe("license types", () => {
  it("has the four seeded ones", async () => {
    const { body } = await admin("/license-types");
    expect(
      body.data.map((type: { id: string; duration_days: number }) => [type.id, type.duration_days]),
    ).toEqual(
      expect.arrayContaining([
        ["enterprise", 365],
        ["professional", 365],
        ["standard", 365],
        ["trial", 30],
      ]),
    );
  });

  it("reads one, and refuses an unknown one", async () => {
    expect((await admin("/license-types/trial")).body).toMatchObject({ id: "trial", duration_days: 30 });
    expect(await admin("/license-types/golden")).toMatchObject({ status: 404, body: { code: "NOT_FOUND" } });
  });
});

describe("customers", () => {
  it("creates one with a given id and reads it back", async () => {
    const id = unique("acme");
    const input = {
      id,
      name: " Ada Price ",
      email: "ada@acme.example",
      company: "Acme",
      metadata: { crm: 7 },
    };
    const answer = await admin("/customers", { body: input });
    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({ ...input, name: "Ada Price" });
    expect((await admin(`/customers/${id}`)).body).toEqual(answer.body);
    expect(await eventsOf(id)).toMatchObject([{ action: "customer.created" }]);
  });

  it("generates an id where none is given", async () => {
    const { body } = await admin("/customers", { body: { name: "Acme" } });
    expect(body).toMatchObject({
      id: expect.stringMatching(/^cus_[0-9A-Z]{26}$/),
      email: null,
      metadata: {},
    });
  });

  it("refuses an id that is taken, and records nothing", async () => {
    const { id } = await newCustomer({ name: "First" });
    const answer = await admin("/customers", { body: { id, name: "Second" } });
    expect(answer).toMatchObject({ status: 409, body: { code: "CONFLICT" } });
    expect((await admin(`/customers/${id}`)).body.name).toBe("First");
    expect(await eventsOf(id)).toHaveLength(1);
  });

  it.each([
    ["name", {}],
    ["name", { name: "   " }],
    ["name", { name: "two\nlines" }],
    ["name", { name: "x".repeat(201) }],
    ["id", { name: "A", id: "" }],
    ["id", { name: "A", id: "a/b" }],
    ["id", { name: "A", id: "x".repeat(65) }],
    // No address can end in them: whoever had one could not be read or changed any more.
    ["id", { name: "A", id: "." }],
    ["id", { name: "A", id: ".." }],
    ["email", { name: "A", email: "not an address" }],
    ["nickname", { name: "A", nickname: "B" }],
  ])("refuses a bad %s: %j", async (path, body) => {
    const answer = await admin("/customers", { body });
    expect(answer).toMatchObject({ status: 422, body: { errors: [{ path }] } });
  });

  it("lists them by id, page by page", async () => {
    const ids = [(await newCustomer()).id, (await newCustomer()).id].toSorted();
    const seen: string[] = [];
    let cursor = "";
    do {
      const { body } = await admin(`/customers?limit=100${cursor}`);
      seen.push(...body.data.map((customer: { id: string }) => customer.id));
      cursor = body.next_cursor === null ? "" : `&cursor=${body.next_cursor}`;
    } while (cursor !== "");
    expect(seen).toEqual(seen.toSorted());
    expect(seen).toEqual(expect.arrayContaining(ids));
    expect(await admin("/customers/none")).toMatchObject({
      status: 404,
      body: { code: "CUSTOMER_NOT_FOUND" },
    });
  });
});
