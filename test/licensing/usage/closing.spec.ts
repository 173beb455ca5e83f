// The night closes months: what a statement says does not depend on who looks first.
import { beforeEach, describe, expect, it } from "vitest";
import type { Context } from "../../../src/context.ts";
import type { Env } from "../../../src/config.ts";
import { closeStatements } from "../../../src/licensing/usage/closing.ts";
import { foldUsage } from "../../../src/licensing/usage/folding.ts";
import { lastClosed, monthsIn } from "../../../src/licensing/usage/months.ts";
import { servicesOf } from "../../../src/services.ts";
import { DAY, setTime } from "../../support/clock.ts";
import { env } from "../../support/env.ts";
import { faulty, MOMENTS, OVERLOADED } from "../../support/faulty.ts";
import { metered, recorded, scansOf } from "../../support/meter.ts";
import { freshRecord, night } from "../../support/record.ts";
import { activate, admin, checkIn, eventsOf, newLicense, rows, unique } from "../../support/service.ts";

const ISSUED = Date.parse("2026-10-15T08:00:00.000Z");
/** The first night in which November is closed. */
const DUE = Date.parse("2027-01-10T03:00:00.000Z");

const fresh = async (): Promise<void> => {
  await freshRecord();
  setTime(ISSUED);
};

const asSystem = (bindings: Env = env): Context => ({
  ...servicesOf(bindings),
  actor: { type: "system", id: "nightly" },
  requestId: "r",
  ip: null,
  defer: () => undefined,
});

/** Closes until nothing is due. @returns how many pages that took */
async function close(bindings: Env = env): Promise<number> {
  const context = asSystem(bindings);
  let pages = 1;
  while (await closeStatements(context)) pages++;
  return pages;
}

/** A license with a meter, and a box that told some days of November. */
async function sold(days: [date: string, figure: number][] = [["2026-11-03", 60]], value = 100) {
  const code = unique("m");
  await admin("/entitlements", { body: { code, name: "M", kind: "meter" } });
  const { license, license_key } = await newLicense({
    expires_in: "P3Y",
    max_services: 1,
    entitlements: { [code]: { value } },
  });
  await activate(license_key, "box");
  const now = Date.now();
  setTime("2026-12-02T08:00:00Z");
  await activate(license_key, "box");
  const usage = days.map(([date, n]) => ({ date, requests: n, services: 2, meters: { [code]: n } }));
  expect((await checkIn(license_key, "box", { usage })).status).toBe(200);
  setTime(now);
  return { id: license.id as string, license_key: license_key as string, code };
}

const kept = () =>
  rows<{ license_id: string; month: string; revision: number; closed_at: number; figures: string }>(
    "SELECT license_id, month, revision, closed_at, figures FROM statements ORDER BY month, license_id, revision",
  );

const statement = async (id: string, month = "2026-11") =>
  (await admin(`/licenses/${id}/statements/${month}`)).body;

const closings = async (id: string) =>
  (await eventsOf(id)).filter(({ action }) => action === "statement.closed");

const walk = () => rows("SELECT month, license_id FROM statement_walk");

describe("the last month that is closed", () => {
  it.each([
    ["2027-01-09T23:59:59.999Z", "2026-10"],
    ["2027-01-10T00:00:00.000Z", "2026-11"],
    ["2027-02-08T23:59:59.999Z", "2026-11"],
    ["2027-02-09T23:59:59.999Z", "2026-11"],
    // 40 days after a February, and after the leap year's.
    ["2027-04-09T23:59:59.999Z", "2027-01"],
    ["2027-04-10T00:00:00.000Z", "2027-02"],
    ["2028-04-09T23:59:59.999Z", "2028-01"],
    ["2028-04-10T00:00:00.000Z", "2028-02"],
    ["2027-03-12T23:59:59.999Z", "2026-12"],
    ["2027-03-13T00:00:00.000Z", "2027-01"],
  ])("at %s is %s", (at, month) => expect(lastClosed(Date.parse(at))).toBe(month));
});

