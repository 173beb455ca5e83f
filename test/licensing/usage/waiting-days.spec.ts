// Days of usage that may be a mistake: more than ten times what is allowed. Staff see them until they looked.
import { beforeEach, describe, expect, it } from "vitest";
import { notesOnWaitingDays } from "../../../src/jobs/waiting-days.ts";
import { type WaitingDay, waitingDays } from "../../../src/licensing/usage/refusing.ts";
import { servicesOf } from "../../../src/services.ts";
import { DAY, setTime } from "../../support/clock.ts";
import { Visitor } from "../../support/console.ts";
import { env } from "../../support/env.ts";
import { recorded, scansOf } from "../../support/meter.ts";
import { freshRecord } from "../../support/record.ts";
import { activate, admin, checkIn, newCustomer, newLicense, rows, unique } from "../../support/service.ts";

const NOW = Date.parse("2026-11-20T08:00:00.000Z");

beforeEach(() => setTime(NOW - 60 * DAY));

const asSystem = (bindings = env) => ({
  ...servicesOf(bindings),
  actor: { type: "system" as const, id: "nightly" },
  requestId: "r",
  ip: null,
  defer: () => undefined,
});

const waiting = async (code: string, limit = 100): Promise<[day: string, observed: number][]> => {
  const context = asSystem();
  const [found] = await context.db.batch([waitingDays(context, Date.now(), limit)]);
  const days = found!.results as unknown as WaitingDay[];
  return days.filter((one) => one.code === code).map(({ day, observed }) => [day, observed]);
};

/** A license with a meter, and a box that told these days. */
async function told(days: [date: string, figure: number][], members: object = {}, entitled: object = {}) {
  const code = unique("m");
  const kind = { kind: "meter", over: "refuse_new", ...members };
  await admin("/entitlements", { body: { code, name: "M", ...kind } });
  const customer_id = (await newCustomer({ name: "Acme Ltd" })).id;
  const entitlements = { [code]: { value: 10, ...entitled } };
  const { license, license_key } = await newLicense({ customer_id, expires_in: "P1Y", entitlements });
  setTime(NOW);
  await activate(license_key, "box");
  const usage = days.map(([date, n]) => ({ date, requests: 1, services: 1, meters: { [code]: n } }));
  expect((await checkIn(license_key, "box", { usage })).status).toBe(200);
  return { id: license.id as string, code, license_key: license_key as string };
}

describe("a day that may be a mistake", () => {
  const TODAY = "2026-11-20";

  it.each([
    ["at ten times the value", [[TODAY, 100]], {}, {}, 0],
    ["above it", [[TODAY, 101]], {}, {}, 1],
    ["of a meter for a day", [["2026-11-03", 101]], { period: "day" }, {}, 1],
    [
      "of a meter for a day, beside one that is over",
      [
        ["2026-11-03", 101],
        [TODAY, 50],
      ],
      { period: "day" },
      {},
      1,
    ],
    [
      "of a peak",
      [
        ["2026-11-03", 101],
        [TODAY, 101],
      ],
      { aggregate: "peak" },
      {},
      2,
    ],
    // The month is over on its latest day; the mistake lies before it.
    [
      "early in the month",
      [
        ["2026-11-03", 101],
        [TODAY, 1],
      ],
      {},
      {},
      1,
    ],
    ["31 days ago", [["2026-10-20", 101]], {}, {}, 1],
    ["longer ago", [["2026-10-19", 101]], {}, {}, 0],
    [
      "of days that are so much only together",
      [
        ["2026-11-03", 60],
        [TODAY, 60],
      ],
      {},
      {},
      0,
    ],
    ["of a meter that only warns", [[TODAY, 101]], { over: "warn" }, {}, 0],
    ["without a limit", [[TODAY, 101]], {}, { value: null }, 0],
    ["where none is allowed", [[TODAY, 101]], {}, { value: 0 }, 0],
  ] as [string, [string, number][], object, object, number][])(
    "%s",
    async (_, days, members, entitled, count) => {
      const { code } = await told(days, members, entitled);
      const found = days.filter(([, n]) => n > 100).toReversed();
      expect(await waiting(code)).toEqual(count === 0 ? [] : found);
    },
  );

  it("waits no more once its meter has ended, or staff corrected or confirmed a figure of it", async () => {
    const ended = await told([[TODAY, 101]], {}, { until: "2026-11-20T08:00:00Z" });
    expect(await waiting(ended.code)).toEqual([]);
    setTime(NOW - 60 * DAY);
    const other = await told([
      ["2026-11-19", 300],
      [TODAY, 101],
    ]);
    expect(await waiting(other.code)).toEqual([
      [TODAY, 101],
      ["2026-11-19", 300],
    ]);
    const correct = (day: string, figure: number) =>
      admin(`/licenses/${other.id}/usage/${day}/box`, {
        method: "PUT",
        body: { requests: 1, services: 1, meters: { [other.code]: figure }, reason: "Looked" },
      });
    await correct("2026-11-19", 30);
    expect(await waiting(other.code)).toEqual([[TODAY, 101]]);
    await correct(TODAY, 101);
    expect(await waiting(other.code)).toEqual([]);
  });
});

