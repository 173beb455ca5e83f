// The figures of a month: both sides of each edge.
import { describe, expect, it } from "vitest";
import { figuresOf, type MonthDay, type Sold } from "../../../src/licensing/usage/figures.ts";
import { unknownCodes } from "../../../src/licensing/usage/meters.ts";
import type { Entitled } from "../../../src/storage/schema.ts";
import { DAY } from "../../support/clock.ts";

const sold: Sold = {
  issued_at: Date.parse("2026-01-01T00:00:00Z"),
  expires_at: null,
  grace_days: 14,
  entitlements: {},
  max_requests_per_day: 10,
  max_services: null,
};

const used = (requests: number, figure?: number): MonthDay => ({
  day: "2026-02-10",
  requests,
  services: 1,
  meters: figure === undefined ? undefined : { m: figure },
});

const figures = (more: Partial<Sold>, told: MonthDay[] = []) =>
  figuresOf({ ...sold, ...more }, "2026-02", told, "2026-03-20");

const at = (instant: string): number => Date.parse(instant);

const ending = (until: string): Entitled => ({ value: 5, until: at(until), meter: ["sum", "day", "warn"] });

describe("a day", () => {
  it.each([
    [10, 0],
    [11, 1],
  ])("of %d requests where 10 are allowed is %d days over", (requests, days_over) => {
    expect(figures({}, [used(requests)]).requests).toEqual({
      total: requests,
      peak: requests,
      value: 10,
      days_over,
    });
  });

  it.each([
    ["2026-02-10T00:00:00Z", 0],
    ["2026-02-10T00:00:01Z", 1],
  ])("of a meter that ends at %s is %d days over", (until, days_over) => {
    expect(figures({ entitlements: { m: ending(until) } }, [used(1, 6)]).meters["m"]).toEqual({
      total: 6,
      peak: 6,
      value: 5,
      days_over,
    });
  });
});

describe("a report of a meter", () => {
  it.each([
    ["2026-02-10T00:00:00Z", ["m", "other"]],
    ["2026-02-10T00:00:01Z", ["other"]],
  ])("that ends at %s counts all codes from that day on but %j", (until, unknown) => {
    const license = { entitlements: { m: ending(until), other: { value: 1 } } };
    expect(unknownCodes(license, { codes: ["m", "other"], from: "2026-02-10" })).toEqual(unknown);
  });
});

describe("the days without a report", () => {
  const silent = (more: Partial<Sold>) => figures(more).days_without_report;

  it.each([
    ["2026-02-03T00:00:00Z", "2026-02-03"],
    ["2026-02-03T23:59:59Z", "2026-02-03"],
    ["2026-02-04T00:00:00Z", "2026-02-04"],
  ])("of a license that was issued at %s begin with %s", (issued, first) => {
    expect(silent({ issued_at: at(issued) })[0]).toBe(first);
  });

  it.each([
    ["2026-02-20T00:00:00Z", "2026-02-20"],
    ["2026-02-20T23:59:59Z", "2026-02-20"],
    ["2026-02-21T00:00:00Z", "2026-02-21"],
  ])("of one whose grace ended at %s end with %s", (end, last) => {
    expect(silent({ expires_at: at(end) - sold.grace_days * DAY }).at(-1)).toBe(last);
  });

  it("are all of them where it has no end, and none that was told", () => {
    expect(silent({})).toHaveLength(28);
    expect(figures({}, [used(0)]).days_without_report).not.toContain("2026-02-10");
  });
});
