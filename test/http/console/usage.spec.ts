// What was used: of a license over a time of choice, of a customer in a quarter, as pages and as files.
import { beforeEach, describe, expect, it } from "vitest";
import { readCsv } from "../../../src/licensing/sheets/sheets.ts";
import { DAY, setTime } from "../../support/clock.ts";
import { Visitor } from "../../support/console.ts";
import { metered } from "../../support/meter.ts";
import {
  activate,
  admin,
  checkIn,
  newCustomer,
  newLicense,
  newToken,
  rows,
  unique,
} from "../../support/service.ts";

const NOW = Date.parse("2026-11-20T08:00:00.000Z");

beforeEach(() => {
  setTime(NOW);
});

const day = (ago: number): string => new Date(NOW - ago * DAY).toISOString().slice(0, 10);

/** A license that was used yesterday and so many days ago. */
async function used(input: object = {}, requests: [ago: number, requests: number][] = [[1, 10]]) {
  setTime(NOW - 200 * DAY);
  const { license, license_key } = await newLicense({ expires_days: 2_000, ...input });
  await activate(license_key, "box");
  setTime(NOW);
  await activate(license_key, "box");
  const usage = requests.map(([ago, count]) => ({ date: day(ago), requests: count, services: 2 }));
  expect((await checkIn(license_key, "box", { usage })).status).toBe(200);
  return license.id as string;
}

const bars = (html: string): string[] =>
  [...html.matchAll(/<title>([^<]+: [\d,]+)<\/title>/g)].map(([, title]) => title!);