describe("a meter of which nothing is allowed", () => {
  it("refuses new instances as soon as something is told of it", async () => {
    setTime(NOW - 60 * DAY);
    const { license_key } = await told([["2026-11-20", 1]], {}, { value: 0 });
    expect(await activate(license_key, "another")).toMatchObject({
      status: 403,
      body: { code: "ACTIVATION_LIMIT_REACHED" },
    });
  });
});

describe("where staff see it", () => {
  beforeEach(async () => {
    await freshRecord();
    setTime(NOW - 60 * DAY);
  });

  it("is the overview and the digest, until they looked", async () => {
    const { id, code } = await told([
      ["2026-11-18", 200],
      ["2026-11-19", 12_000],
    ]);
    await admin(`/licenses/${id}/usage/2026-11-18/box`, {
      method: "PUT",
      body: { requests: 1, services: 1, reason: "It is so" },
    });
    expect(await waiting(code, 1)).toEqual([["2026-11-19", 12_000]]);
    const visitor = await Visitor.signIn();
    const { html, text } = await visitor.get("/admin");
    expect(text).toContain(`usage to check Acme Ltd, standard 12,000 ${code} on Nov 19, 2026`);
    expect(text).toContain("more than ten times the 10 allowed");
    expect(html).toContain(`href="/admin/licenses/${id}"`);
    expect(await notesOnWaitingDays(asSystem(), Date.now())).toMatchObject([
      {
        title: "Usage to check",
        lines: [`${id} (Acme Ltd): 12000 ${code} on 2026-11-19, 10 allowed`],
      },
    ]);
    const body = { requests: 1, services: 1, meters: { [code]: 12 }, reason: "A loop" };
    await admin(`/licenses/${id}/usage/2026-11-19/box`, { method: "PUT", body });
    expect((await visitor.get("/admin")).text).not.toContain("usage to check");
    expect(await notesOnWaitingDays(asSystem(), Date.now())).toEqual([]);
  });

  it("costs a look at the latest days over a value, whatever there is", async () => {
    const { code } = await told([["2026-11-19", 101]]);
    const cost = async (): Promise<number> => {
      const { bindings, cost: spent, statements } = recorded();
      await notesOnWaitingDays(asSystem(bindings), Date.now());
      expect([spent.trips, await scansOf(statements)]).toEqual([1, []]);
      return spent.read;
    };
    expect(await cost()).toBeLessThan(100);
    await rows(
      `INSERT INTO meter_overuse (day, license_id, code)
       WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
       SELECT '2026-11-18', 'lic_' || i, ? FROM n`,
      code,
    );
    // Two hundred, of licenses that have no such meter.
    expect(await cost()).toBeLessThan(700);
    expect(await waiting(code)).toEqual([["2026-11-19", 101]]);
  });
});
