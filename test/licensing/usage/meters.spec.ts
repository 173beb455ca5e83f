// Meters: what instances count besides requests and services, from the check-in to the sums of months.
import { beforeEach, describe, expect, it } from "vitest";
import { DAY, setTime } from "../../support/clock.ts";
import { metered } from "../../support/meter.ts";
import { freshRecord } from "../../support/record.ts";
import { activate, admin, call, checkIn, eventsOf, newLicense, rows, unique } from "../../support/service.ts";

const NOW = Date.parse("2026-11-10T08:00:00.000Z");

beforeEach(async () => {
  await freshRecord();
  setTime(NOW);
});

async function meter(members: object = {}): Promise<string> {
  const code = unique("m.x");
  const answer = await admin("/entitlements", { body: { code, name: "M", kind: "meter", ...members } });
  expect(answer.status, answer.text).toBe(201);
  return code;
}

const daysAgo = (days: number): string => new Date(NOW - days * DAY).toISOString().slice(0, 10);

const tell = async (key: string, box: string, ...days: [ago: number, meters: object][]) => {
  const usage = days.map(([ago, meters]) => ({ date: daysAgo(ago), requests: 1, services: 1, meters }));
  const answer = await checkIn(key, box, { usage });
  expect(answer.status, answer.text).toBe(200);
  return answer.body.warnings as { code: string; limit?: string; observed?: number; detail: string }[];
};

const usageOf = async (id: string) =>
  (await admin(`/licenses/${id}/usage?from=2026-10-01&to=2026-11-30`)).body;

