// Old usage lies in months. Whatever was told, corrected, folded, interrupted or told again: the figures are the same.
import { beforeEach, describe, expect, it } from "vitest";
import { addUpUsage } from "../../../src/licensing/figures/usage-days.ts";
import { closeMonths, foldUsage } from "../../../src/licensing/usage/folding.ts";
import { servicesOf } from "../../../src/services.ts";
import type { Context } from "../../../src/context.ts";
import type { Env } from "../../../src/config.ts";
import { DAY, setTime } from "../../support/clock.ts";
import { env } from "../../support/env.ts";
import { faulty, MOMENTS, OVERLOADED } from "../../support/faulty.ts";
import { DELIVERIES, fire, NIGHTLY } from "../../support/mail.ts";
import { metered, recorded, scansOf } from "../../support/meter.ts";
import { freshRecord } from "../../support/record.ts";
import { activate, admin, type Answer, call, checkIn, newLicense, rows } from "../../support/service.ts";

const NOW = Date.parse("2026-06-10T08:00:00.000Z");

const daysAgo = (days: number): string => new Date(NOW - days * DAY).toISOString().slice(0, 10);

const asSystem = (bindings: Env = env): Context => ({
  ...servicesOf(bindings),
  actor: { type: "system", id: "nightly" },
  requestId: "r",
  ip: null,
  defer: () => undefined,
});

/** Folds until nothing is due. */
async function fold(bindings: Env = env): Promise<number> {
  const context = asSystem(bindings);
  let pages = 1;
  while (await foldUsage(context)) pages++;
  return pages;
}

async function close(): Promise<void> {
  const context = asSystem();
  while (await closeMonths(context));
}

/** A license that was issued long ago, and what its boxes told since. */
async function oldLicense(more: object = {}) {
  setTime(NOW - 400 * DAY);
  const issued = await newLicense({ expires_in: "P9Y", max_instances: 100, ...more });
  setTime(NOW);
  return issued;
}

const tell = async (key: string, box: string, days: [date: string, requests: number, services: number][]) => {
  const usage = days.map(([date, requests, services]) => ({ date, requests, services }));
  const answer = await checkIn(key, box, { usage });
  expect(answer.status, answer.text).toBe(200);
  return answer.body;
};

const usageOf = (id: string, from: string, to: string): Promise<Answer> =>
  admin(`/licenses/${id}/usage?from=${from}&to=${to}`);

const correct = (
  id: string,
  date: string,
  box: string,
  requests: number,
  services: number,
): Promise<Answer> =>
  admin(`/licenses/${id}/usage/${date}/${box}`, {
    method: "PUT",
    body: { requests, services, reason: "Counted twice" },
  });

const counts = async () => ({
  days: (await rows("SELECT 1 FROM usage")).length,
  sums: (await rows("SELECT 1 FROM license_usage")).length,
  months: (await rows("SELECT 1 FROM usage_months WHERE days <> '{}'")).length,
  license_months: (await rows("SELECT 1 FROM license_usage_months WHERE days <> '{}'")).length,
});

/** What each day of each license sums up to, wherever it lies, and what its instances do. They must agree. */
async function sums(): Promise<object[]> {
  const kept = await rows(`
    SELECT day, license_id, requests, services FROM license_usage
    UNION ALL SELECT month || '-' || key, license_id, value ->> 0, value ->> 1
    FROM license_usage_months, json_each(days) ORDER BY 1, 2`);
  const counted = await rows(`
    SELECT day, license_id, sum(requests) AS requests, sum(services) AS services FROM (
      SELECT day, license_id, requests, services FROM usage
      UNION ALL SELECT month || '-' || key, license_id, value ->> 0, value ->> 1 FROM usage_months, json_each(days))
    GROUP BY 1, 2 ORDER BY 1, 2`);
  expect(kept).toEqual(counted);
  return kept;
}

