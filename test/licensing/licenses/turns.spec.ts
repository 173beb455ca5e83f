// What only time makes of a license: each turn is an event, once, whatever the triggers do.
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { DAY, setTime } from "../../support/clock.ts";
import { env } from "../../support/env.ts";
import { DELIVERIES, fire, NIGHTLY } from "../../support/mail.ts";
import { recorded, scansOf } from "../../support/meter.ts";
import { admin, eventsOf, newLicense, rows } from "../../support/service.ts";

// Far from the licenses of the other tests.
let now = Date.parse("2051-01-01T00:00:00.000Z");

beforeEach(async () => {
  now += 900 * DAY;
  setTime(now);
  await rows("UPDATE time_walk SET up_to = ?", now);
});

const iso = (at: number): string => new Date(at).toISOString();

/** A license that ends in so many days from now. */
const ending = async (days: number, more: object = {}) =>
  (await newLicense({ expires_at: iso(now + days * DAY), grace_days: 10, ...more })).license.id as string;

const at = async (days: number, cron = DELIVERIES): Promise<void> => {
  setTime(now + days * DAY);
  await fire(cron, env);
};

const TURNS = /^license\.(?:expiring|grace_started|expired)$/;

/** What was told, as [type, days before the end or none]. */
const told = async (id: string): Promise<unknown[]> =>
  (await eventsOf(id))
    .filter(({ action }) => TURNS.test(action))
    .map(({ action, detail }) => {
      const { days } = JSON.parse(detail) as { days?: number };
      return days === undefined ? action.slice(8) : `${action.slice(8)} ${days}`;
    });

const [gpus, nodes, sso] = ["turns.gpus", "turns.nodes", "turns.sso"] as const;

beforeAll(async () => {
  for (const code of [gpus, nodes, sso])
    await admin("/entitlements", { body: { code, name: code, kind: "limit" } });
});

/** A license without an end, and its entitlements: so many days from now, or for ever. */
const entitled = async (days: Record<string, number | null>, more: object = { expires_at: null }) => {
  const entitlements = Object.fromEntries(
    Object.entries(days).map(([code, n]) => [
      code,
      { value: 8, ...(n === null ? {} : { until: iso(now + n * DAY) }) },
    ]),
  );
  return (await newLicense({ ...more, entitlements })).license.id as string;
};

/** The entitlements whose end was told. */
const ended = async (id: string): Promise<string[]> =>
  (await eventsOf(id))
    .filter(({ action }) => action === "entitlement.ended")
    .map(({ detail }) => (JSON.parse(detail) as { code: string }).code);

const ALL = ["expiring 30", "expiring 14", "expiring 7", "expiring 1", "grace_started", "expired"];