describe("the figures of a meter", () => {
  it("are cumulative per day: the highest count, whatever is sent again or late, and instances add up", async () => {
    const [tokens, gpus] = [await meter(), await meter({ aggregate: "peak" })];
    const { license, license_key } = await newLicense({
      entitlements: { [tokens]: { value: 1_000 }, [gpus]: { value: null } },
    });
    await activate(license_key, "a");
    await activate(license_key, "b");
    await tell(license_key, "a", [0, { [tokens]: 100, [gpus]: 4 }]);
    await tell(license_key, "a", [0, { [tokens]: 70 }]);
    await tell(license_key, "a", [0, { [gpus]: 3 }], [1, { [tokens]: 5 }]);
    await tell(license_key, "b", [0, { [tokens]: 30, [gpus]: 2 }]);
    await tell(license_key, "b", [0, { [tokens]: 31, [gpus]: 2 }]);
    const used = await usageOf(license.id);
    expect(used.data).toMatchObject([
      { date: daysAgo(1), meters: { [tokens]: 5 } },
      {
        date: daysAgo(0),
        meters: { [tokens]: 131, [gpus]: 6 },
        instances: [
          { instance_id: "a", meters: { [tokens]: 100, [gpus]: 4 } },
          { instance_id: "b", meters: { [tokens]: 31, [gpus]: 2 } },
        ],
      },
    ]);
    expect(used.meters).toMatchObject({ [tokens]: { value: 1_000, aggregate: "sum", period: "month" } });
    const [kept] = await rows<{ meters: string }>(
      "SELECT meters FROM license_usage WHERE license_id = ? AND day = ?",
      license.id,
      daysAgo(0),
    );
    expect(JSON.parse(kept!.meters)).toEqual({ [tokens]: 131, [gpus]: 6 });
  });

  it("of codes that the license lacks are ignored with a warning, and the others are taken", async () => {
    const [own, other] = [await meter(), await meter()];
    const ended = await meter();
    const { license, license_key } = await newLicense({
      entitlements: { [own]: { value: 5 }, [ended]: { value: 5, until: `${daysAgo(1)}T00:00:00Z` } },
    });
    await activate(license_key, "a");
    const warnings = await tell(license_key, "a", [0, { [own]: 1, [other]: 2, [ended]: 3, "no code": 4 }]);
    expect(warnings).toEqual([
      {
        code: "USAGE_IGNORED",
        detail: `Not counted, because the license has no such meter: ${[ended, other, "no code"].toSorted().join(", ")}.`,
      },
    ]);
    expect((await usageOf(license.id)).data[0].meters).toEqual({ [own]: 1 });
    // What was used before the end still counts.
    expect(await tell(license_key, "a", [2, { [ended]: 3 }])).toEqual([]);
    expect((await usageOf(license.id)).data[0].meters).toEqual({ [ended]: 3 });
    await tell(license_key, "a", [3, { [other]: 3 }]);
    expect((await usageOf(license.id)).data[0]).not.toHaveProperty("meters");
  });

  it("are taken from a report with odd codes", async () => {
    const code = await meter();
    const { license, license_key } = await newLicense({ entitlements: { [code]: { value: 5 } } });
    await activate(license_key, "a");
    const odd = [
      "",
      " ",
      '"',
      "$",
      "$[",
      "[0",
      "$.meter",
      "a]b",
      "constructor",
      "__proto__",
      "x".repeat(256),
    ];
    // As the text of a request: an object of JavaScript would lose some.
    const members = [...odd, code].map((one) => `${JSON.stringify(one)}: 2`);
    const meters = JSON.parse(`{${members.join()}}`) as object;
    expect(await tell(license_key, "a", [0, meters])).toMatchObject([{ code: "USAGE_IGNORED" }]);
    await tell(license_key, "a", [1, meters], [2, meters]);
    expect((await usageOf(license.id)).data.map((day: { meters: object }) => day.meters)).toEqual([
      { [code]: 2 },
      { [code]: 2 },
      { [code]: 2 },
    ]);
  });

  it("are taken however many other codes the days of a report have", async () => {
    const code = unique("z");
    await admin("/entitlements", { body: { code, name: "Z", kind: "meter" } });
    const { license, license_key } = await newLicense({ entitlements: { [code]: { value: 50 } } });
    await activate(license_key, "a");
    const others = (day: number) =>
      Object.fromEntries(Array.from({ length: 31 }, (_, n) => [`m${day}.${n}`, 1]));
    const days = [2, 1, 0].map((ago) => [ago, { ...others(ago), [code]: 5 }] as [number, object]);
    await tell(license_key, "a", ...days);
    expect((await usageOf(license.id)).data.map((day: { meters: object }) => day.meters)).toEqual([
      { [code]: 5 },
      { [code]: 5 },
      { [code]: 5 },
    ]);
  });

  it("are at most 32 in a day's report, each a whole number from 0", async () => {
    const { license_key } = await newLicense();
    await activate(license_key, "a");
    const many = Object.fromEntries(Array.from({ length: 33 }, (_, n) => [`m${n}`, 1]));
    for (const meters of [many, { a: -1 }, { a: 1.5 }, { a: "1" }, { a: 1e13 }]) {
      const answer = await checkIn(license_key, "a", { usage: [{ date: daysAgo(0), meters }] });
      expect([answer.status, answer.body.code]).toEqual([422, "REQUEST_INVALID"]);
    }
    const { m32: _, ...fewer } = many;
    const usage = [
      { date: daysAgo(0), meters: fewer },
      { date: daysAgo(1), meters: null },
    ];
    expect((await checkIn(license_key, "a", { usage })).status).toBe(200);
  });

  it("are not taken without proof", async () => {
    const code = await meter();
    const { license, license_key } = await newLicense({ entitlements: { [code]: { value: 5 } } });
    await activate(license_key, "a");
    const usage = [{ date: daysAgo(0), meters: { [code]: 7 } }];
    const answer = await checkIn(license_key, "a", { usage, certificate: undefined });
    expect(answer.body.usage_ignored).toEqual([daysAgo(0)]);
    expect((await usageOf(license.id)).data).toEqual([]);
  });
});

