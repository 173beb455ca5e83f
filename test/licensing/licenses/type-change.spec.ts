// Another type for a license: what of its terms comes from that type, and what stays.
import { beforeAll, describe, expect, it } from "vitest";
import { activate, admin, checkIn, eventsOf, newLicense, unique } from "../../support/service.ts";

const TERMS = {
  grace_days: 9,
  lease_days: 8,
  check_in_hours: 7,
  features: ["api", "vip"],
  max_instances: 6,
  max_services: null,
  max_requests_per_day: 5,
  unproven_lease_hours: 4,
  clone_policy: "refuse",
};

const OWN = {
  grace_days: 3,
  features: ["own"],
  max_instances: 1,
  max_services: 2,
  max_requests_per_day: null,
  notice_days: [5],
  unproven_lease_hours: 24,
  clone_policy: "warn",
  metadata: { po: "4711" },
  expires_at: "2027-06-30",
};

let type = "";

beforeAll(async () => {
  type = unique("type");
  const body = { name: "Other", duration: "P1M", notice_days: [2], ...TERMS };
  const answer = await admin(`/license-types/${type}`, { method: "PUT", body });
  if (answer.status !== 201) throw new Error(answer.text);
});

const change = (id: string, body: object, query = "") =>
  admin(`/licenses/${id}${query}`, { method: "PATCH", body });

describe("a change of the type", () => {
  it("must say which terms count, and changes nothing otherwise", async () => {
    const { license } = await newLicense(OWN);
    for (const query of ["", "?dry_run=true"]) {
      expect(await change(license.id, { license_type: type }, query)).toMatchObject({
        status: 422,
        body: { code: "REQUEST_INVALID", errors: [{ path: "terms" }] },
      });
      expect(await change(license.id, { license_type: type, terms: "both" }, query)).toMatchObject({
        status: 422,
        body: { errors: [{ path: "terms" }] },
      });
      expect(await change(license.id, { terms: "type" }, query)).toMatchObject({
        status: 422,
        body: { errors: [{ path: "terms" }] },
      });
    }
    expect((await admin(`/licenses/${license.id}`)).body).toEqual(license);
    expect(await eventsOf(license.id)).toHaveLength(1);
  });

  it("with terms type takes every term of the type, and leaves the end, the references and the key", async () => {
    const { license } = await newLicense(OWN);
    const { status, body } = await change(license.id, { license_type: type, terms: "type" });
    expect(status).toBe(200);
    expect(body).toEqual({
      ...license,
      ...TERMS,
      license_type: type,
      notice_days: null,
      grace_until: "2027-07-10T12:00:00.000Z",
      updated_at: expect.any(String),
    });
  });

  it("with terms keep changes the name alone", async () => {
    const { license } = await newLicense(OWN);
    const { status, body } = await change(license.id, { license_type: type, terms: "keep" });
    expect(status).toBe(200);
    expect(body).toEqual({ ...license, license_type: type, updated_at: expect.any(String) });
  });

  it.each(["type", "keep"])("with terms %s lets members of the request win", async (terms) => {
    const { license } = await newLicense(OWN);
    const given = {
      max_instances: null,
      features: ["given"],
      grace_days: 1,
      notice_days: [1],
      expires_at: null,
      lease_days: 2,
    };
    const { body } = await change(license.id, { license_type: type, terms, ...given });
    expect(body).toMatchObject({ ...given, license_type: type });
    expect(body.max_services).toBe(terms === "type" ? TERMS.max_services : OWN.max_services);
  });

  it.each([undefined, "type", "keep"])(
    "asks nothing (terms %s) where the license has the type already",
    async (terms) => {
      const { license } = await newLicense(OWN);
      const { status, body } = await change(license.id, { license_type: "standard", terms, max_services: 3 });
      expect(status).toBe(200);
      expect(body).toEqual({ ...license, max_services: 3, updated_at: expect.any(String) });
    },
  );

  it("may be sent twice", async () => {
    const { license } = await newLicense(OWN);
    const body = { license_type: type, terms: "type" };
    const first = await change(license.id, body);
    // The terms of the type were agreed once; what staff changed since is not taken back.
    await change(license.id, { max_instances: 100 });
    const second = await change(license.id, body);
    expect(second.body).toMatchObject({ ...TERMS, max_instances: 100 });
    expect(first.status).toBe(second.status);
  });

  it("refuses an unknown type before it asks for terms", async () => {
    const { license } = await newLicense();
    for (const terms of [undefined, "type", "keep"]) {
      const answer = await change(license.id, { license_type: "none-such", terms });
      expect(answer).toMatchObject({ status: 422, body: { errors: [{ path: "license_type" }] } });
    }
  });

  it("shows old, new and effect before, and is what the instances get", async () => {
    const { license, license_key } = await newLicense({ ...OWN, max_instances: 8 });
    for (let n = 0; n < 7; n++) await activate(license_key, `i-${n}`);
    const { body } = await change(license.id, { license_type: type, terms: "type" }, "?dry_run=true");
    expect(body.changes).toMatchObject({
      license_type: { from: "standard", to: type },
      max_instances: { from: 8, to: 6 },
      features: { from: ["own"], to: ["api", "vip"] },
      notice_days: { from: [5], to: null },
    });
    expect(Object.keys(body.effects).toSorted()).toEqual(Object.keys(body.changes).toSorted());
    expect(body.effects).toMatchObject({
      max_instances: expect.stringContaining("All 7 that run go on"),
      features: expect.stringContaining("Without own"),
      lease_days: expect.stringContaining("leases are of 8 days"),
    });
    expect((await admin(`/licenses/${license.id}`)).body).toEqual(license);

    await change(license.id, { license_type: type, terms: "type" });
    const running = await checkIn(license_key, "i-0");
    expect(running).toMatchObject({
      status: 200,
      body: { license_type: type, features: ["api", "vip"], max_instances: 6 },
    });
    expect(await activate(license_key, "one-more")).toMatchObject({
      status: 403,
      body: { code: "ACTIVATION_LIMIT_REACHED" },
    });
  });
});
