// What needs attention, by license and kind, and what staff need not look at again.
import { beforeAll, describe, expect, it } from "vitest";
import { DAY, setTime } from "../../support/clock.ts";
import { Visitor } from "../../support/console.ts";
import { env } from "../../support/env.ts";
import { metered } from "../../support/meter.ts";
import {
  activate,
  admin,
  call,
  checkIn,
  newCustomer,
  newLicense,
  rows,
  unique,
} from "../../support/service.ts";
import { freshRecord } from "../../support/record.ts";

// What other files left would be looked at, too.
beforeAll(freshRecord);

const NOW = Date.parse("2027-06-15T08:00:00Z");

const troublesOf = async (licenseId: string) =>
  (await admin("/attention")).body.data.filter(
    ({ license_id }: { license_id: string }) => license_id === licenseId,
  );

const settle = (id: string, body: object) => admin(`/licenses/${id}/settle`, { body });

/** A license with some marked seats. */
async function withClones(...at: number[]) {
  const { license, license_key } = await newLicense({ max_instances: null });
  for (const [n, mark] of at.entries()) {
    await activate(license_key, `seat-${n}`);
    await rows(
      "UPDATE activations SET clone_suspected_at = ? WHERE license_id = ? AND instance_id = ?",
      mark,
      license.id,
      `seat-${n}`,
    );
  }
  return license;
}

