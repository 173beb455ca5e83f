import { describe, expect, it } from "vitest";
import { chartPeriods, daysOf, invoicePeriods } from "../../src/kernel/periods.ts";

const at = Date.parse;

describe("periods", () => {
  it.each([
    ["2026-11-29T12:00:00Z", "2026-Q4", "2026-10-01", "2026-12-31"],
    ["2026-10-01T00:00:00Z", "2026-Q4", "2026-10-01", "2026-12-31"],
    ["2026-09-30T23:59:59Z", "2026-Q3", "2026-07-01", "2026-09-30"],
    ["2024-02-29T12:00:00Z", "2024-Q1", "2024-01-01", "2024-03-31"],
  ])("at %s begin with the quarter %s", (now, name, from, to) => {
    expect(invoicePeriods(at(now))[0]).toMatchObject({ name, from, to });
  });

  it("go back quarter by quarter, over the year", () => {
    const names = invoicePeriods(at("2026-02-01T00:00:00Z")).map(({ name }) => name);
    expect(names).toEqual(["2026-Q1", "2025-Q4", "2025-Q3", "2025-Q2", "2025-Q1", "2024-Q4", "12m"]);
  });

  it("have the last days with today, and a year of whole months", () => {
    const [week, month, quarter, year] = chartPeriods(at("2026-11-29T12:00:00Z"));
    expect(week).toMatchObject({ name: "7d", from: "2026-11-23", to: "2026-11-29" });
    expect(month).toMatchObject({ name: "30d", from: "2026-10-31", to: "2026-11-29" });
    expect(quarter).toMatchObject({ name: "90d", from: "2026-09-01", to: "2026-11-29" });
    expect(year).toMatchObject({ from: "2025-12-01", to: "2026-11-29" });
  });

  it("have only days that have come", () => {
    const now = at("2026-10-02T00:00:00Z");
    const [quarter, before] = invoicePeriods(now);
    expect(daysOf(quarter!, now)).toEqual(["2026-10-01", "2026-10-02"]);
    expect(daysOf(before!, now)).toHaveLength(92);
  });
});