describe("above the value", () => {
  it.each([
    // aggregate, period, the days as they are told, and what is observed of the last.
    [
      "sum",
      "month",
      [
        [2, 600],
        [1, 400],
      ],
      null,
    ],
    [
      "sum",
      "month",
      [
        [2, 600],
        [1, 401],
      ],
      1_001,
    ],
    [
      "sum",
      "month",
      [
        [1, 401],
        [2, 600],
      ],
      1_001,
    ],
    [
      "sum",
      "month",
      [
        [11, 900],
        [1, 400],
      ],
      null,
    ],
    [
      "sum",
      "day",
      [
        [2, 600],
        [1, 1_000],
      ],
      null,
    ],
    [
      "sum",
      "day",
      [
        [2, 600],
        [1, 1_001],
      ],
      1_001,
    ],
    [
      "peak",
      "month",
      [
        [2, 600],
        [1, 1_000],
      ],
      null,
    ],
    [
      "peak",
      "month",
      [
        [2, 1_001],
        [1, 5],
      ],
      1_001,
    ],
    [
      "peak",
      "day",
      [
        [2, 1_001],
        [1, 5],
      ],
      null,
    ],
    [
      "peak",
      "day",
      [
        [2, 5],
        [1, 1_001],
      ],
      1_001,
    ],
  ] as const)("a %s of a %s told as %j warns of %s", async (aggregate, period, told, observed) => {
    const code = await meter({ aggregate, period });
    const { license_key } = await newLicense({ entitlements: { [code]: { value: 1_000 } } });
    await activate(license_key, "a");
    let last: Awaited<ReturnType<typeof tell>> = [];
    // From the third day of the month on, so that twelve days ago is another month.
    for (const [ago, figure] of told) last = await tell(license_key, "a", [ago, { [code]: figure }]);
    // A late day is compared as the month stood on it; the day after it says what the month comes to.
    if (told[0][0] < told[1][0]) last = await tell(license_key, "a", [told[0][0], { [code]: 0 }]);
    expect(last.map(({ limit, observed: seen }) => [limit, seen])).toEqual(
      observed === null ? [] : [[code, observed]],
    );
  });

  it("of a month counts the days before one that was told without meters first", async () => {
    const code = await meter();
    const { license_key } = await newLicense({ entitlements: { [code]: { value: 1_000 } } });
    await activate(license_key, "a");
    await tell(license_key, "a", [2, { [code]: 600 }]);
    await tell(license_key, "a", [1, {}]);
    expect(await tell(license_key, "a", [1, { [code]: 401 }])).toMatchObject([
      { limit: code, observed: 1_001 },
    ]);
  });

  it("of a month warns once of a report of several days, as of the latest of each month", async () => {
    const code = await meter();
    const { license, license_key } = await newLicense({ entitlements: { [code]: { value: 10 } } });
    await activate(license_key, "a");
    const days = [12, 11, 3, 2, 1].map((ago): [number, object] => [ago, { [code]: 11 }]);
    const warnings = await tell(license_key, "a", ...days);
    expect(warnings.map(({ limit, observed }) => [limit, observed])).toEqual([
      [code, 22],
      [code, 33],
    ]);
    const over = (await eventsOf(license.id)).filter(({ action }) => action === "license.overused");
    expect(over.map(({ detail }) => JSON.parse(detail).day)).toEqual([daysAgo(11), daysAgo(1)]);
  });

  it("is an event a day and meter, and nothing is refused", async () => {
    const code = await meter();
    const { license, license_key } = await newLicense({ entitlements: { [code]: { value: 10 } } });
    await activate(license_key, "a");
    for (const figure of [5, 11, 12]) await tell(license_key, "a", [0, { [code]: figure }]);
    setTime(NOW + DAY);
    await tell(license_key, "a", [-1, { [code]: 1 }]);
    expect((await activate(license_key, "new")).status).toBe(200);
    const over = (await eventsOf(license.id)).filter(({ action }) => action === "license.overused");
    expect(over.map(({ detail }) => JSON.parse(detail))).toEqual([
      { day: daysAgo(0), limit: code, allowed: 10, observed: 11 },
      { day: daysAgo(-1), limit: code, allowed: 10, observed: 13 },
    ]);
  });

  it("with refuse_new refuses instances that were not seen in 35 days, and no other", async () => {
    const code = await meter({ over: "refuse_new" });
    setTime(NOW - 40 * DAY);
    const { license, license_key } = await newLicense({
      entitlements: { [code]: { value: 10 } },
      max_instances: 9,
    });
    await activate(license_key, "gone");
    setTime(NOW - 34 * DAY);
    await activate(license_key, "known");
    setTime(NOW);
    await activate(license_key, "a");
    await tell(license_key, "a", [0, { [code]: 10 }]);
    expect((await activate(license_key, "b")).status).toBe(200);
    await tell(license_key, "a", [0, { [code]: 11 }]);
    for (const box of ["c", "gone"]) {
      const refused = await activate(license_key, box);
      expect(refused.body).toMatchObject({
        status: 403,
        code: "ACTIVATION_LIMIT_REACHED",
        limit: code,
        allowed: 10,
        observed: 11,
      });
    }
    expect((await activate(license_key, "known")).status).toBe(200);
    expect((await activate(license_key, "b")).status).toBe(200);
    expect((await checkIn(license_key, "a")).status).toBe(200);
    await admin(`/licenses/${license.id}`, {
      method: "PATCH",
      body: { entitlements: { [code]: { value: 12 } } },
    });
    expect((await activate(license_key, "c")).status).toBe(200);
  });

  it("a day above ten times the value waits for staff, and refuses nobody until they looked at it", async () => {
    const code = await meter({ over: "refuse_new" });
    const { license, license_key } = await newLicense({
      entitlements: { [code]: { value: 10 } },
      max_instances: 9,
    });
    await activate(license_key, "a");
    await tell(license_key, "a", [0, { [code]: 100 }]);
    expect((await activate(license_key, "b")).body).toMatchObject({ limit: code, observed: 100 });
    await tell(license_key, "a", [0, { [code]: 101 }]);
    expect((await activate(license_key, "b")).status).toBe(200);
    const path = `/licenses/${license.id}/usage/${daysAgo(0)}/a`;
    const body = { requests: 1, services: 1, meters: { [code]: 101 }, reason: "It is so" };
    expect((await admin(path, { method: "PUT", body })).body).toMatchObject({ meters: { [code]: 101 } });
    expect((await activate(license_key, "c")).body).toMatchObject({ limit: code, observed: 101 });
  });
});

