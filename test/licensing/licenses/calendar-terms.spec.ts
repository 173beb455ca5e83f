// Ends on the calendar: what a license runs for when it is issued and renewed, and what a type says.
import { describe, expect, it } from "vitest";
import { setTime } from "../../support/clock.ts";
import { admin, newCustomer, newLicense, rows, unique } from "../../support/service.ts";

const put = (id: string, body: object) =>
  admin(`/license-types/${id}`, { method: "PUT", body: { name: "Type", ...body } });

const renew = (id: string, body: object) => admin(`/licenses/${id}/renew`, { body });

describe("a license issued for a duration", () => {
  it.each([
    ["2027-03-01T10:00:00Z", "P1Y", "2028-03-01T10:00:00.000Z"],
    ["2028-02-29T10:00:00Z", "P1Y", "2029-02-28T10:00:00.000Z"],
    ["2027-01-31T10:00:00Z", "P1M", "2027-02-28T10:00:00.000Z"],
    ["2027-01-31T10:00:00Z", "P2W", "2027-02-14T10:00:00.000Z"],
    ["2027-01-31T10:00:00Z", "P30D", "2027-03-02T10:00:00.000Z"],
    // Noon is no end of a date here.
    ["2027-01-31T12:00:00Z", "P1M", "2027-02-28T12:00:00.000Z"],
  ])("at %s for %s ends at %s", async (now, expires_in, end) => {
    setTime(now);
    const { license } = await newLicense({ expires_in });
    expect(license.expires_at).toBe(end);
  });

  it.each([
    { expires_in: "P1Y", expires_days: 365 },
    { expires_in: "P1Y", expires_at: "2099-01-31" },
    { expires_in: "P1Y", expires_at: null },
    { expires_days: 1, expires_at: null },
    { expires_in: "P1Y", expires_days: 1, expires_at: "2099-01-31" },
  ])("takes one way to say its end, not %j", async (end) => {
    const customer = await newCustomer();
    const body = { customer_id: customer.id, license_type: "standard", ...end };
    expect(await admin("/licenses", { body })).toMatchObject({
      status: 422,
      body: { code: "REQUEST_INVALID", errors: [{ path: "expires_at" }] },
    });
    const list = await admin(`/licenses?customer_id=${customer.id}`);
    expect(list.body.data).toEqual([]);
  });

  it.each(["P0Y", "P1Y6M", "1Y", "P1H", "", 1, null, "P100000D"])("is refused for %j", async (expires_in) => {
    const customer = await newCustomer();
    const body = { customer_id: customer.id, license_type: "standard", expires_in };
    expect(await admin("/licenses", { body })).toMatchObject({
      status: 422,
      body: { errors: [{ path: "expires_in" }] },
    });
  });
});

describe("a license renewed for a duration", () => {
  it.each([
    // Ends at a date: the months are added to that date.
    ["2098-01-31", "P1M", "2098-03-01T12:00:00.000Z"],
    ["2096-01-31", "P1M", "2096-03-01T12:00:00.000Z"],
    ["2098-01-31", "P1Y", "2099-02-01T12:00:00.000Z"],
    ["2096-02-29", "P1Y", "2097-03-01T12:00:00.000Z"],
    // Ends at an instant.
    ["2098-01-31T08:00:00Z", "P1M", "2098-02-28T08:00:00.000Z"],
    ["9999-06-30", "P1Y", "9999-12-31T23:59:59.000Z"],
  ])("from %s for %s ends at %s", async (expires_at, expires_in, end) => {
    const { license } = await newLicense({ expires_at });
    expect((await renew(license.id, { expires_in })).body.license.expires_at).toBe(end);
  });

  it("counts from now, as an instant, where the end is past", async () => {
    setTime("2027-01-01T00:00:00Z");
    const { license } = await newLicense({ expires_at: "2027-01-31" });
    setTime("2027-03-31T12:00:00.500Z");
    const { body } = await renew(license.id, { expires_in: "P1M" });
    expect(body.license.expires_at).toBe("2027-04-30T12:00:01.000Z");
  });

  it("can end together with another license", async () => {
    const first = (await newLicense({ expires_at: "2097-06-30" })).license;
    const { license } = await newLicense({ expires_at: "2096-03-31" });
    const { body } = await renew(license.id, { expires_at: first.expires_at });
    expect(body.license.expires_at).toBe(first.expires_at);
    const ends = [first.id, license.id].map(async (id) => {
      const answer = await renew(id, { expires_in: "P1M" });
      return answer.body.license.expires_at;
    });
    expect(await Promise.all(ends)).toEqual(["2097-07-31T12:00:00.000Z", "2097-07-31T12:00:00.000Z"]);
  });

  it.each([
    {},
    { expires_in: "P1Y", expires_days: 1 },
    { expires_in: "P1Y", expires_at: "2099-01-31" },
    { expires_in: "P1Y", expires_at: null },
    { expires_in: "P1Y", expires_days: 1, expires_at: null },
  ])("takes exactly one way to say its end, not %j", async (body) => {
    const { license } = await newLicense();
    expect(await renew(license.id, body)).toMatchObject({ status: 422, body: { code: "REQUEST_INVALID" } });
    expect((await admin(`/licenses/${license.id}`)).body.expires_at).toBe(license.expires_at);
  });
});