describe("the usage of a license", () => {
  it("is charted for the period that is asked for, with the limit as a line", async () => {
    const id = await used({ max_requests_per_day: 50 }, [
      [1, 60],
      [40, 7],
    ]);
    const visitor = await Visitor.signInAs("viewer");
    const month = await visitor.get(`/admin/licenses/${id}/usage`);
    expect(bars(month.html)).toContain("Nov 19, 2026: 60");
    expect(bars(month.html)).not.toContain("Oct 11, 2026: 7");
    expect(month.html).toContain('class="over"');
    expect(month.html).toContain('class="limit"');
    expect(month.html).toContain(`/admin/licenses/${id}/statements/2026-11"`);
    const quarter = await visitor.get(`/admin/licenses/${id}/usage?period=2026-Q4`);
    expect(bars(quarter.html)).toContain("Oct 11, 2026: 7");
    expect(quarter.html).toMatch(/period=2026-Q4" aria-current="true"/);
    const { html } = await visitor.get(`/admin/licenses/${id}`);
    for (const name of ["7d", "90d", "12m", "2026-Q3"])
      expect(html).toContain(`"/admin/licenses/${id}/usage?period=${name}"`);
    expect(html).toMatch(/period=30d" aria-current="true"/);
    const week = await visitor.get(`/admin/licenses/${id}/usage?period=7d`);
    expect(bars(week.html).filter((bar) => bar.startsWith("Nov"))).toContain("Nov 14, 2026: 0");
    expect(week.html).toMatch(/class="tick under"[^>]*>Nov 15</);
  });

  it("is drawn by the week, by its highest day, where there are too many days", async () => {
    const id = await used({}, [
      [1, 60],
      [2, 70],
    ]);
    const { html, text } = await (await Visitor.signIn()).get(`/admin/licenses/${id}/usage?period=12m`);
    expect(text).toContain("the highest day of each week");
    const shown = bars(html).filter((bar) => bar.endsWith(": 70"));
    expect(shown).toEqual(["Nov 16, 2026 to Nov 20, 2026: 70"]);
    expect(html.length).toBeLessThan(100_000);
  });

  it("is had as CSV, also of days that lie together in a month", async () => {
    const id = await used({}, [
      [1, 10],
      [100, 30],
    ]);
    await rows("UPDATE license_usage SET day = '2025-12-31' WHERE license_id = ? AND day = ?", id, day(100));
    await rows(
      `INSERT INTO license_usage_months (month, license_id, days)
       VALUES ('2026-01', ?, '{"03":[5,1],"31":[6,1,{"tokens":9}]}')`,
      id,
    );
    const visitor = await Visitor.signInAs("viewer");
    const file = await visitor.get(`/admin/licenses/${id}/usage.csv?period=12m`);
    expect(file.headers.get("Content-Disposition")).toBe(`attachment; filename="usage-${id}-12m.csv"`);
    expect(
      readCsv(file.html).rows.map(({ cells }) => [cells["date"], cells["requests"], cells["tokens"]]),
    ).toEqual([
      ["2025-12-31", "30", "0"],
      ["2026-01-03", "5", "0"],
      ["2026-01-31", "6", "9"],
      [day(1), "10", "0"],
    ]);
    const quarter = await visitor.get(`/admin/licenses/${id}/usage.csv?period=2026-Q1`);
    expect(readCsv(quarter.html).rows).toHaveLength(2);
  });

  it("is refused for a period that there is none of, and for a license that is not there", async () => {
    const visitor = await Visitor.signIn();
    const id = await used();
    for (const page of ["usage", "usage.csv"]) {
      expect(await visitor.get(`/admin/licenses/${id}/${page}?period=2020-Q1`)).toMatchObject({
        status: 422,
      });
      expect(await visitor.get(`/admin/licenses/lic_none/${page}`)).toMatchObject({ status: 404 });
      expect(await visitor.get(`/admin/customers/nobody-here/${page}`)).toMatchObject({ status: 404 });
      expect(await visitor.get(`/admin/customers/acme/${page}?period=30d`)).toMatchObject({ status: 422 });
    }
  });
});

describe("many meters", () => {
  /** A license with so many meters, each with 10 allowed a month and 20 used yesterday. */
  async function withMeters(count: number): Promise<{ id: string; codes: string[] }> {
    const codes = Array.from({ length: count }, (_, n) => unique(`m${String(n).padStart(2, "0")}`));
    for (const code of codes)
      expect((await admin("/entitlements", { body: { code, name: code, kind: "meter" } })).status).toBe(201);
    const entitlements = Object.fromEntries(codes.map((code) => [code, { value: 10 }]));
    const id = await used({ entitlements }, []);
    await rows(
      "INSERT INTO usage (license_id, day, instance_id, requests, services, meters) VALUES (?, ?, 'box', 1, 1, ?)",
      id,
      day(1),
      JSON.stringify(Object.fromEntries(codes.map((code) => [code, 20]))),
    );
    return { id, codes };
  }

  it("are a list on the license's page, each leading to its chart; one alone is drawn there", async () => {
    const visitor = await Visitor.signInAs("viewer");
    const one = await withMeters(1);
    const drawn = await visitor.get(`/admin/licenses/${one.id}`);
    expect(drawn.text).toContain(`${one.codes[0]}: this month so far`);
    expect(drawn.html).toContain('class="limit"');
    const two = await withMeters(2);
    const { html, text } = await visitor.get(`/admin/licenses/${two.id}`);
    expect(text).not.toContain(`${two.codes[0]}: this month so far`);
    expect(text).toContain("20 of 10 in use, 10 over the limit this month so far");
    for (const code of two.codes) {
      expect(html).toContain(`href="/admin/licenses/${two.id}/usage?meter=${code}"`);
      const chart = await visitor.get(`/admin/licenses/${two.id}/usage?meter=${code}`);
      expect(bars(chart.html).filter((bar) => bar.endsWith(": 20"))).toEqual([
        "Nov 19, 2026: 20",
        "Nov 20, 2026: 20",
        "Nov 19, 2026: 20",
      ]);
      // What a month may have is a line over the month as it adds up.
      expect(chart.text).toContain(`${code}: this month so far`);
      expect(chart.text).toContain("The dashed line is the limit, 10 a month. What is above it is red");
      // Another time shows the same meter, by the day, as it is alone.
      expect(chart.html).toContain(`usage?meter=${code}&amp;period=7d"`);
    }
  });

  it("of which nothing is allowed are full", async () => {
    const { id, codes } = await withMeters(2);
    const entitlements = Object.fromEntries(codes.map((code) => [code, { value: 0 }]));
    const patch = { method: "PATCH", body: { entitlements } };
    expect((await admin(`/licenses/${id}`, patch)).status).toBe(200);
    const { html, text } = await (await Visitor.signInAs("viewer")).get(`/admin/licenses/${id}`);
    expect(text).toContain("20 of 0 in use, 20 over the limit");
    await rows("DELETE FROM usage WHERE license_id = ?", id);
    const unused = await (await Visitor.signInAs("viewer")).get(`/admin/licenses/${id}`);
    expect(unused.text).toContain("0 of 0 in use");
    expect(html + unused.html).not.toMatch(/NaN|Infinity/);
  });

  it("cost three trips on each page", async () => {
    const { id, codes } = await withMeters(2);
    const { cost, bindings } = metered();
    const visitor = await Visitor.signIn(undefined, bindings);
    for (const path of ["", "/usage", `/usage?meter=${codes[0]}`]) {
      cost.trips = 0;
      expect((await visitor.get(`/admin/licenses/${id}${path}`)).status).toBe(200);
      expect(cost.trips, path).toBeLessThanOrEqual(3);
    }
  });

  it("of a day are drawn by the day alone, with its limit", async () => {
    const code = unique("peak");
    const body = { code, name: code, kind: "meter", aggregate: "peak", period: "day" };
    expect((await admin("/entitlements", { body })).status).toBe(201);
    const { license } = await newLicense({ entitlements: { [code]: { value: 7 } } });
    await rows(
      "INSERT INTO usage (license_id, day, instance_id, requests, services, meters) VALUES (?, ?, 'box', 1, 1, ?)",
      license.id,
      day(1),
      JSON.stringify({ [code]: 9 }),
    );
    const visitor = await Visitor.signInAs("viewer");
    const { html, text } = await visitor.get(`/admin/licenses/${license.id}/usage?meter=${code}`);
    expect(bars(html).filter((bar) => bar.endsWith(": 9"))).toEqual(["Nov 19, 2026: 9"]);
    expect(text).toContain("The dashed line is the limit, 7 a day. What is above it is red");
  });

  it("are drawn as far as there is room, and the others are listed with a link to each", async () => {
    const visitor = await Visitor.signInAs("viewer");
    const { id, codes } = await withMeters(14);
    const license = await visitor.get(`/admin/licenses/${id}`);
    expect(license.text).toContain("All 14 meters");
    expect(license.html).not.toContain(`meter=${codes[12]}`);
    const { html, text } = await visitor.get(`/admin/licenses/${id}/usage?period=7d`);
    const charts = (page: string): number => page.split('<figure class="chart">').length - 1;
    expect(charts(html)).toBe(13);
    expect(text).toContain("The others");
    for (const code of codes.slice(11))
      expect(html).toContain(`href="/admin/licenses/${id}/usage?period=7d&amp;meter=${code}"`);
    expect(html).not.toContain(`&amp;meter=${codes[10]}"`);
    expect(text).toContain("20 10 a month");
    const chosen = await visitor.get(`/admin/licenses/${id}/usage?period=90d&meter=requests`);
    expect(charts(chosen.html)).toBe(1);
    expect(chosen.text).toContain("Requests by day");
    expect(chosen.html).toContain(`&amp;meter=${codes[0]}"`);
    // One that it does not have is none.
    expect(charts((await visitor.get(`/admin/licenses/${id}/usage?period=7d&meter=nope`)).html)).toBe(13);
    const file = await visitor.get(`/admin/licenses/${id}/usage.csv?period=7d`);
    expect(readCsv(file.html).header).toEqual(["license_id", "date", "requests", "services", ...codes]);
  });
});

it("a chart of days leads to each statement once, and by the pointer from each of its bars", async () => {
  const id = await used(
    {},
    [1, 2, 3, 21, 22].map((ago): [number, number] => [ago, 5]),
  );
  const { html } = await (await Visitor.signInAs("viewer")).get(`/admin/licenses/${id}`);
  const [, chart = ""] = html.split("Requests of the last 30 days</figcaption>");
  const own = chart.split("</figure>")[0]!;
  const links = (month: string): number =>
    own.split(`href="/admin/licenses/${id}/statements/${month}"`).length - 1;
  // In the drawing for the days side by side, and in the table.
  expect([links("2026-11"), links("2026-10")]).toEqual([2, 2]);
  const [, drawn = ""] = own.split(`statements/2026-11" tabindex="-1">`);
  expect(bars(drawn.split("</a>")[0]!)).toEqual(["Nov 17, 2026: 5", "Nov 18, 2026: 5", "Nov 19, 2026: 5"]);
});

describe("a customer's usage in a quarter", () => {
  it("adds up the months of each license, and the file has them month by month", async () => {
    const { id: customer_id } = await newCustomer({ company: unique("Cobalt") });
    const one = await used({ customer_id, max_requests_per_day: 15 }, [
      [1, 10],
      [2, 20],
      [40, 5],
      [60, 99],
    ]);
    const two = await used({ customer_id, license_type: "trial" }, [[1, 100]]);
    const visitor = await Visitor.signInAs("viewer");
    const { html, text } = await visitor.get(`/admin/customers/${customer_id}/usage`);
    expect(text).toContain("Q4 2026");
    expect(text).toContain("not over yet");
    // The sum of both licenses, and neither the day of September.
    expect(bars(html)).toContain("Nov 19, 2026: 110");
    expect(text).toMatch(new RegExp(`requests standard …\u2060${one.slice(-6)} 35 20 15 1`));
    for (const id of [one, two]) expect(html).toContain(`/admin/licenses/${id}/statements/2026-10"`);
    const file = await visitor.get(`/admin/customers/${customer_id}/usage.csv?period=2026-Q4`);
    const requests = readCsv(file.html).rows.filter(({ cells }) => cells["meter"] === "requests");
    expect(
      requests.map(({ cells }) => [cells["license_id"], cells["month"], cells["total"], cells["peak"]]),
    ).toEqual(
      [
        [one, "2026-10", "5", "5"],
        [one, "2026-11", "30", "20"],
        [two, "2026-10", "0", "0"],
        [two, "2026-11", "100", "100"],
      ].toSorted(([a], [b]) => (a! < b! ? -1 : 1)),
    );
    // As the statement of the month has it.
    const { body } = await admin(`/licenses/${one}/statements/2026-11`);
    expect(
      requests.find(({ cells }) => cells["license_id"] === one && cells["month"] === "2026-11")!.cells,
    ).toMatchObject({
      total: String(body.requests.total),
      days_over: String(body.requests.days_over),
      days_without_report: body.days_without_report.join(";"),
    });
  });

  it("is the same in the API: as JSON with the figures of each month, page by page, and as the same file", async () => {
    const { id: customer_id } = await newCustomer();
    const one = await used({ customer_id, max_requests_per_day: 15 }, [
      [1, 10],
      [2, 20],
      [40, 5],
    ]);
    const two = await used({ customer_id, license_type: "trial" }, [[1, 100]]);
    const { token } = await newToken({ role: "viewer" });
    const at = `/customers/${customer_id}/usage`;
    const first = (await admin(`${at}?limit=1`, { token })).body;
    expect(first).toMatchObject({
      customer_id,
      period: { name: "2026-Q4", from: "2026-10-01", to: "2026-12-31" },
    });
    const second = (await admin(`${at}?limit=1&cursor=${first.next_cursor}`, { token })).body;
    const all = (await admin(at, { token })).body;
    expect([...first.data, ...second.data]).toEqual(all.data);
    expect(all.data.map(({ license_id }: { license_id: string }) => license_id)).toEqual(
      [one, two].toSorted(),
    );
    expect(all.next_cursor).toBeNull();
    const { months } = all.data.find(({ license_id }: { license_id: string }) => license_id === one);
    const { body: stated } = await admin(`/licenses/${one}/statements/2026-11`);
    const { requests, services, meters, days_without_report } = stated;
    expect(months.map(({ month }: { month: string }) => month)).toEqual(["2026-10", "2026-11"]);
    expect(months[1]).toEqual({ month: "2026-11", requests, services, meters, days_without_report });
    expect((await admin(`${at}?limit=1&cursor=${first.next_cursor}&period=2026-Q3`)).status).toBe(422);
    const file = await admin(`${at}?format=csv`, { token });
    const page = await (await Visitor.signInAs("viewer")).get(`/admin${at}.csv`);
    expect(file.text).toBe(page.html);
    expect(file.headers.get("Content-Disposition")).toBe(
      `attachment; filename="usage-${customer_id}-2026-Q4.csv"`,
    );
    for (const query of ["period=2026-Q5", "period=30d", "format=xlsx", "limit=0"])
      expect([query, (await admin(`${at}?${query}`)).status]).toEqual([query, 422]);
    expect((await admin("/customers/nobody-here/usage")).body.code).toBe("CUSTOMER_NOT_FOUND");
  });

  it("says how many licenses the page has, of which the file has all", async () => {
    const { id: customer_id } = await newCustomer();
    for (let n = 0; n < 41; n++) await newLicense({ customer_id });
    const visitor = await Visitor.signInAs("viewer");
    const page = await visitor.get(`/admin/customers/${customer_id}/usage`);
    expect(page.text).toContain("The page has the first 25 licenses");
    const file = await visitor.get(`/admin/customers/${customer_id}/usage.csv`);
    expect(new Set(readCsv(file.html).rows.map(({ cells }) => cells["license_id"])).size).toBe(41);
  });

  it("costs three trips, and a row a day and license", async () => {
    const { id: customer_id } = await newCustomer();
    await used(
      { customer_id },
      Array.from({ length: 31 }, (_, ago) => [ago, 5] as [number, number]),
    );
    const { cost, bindings } = metered();
    const visitor = await Visitor.signIn(undefined, bindings);
    cost.trips = cost.read = 0;
    const { html } = await visitor.get(`/admin/customers/${customer_id}/usage`);
    expect(cost.trips).toBeLessThanOrEqual(3);
    // The 51 days of the quarter so far, twice those that were reported, and what is known by an id.
    expect(cost.read).toBeLessThanOrEqual(51 + 2 * 31 + 15);
    expect(html.length).toBeLessThan(100_000);
  });
});

describe("a customer's page", () => {
  it("has the seats of each license, the latest mail, and what they asked for", async () => {
    const { id: customer_id } = await newCustomer({ email: `${unique("it")}@acme.example` });
    const { license, license_key } = await newLicense({ customer_id, max_instances: 3, send_email: true });
    await activate(license_key, "one");
    await rows(
      `INSERT INTO customer_requests (id, customer_id, license_id, contact_id, kind, seats, text, status, created_at)
       VALUES (?, ?, ?, 'con_1', 'seats', 9, 'We <b>grow</b>.', 'open', ?)`,
      unique("req"),
      customer_id,
      license.id,
      NOW,
    );
    const { cost, bindings } = metered();
    const visitor = await Visitor.signIn(undefined, bindings);
    cost.trips = 0;
    const { text, html } = await visitor.get(`/admin/customers/${customer_id}`);
    expect(cost.trips).toBeLessThanOrEqual(3);
    expect(text).toContain("1 / 3");
    expect(text).toContain("License delivery");
    expect(text).toMatch(/Requests Seats: 9 in all open We <b>grow<\/b>\./);
    expect(html).toContain(`/admin/customers/${customer_id}/usage"`);
  });
});