describe("a correction", () => {
  it("sets the codes that it names, leaves the others, and takes no more reports", async () => {
    const [one, two] = [await meter(), await meter()];
    const { license, license_key } = await newLicense({
      entitlements: { [one]: { value: 50 }, [two]: { value: null } },
    });
    await activate(license_key, "a");
    await tell(license_key, "a", [1, { [one]: 40, [two]: 7 }], [0, { [one]: 20 }]);
    const path = `/licenses/${license.id}/usage/${daysAgo(1)}/a`;
    const body = { requests: 2, services: 3, meters: { [one]: 4 }, reason: "Counted twice" };
    const answer = await admin(path, { method: "PUT", body });
    expect(answer.body).toMatchObject({ requests: 2, services: 3, meters: { [one]: 4, [two]: 7 } });
    await tell(license_key, "a", [1, { [one]: 90, [two]: 90 }]);
    expect((await usageOf(license.id)).data[0]).toMatchObject({
      requests: 2,
      meters: { [one]: 4, [two]: 7 },
      instances: [{ corrected: true }],
    });
    // The month so far follows: 24 is not above 50, as 60 was.
    expect(await tell(license_key, "a", [0, { [one]: 20 }])).toEqual([]);
    const event = (await eventsOf(license.id)).find(({ action }) => action === "usage.corrected");
    expect(JSON.parse(event!.detail)).toMatchObject({
      from: { requests: 1, services: 1, meters: { [one]: 40, [two]: 7 } },
      to: { requests: 2, services: 3, meters: { [one]: 4 } },
    });
    const without = { requests: 9, services: 9, reason: "Only these" };
    expect((await admin(path, { method: "PUT", body: without })).body.meters).toEqual({ [one]: 4, [two]: 7 });
  });
});

describe("the cost of a check-in with five meters", () => {
  it("is what one with requests and services costs: no row more read or written", async () => {
    const codes = await Promise.all(Array.from({ length: 5 }, () => meter()));
    const entitlements = Object.fromEntries(codes.map((code) => [code, { value: 10 }]));
    const { license_key } = await newLicense({ entitlements });
    const plain = await newLicense();
    const costOf = async (key: string, figure: number, meters: boolean, ago = 0) => {
      const { body: held } = await activate(key, "a");
      const { bindings, cost } = metered();
      const counted = Object.fromEntries(codes.map((code) => [code, figure]));
      const usage = [
        { date: daysAgo(ago), requests: figure, services: 1, ...(meters ? { meters: counted } : {}) },
      ];
      const body = { license_key: key, instance_id: "a", certificate: held.certificate, usage };
      expect((await call("/v1/check-in", { body, bindings })).status).toBe(200);
      return cost;
    };
    const expectSame = async (figure: number) => {
      const [with_, without] = [
        await costOf(license_key, figure, true),
        await costOf(plain.license_key, figure, false),
      ];
      expect(with_).toEqual(without);
      expect(with_.read).toBeLessThanOrEqual(10);
      expect(with_.written).toBeLessThanOrEqual(3);
    };
    for (const figure of [1, 2, 2]) await expectSame(figure);
    // Nor does the month before a day make a difference, however much of it was told.
    for (const ago of [1, 2, 3, 7]) {
      await costOf(license_key, 1, true, ago);
      await costOf(plain.license_key, 1, false, ago);
    }
    for (const figure of [3, 4, 4]) await expectSame(figure);
  });
});
