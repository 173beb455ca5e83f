// The page of figures: what is counted, over which time, and as which files.
import { beforeEach, describe, expect, it } from "vitest";
import { mostRun, waits } from "../../../src/licensing/figures/history.ts";
import { trend } from "../../../src/http/console/figures/figures.tsx";
import { readCsv } from "../../../src/licensing/sheets/sheets.ts";
import { DAY, HOUR } from "../../../src/kernel/dates.ts";
import { setTime } from "../../support/clock.ts";
import { Visitor } from "../../support/console.ts";
import { metered } from "../../support/meter.ts";
import { freshRecord } from "../../support/record.ts";
import { activate, admin, newCustomer, newLicense, rows, unique } from "../../support/service.ts";

const NOW = Date.parse("2071-11-20T08:00:00.000Z");

beforeEach(async () => {
  await freshRecord();
  setTime(NOW);
});

const file = async (visitor: Visitor, id: string, period = "30d"): Promise<Record<string, string>> => {
  const answer = await visitor.get(`/admin/figures/${id}?period=${period}`);
  expect(answer.headers.get("Content-Type")).toContain("text/csv");
  const { header, rows: found } = readCsv(answer.html);
  return Object.fromEntries(
    found.map(({ cells }) => [cells[header![0]!], cells[header![1]!]] as [string, string]),
  );
};

describe("a trend", () => {
  it.each([
    [120, 100, "120 in 30 days, 20 % more than in the 30 days before (100)."],
    [80, 100, "80 in 30 days, 20 % fewer than in the 30 days before (100)."],
    [100, 100, "100 in 30 days, as many as in the 30 days before (100)."],
    [5, 0, "5 in 30 days."],
  ])("of %i after %i is told in words", (now, before, words) => {
    expect(trend(now, before, 30)).toBe(words);
  });
});

describe("the time from a delivery to the first activation", () => {
  it.each([
    [0, "within an hour"],
    [HOUR, "within an hour"],
    [HOUR + 1, "within a day"],
    [DAY, "within a day"],
    [DAY + 1, "within a week"],
    [7 * DAY + 1, "within 30 days"],
    [30 * DAY + 1, "later"],
    [-DAY, "within an hour"],
    [null, "not yet"],
  ])("%s is %s", (wait, label) => {
    const first_at = wait === null ? null : NOW + wait;
    expect(waits([{ told_at: NOW, first_at }]).filter(({ count }) => count > 0)).toEqual([
      { name: label, count: 1 },
    ]);
  });
});

describe("the versions that run most", () => {
  it("are in their order, with the rest added up", () => {
    const many = Array.from({ length: 22 }, (_, n) => ({ version: `1.${n}.0`, n: 30 - n }));
    const shown = mostRun(many);
    expect(shown).toHaveLength(21);
    expect(shown.at(-1)).toEqual({ name: "others", count: 10 + 9 });
    expect(
      mostRun([
        { version: null, n: 3 },
        { version: "2.0.0", n: 1 },
      ]),
    ).toEqual([
      { name: "2.0.0", count: 1 },
      { name: "not said", count: 3 },
    ]);
  });
});

