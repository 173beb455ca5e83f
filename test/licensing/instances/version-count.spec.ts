// Which versions run, once a day: counted along the walk for silent instances, and told by day.
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  countAt,
  type Counted,
  dayOfCount,
  withPage,
} from "../../../src/licensing/instances/version-count.ts";
import { readCsv } from "../../../src/licensing/sheets/sheets.ts";
import { DAY, setTime } from "../../support/clock.ts";
import { Visitor } from "../../support/console.ts";
import { env } from "../../support/env.ts";
import { DELIVERIES, fire } from "../../support/mail.ts";
import { freshRecord } from "../../support/record.ts";
import { activate, admin, newLicense, newToken, rows } from "../../support/service.ts";

const NOW = Date.parse("2026-11-20T08:00:00.000Z");

const START: Counted = { day: "2026-11-20", at: ["", -1, ""], versions: [], others: 0 };

describe("a round", () => {
  const NEXT: Counted["at"] = ["lic_b", 0, "x"];

  it("adds up its pages, the most run first, and knows how many it does not name", () => {
    const one = withPage(
      START,
      [
        { version: "2.0.0", n: 5, total: 12 },
        { version: null, n: 4, total: 12 },
      ],
      NEXT,
    );
    expect(one).toEqual({
      day: "2026-11-20",
      at: NEXT,
      versions: [
        ["2.0.0", 5],
        [null, 4],
      ],
      others: 3,
    });
    const two = withPage(one, [{ version: null, n: 2, total: 2 }], ["", -1, ""]);
    expect(two.versions).toEqual([
      [null, 6],
      ["2.0.0", 5],
    ]);
    expect(withPage(two, [], NEXT)).toMatchObject({ versions: two.versions, others: 3 });
  });

  it("keeps 200 versions apart, and 20 of a day; nothing is lost from the sum", () => {
    const many = Array.from({ length: 150 }, (_, n) => ({ version: `1.0.${n}`, n: 1, total: 150 }));
    const more = many.map(({ version, ...one }) => ({ ...one, version: `2.${version}` }));
    const counted = withPage(withPage(START, many, NEXT), more, NEXT);
    expect(counted.versions).toHaveLength(200);
    expect(counted.others).toBe(100);
    const { versions, others } = dayOfCount(counted);
    expect(JSON.parse(versions)).toHaveLength(20);
    expect(others).toBe(280);
  });

  it.each([
    ["begins on a day that is not counted", "{}", true, "2026-11-20", START],
    ["is not begun on a day that is", "{}", true, null, null],
    ["does not go on with what an earlier round left", JSON.stringify(START), true, null, null],
    ["goes on where it came to", JSON.stringify({ ...START, at: NEXT }), false, null, { ...START, at: NEXT }],
    ["is given up where the walk was moved on by others", JSON.stringify(START), false, "2026-11-20", null],
    ["is not begun half way", "{}", false, "2026-11-20", null],
  ] as const)("%s", (_, stored, isBeginning, day, expected) => {
    const place: Counted["at"] = isBeginning ? ["", -1, ""] : NEXT;
    expect(countAt(stored, place, isBeginning, day)).toEqual(expected);
  });
});

const kept = () =>
  rows<{ day: string; versions: string; others: number }>("SELECT * FROM version_days ORDER BY day");