describe("the night", () => {
  beforeEach(fresh);

  it("closes the month of each license with a meter, as it is then", async () => {
    const { id, code, license_key } = await sold();
    const plain = await newLicense();
    setTime(DUE - DAY);
    await night();
    expect((await kept()).map(({ month }) => month)).toEqual(["2026-10"]);
    setTime(DUE);
    await night();
    const [, row] = await kept();
    expect(row).toMatchObject({ license_id: id, month: "2026-11", revision: 1, closed_at: DUE });
    expect(await closings(plain.license.id)).toEqual([]);

    // Nobody looked yet. What is allowed from now on, and what comes from now on, is not what was closed.
    setTime(DUE + 9 * DAY);
    const more = { max_services: 7, entitlements: { [code]: { value: 5 } } };
    await admin(`/licenses/${id}`, { method: "PATCH", body: more });
    const first = await statement(id);
    expect(first).toMatchObject({
      revision: 1,
      closed_at: new Date(DUE).toISOString(),
      meters: { [code]: { total: 60, peak: 60, value: 100, days_over: 0 } },
      services: { total: 2, peak: 2, value: 1, days_over: 1 },
    });
    const usage = [{ date: "2026-11-07", requests: 1, services: 1, meters: { [code]: 4 } }];
    await checkIn(license_key, "box", { usage });
    expect(await statement(id)).toMatchObject({
      revision: 2,
      previous: first.hash,
      meters: { [code]: { total: 64 } },
    });
    const [closed] = (await closings(id)).slice(1);
    expect(closed).toMatchObject({ actor_type: "system", actor_id: "statements" });
    expect(JSON.parse(closed!.detail)).toEqual({ month: "2026-11", revision: 1, hash: first.hash });
  });

  it("states what a reader in the same night would have got", async () => {
    const { id } = await sold([
      ["2026-11-03", 60],
      ["2026-11-30", 61],
    ]);
    setTime(DUE);
    const read = await statement(id);
    await rows("DELETE FROM statements");
    await close();
    expect(await statement(id)).toEqual(read);
  });

  it("leaves one that was read before as it was", async () => {
    const { id } = await sold();
    setTime(DUE - 3 * 3_600_000);
    const read = await statement(id);
    setTime(DUE);
    await close();
    expect(await statement(id)).toEqual(read);
    expect(await closings(id)).toHaveLength(1);
  });

  it("closes of a meter that was taken away meanwhile, wherever its days lie, and not before a license was issued", async () => {
    const folded = await sold([["2026-11-03", 7]]);
    const gone = await sold([["2026-11-29", 8]]);
    for (const { id, code } of [folded, gone])
      await admin(`/licenses/${id}`, { method: "PATCH", body: { entitlements: { [code]: null } } });
    const plain = await newLicense();
    await activate(plain.license_key, "box");
    setTime("2026-11-30T23:59:59Z");
    const justIn = await sold([]);
    setTime("2026-12-01T00:00:00Z");
    const late = await sold([]);
    // The night is late, so that November lies in two places.
    setTime(DUE + 40 * DAY);
    while (await foldUsage(asSystem()));
    expect(await rows("SELECT license_id FROM license_usage_months")).toEqual([{ license_id: folded.id }]);
    await rows("UPDATE statement_walk SET month = '2026-11'");
    expect(await closeStatements(asSystem())).toBe(true);
    const closed = (await kept()).map(({ license_id }) => license_id);
    expect(closed.toSorted()).toEqual([folded.id, gone.id, justIn.id].toSorted());
    expect(closed).not.toContain(late.id);
    for (const [{ id, code }, total] of [
      [folded, 7],
      [gone, 8],
    ] as const)
      expect((await statement(id)).meters[code]).toEqual({ total, peak: total, days_over: 0 });
  });

  it("begins with the last month that is due, and catches up after it stood still, as far as days are kept", async () => {
    const { id } = await sold();
    setTime(DUE);
    expect(await close()).toBe(1);
    expect(await walk()).toEqual([{ month: "2026-12", license_id: "" }]);
    setTime("2027-04-10T03:00:00Z");
    await close();
    expect((await kept()).map(({ month }) => month)).toEqual(["2026-11", "2026-12", "2027-01", "2027-02"]);
    await rows("UPDATE statement_walk SET month = '2024-01', license_id = 'lic_x'");
    // From March 2025 to February 2027.
    expect(await close()).toBe(24);
    expect(await walk()).toEqual([{ month: "2027-03", license_id: "" }]);
    // Before its issue there was nothing.
    expect((await kept()).map(({ month }) => month)).toEqual([
      "2026-10",
      "2026-11",
      "2026-12",
      "2027-01",
      "2027-02",
    ]);
    expect(await closings(id)).toHaveLength(5);
  });

  it("killed before, amid or after any of its requests and run again closes each month once", async () => {
    const { id } = await sold();
    setTime("2028-01-10T03:00:00Z");
    const months = monthsIn("2026-11-01", "2027-10-31");
    for (const [n, month] of months.entries()) {
      const [killed, moment] = [1 + Math.floor(n / 3), MOMENTS[n % 3]!];
      const { bindings } = faulty((at) => (at === killed ? { moment, message: OVERLOADED } : null));
      for (const run of [bindings, env, env]) {
        await rows("UPDATE statement_walk SET month = ?, license_id = ''", month);
        await closeStatements(asSystem(run)).catch(() => undefined);
      }
    }
    expect((await kept()).map(({ month }) => month)).toEqual(months);
    expect((await closings(id)).map(({ detail }) => JSON.parse(detail).month)).toEqual(months);
  });

  it("twice at once, beside a reader, closes each once", async () => {
    const { id } = await sold();
    setTime(DUE);
    const [read] = await Promise.all([statement(id), close(), close()]);
    expect(await kept()).toHaveLength(1);
    expect(await closings(id)).toHaveLength(1);
    expect(await statement(id)).toEqual(read);
  });
});

