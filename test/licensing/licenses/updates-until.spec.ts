// Up to when the versions may be built that a license covers.
import { describe, expect, it } from "vitest";
import { verifyPublished } from "../../support/documents.ts";
import { activate, admin, checkIn, newCustomer, newLicense, rows } from "../../support/service.ts";

const END = "2098-02-01T12:00:00.000Z";

const change = (id: string, updates_until: unknown) =>
  admin(`/licenses/${id}`, { method: "PATCH", body: { updates_until } });

describe("updates_until", () => {
  it.each([
    ["2098-01-31", END],
    ["2098-01-31T10:00:00.250Z", "2098-01-31T10:00:01.000Z"],
    [null, null],
    [undefined, null],
  ])("given as %s is %s, in the license, its key and its certificates", async (updates_until, shown) => {
    const { license, license_key } = await newLicense({ updates_until });
    expect(license.updates_until).toBe(shown);
    const { payload } = await verifyPublished(license_key, "license+jwt");
    expect(payload["updates_until"] ?? null).toBe(shown);
    const { body } = await activate(license_key, "i");
    const certificate = await verifyPublished(body.certificate, "activation+jwt");
    expect(certificate.payload["updates_until"] ?? null).toBe(shown);
    // A key without it is the key that a release from before it signed.
    if (shown === null) expect(Object.keys(payload)).not.toContain("updates_until");
  });

  it("is changed and taken away, and running instances get it at their next check-in", async () => {
    const { license, license_key } = await newLicense();
    await activate(license_key, "i");
    expect((await change(license.id, "2098-01-31")).body.updates_until).toBe(END);
    const { body } = await checkIn(license_key, "i");
    const { payload } = await verifyPublished(body.certificate, "activation+jwt");
    expect(payload["updates_until"]).toBe(END);
    expect((await change(license.id, null)).body.updates_until).toBeNull();
  });

  it("stays through renewal, suspension, reissue and transfer", async () => {
    const { license } = await newLicense({ updates_until: "2098-01-31" });
    const next = (await newCustomer()).id;
    for (const [action, body] of [
      ["renew", { expires_in: "P1Y" }],
      ["suspend", { reason: "x" }],
      ["reissue", { reason: "x" }],
      ["transfer", { reason: "x", customer_id: next }],
    ] as const) {
      expect((await admin(`/licenses/${license.id}/${action}`, { body })).status).toBe(200);
    }
    expect((await admin(`/licenses/${license.id}`)).body.updates_until).toBe(END);
  });

  it.each(["soon", "2098-02-30", 7, true])("is refused as %s", async (updates_until) => {
    const { license } = await newLicense();
    expect(await change(license.id, updates_until)).toMatchObject({
      status: 422,
      body: { errors: [{ path: "updates_until" }] },
    });
  });

  it("goes out in an export, within the key, and comes back by an import", async () => {
    const customer = await newCustomer();
    const ids: string[] = [];
    for (const updates_until of ["2098-01-31", null]) {
      ids.push((await newLicense({ customer_id: customer.id, updates_until })).license.id);
    }
    const { body: exported } = await admin(`/exports/licenses?format=json&customer_id=${customer.id}`);
    await rows("DELETE FROM licenses WHERE customer_id = ?", customer.id);
    expect((await admin("/imports/licenses", { body: exported })).body).toMatchObject({ created: 2 });
    for (const [n, id] of ids.entries()) {
      expect((await admin(`/licenses/${id}`)).body.updates_until).toBe(n === 0 ? END : null);
    }
  });

  it("is a column of an import", async () => {
    const customer = await newCustomer();
    const { status, body } = await admin("/imports/licenses", {
      raw: `customer_id,license_type,updates_until,expires_in\r\n${customer.id},trial,2097-01-31,P1Y\r\n${customer.id},trial,,\r\n`,
      headers: { "Content-Type": "text/csv" },
    });
    expect([status, body.created]).toEqual([200, 2]);
    const { data } = (await admin(`/licenses?customer_id=${customer.id}`)).body;
    expect(new Set(data.map(({ updates_until }: { updates_until: string | null }) => updates_until))).toEqual(
      new Set(["2097-02-01T12:00:00.000Z", null]),
    );
  });
});