describe("the page of figures", () => {
  it("counts activations and usage of the period, and compares with the days before", async () => {
    await rows("DELETE FROM activation_days");
    await rows(
      `INSERT INTO activation_days (day, n) VALUES ('2071-11-19', 4), ('2071-10-21', 1), ('2071-10-22', 2)`,
    );
    await rows(
      "INSERT INTO usage_days (day, requests, services) VALUES ('2071-11-18', 700, 3), ('2071-11-17', 50, 5)",
    );
    const { license_key } = await newLicense();
    await activate(license_key, "today");
    const visitor = await Visitor.signInAs("viewer");
    const { text, html } = await visitor.get("/admin/figures");
    expect(text).toContain("7 in 30 days, 600 % more than in the 30 days before (1).");
    expect(html).toContain("Nov 19, 2071: 4</title>");
    const days = await file(visitor, "activations");
    expect(days).toMatchObject({ "Oct 22, 2071": "2", "Nov 20, 2071": "1" });
    expect(days).not.toHaveProperty("Oct 21, 2071");
    expect(await file(visitor, "requests", "2071-Q4")).toMatchObject({ "Nov 18, 2071": "700" });
    // A file has each day. A bar of more adds up what a day counts, or has the highest day of what does not add up.
    expect(await file(visitor, "requests", "12m")).toMatchObject({
      "Nov 18, 2071": "700",
      "Nov 17, 2071": "50",
    });
    const year = await visitor.get("/admin/figures?period=12m");
    expect(year.text).toContain("Services: the highest day of each month");
    for (const bar of ["November 2071: 750", "November 2071: 5"])
      expect(year.html).toContain(`${bar}</title>`);
    const quarter = await visitor.get("/admin/figures?period=90d");
    expect(quarter.text).toContain("Requests by week");
    expect(quarter.html).toContain("Nov 15, 2071 to Nov 20, 2071: 750</title>");
  });

  it("tells renewals from licenses that ended for good", async () => {
    setTime(NOW - 90 * DAY);
    const won = await newLicense({ expires_days: 30, grace_days: 0 });
    const lost = await newLicense({ expires_days: 40, grace_days: 0 });
    await newLicense({ expires_days: 80, grace_days: 30 });
    const revoked = await newLicense({ expires_days: 40, grace_days: 0 });
    await admin(`/licenses/${revoked.license.id}/revoke`, { body: { reason: "x" } });
    setTime(NOW - 70 * DAY);
    expect((await admin(`/licenses/${won.license.id}/renew`, { body: { expires_days: 900 } })).status).toBe(
      200,
    );
    setTime(NOW);
    const visitor = await Visitor.signInAs("viewer");
    expect(await file(visitor, "won")).toMatchObject({ "2071-09": "1", "2071-10": "0" });
    expect(await file(visitor, "lost")).toMatchObject({ "2071-09": "0", "2071-10": "1", "2071-11": "0" });
    const { html } = await visitor.get("/admin/figures");
    const leads = (to: string): string =>
      new RegExp(`<a href="(${to}[^"]*)" tabindex="-1">`).exec(html)![1]!.replaceAll("&amp;", "&");
    // Each bar leads to what it counts.
    const renewed = await visitor.get(leads("/admin/activity"));
    expect(renewed.html).toContain(won.license.id);
    const ended = await visitor.get(leads("/admin/licenses\\?standing=expired"));
    expect([...new Set(ended.html.match(/\/admin\/licenses\/lic_\w+/g))]).toEqual([
      `/admin/licenses/${lost.license.id}`,
    ]);
  });

  it("has types, versions, and how long a first activation took", async () => {
    const { id: customer_id } = await newCustomer({ email: `${unique("it")}@acme.example` });
    const before = await file(await Visitor.signIn(), "first-activation");
    const { license_key } = await newLicense({ customer_id, send_email: true });
    setTime(NOW + 2 * DAY);
    await activate(license_key, "one", { app_version: "71.0.1" });
    await newLicense({ customer_id, send_email: true, license_type: "trial" });
    const visitor = await Visitor.signInAs("viewer");
    const after = await file(visitor, "first-activation");
    expect(Number(after["within a week"])).toBe(Number(before["within a week"]) + 1);
    expect(Number(after["not yet"])).toBe(Number(before["not yet"]) + 1);
    expect(await file(visitor, "versions")).toMatchObject({ "71.0.1": "1" });
    expect(Number((await file(visitor, "types"))["trial"])).toBeGreaterThan(0);
    expect((await visitor.get("/admin/figures")).html).toContain(
      "/admin/licenses?status=active&amp;license_type=trial",
    );
  });

  it("counts by the month over a time of its own, beside that of the days", async () => {
    setTime(NOW - 500 * DAY);
    const { license } = await newLicense({ expires_days: 30, grace_days: 0 });
    setTime(NOW - 490 * DAY);
    await admin(`/licenses/${license.id}/renew`, { body: { expires_days: 20 } });
    setTime(NOW);
    const visitor = await Visitor.signInAs("viewer");
    const of = (months: string) => file(visitor, "won", `7d&months=${months}`);
    expect(Object.keys(await of("6m"))).toHaveLength(6);
    expect(await of("12m")).not.toHaveProperty("2070-07");
    expect(await of("24m")).toMatchObject({ "2070-07": "1" });
    expect(Object.keys(await of("36m"))).toHaveLength(36);
    expect(await file(visitor, "lost", "7d&months=24m")).toMatchObject({ "2070-08": "1" });
    const { html, text } = await visitor.get("/admin/figures?period=7d&months=36m");
    expect(text).toContain("The last 36 months; at most the last");
    // Each link keeps the other choice.
    for (const link of [
      "/admin/figures?period=7d&amp;months=24m#won",
      "/admin/figures?period=90d&amp;months=36m",
      "/admin/figures/won?period=7d&amp;months=36m",
    ])
      expect(html).toContain(`"${link}"`);
    expect(await visitor.get("/admin/figures?months=5m")).toMatchObject({ status: 422 });
  });

  it("has the first activations of keys that were mailed in the period", async () => {
    const { id: customer_id } = await newCustomer({ email: `${unique("it")}@acme.example` });
    setTime(NOW - 40 * DAY);
    await newLicense({ customer_id, send_email: true });
    setTime(NOW);
    const visitor = await Visitor.signInAs("viewer");
    const waiting = async (period: string) =>
      Number((await file(visitor, "first-activation", period))["not yet"]);
    const [month, quarter] = [await waiting("30d"), await waiting("90d")];
    expect(quarter).toBe(month + 1);
    await newLicense({ customer_id, send_email: true });
    expect(await waiting("7d")).toBeGreaterThan(0);
    expect(await waiting("30d")).toBe(month + 1);
    // A quarter that is over ends with its last day.
    expect(await waiting("2071-Q3")).toBe(0);
  });

  it("costs two trips, and stays a light page with every day of a quarter", async () => {
    for (let n = 0; n < 92; n++)
      await rows(
        "INSERT INTO usage_days (day, requests, services) VALUES (?, ?, 9) ON CONFLICT DO NOTHING",
        new Date(NOW - n * DAY).toISOString().slice(0, 10),
        1_000_000 + n,
      );
    const { cost, bindings } = metered();
    const visitor = await Visitor.signIn(undefined, bindings);
    cost.trips = 0;
    const { html } = await visitor.get("/admin/figures?period=90d");
    expect(cost.trips).toBe(2);
    expect(html.length).toBeLessThan(100_000);
  });

  it("is refused for a period or a figure that there is none of", async () => {
    const visitor = await Visitor.signInAs("viewer");
    expect(await visitor.get("/admin/figures?period=1d")).toMatchObject({ status: 422 });
    expect(await visitor.get("/admin/figures/profit")).toMatchObject({ status: 404 });
  });
});