describe("what needs attention", () => {
  it("is told by license and kind, with how often, the latest, and the worst", async () => {
    setTime(NOW);
    const { license, license_key } = await newLicense({ max_requests_per_day: 10, max_services: 4 });
    await activate(license_key, "a");
    await checkIn(license_key, "a", {
      usage: [
        { date: "2027-06-13", requests: 11, services: 4 },
        { date: "2027-06-14", requests: 30, services: 5 },
        { date: "2027-06-15", requests: 12, services: 1 },
      ],
    });
    expect(await troublesOf(license.id)).toEqual([
      {
        kind: "overused",
        license_id: license.id,
        license_type: "standard",
        customer_id: license.customer_id,
        customer_name: "Acme",
        count: 4,
        at: new Date(NOW).toISOString(),
        worst: { day: "2027-06-14", limit: "max_requests_per_day", allowed: 10, observed: 30 },
      },
    ]);
    const { text, html } = await (await Visitor.signInAs("manager")).get("/admin");
    expect(text).toContain("4 days and limits, worst: requests per day: 30 of 10 on 2027-06-14");
    expect(html).toContain(`/admin/licenses/${license.id}/settle/overused`);
    expect((await (await Visitor.signInAs("viewer")).get("/admin")).html).not.toContain("/settle/");
  });

  it("leaves out what was settled until something new of its kind happens", async () => {
    setTime(NOW);
    const { id } = await withClones(NOW - DAY, NOW - 2 * DAY);
    expect(await troublesOf(id)).toMatchObject([{ kind: "cloned", count: 2 }]);
    const answer = await settle(id, { kind: "cloned", reason: "Restored." });
    expect(answer).toMatchObject({ status: 200, body: { license_id: id, kind: "cloned", until: null } });
    expect(await troublesOf(id)).toEqual([]);
    // Of the same moment is not new; a moment later is.
    await rows(
      "UPDATE activations SET clone_suspected_at = ? WHERE license_id = ? AND instance_id = 'seat-0'",
      NOW,
      id,
    );
    expect(await troublesOf(id)).toEqual([]);
    await rows(
      "UPDATE activations SET clone_suspected_at = ? WHERE license_id = ? AND instance_id = 'seat-0'",
      NOW + 1,
      id,
    );
    setTime(NOW + 1000);
    expect(await troublesOf(id)).toMatchObject([
      { kind: "cloned", count: 1, worst: { instance_id: "seat-0" } },
    ]);
    const event = (await admin(`/licenses/${id}/events`)).body.data.find(
      ({ action }: { action: string }) => action === "license.attention_settled",
    );
    expect(event.detail).toEqual({ kind: "cloned", until: null, reason: "Restored." });
  });

  it("leaves out what is snoozed to the day, whatever happens, and then tells again", async () => {
    setTime(NOW);
    const { id } = await withClones(NOW + 2 * DAY);
    await settle(id, { kind: "cloned", snooze_days: 2, reason: "They know." });
    expect(await troublesOf(id)).toEqual([]);
    setTime(NOW + 2 * DAY - 1);
    expect(await troublesOf(id)).toEqual([]);
    setTime(NOW + 2 * DAY);
    expect(await troublesOf(id)).toHaveLength(1);
    // Another decision takes the place of the one before.
    await settle(id, { kind: "cloned", snooze_days: 1, reason: "Still." });
    expect(await troublesOf(id)).toEqual([]);
  });

  it("settles one kind of one license alone", async () => {
    setTime(NOW);
    const [one, other] = [await withClones(NOW), await withClones(NOW)];
    await rows("UPDATE activations SET scattered_at = ? WHERE license_id = ?", NOW, one.id);
    await settle(one.id, { kind: "cloned", reason: "Known." });
    expect(await troublesOf(one.id)).toMatchObject([{ kind: "scattered" }]);
    expect(await troublesOf(other.id)).toMatchObject([{ kind: "cloned" }]);
  });

  it("settles what ends, and tells of it again when its grace begins", async () => {
    const end = Date.parse("2081-06-01T08:00:00Z");
    setTime(end - 20 * DAY);
    const { license } = await newLicense({ expires_at: new Date(end).toISOString(), grace_days: 5 });
    setTime(end - 5 * DAY);
    expect(await troublesOf(license.id)).toMatchObject([{ kind: "ending" }]);
    await settle(license.id, { kind: "ending", reason: "They leave." });
    setTime(end - 1);
    expect(await troublesOf(license.id)).toEqual([]);
    setTime(end);
    expect(await troublesOf(license.id)).toMatchObject([{ kind: "ending" }]);
  });

  it("tells of a license 30 days before its end, of a short one in the last quarter of its term", async () => {
    const at = Date.parse("2083-03-01T08:00:00Z");
    setTime(at);
    const ending = async (days: number) =>
      (await newLicense({ expires_at: new Date(at + days * DAY).toISOString(), grace_days: 0 })).license.id;
    const toldFrom = async (id: string, from: number) => {
      setTime(from - 1);
      expect(await troublesOf(id)).toEqual([]);
      setTime(from);
      expect(await troublesOf(id)).toMatchObject([{ kind: "ending", at: new Date(from).toISOString() }]);
    };
    const [trial, edge, year] = [await ending(8), await ending(120), await ending(365)];
    await toldFrom(trial, at + 6 * DAY);
    await toldFrom(edge, at + 90 * DAY);
    // A renewed one has a new term, as long as what was added.
    setTime(at + 200 * DAY);
    await admin(`/licenses/${year}/renew`, { body: { expires_in: "P40D" } });
    await toldFrom(year, at + (365 + 40 - 10) * DAY);
  });

  it("is settled in the console, which says what it does", async () => {
    setTime(NOW);
    const license = await withClones(NOW);
    const visitor = await Visitor.signInAs("manager");
    const path = `/admin/licenses/${license.id}/settle/cloned`;
    const refused = await visitor.fill(path, { reason: "" });
    expect(refused.status).toBe(422);
    expect(await troublesOf(license.id)).toHaveLength(1);
    const done = await visitor.fill(path, { snooze_days: "30", reason: "A test bench." });
    expect(done.text).toContain("Settled.");
    expect(await troublesOf(license.id)).toEqual([]);
    expect((await visitor.get(`/admin/licenses/${license.id}`)).text).toContain("“A test bench.”");
    expect((await visitor.get(`/admin/licenses/${license.id}/settle/loud`)).status).toBe(404);
  });

  it.each([
    [{ kind: "loud", reason: "x" }, 422],
    [{ kind: "silent" }, 422],
    [{ kind: "silent", reason: "x", snooze_days: 0 }, 422],
    [{ kind: "silent", reason: "x", snooze_days: 366 }, 422],
    [{ kind: "silent", reason: "x", until: "2027-01-01" }, 422],
  ])("refuses %j", async (body, status) => {
    const { license } = await newLicense();
    expect((await settle(license.id, body)).status).toBe(status);
    expect(await rows("SELECT 1 FROM settled_attention WHERE license_id = ?", license.id)).toEqual([]);
  });

  it("refuses to settle for a license that is not there", async () => {
    const id = "lic_00000000000000000000000000";
    expect(await settle(id, { kind: "silent", reason: "x" })).toMatchObject({
      status: 404,
      body: { code: "LICENSE_NOT_FOUND" },
    });
    expect((await call(`/v1/admin/licenses/${id}/settle`, { body: {} })).status).toBe(401);
  });

  it("reads a bounded number of rows", async () => {
    setTime(NOW);
    const customer_id = (await newCustomer({ name: unique("Many") })).id;
    for (let n = 0; n < 12; n++) {
      const { license } = await newLicense({ customer_id });
      for (let day = 0; day < 12; day++)
        await rows(
          `INSERT INTO events (at, action, entity_type, entity_id, actor_type, actor_id, request_id, detail)
           VALUES (?, 'license.overused', 'license', ?, 'system', 'usage', 'r', '{"allowed":1,"observed":2}')`,
          NOW,
          license.id,
        );
    }
    const { bindings, cost } = metered();
    await call("/v1/admin/attention", { token: env.ADMIN_TOKEN, bindings });
    expect(cost.trips).toBe(1);
    expect(cost.read).toBeLessThanOrEqual(900);
  });
});