describe("the duration of a license type", () => {
  it.each([
    [{ duration: "P1Y" }, "P1Y", 365],
    [{ duration: "P6M" }, "P6M", 180],
    [{ duration: "P2W" }, "P2W", 14],
    [{ duration: "P90D" }, "P90D", 90],
    [{ duration: null }, null, null],
    [{ duration_days: 400 }, "P400D", 400],
    [{ duration_days: 365 }, "P365D", 365],
    [{ duration_days: null }, null, null],
    [{}, "P1Y", 365],
  ])("put as %j is %s, shown as %s days", async (body, duration, duration_days) => {
    const id = unique("type");
    expect((await put(id, body)).body).toMatchObject({ duration, duration_days });
    expect((await admin(`/license-types/${id}`)).body).toMatchObject({ duration, duration_days });
    // And where one is replaced.
    await put(id, { duration: "P7M" });
    expect((await put(id, body)).body).toMatchObject({ duration, duration_days });
  });

  it.each([
    { duration: "P1Y", duration_days: 365 },
    { duration: null, duration_days: null },
    { duration: "P1Y", duration_days: null },
    { duration: "P0Y" },
    { duration: 365 },
  ])("is refused as %j", async (body) => {
    const id = unique("type");
    expect(await put(id, body)).toMatchObject({ status: 422, body: { errors: [{ path: "duration" }] } });
    expect((await admin(`/license-types/${id}`)).status).toBe(404);
  });

  it("is what a license without an end of its own runs for", async () => {
    const id = unique("type");
    await put(id, { duration: "P1M" });
    setTime("2027-01-31T10:00:00Z");
    expect((await newLicense({ license_type: id })).license.expires_at).toBe("2027-02-28T10:00:00.000Z");
    await put(id, { duration: null });
    expect((await newLicense({ license_type: id })).license.expires_at).toBeNull();
  });

  it("of the types that come with the service is a year, and of trial 30 days", async () => {
    for (const [id, duration] of [
      ["standard", "P1Y"],
      ["professional", "P1Y"],
      ["enterprise", "P1Y"],
      ["trial", "P30D"],
    ]) {
      expect((await admin(`/license-types/${id}`)).body.duration).toBe(duration);
    }
  });

  it("follows the days that a release before it writes", async () => {
    const id = unique("type");
    await put(id, { duration: "P1Y" });
    // A change that leaves the days as they are leaves the duration, too.
    await rows("UPDATE license_types SET name = 'Renamed', version = version + 1 WHERE id = ?", id);
    expect((await admin(`/license-types/${id}`)).body).toMatchObject({ name: "Renamed", duration: "P1Y" });
    await rows("UPDATE license_types SET duration_days = 90, version = version + 1 WHERE id = ?", id);
    expect((await admin(`/license-types/${id}`)).body).toMatchObject({ duration: "P90D", duration_days: 90 });
    setTime("2027-01-31T10:00:00Z");
    expect((await newLicense({ license_type: id })).license.expires_at).toBe("2027-05-01T10:00:00.000Z");
    await rows("UPDATE license_types SET duration_days = NULL, version = version + 1 WHERE id = ?", id);
    expect((await admin(`/license-types/${id}`)).body).toMatchObject({ duration: null, duration_days: null });
    // Put back as it was first: written, although the column has it still.
    expect((await put(id, { name: "Renamed", duration: "P1Y" })).body).toMatchObject({
      duration: "P1Y",
      duration_days: 365,
    });

    const old = unique("type");
    await rows(
      `INSERT INTO license_types (id, name, duration_days, grace_days, lease_days, check_in_hours, features,
         created_at, updated_at) VALUES (?, 'Old', 45, 0, 1, 1, '[]', 0, 0)`,
      old,
    );
    expect((await admin(`/license-types/${old}`)).body).toMatchObject({
      duration: "P45D",
      duration_days: 45,
    });
  });
});
