import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { foldEvents } from "../../../src/licensing/figures/statistics.ts";
import { type Standing, standingOf } from "../../../src/licensing/licenses/standing.ts";
import { servicesOf } from "../../../src/services.ts";
import type { License } from "../../../src/storage/schema.ts";
import { DAY, setTime } from "../../support/clock.ts";
import { env } from "../../support/env.ts";
import { DELIVERIES, fire } from "../../support/mail.ts";
import { metered } from "../../support/meter.ts";
import {
  activate,
  admin,
  call,
  checkIn,
  deactivate,
  newCustomer,
  newLicense,
  rows,
} from "../../support/service.ts";

// A night of another file, in a later month, drops what is finer than the months that it took for over.

const NOW = Date.parse("2026-06-01T08:00:00.000Z");

const read = async () => (await admin("/statistics")).body;

/** The figures by plain counting over every row. */
async function counted(now: number) {
  const licenses = await rows<License>("SELECT * FROM licenses");
  const by_standing: Record<string, number> = {};
  const types = new Map<string, number>();
  const months: Record<string, number> = {};
  for (const license of licenses) {
    const standing = standingOf(license, now);
    by_standing[standing] = (by_standing[standing] ?? 0) + 1;
    types.set(license.license_type, (types.get(license.license_type) ?? 0) + 1);
    if (license.status === "active" && license.expires_at !== null) {
      const month = new Date(license.expires_at).toISOString().slice(0, 7);
      months[month] = (months[month] ?? 0) + 1;
    }
  }
  const has = (standing: Standing): number => by_standing[standing] ?? 0;
  return {
    total: licenses.length,
    active: has("active") + has("expiring") + has("grace"),
    expired: has("expired"),
    expiring_soon: has("expiring"),
    suspended: has("suspended"),
    revoked: has("revoked"),
    by_type: Object.fromEntries(types),
    by_standing,
    months,
  };
}

async function expectCounted(now: number): Promise<void> {
  setTime(now);
  const [shown, { months, by_standing, by_type, ...wanted }] = [await read(), await counted(now)];
  const present = (counts: Record<string, number>) =>
    Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0));
  expect(shown).toMatchObject(wanted);
  expect(present(shown.by_standing)).toEqual(by_standing);
  expect(present(shown.by_type)).toEqual(by_type);
  expect(shown.expirations_by_month).toHaveLength(12);
  for (const { month, count } of shown.expirations_by_month) expect(count, month).toBe(months[month] ?? 0);
}