describe("the walk", () => {
  beforeAll(freshRecord);

  beforeEach(async () => {
    setTime(NOW);
    await env.DB.exec("DELETE FROM version_days");
    await env.DB.exec("DELETE FROM activations");
    await env.DB.exec(
      "UPDATE silence_walk SET license_id = '', ended_at = -1, instance_id = '', found = '[]', counted = '{}'",
    );
  });

  async function running(versions: (string | undefined)[]): Promise<string> {
    const { license, license_key } = await newLicense({ max_instances: null });
    for (const [n, app_version] of versions.entries())
      expect((await activate(license_key, `box-${n}`, app_version ? { app_version } : {})).status).toBe(200);
    return license.id as string;
  }

  it("counts those that hold a seat, once a day", async () => {
    const id = await running(["2.1.0", "2.1.0", "2.0.0", undefined]);
    await rows("UPDATE activations SET lease_expires_at = ? WHERE instance_id = 'box-2'", NOW);
    await fire(DELIVERIES, env);
    const [day, ...others] = await kept();
    expect(others).toEqual([]);
    expect(day).toEqual({ day: "2026-11-20", versions: '[["2.1.0",2],[null,1]]', others: 0 });
    await rows("UPDATE activations SET app_version = '3.0.0' WHERE license_id = ?", id);
    await fire(DELIVERIES, env);
    expect(await kept()).toEqual([day]);
    setTime(NOW + DAY);
    await fire(DELIVERIES, env);
    await fire(DELIVERIES, env);
    expect((await kept()).map(({ day: one, versions }) => [one, versions])).toEqual([
      [day!.day, day!.versions],
      ["2026-11-21", '[["3.0.0",3]]'],
    ]);
  });

  it("goes on with a round, keeps it at its end under its first day, and begins no other for that day", async () => {
    const id = await running(["2.0.0", "2.1.0"]);
    const at = [id, 0, "box-0"];
    const counted = { day: "2026-11-19", at, versions: [["1.0.0", 7]], others: 2 };
    const put = () =>
      rows(
        "UPDATE silence_walk SET license_id = ?, ended_at = 0, instance_id = 'box-0', counted = ?",
        id,
        JSON.stringify(counted),
      );
    await put();
    await fire(DELIVERIES, env);
    const [first] = await kept();
    expect(first).toEqual({
      day: "2026-11-19",
      versions: '[["1.0.0",7],["2.1.0",1]]',
      others: 2,
    });
    expect(await rows("SELECT counted FROM silence_walk")).toEqual([{ counted: "{}" }]);
    // The same again, as of a run that came twice: what is kept stays.
    counted.others = 99;
    await put();
    await fire(DELIVERIES, env);
    expect((await kept()).find(({ day }) => day === "2026-11-19")).toEqual(first);
  });

  it("gives up a count that a release without it has passed by", async () => {
    const id = await running(["2.0.0"]);
    const counted = { day: "2026-11-20", at: ["lic_a", 0, "x"], versions: [["1.0.0", 7]], others: 0 };
    await rows(
      "UPDATE silence_walk SET license_id = ?, ended_at = -1, instance_id = '', counted = ?",
      id,
      JSON.stringify(counted),
    );
    await fire(DELIVERIES, env);
    expect(await kept()).toEqual([]);
    await fire(DELIVERIES, env);
    expect((await kept()).map(({ versions }) => versions)).toEqual(['[["2.0.0",1]]']);
  });

  const put = (ago: number, versions: [string | null, number][], others = 0) =>
    rows(
      "INSERT INTO version_days (day, versions, others) VALUES (?, ?, ?)",
      new Date(NOW - ago * DAY).toISOString().slice(0, 10),
      JSON.stringify(versions),
      others,
    );

  it("is told by the API, a file and a chart with its table", async () => {
    await put(40, [["1.9.0", 4]]);
    await put(2, [
      ["10.0.0", 9],
      [null, 3],
      ["2.0.0", 8],
    ]);
    await put(1, [["2.0.0", 7]], 6);
    const { token } = await newToken({ role: "viewer" });
    const { body } = await admin("/statistics/versions", { token });
    expect(body).toEqual({
      data: [
        {
          day: "2026-11-18",
          versions: [
            { version: "2.0.0", count: 8 },
            { version: "10.0.0", count: 9 },
            { version: null, count: 3 },
          ],
          others: 0,
        },
        { day: "2026-11-19", versions: [{ version: "2.0.0", count: 7 }], others: 6 },
      ],
      next_cursor: null,
    });
    expect((await admin("/statistics/versions?period=90d", { token })).body.data).toHaveLength(3);
    expect((await admin("/statistics/versions?period=1d", { token })).status).toBe(422);
    const viewer = await Visitor.signInAs("viewer");
    const file = await viewer.get("/admin/figures/versions-over-time?period=30d");
    expect(readCsv(file.html).rows.map(({ cells }) => Object.values(cells))).toEqual([
      ["2026-11-18", "2.0.0", "8"],
      ["2026-11-18", "10.0.0", "9"],
      ["2026-11-18", "not said", "3"],
      ["2026-11-19", "2.0.0", "7"],
      ["2026-11-19", "others", "6"],
    ]);
    const { html, text } = await viewer.get("/admin/figures?period=30d");
    expect(text).toContain("From below: 2.0.0, 10.0.0, not said, others.");
    expect(html).toContain("<title>Nov 18, 2026: 10.0.0 on 9</title>");
    expect(text).toMatch(/Nov 19, 2026 7 0 0 6/);
    expect((await viewer.get("/admin/figures?period=2026-Q1")).text).toContain("Not counted yet");
  });

  it("stays a light page: days of a week, weeks of a month or a quarter, months of a year", async () => {
    for (let n = 0; n < 360; n++)
      await put(
        n,
        Array.from({ length: 20 }, (_, v) => [`${v}.${n % 3}.0-rc.${n}`, 100 + v]),
        5,
      );
    const viewer = await Visitor.signInAs("viewer");
    for (const [period, bars] of [
      ["7d", 7],
      ["30d", 5],
      ["90d", 13],
      ["12m", 12],
    ] as const) {
      const { html } = await viewer.get(`/admin/figures?period=${period}`);
      const card = html.slice(html.indexOf("Versions over time"));
      const named = new Set([...card.matchAll(/<title>([^:<]+): others/g)].map(([, day]) => day));
      expect([period, named.size]).toEqual([period, bars]);
      expect(html.length).toBeLessThan(100_000);
    }
  });
});