/** Rows of many instances, as their check-ins wrote them. The triggers add them up. */
const many = (id: string, day: string, instances: number): Promise<unknown> =>
  rows(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?3)
     INSERT INTO usage (license_id, day, instance_id, requests, services)
     SELECT ?1, ?2, 'pod-' || i, i, i % 7 FROM n WHERE true ON CONFLICT DO NOTHING`,
    id,
    day,
    instances,
  );

beforeEach(async () => {
  await freshRecord();
  setTime(NOW);
});

describe("folding", () => {
  it("changes no figure by a byte: statistics, usage, exports, instances", async () => {
    const { license, license_key: key } = await oldLicense();
    const { license: other, license_key: otherKey } = await oldLicense({ max_services: 3 });
    for (const box of ["a", "b", "c"]) {
      await activate(key, box);
      await tell(
        key,
        box,
        Array.from({ length: 390 }, (_, n) => [daysAgo(n), n * 7 + box.charCodeAt(0), n % 9]),
      );
    }
    await activate(otherKey, "z");
    await tell(otherKey, "z", [
      [daysAgo(300), 5, 9],
      [daysAgo(91), 6, 1],
      [daysAgo(90), 7, 2],
    ]);
    expect((await correct(license.id, daysAgo(200), "b", 1, 1)).status).toBe(200);
    await addUpUsage(asSystem());
    await addUpUsage(asSystem());
    const look = async () => {
      const answers = [
        "/statistics",
        ...[license.id, other.id].flatMap((id) => [
          `/licenses/${id}/usage?from=${daysAgo(399)}&to=${daysAgo(0)}`,
          `/licenses/${id}/usage?from=${daysAgo(120)}&to=${daysAgo(60)}`,
          `/licenses/${id}/usage?from=${daysAgo(200)}&to=${daysAgo(200)}`,
          `/licenses/${id}/usage`,
          `/licenses/${id}/activations`,
        ]),
      ].map((path) => admin(path));
      const files = ["csv", "json"].map((format) => admin(`/exports/licenses?format=${format}`));
      return (await Promise.all([...answers, ...files])).map(({ status, text }) => [status, text]);
    };
    const before = await look();
    expect(before.every(([status]) => status === 200)).toBe(true);
    const figures = await sums();
    await fold();
    expect(await counts()).toMatchObject({ sums: 92 });
    expect(await rows("SELECT 1 FROM usage WHERE day < ?", daysAgo(90))).toEqual([]);
    expect(await look()).toEqual(before);
    expect(await sums()).toEqual(figures);
    // The ten-minute trigger goes round through the days that it shows.
    for (let n = 0; n < 3; n++) await addUpUsage(asSystem());
    expect(await look()).toEqual(before);
  });

  it("takes the days that are older than RETAIN_USAGE_DAYS, and no other", async () => {
    const { license, license_key: key } = await oldLicense();
    await activate(key, "a");
    await tell(
      key,
      "a",
      [92, 91, 90, 89].map((days) => [daysAgo(days), days, 1]),
    );
    await fold();
    const open = () => rows<{ day: string }>("SELECT day FROM usage ORDER BY day");
    expect(await open()).toEqual([{ day: daysAgo(90) }, { day: daysAgo(89) }]);
    expect(await rows("SELECT month, days FROM usage_months")).toEqual([
      { month: "2026-03", days: '{"10":[92,1],"11":[91,1]}' },
    ]);
    expect(await rows("SELECT month, license_id, days FROM license_usage_months")).toEqual([
      { month: "2026-03", license_id: license.id, days: '{"10":[92,1],"11":[91,1]}' },
    ]);
    await fold({ ...env, RETAIN_USAGE_DAYS: "120" });
    setTime(NOW + DAY);
    await fold({ ...env, RETAIN_USAGE_DAYS: "120" });
    expect(await open()).toHaveLength(2);
    await fold();
    expect(await open()).toEqual([{ day: daysAgo(89) }]);
  });

  it.each([
    ["the nightly job", NIGHTLY],
    ["the ten-minute trigger", DELIVERIES],
  ])("is done by %s", async (_, cron) => {
    const { license_key: key } = await oldLicense();
    await activate(key, "a");
    await tell(key, "a", [[daysAgo(100), 5, 1]]);
    await fire(cron, env);
    expect(await counts()).toEqual({ days: 0, sums: 0, months: 1, license_months: 1 });
  });

  it("goes on page by page, also through a day with more instances than a page has", async () => {
    const { license } = await oldLicense();
    const { license: other } = await oldLicense();
    await many(license.id, daysAgo(150), 5_000);
    await many(license.id, daysAgo(149), 700);
    await many(other.id, daysAgo(150), 1_500);
    const figures = await sums();
    expect(await fold()).toBeGreaterThan(3);
    expect(await counts()).toEqual({ days: 0, sums: 0, months: 6_500, license_months: 2 });
    expect(await sums()).toEqual(figures);
  });

  it("keeps what an instance tells between two pages of its day", async () => {
    const { license } = await oldLicense();
    const day = daysAgo(150);
    await many(license.id, day, 5_000);
    const context = asSystem();
    expect(await foldUsage(context)).toBe(true);
    const [folded] = await rows<{ instance_id: string }>("SELECT instance_id FROM usage_months LIMIT 1");
    await rows(
      `INSERT INTO usage (license_id, day, instance_id, requests, services) VALUES (?, ?, ?, 1000000, 0)
       ON CONFLICT DO UPDATE SET requests = max(requests, excluded.requests)`,
      license.id,
      day,
      folded!.instance_id,
    );
    const figures = await sums();
    while (await foldUsage(context));
    expect(await sums()).toEqual(figures);
    expect((await counts()).days).toBe(0);
  });
});

describe("a day that lies in its month", () => {
  const day = daysAgo(150);

  async function folded(requests = 50, services = 5) {
    const { license, license_key: key } = await oldLicense({
      max_requests_per_day: 1_000,
      max_services: null,
    });
    for (const box of ["a", "b"]) {
      await activate(key, box);
      await tell(key, box, [[day, requests, services]]);
    }
    await fold();
    return { id: license.id, key };
  }

  const figuresOf = async (id: string) => (await usageOf(id, day, day)).body.data[0];

  it.each([
    ["higher figures count", 80, 9, 80, 9],
    ["lower ones do not", 20, 2, 50, 5],
    ["each for itself", 80, 2, 80, 5],
    ["the same again change nothing", 50, 5, 50, 5],
  ])("reported late: %s, once", async (_, requests, services, most, peak) => {
    const { id, key } = await folded();
    for (let n = 0; n < 2; n++) {
      const { warnings } = await tell(key, "a", [[day, requests, services]]);
      expect(warnings).toEqual([]);
      const expected = {
        date: day,
        requests: most + 50,
        services: peak + 5,
        instances: [
          { instance_id: "a", requests: most, services: peak, corrected: false },
          { instance_id: "b", requests: 50, services: 5, corrected: false },
        ],
      };
      expect(await figuresOf(id)).toEqual(expected);
      await sums();
      await fold();
      expect(await figuresOf(id)).toEqual(expected);
      await sums();
    }
    expect(await counts()).toEqual({ days: 0, sums: 0, months: 2, license_months: 1 });
  });

  it("is counted with what another instance adds late, and overuse is seen", async () => {
    const { id, key } = await folded(600);
    await activate(key, "c");
    const { warnings } = await tell(key, "c", [[day, 900, 1]]);
    expect(warnings).toMatchObject([{ code: "OVER_LIMIT", limit: "max_requests_per_day", observed: 2_100 }]);
    await sums();
    await fold();
    expect((await figuresOf(id)).requests).toBe(2_100);
  });

  it("is the same for a release from before, which knows only usage", async () => {
    const { id } = await folded();
    const before = (requests: number, box: string) =>
      rows(
        `INSERT INTO usage (license_id, day, instance_id, requests, services) VALUES (?, ?, ?, ?, 1)
         ON CONFLICT DO UPDATE SET
           requests = max(requests, excluded.requests), services = max(services, excluded.services)
         WHERE corrected_at IS NULL`,
        id,
        day,
        box,
        requests,
      );
    await before(20, "a");
    await before(90, "a");
    await before(10, "b");
    await before(5, "c");
    expect(await figuresOf(id)).toMatchObject({ requests: 145, services: 11 });
    await sums();
  });

  it("is corrected as any other, with its former figures in the event, and takes no more reports", async () => {
    const { id, key } = await folded();
    expect(await correct(id, day, "a", 7, 1)).toMatchObject({
      status: 200,
      body: { requests: 7, services: 1 },
    });
    const [event] = await rows<{ detail: string }>(
      "SELECT detail FROM events WHERE action = 'usage.corrected' AND entity_id = ?",
      id,
    );
    expect(JSON.parse(event!.detail).from).toEqual({ requests: 50, services: 5 });
    await fold();
    await tell(key, "a", [[day, 900, 90]]);
    const expected = { requests: 57, services: 6 };
    expect(await figuresOf(id)).toMatchObject(expected);
    await fold();
    expect(await figuresOf(id)).toMatchObject(expected);
    expect((await figuresOf(id)).instances[0]).toEqual({
      instance_id: "a",
      requests: 7,
      services: 1,
      corrected: true,
    });
    // The same correction again is none.
    expect((await correct(id, day, "a", 7, 1)).status).toBe(200);
    expect(
      await rows("SELECT 1 FROM events WHERE action = 'usage.corrected' AND entity_id = ?", id),
    ).toHaveLength(1);
    expect(await correct(id, day, "a", 8, 1)).toMatchObject({ status: 200 });
    expect(await figuresOf(id)).toMatchObject({ requests: 58 });
    await sums();
  });

  it("moves along when the id of its instance is put right", async () => {
    const { license, license_key: key } = await oldLicense();
    const { certificate: before } = (await activate(key, "old")).body;
    await tell(key, "old", [[day, 50, 5]]);
    await rows("UPDATE activations SET instance_id = 'old ' WHERE license_id = ?", license.id);
    await rows("UPDATE usage SET instance_id = 'old ' WHERE license_id = ?", license.id);
    await fold();
    const kept = await call("/v1/check-in", {
      body: { license_key: key, instance_id: "old ", certificate: before },
    });
    const { certificate } = kept.body;
    const usage = [{ date: day, requests: 60, services: 5 }];
    await call("/v1/check-in", { body: { license_key: key, instance_id: "old", certificate, usage } });
    expect(await figuresOf(license.id)).toMatchObject({ requests: 60, instances: [{ instance_id: "old" }] });
  });
});

/** Numbers that look random and are the same each time. */
function dice(seed: number): (most: number) => number {
  let state = seed;
  return (most) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * most);
  };
}

describe("whatever happens in whatever order", () => {
  it.each([1, 2, 3, 4])("the figures are those of a service that never folds (%i)", async (seed) => {
    const roll = dice(seed);
    const { license, license_key: key } = await oldLicense();
    const [boxes, days] = [
      ["a", "b", "c"],
      [89, 90, 91, 120, 121, 200],
    ];
    for (const box of boxes) await activate(key, box);
    const known = new Map<string, { requests: number; services: number; corrected: boolean }>();
    for (let n = 0; n < 60; n++) {
      const [box, date] = [boxes[roll(boxes.length)]!, daysAgo(days[roll(days.length)]!)];
      const [requests, services] = [roll(100), roll(10)];
      const at = `${date} ${box}`;
      const was = known.get(at);
      switch (roll(4)) {
        case 0:
          await fold();
          break;
        case 1:
          await correct(license.id, date, box, requests, services);
          known.set(at, { requests, services, corrected: true });
          break;
        default:
          await tell(key, box, [[date, requests, services]]);
          if (!was?.corrected)
            known.set(at, {
              requests: Math.max(was?.requests ?? 0, requests),
              services: Math.max(was?.services ?? 0, services),
              corrected: false,
            });
      }
    }
    const { body } = await usageOf(license.id, daysAgo(399), daysAgo(0));
    const shown = body.data.flatMap(({ date, instances }: any) =>
      instances.map(({ instance_id, ...figures }: any) => [`${date} ${instance_id}`, figures]),
    );
    expect(Object.fromEntries(shown)).toEqual(Object.fromEntries(known));
    await sums();
  });
});

describe("a run that is killed, and two at once", () => {
  async function unfolded(): Promise<object[]> {
    const { license } = await oldLicense();
    const { license: other } = await oldLicense();
    await many(license.id, daysAgo(150), 4_500);
    await many(other.id, daysAgo(140), 10);
    await many(other.id, daysAgo(800), 10);
    return sums();
  }

  it.each(MOMENTS)("killed %s any of its requests and run again: the same", async (moment) => {
    for (let killed = 1; killed <= 9; killed++) {
      await freshRecord();
      setTime(NOW);
      const figures = await unfolded();
      const { bindings } = faulty((n) => (n === killed ? { moment, message: OVERLOADED } : null));
      await fold(bindings).catch(() => undefined);
      expect(await sums()).toEqual(figures);
      await fold();
      expect(await sums()).toEqual(figures);
      expect(await counts()).toEqual({ days: 0, sums: 0, months: 4_520, license_months: 3 });
    }
  });

  it("two at once fold each day once", async () => {
    const figures = await unfolded();
    await Promise.all([fold(), fold(), fold()]);
    expect(await sums()).toEqual(figures);
    expect(await counts()).toEqual({ days: 0, sums: 0, months: 4_520, license_months: 3 });
  });
});

describe("what folding costs", () => {
  const cost = async (): Promise<{ trips: number; read: number; written: number }> => {
    const meter = metered();
    await fold(meter.bindings);
    return { ...meter.cost };
  };

  it("is constant if nothing is due, whatever there is", async () => {
    const empty = await cost();
    const { license } = await oldLicense();
    for (let n = 0; n < 20; n++) await many(license.id, daysAgo(n), 200);
    expect(await cost()).toEqual(empty);
    expect(empty).toMatchObject({ trips: 1, written: 0 });
    expect(empty.read).toBeLessThanOrEqual(1);
  });

  it("grows with what is due: a few rows read, and two written, for each day of an instance", async () => {
    const { license } = await oldLicense();
    for (let n = 0; n < 20; n++) await many(license.id, daysAgo(n), 200);
    await many(license.id, daysAgo(100), 500);
    const first = await cost();
    await many(license.id, daysAgo(99), 1_500);
    const second = await cost();
    for (const [spent, due] of [
      [first, 500],
      [second, 1_500],
    ] as const) {
      expect(spent.read / due).toBeLessThanOrEqual(6.1);
      expect(spent.written / due).toBeLessThanOrEqual(2.1);
    }
  });

  it("scans no table", async () => {
    const { license } = await oldLicense();
    await many(license.id, daysAgo(100), 50);
    await many(license.id, daysAgo(900), 50);
    const { bindings, statements } = recorded();
    await fold(bindings);
    await closeMonths(asSystem(bindings));
    expect(statements.length).toBeGreaterThan(8);
    expect(await scansOf(statements)).toEqual([]);
  });
});

describe("months that are too old", () => {
  // 25 months before June 2026.
  const [last, first] = ["2024-04-30", "2024-05-01"];

  it("are summed up for the license, and their days go", async () => {
    const { license } = await oldLicense();
    await many(license.id, "2024-04-01", 3);
    await many(license.id, last, 5);
    await many(license.id, first, 5);
    await rows(
      "INSERT INTO overuse VALUES ('lic_x', ?, 'max_services'), ('lic_x', ?, 'max_services')",
      last,
      first,
    );
    await fire(NIGHTLY, env);
    expect(await rows("SELECT license_id, month, requests, services, days FROM license_months")).toEqual([
      { license_id: license.id, month: "2024-04", requests: 6 + 15, services: 1 + 2 + 3 + 4 + 5, days: 2 },
    ]);
    expect(await rows("SELECT DISTINCT month FROM usage_months")).toEqual([{ month: "2024-05" }]);
    expect(await rows("SELECT DISTINCT month FROM license_usage_months")).toEqual([{ month: "2024-05" }]);
    expect(await rows("SELECT day FROM overuse")).toEqual([{ day: first }]);
    const { body } = await usageOf(license.id, "2024-04-01", "2024-05-31");
    expect(body.months).toEqual([{ month: "2024-04", requests: 21, services: 15, days: 2 }]);
    expect(body.data.map(({ date }: any) => date)).toEqual([first]);
  });

  it("wait until all their days are folded", async () => {
    const { license } = await oldLicense();
    await many(license.id, "2024-04-01", 2);
    await fold();
    await many(license.id, last, 2);
    await close();
    expect(await rows("SELECT * FROM license_months")).toEqual([]);
    await fold();
    await close();
    expect(await rows("SELECT days FROM license_months")).toEqual([{ days: 2 }]);
  });

  it("take no more days, not even of a release from before", async () => {
    const { license } = await oldLicense();
    await many(license.id, last, 2);
    await fold();
    await close();
    const closed = await rows("SELECT * FROM license_months");
    await many(license.id, last, 4);
    await many(license.id, "2024-04-11", 4);
    await fold();
    await close();
    expect(await rows("SELECT * FROM license_months")).toEqual(closed);
    expect(await counts()).toEqual({ days: 0, sums: 0, months: 0, license_months: 0 });
  });

  it("are not taken from instances and staff any more", async () => {
    setTime(Date.parse("2024-01-01"));
    const { license, license_key: key } = await newLicense({ expires_in: "P9Y" });
    setTime(NOW);
    await activate(key, "a");
    const { warnings } = await tell(key, "a", [
      [last, 5, 1],
      [first, 6, 1],
    ]);
    expect(warnings).toMatchObject([{ code: "USAGE_IGNORED" }]);
    const { body } = await usageOf(license.id, last, first);
    expect(body.data.map(({ date }: any) => date)).toEqual([first]);
    expect(await correct(license.id, last, "a", 1, 1)).toMatchObject({
      status: 422,
      body: { errors: [{ path: "date" }] },
    });
    expect((await correct(license.id, first, "a", 1, 1)).status).toBe(200);
  });

  it("go in pages, at a constant cost if none is due", async () => {
    const { license } = await oldLicense();
    await many(license.id, last, 5_000);
    await many(license.id, first, 500);
    await fold();
    await close();
    expect(await rows("SELECT count(*) AS n FROM usage_months")).toEqual([{ n: 500 }]);
    const { bindings, cost } = metered();
    await closeMonths(asSystem(bindings));
    expect(cost).toMatchObject({ trips: 1, written: 0 });
    expect(cost.read).toBeLessThanOrEqual(15);
  });
});