describe("the turns of a license", () => {
  it("are told when they come, once, with its end", async () => {
    const id = await ending(40);
    const edges: [days: number, count: number][] = [
      [10 - 1e-6, 0],
      [10, 1],
      [26 - 1e-6, 1],
      [26, 2],
      [33, 3],
      [39, 4],
      [40 - 1e-6, 4],
      [40, 5],
      [50 - 1e-6, 5],
      [50, 6],
      [90, 6],
    ];
    for (const [days, count] of edges) {
      await at(days);
      await at(days, NIGHTLY);
      expect(await told(id), `${days} days`).toEqual(ALL.slice(0, count));
    }
    const [first, ...rest] = (await eventsOf(id)).filter(({ action }) => TURNS.test(action));
    expect(JSON.parse(first!.detail)).toEqual({ expires_at: iso(now + 40 * DAY), days: 30 });
    expect(JSON.parse(rest.at(-1)!.detail)).toEqual({ expires_at: iso(now + 40 * DAY), grace_days: 10 });
    expect(first!.actor_type).toBe("system");
  });

  it("are told in their order where all triggers were missed", async () => {
    const id = await ending(40);
    await at(80);
    expect(await told(id)).toEqual(ALL);
  });

  it("are told once where triggers come twice, at once, and in the wrong order", async () => {
    const id = await ending(40);
    await at(41);
    await Promise.all([fire(DELIVERIES, env), fire(DELIVERIES, env), fire(NIGHTLY, env)]);
    await at(33);
    await at(10);
    await Promise.all([at(51), at(51)]);
    await at(12);
    expect(await told(id)).toEqual(ALL);
  });

  it("are told for the time of the trigger, where that is in the future", async () => {
    const id = await ending(40);
    await fire(DELIVERIES, env, now + 51 * DAY);
    expect(await told(id)).toEqual(ALL);
    const [event] = await rows<{ at: number }>(
      "SELECT at FROM events WHERE entity_id = ? ORDER BY id DESC",
      id,
    );
    expect(event!.at).toBe(now);
    // Another license turns before: the clock went back for it.
    const other = await ending(5);
    await fire(DELIVERIES, env, now + 6 * DAY);
    expect(await told(other)).toContain("grace_started");
  });

  it("are not told of a license without grace that does not come to it", async () => {
    const id = await ending(2, { grace_days: 0, notice_days: [] });
    await at(2);
    expect(await told(id)).toEqual(["expired"]);
  });

  it("are those of its own days, where it has some", async () => {
    const id = await ending(20, { notice_days: [9, 0] });
    await at(25);
    expect(await told(id)).toEqual(["expiring 9", "grace_started"]);
  });

  it("that had passed when it began are not told", async () => {
    const id = await ending(5);
    // Seven days before its end was a quarter of an hour ago, which a run still looks at.
    const justPassed = await ending(7 - 0.01);
    await at(4.5);
    expect(await told(id)).toEqual(["expiring 1"]);
    expect(await told(justPassed)).toEqual([]);
  });

  it("are told anew for another end", async () => {
    const id = await ending(3);
    await at(3.5);
    await admin(`/licenses/${id}/renew`, { body: { expires_at: iso(now + 13 * DAY) } });
    await at(30);
    expect(await told(id)).toEqual([
      "expiring 1",
      "grace_started",
      // From its renewal on there were nine and a half days.
      "expiring 7",
      "expiring 1",
      "grace_started",
      "expired",
    ]);
  });

  it("are none of a license that is suspended, revoked, or for ever", async () => {
    const suspended = await ending(5);
    await admin(`/licenses/${suspended}/suspend`, { body: { reason: "x" } });
    const revoked = await ending(5);
    await admin(`/licenses/${revoked}/revoke`, { body: { reason: "x" } });
    const forever = (await newLicense({ expires_at: null })).license.id as string;
    await at(30);
    for (const id of [suspended, revoked, forever]) expect(await told(id)).toEqual([]);
  });

  it("of the past are not told by the first run of all", async () => {
    const id = await ending(2);
    setTime(now + 30 * DAY);
    await rows("UPDATE time_walk SET up_to = NULL");
    await fire(DELIVERIES, env);
    expect(await told(id)).toEqual([]);
    expect(await rows("SELECT up_to FROM time_walk")).toEqual([{ up_to: now + 30 * DAY }]);
  });

  it("of more licenses than a round writes are told, each once", async () => {
    const { license } = await newLicense({ expires_at: iso(now + 2 * DAY), grace_days: 10, notice_days: [] });
    await rows(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200)
       INSERT INTO licenses (id, customer_id, license_type, status, revision, issued_at, expires_at, grace_days, lease_days,
         check_in_hours, features, updated_at, notice_days)
       SELECT id || '_' || i, customer_id, license_type, status, 1, issued_at, expires_at, grace_days, lease_days,
         check_in_hours, features, updated_at, notice_days FROM licenses, n WHERE id = ?`,
      license.id,
    );
    await at(3);
    const count = async (action: string) =>
      (
        await rows<{ n: number }>(
          "SELECT count(*) AS n FROM events WHERE action = ? AND entity_id GLOB ? || '*'",
          action,
          license.id,
        )
      )[0]!.n;
    expect(await count("license.grace_started")).toBe(1_201);
    await at(3.1);
    expect(await count("license.grace_started")).toBe(1_201);
    await rows("DELETE FROM licenses WHERE id GLOB ? || '_*'", license.id);
  });

  it("of what it entitles to are told when they come, each once, with its code and end", async () => {
    const id = await entitled({ [gpus]: 10, [sso]: 10, [nodes]: 20 });
    await at(10 - 1e-6);
    expect(await ended(id)).toEqual([]);
    await at(10);
    await Promise.all([fire(DELIVERIES, env), fire(DELIVERIES, env), fire(NIGHTLY, env)]);
    expect(await ended(id)).toEqual([gpus, sso]);
    await at(9);
    await at(20);
    await at(90);
    expect(await ended(id)).toEqual([gpus, sso, nodes]);
    const { detail, ...event } = (await eventsOf(id)).find(({ action }) => action === "entitlement.ended")!;
    expect(event).toMatchObject({ actor_type: "system", entity_type: "license" });
    expect(JSON.parse(detail)).toEqual({ code: gpus, until: iso(now + 10 * DAY) });
    // Nothing of the license's own end was told with it.
    expect(await told(id)).toEqual([]);
  });

  it("of what it entitles to are told where triggers were missed, and of a suspended license", async () => {
    const missed = await entitled({ [gpus]: 10 });
    const suspended = await entitled({ [gpus]: 10 });
    await admin(`/licenses/${suspended}/suspend`, { body: { reason: "x" } });
    const over = await entitled({ [gpus]: 10 }, { expires_at: iso(now + 5 * DAY) });
    await at(80);
    for (const id of [missed, suspended, over]) expect(await ended(id)).toEqual([gpus]);
  });

  it("of what it entitles to are told anew for another end", async () => {
    const id = await entitled({ [gpus]: 10, [sso]: 15 });
    await at(11);
    await admin(`/licenses/${id}`, {
      method: "PATCH",
      body: { entitlements: { [gpus]: { value: 8, until: iso(now + 20 * DAY) } } },
    });
    await at(21);
    expect(await ended(id)).toEqual([gpus, sso, gpus]);
  });

  it("of what it entitles to are told each, where another one that ended then was told before", async () => {
    const id = await entitled({ [gpus]: 10 });
    await at(10);
    await admin(`/licenses/${id}`, {
      method: "PATCH",
      body: { entitlements: { [sso]: { value: 8, until: iso(now + 10 * DAY) } } },
    });
    await at(10 + 1e-2);
    expect(await ended(id)).toEqual([gpus, sso]);
  });

  it("are none of an entitlement without an end, one that was taken away, or of a revoked license", async () => {
    const endless = await entitled({ [gpus]: null });
    const without = await entitled({ [gpus]: 10, [sso]: 10 });
    await admin(`/licenses/${without}`, { method: "PATCH", body: { entitlements: { [gpus]: null } } });
    const revoked = await entitled({ [gpus]: 10 });
    await admin(`/licenses/${revoked}/revoke`, { body: { reason: "x" } });
    await at(30);
    expect(await ended(endless)).toEqual([]);
    expect(await ended(without)).toEqual([sso]);
    expect(await ended(revoked)).toEqual([]);
  });

  it("are found by indexes, and cost little where nothing turns", async () => {
    await at(1);
    const { bindings, statements, cost } = recorded();
    setTime(now + 1.01 * DAY);
    await fire(DELIVERIES, bindings);
    const own = statements.filter(({ sql }) => /license_told|time_walk/.test(sql));
    expect(own.length).toBeLessThan(20);
    expect(await scansOf(own)).toEqual([]);
    expect(cost.trips).toBeLessThan(40);
  });

  it("are forgotten 60 days after they came", async () => {
    const id = await ending(2, { grace_days: 0, notice_days: [] });
    await at(2);
    const kept = () => rows("SELECT stage FROM license_told WHERE license_id = ?", id);
    await at(62);
    expect(await kept()).toHaveLength(1);
    await at(62.001);
    expect(await kept()).toEqual([]);
    await at(62.1);
    expect(await told(id)).toEqual(["expired"]);
  });
});