describe("many licenses", () => {
  beforeEach(fresh);

  /** Copies of a license, without usage. */
  const copies = async (id: string, from: number, upTo: number, entitlements: string) => {
    const [{ names }] = (await rows<{ names: string }>(
      "SELECT group_concat(name) AS names FROM pragma_table_info('licenses') WHERE name NOT IN ('id', 'entitlements')",
    )) as [{ names: string }];
    await rows(
      `INSERT INTO licenses (id, entitlements, ${names})
       WITH RECURSIVE n(i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?2)
       SELECT printf('lic_copy_%06d', i), ?3, ${names} FROM n, licenses WHERE id = ?4`,
      from,
      upTo,
      entitlements,
      id,
    );
  };

  it("go in pages, each with few requests, and the next page goes on where the last one ended", async () => {
    const { id } = await sold();
    const [{ entitlements }] = (await rows("SELECT entitlements FROM licenses WHERE id = ?", id)) as [
      { entitlements: string },
    ];
    // 260 with a meter, among 2 100 without.
    await copies(id, 0, 1_000, "{}");
    await copies(id, 1_000, 1_260, entitlements);
    await copies(id, 1_260, 2_360, "{}");
    setTime(DUE);
    const { bindings, trips } = metered();
    const context = asSystem(bindings);
    const at: unknown[] = [];
    for (let more = true; more;) {
      more = await closeStatements(context);
      at.push((await walk())[0]);
    }
    expect(at).toEqual([
      { month: "2026-11", license_id: id < "lic_copy" ? "lic_copy_001248" : "lic_copy_001249" },
      { month: "2026-12", license_id: "" },
    ]);
    expect(await kept()).toHaveLength(261);
    expect(trips).toHaveLength(8);
    // Beside each license and its days: 33 rows for one without a meter, and its statement and event for one with.
    const read = trips.reduce((sum, one) => sum + one.read, 0);
    const written = trips.reduce((sum, one) => sum + one.written, 0);
    expect(read).toBeLessThan(2_361 * 2 * 40);
    expect(written).toBeLessThan(261 * 8);
  });

  it("cost a quiet night one request, and no page scans a table", async () => {
    await sold();
    setTime(DUE);
    const busy = recorded();
    await close(busy.bindings);
    expect(await scansOf(busy.statements)).toEqual([]);
    const quiet = recorded();
    await close(quiet.bindings);
    expect([quiet.cost.trips, quiet.statements.length, quiet.cost.written]).toEqual([1, 1, 0]);
    expect(quiet.cost.read).toBeLessThanOrEqual(2);
  });
});