describe("statistics", () => {
  it("equal a plain count after any history, at any moment", async () => {
    const customer_id = (await newCustomer()).id;
    const days = fc.integer({ min: 1, max: 90 });
    const terms = fc.record(
      {
        license_type: fc.constantFrom("trial", "standard", "enterprise"),
        expires_days: days,
        grace_days: fc.integer({ min: 0, max: 20 }),
        starts_in: fc.integer({ min: -10, max: 40 }),
        perpetual: fc.boolean(),
      },
      { requiredKeys: ["license_type", "grace_days"] },
    );
    const change = fc.oneof(
      fc.record({ action: fc.constant("renew"), body: fc.record({ expires_days: days }) }),
      fc.record({ action: fc.constantFrom("suspend", "revoke"), body: fc.constant({ reason: "x" }) }),
      fc.record({ action: fc.constant("reinstate"), body: fc.constant({}) }),
      fc.record({
        action: fc.constant("change"),
        body: fc.record({ grace_days: fc.integer({ min: 0, max: 9 }) }),
      }),
      fc.record({ action: fc.constant("change"), body: fc.constant({ expires_at: null }) }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(terms, { minLength: 1, maxLength: 4 }),
        fc.array(fc.tuple(fc.nat(), change), { maxLength: 6 }),
        fc.array(fc.integer({ min: -5 * DAY, max: 150 * DAY }), { minLength: 2, maxLength: 4 }),
        async (issued, changed, moments) => {
          setTime(NOW);
          const ids: string[] = [];
          for (const { starts_in, perpetual, expires_days, ...input } of issued) {
            const starts_at = starts_in === undefined ? null : new Date(NOW + starts_in * DAY).toISOString();
            const ends = Math.max(0, starts_in ?? 0) + (expires_days ?? 30);
            const end = perpetual ? { expires_at: null } : { expires_days: ends };
            ids.push((await newLicense({ customer_id, ...input, starts_at, ...end })).license.id);
          }
          for (const [index, { action, body }] of changed) {
            const path = `/licenses/${ids[index % ids.length]}`;
            // What the state forbids is refused, and then must not count either.
            if (action === "change") await admin(path, { method: "PATCH", body });
            else await admin(`${path}/${action}`, { body });
          }
          for (const moment of moments) await expectCounted(NOW + moment);
        },
      ),
      { numRuns: 25 },
    );
  });

  it("are right on both sides of the very second in which a license ends", async () => {
    setTime(NOW);
    const { license } = await newLicense({ expires_at: "2027-02-28", grace_days: 2 });
    for (const edge of [license.expires_at, license.grace_until, "2027-01-29T12:00:00.000Z"]) {
      for (const offset of [-1001, -1, 0, 1, 1000]) await expectCounted(Date.parse(edge) + offset);
    }
  });

  it("count seats and activations by day, before and after they are folded", async () => {
    setTime(NOW);
    const today = async () => {
      const { instances, activations_by_day } = await read();
      return { ...instances, today: activations_by_day.at(-1) };
    };
    const before = await today();
    const { license_key } = await newLicense({ max_instances: null });
    for (const instance of ["a", "b", "c"]) await activate(license_key, instance);
    await activate(license_key, "a");
    await deactivate(license_key, "b");
    const after = {
      active: before.active + 2,
      total: before.total + 3,
      today: { date: "2026-06-01", count: before.today.count + 3 },
    };
    expect(await today()).toEqual(after);
    // Twice at the same time, and again: each event is folded once.
    const db = servicesOf(env).db;
    await Promise.all([foldEvents({ db }), foldEvents({ db })]);
    await foldEvents({ db });
    expect(await today()).toEqual(after);
    setTime(NOW + 31 * DAY);
    await activate(license_key, "a");
    const later = await today();
    expect(later).toEqual({
      active: after.active - 1,
      total: after.total + 1,
      today: { date: "2026-07-02", count: expect.any(Number) },
    });
  });

  it("count live, silent and freed instances", async () => {
    const count = async (days: number) => {
      const { live, silent, freed } = (await admin(`/statistics/instances?silent_days=${days}`)).body;
      return { live, silent, freed };
    };
    // Long after what other tests left behind.
    const start = NOW + 3_000 * DAY;
    setTime(start);
    const before = await count(3);
    const { license_key } = await newLicense({ max_instances: null, expires_at: null });
    for (const instance of ["seen", "silent", "gone", "lost"]) await activate(license_key, instance);
    await deactivate(license_key, "gone");
    setTime(start + 10 * DAY);
    await activate(license_key, "silent");
    setTime(start + 29 * DAY);
    await activate(license_key, "seen");
    expect(await count(3)).toEqual({
      live: before.live + 1,
      silent: before.silent + 2,
      freed: before.freed + 1,
    });
    expect(await count(20)).toEqual({
      live: before.live + 2,
      silent: before.silent + 1,
      freed: before.freed + 1,
    });
    setTime(start + 30 * DAY);
    expect(await count(21)).toEqual({
      live: before.live + 2,
      silent: before.silent,
      freed: before.freed + 2,
    });
    expect(await admin("/statistics/instances?silent_days=0")).toMatchObject({ status: 422 });
  });

  it("cost one round trip, and the same however many licenses there are", async () => {
    const costOf = async () => {
      const { bindings: counting, cost } = metered();
      const answer = await call("/v1/admin/statistics", { token: env.ADMIN_TOKEN, bindings: counting });
      expect(answer.status).toBe(200);
      return cost;
    };
    setTime(NOW);
    await foldEvents({ db: servicesOf(env).db });
    const few = await costOf();
    const customer_id = (await newCustomer()).id;
    await rows(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
       INSERT INTO licenses (id, customer_id, license_type, status, revision, issued_at, expires_at, grace_days,
         lease_days, check_in_hours, features, updated_at)
       SELECT printf('lic_BULK%022d', i), ?, 'standard', 'active', 1, 0, ? + i * 7919000, 14, 30, 24, '[]', 0 FROM n`,
      customer_id,
      NOW,
    );
    await expectCounted(NOW + 3 * DAY);
    const many = await costOf();
    expect(many.trips).toBe(1);
    expect(many.written).toBe(0);
    expect(many.read).toBeLessThanOrEqual(Math.max(few.read, 600));
    expect(many.read).toBeLessThan(1000);
  });
});

describe("usage by day", () => {
  const usedOn = async (days: string[]): Promise<number[]> => {
    const { usage_by_day } = await read();
    return days.map((day) => usage_by_day.find(({ date }: { date: string }) => date === day)?.requests ?? 0);
  };

  it("is what the licenses' instances told, ten minutes later, also of days that are over", async () => {
    setTime(NOW - 40 * DAY);
    const one = await newLicense();
    const two = await newLicense();
    setTime(NOW);
    const days = [0, 1, 2, 30, 60].map((ago) => new Date(NOW - ago * DAY).toISOString().slice(0, 10));
    await fire(DELIVERIES, env);
    const before = await usedOn(days);
    for (const { license_key } of [one, two]) {
      await activate(license_key, "a");
      await checkIn(license_key, "a", { usage: days.map((date, n) => ({ date, requests: 10 ** n })) });
    }
    expect(await usedOn(days)).toEqual(before);
    await fire(DELIVERIES, env);
    await fire(DELIVERIES, env);
    expect(await usedOn(days)).toEqual(before.map((known, n) => known + 2 * 10 ** n));
    await checkIn(one.license_key, "a", { usage: [{ date: days[2], requests: 205 }] });
    await fire(DELIVERIES, env);
    await fire(DELIVERIES, env);
    expect((await usedOn(days))[2]).toBe(before[2]! + 305);
    const kept = await rows("SELECT day, requests, services FROM usage_days WHERE day >= ?", days[4]);
    const plain = await rows(
      `SELECT day, sum(requests) AS requests, sum(services) AS services FROM usage
       WHERE day >= ? AND day <= ? GROUP BY day`,
      days[4],
      new Date(NOW + DAY).toISOString().slice(0, 10),
    );
    for (const day of plain) expect(kept).toContainEqual(day);
  });
});
