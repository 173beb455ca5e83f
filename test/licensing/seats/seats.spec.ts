import { describe, expect, it } from "vitest";
import { DAY, setTime } from "../../support/clock.ts";
import { activate, deactivate, eventsOf, newLicense, rows, validate } from "../../support/service.ts";

const NOW = Date.parse("2026-06-01T08:00:00.000Z");
const LEASE = 30 * DAY;

const seatsOf = (licenseId: string, now = Date.now()) =>
  rows<{ instance_id: string }>(
    "SELECT instance_id FROM activations WHERE license_id = ? AND ended_at = 0 AND lease_expires_at > ?",
    licenseId,
    now,
  );

const statuses = async (calls: Promise<{ status: number }>[]): Promise<number[]> =>
  (await Promise.all(calls)).map((answer) => answer.status);

const count = <T>(values: T[], wanted: T): number => values.filter((value) => value === wanted).length;

describe("parallel activations", () => {
  it("200 distinct instances at limit 5 take exactly 5 seats", async () => {
    const { license, license_key } = await newLicense({ max_instances: 5 });
    const answers = await statuses(Array.from({ length: 200 }, (_, n) => activate(license_key, `box-${n}`)));
    expect(count(answers, 200)).toBe(5);
    expect(count(answers, 403)).toBe(195);
    expect(await seatsOf(license.id)).toHaveLength(5);
    const created = (await eventsOf(license.id)).filter((event) => event.action === "activation.created");
    expect(created).toHaveLength(5);
  });

  it("50 of the same instance take one seat, and all get the same activation", async () => {
    const { license, license_key } = await newLicense({ max_instances: 1 });
    const answers = await Promise.all(Array.from({ length: 50 }, () => activate(license_key, "box")));
    expect(answers.map((answer) => answer.status)).toEqual(Array.from({ length: 50 }, () => 200));
    expect(new Set(answers.map((answer) => answer.body.activation_id)).size).toBe(1);
    expect(answers.every((answer) => answer.body.instances.active === 1)).toBe(true);
    expect(await seatsOf(license.id)).toHaveLength(1);
    expect(await eventsOf(license.id)).toHaveLength(2);
  });

  it("mixed with deactivations never exceed the limit and lose none", async () => {
    const { license, license_key } = await newLicense({ max_instances: 3 });
    for (let round = 0; round < 5; round++) {
      const work = Array.from({ length: 20 }, (_, n) =>
        n % 4 === 0 ? deactivate(license_key, `box-${n % 7}`) : activate(license_key, `box-${n % 7}`),
      );
      const answers = await statuses(work);
      expect(answers.every((status) => [200, 204, 403].includes(status))).toBe(true);
      expect((await seatsOf(license.id)).length).toBeLessThanOrEqual(3);
    }
    const seats = await seatsOf(license.id);
    const events = await eventsOf(license.id);
    const created = events.filter((event) => event.action === "activation.created").length;
    const ended = events.filter((event) => event.action === "activation.ended").length;
    expect(created - ended).toBe(seats.length);
  });
});

describe("a lease", () => {
  it("holds the seat up to its last millisecond and frees it by itself after", async () => {
    setTime(NOW);
    const { license_key } = await newLicense({ max_instances: 1 });
    await activate(license_key, "a");
    setTime(NOW + LEASE - 1);
    expect(await activate(license_key, "b")).toMatchObject({ status: 403 });
    expect((await validate(license_key, "a")).body.valid).toBe(true);
    setTime(NOW + LEASE);
    expect((await validate(license_key, "a")).body).toMatchObject({ code: "INSTANCE_NOT_ACTIVATED" });
    expect(await activate(license_key, "b")).toMatchObject({
      status: 200,
      body: { instances: { active: 1, max: 1 } },
    });
    expect(await activate(license_key, "a")).toMatchObject({ status: 403 });
  });

  it("that ran out is marked as ended and recorded once another instance comes", async () => {
    setTime(NOW);
    const { license, license_key } = await newLicense();
    const lost = await activate(license_key, "lost");
    setTime(NOW + LEASE + DAY);
    await activate(license_key, "b");
    expect(
      await rows(
        "SELECT ended_at FROM activations WHERE license_id = ? AND instance_id = 'lost'",
        license.id,
      ),
    ).toEqual([{ ended_at: NOW + LEASE }]);
    const lapses = (await eventsOf(license.id)).filter((event) => event.action === "activation.lapsed");
    expect(lapses).toMatchObject([{ actor_type: "system", actor_id: "lease" }]);
    expect(JSON.parse(lapses[0]!.detail)).toEqual({
      activation_id: lost.body.activation_id,
      instance_id: "lost",
      ended_at: lost.body.lease_expires_at,
    });
    await activate(license_key, "b");
    expect(await eventsOf(license.id)).toHaveLength(4);
  });

  it("that ran out gives the instance a new activation when it comes back and there is room", async () => {
    setTime(NOW);
    const { license, license_key } = await newLicense({ max_instances: 1 });
    const first = await activate(license_key, "a");
    setTime(NOW + LEASE);
    const second = await activate(license_key, "a");
    expect(second.status).toBe(200);
    expect(second.body.activation_id).not.toBe(first.body.activation_id);
    expect((await eventsOf(license.id)).map((event) => event.action)).toEqual([
      "license.issued",
      "activation.created",
      "activation.created",
    ]);
  });

  it("that ran out and is then deactivated ended when it ran out", async () => {
    setTime(NOW);
    const { license, license_key } = await newLicense();
    await activate(license_key, "a");
    setTime(NOW + LEASE + DAY);
    expect(await deactivate(license_key, "a")).toMatchObject({ status: 204 });
    expect(await rows("SELECT ended_at FROM activations WHERE license_id = ?", license.id)).toEqual([
      { ended_at: NOW + LEASE },
    ]);
  });

  it("never shrinks below what a certificate promised, except by the license's end", async () => {
    setTime(NOW);
    const { license, license_key } = await newLicense();
    await activate(license_key, "a");
    const promised = NOW + 100 * DAY;
    const set = "UPDATE activations SET lease_expires_at = ?1, proven_until = ?1 WHERE license_id = ?2";
    await rows(set, promised, license.id);
    expect((await activate(license_key, "a")).body.lease_expires_at).toBe(new Date(promised).toISOString());
    const end = NOW + 50 * DAY;
    await rows("UPDATE licenses SET expires_at = ?, grace_days = 0 WHERE id = ?", end, license.id);
    expect((await activate(license_key, "a")).body.lease_expires_at).toBe(new Date(end).toISOString());
  });
});

