// Usage statements: the figures of a month, closed and signed, and what comes later.
import { compactVerify, createLocalJWKSet, decodeProtectedHeader } from "jose";
import { beforeEach, describe, expect, it } from "vitest";
import { sha256 } from "../../../src/crypto/digests.ts";
import { DAY, setTime } from "../../support/clock.ts";
import { freshRecord } from "../../support/record.ts";
import { activate, admin, call, checkIn, eventsOf, newLicense, unique } from "../../support/service.ts";

const CLOSED = Date.parse("2026-12-01T00:00:00Z") + 40 * DAY;

beforeEach(freshRecord);

/** A license of September with a meter, and a box that told some days of November. */
async function told(
  days: [date: string, figure: number][],
  members: object = {},
  value: number | null = 100,
) {
  setTime("2026-09-15T08:00:00Z");
  const code = unique("m");
  await admin("/entitlements", { body: { code, name: "M", kind: "meter", ...members } });
  const { license, license_key } = await newLicense({
    expires_in: "P3Y",
    entitlements: { [code]: { value } },
  });
  await activate(license_key, "box");
  setTime("2026-12-02T08:00:00Z");
  await activate(license_key, "box");
  await tell(license_key, code, days);
  return { id: license.id, license_key, code };
}

const tell = async (license_key: string, code: string, days: [date: string, figure: number][]) => {
  const usage = days.map(([date, figure]) => ({
    date,
    requests: 10,
    services: 2,
    meters: { [code]: figure },
  }));
  expect((await checkIn(license_key, "box", { usage })).status).toBe(200);
};

const statement = (id: string, month = "2026-11") => admin(`/licenses/${id}/statements/${month}`);

describe("a statement", () => {
  it("has sums, peaks, days over, and the days without a report by name", async () => {
    const { id, code } = await told([
      ["2026-11-01", 60],
      ["2026-11-02", 41],
      ["2026-11-30", 1],
      ["2026-12-01", 99],
    ]);
    const { body, status } = await statement(id);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      license_id: id,
      month: "2026-11",
      revision: 1,
      previous: null,
      closed_at: null,
      statement: null,
      // Above it from the second day to the end of the month.
      meters: { [code]: { total: 102, peak: 60, value: 100, days_over: 29 } },
      requests: { total: 30, peak: 10 },
      services: { total: 6, peak: 2 },
    });
    expect(body.days_without_report).toHaveLength(27);
    expect(body.days_without_report.slice(0, 2)).toEqual(["2026-11-03", "2026-11-04"]);
    expect((await statement(id, "2026-09")).body.days_without_report[0]).toBe("2026-09-15");
    expect((await statement(id, "2026-12")).body.days_without_report).toEqual([]);
    const csv = await admin(`/licenses/${id}/statements/2026-11?format=csv`);
    expect(csv.text.split("\r\n")[1]).toMatch(
      new RegExp(`^${id},2026-11,1,${code},102,60,100,29,2026-11-03;`),
    );
  });

  it.each([
    [{ aggregate: "sum", period: "day" }, 1],
    [{ aggregate: "peak", period: "day" }, 1],
    [{ aggregate: "sum", period: "month" }, 30],
    [{ aggregate: "peak", period: "month" }, 29],
  ])("of a meter with %j has %d days over", async (members, days_over) => {
    const { id, code } = await told(
      [
        ["2026-11-01", 60],
        ["2026-11-02", 61],
      ],
      members,
      60,
    );
    const first = members.aggregate === "sum" && members.period === "month" ? days_over - 1 : days_over;
    expect((await statement(id)).body.meters[code]).toEqual({
      total: 121,
      peak: 61,
      value: 60,
      days_over: first,
    });
  });

  it("of an unlimited meter is never over, and of months that nobody can know is refused", async () => {
    const { id, code } = await told([["2026-11-01", 60]], {}, null);
    expect((await statement(id)).body.meters[code]).toEqual({
      total: 60,
      peak: 60,
      value: null,
      days_over: 0,
    });
    for (const month of ["2027-01", "2024-10", "2026-13", "nonsense"])
      expect((await statement(id, month)).status, month).toBe(422);
    expect((await statement("lic_none")).status).toBe(404);
  });

  it("is closed 40 days after its month, signed, and from then on the same bytes", async () => {
    const { id, code } = await told([["2026-11-01", 60]]);
    setTime(CLOSED - 1);
    expect((await statement(id)).body.closed_at).toBeNull();
    setTime(CLOSED);
    const closed = (await statement(id)).body;
    expect(closed).toMatchObject({ closed_at: new Date(CLOSED).toISOString(), revision: 1, previous: null });
    expect(closed.hash).toBe(await sha256(closed.statement));
    expect(decodeProtectedHeader(closed.statement)).toMatchObject({
      typ: "usage-statement+jwt",
      alg: "EdDSA",
    });
    const keys = createLocalJWKSet((await call("/.well-known/jwks.json")).body);
    const { payload } = await compactVerify(closed.statement, keys);
    const { closed_at: _at, statement: _jws, hash: _hash, ...figures } = closed;
    expect(JSON.parse(new TextDecoder().decode(payload))).toMatchObject({ sub: id, ...figures });
    setTime(CLOSED + 9 * DAY);
    await admin(`/licenses/${id}`, { method: "PATCH", body: { entitlements: { [code]: { value: 7 } } } });
    expect((await statement(id)).body).toEqual(closed);
    expect((await eventsOf(id)).filter(({ action }) => action === "statement.closed")).toHaveLength(1);
  });

  it("gets a revision that names the one before where figures come later, from a courier or a correction", async () => {
    const { id, code, license_key } = await told([["2026-11-01", 60]]);
    setTime(CLOSED);
    const first = (await statement(id)).body;
    await tell(license_key, code, [["2026-11-07", 5]]);
    const second = (await statement(id)).body;
    expect(second).toMatchObject({
      revision: 2,
      previous: first.hash,
      meters: { [code]: { total: 65, peak: 60 } },
    });
    expect(second.days_without_report).not.toContain("2026-11-07");
    expect((await statement(id)).body).toEqual(second);
    const body = { requests: 10, services: 2, meters: { [code]: 4 }, reason: "Counted twice" };
    await admin(`/licenses/${id}/usage/2026-11-07/box`, { method: "PUT", body });
    expect((await statement(id)).body).toMatchObject({
      revision: 3,
      previous: second.hash,
      meters: { [code]: { total: 64 } },
    });
  });

  it("of two readers at the same time is one", async () => {
    const { id } = await told([["2026-11-01", 60]]);
    setTime(CLOSED);
    const all = await Promise.all(Array.from({ length: 4 }, () => statement(id)));
    expect(new Set(all.map(({ body }) => body.hash)).size).toBe(1);
  });
});