describe("what is told of a license's seats", () => {
  it("counts leases that ran out until somebody takes a new seat, or there seem to be too many", async () => {
    setTime(NOW);
    const { license, license_key } = await newLicense({ max_instances: 5 });
    for (const instance of ["a", "b", "c"]) await activate(license_key, instance);
    setTime(NOW + LEASE - DAY);
    await activate(license_key, "c");
    setTime(NOW + LEASE);
    // The holder reads nobody else's row.
    expect((await activate(license_key, "c")).body.instances.active).toBe(3);
    await rows("UPDATE licenses SET max_instances = 2 WHERE id = ?", license.id);
    expect((await activate(license_key, "c")).body).toMatchObject({ warnings: [{ code: "OVER_LIMIT" }] });
    // After that answer somebody looked.
    expect((await activate(license_key, "c")).body).toMatchObject({ instances: { active: 1 }, warnings: [] });
    expect((await activate(license_key, "d")).body.instances.active).toBe(2);
  });

  it("is looked at once an hour at most, however long there are too many", async () => {
    setTime(NOW);
    const { license, license_key } = await newLicense({ max_instances: 3 });
    for (const instance of ["a", "b", "c"]) await activate(license_key, instance);
    await rows("UPDATE licenses SET max_instances = 1 WHERE id = ?", license.id);
    const settled = async () =>
      (
        await rows<{ at: number }>(
          "SELECT settled_at AS at FROM license_seats WHERE license_id = ?",
          license.id,
        )
      )[0]!.at;
    for (const [minutes, last] of [
      [0, 0],
      [59, 0],
      [60, 60],
    ] as const) {
      setTime(NOW + minutes * 60_000);
      await activate(license_key, "a");
      expect(await settled()).toBe(NOW + last * 60_000);
    }
  });

  it("is kept for an unlimited license with very many seats, and leases that ran out are settled", async () => {
    setTime(NOW);
    const { license, license_key } = await newLicense({ max_instances: null });
    await activate(license_key, "first");
    await rows(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1_500)
       INSERT INTO activations (license_id, instance_id, id, activated_at, last_seen_at, lease_expires_at, check_in_at,
         seats_in_use, seats_lapsed, occasion)
       SELECT ?1, 'seat-' || i, 'act_' || substr(?1, 5) || '_' || i, ?2, ?2, iif(i <= 600, ?2 + 1000, ?3), ?2, 1, 0,
         'activation.created'
       FROM n`,
      license.id,
      NOW,
      NOW + LEASE,
    );
    setTime(NOW + 1_000);
    expect((await activate(license_key, "second")).body.instances.active).toBe(1_502);
    expect((await activate(license_key, "third")).body.instances.active).toBe(903);
  });
});

describe("a limit lowered below what is in use", () => {
  it("stops no running instance: it renews with a warning; only new ones are refused", async () => {
    const { license, license_key } = await newLicense({ max_instances: 3 });
    for (const instance of ["a", "b", "c"]) await activate(license_key, instance);
    await rows("UPDATE licenses SET max_instances = 1 WHERE id = ?", license.id);
    const renewed = await activate(license_key, "c");
    expect(renewed).toMatchObject({
      status: 200,
      body: {
        instances: { active: 3, max: 1 },
        warnings: [{ code: "OVER_LIMIT", limit: "max_instances", allowed: 1, observed: 3 }],
      },
    });
    const refused = await activate(license_key, "d");
    expect(refused).toMatchObject({ status: 403, body: { allowed: 1, observed: 3 } });
    await deactivate(license_key, "a");
    await deactivate(license_key, "b");
    expect(await activate(license_key, "d")).toMatchObject({ status: 403, body: { observed: 1 } });
    expect((await activate(license_key, "c")).body.warnings).toEqual([]);
  });
});
