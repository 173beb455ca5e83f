// What the bars of a time stand for, and for how many charts a page has room. Pure.
import { describe, expect, it } from "vitest";
import { barsOf, roomFor, titleOf, unitOf } from "../../../src/http/console/parts/periods.tsx";
import { DAY } from "../../../src/kernel/dates.ts";

const NOW = Date.parse("2026-11-29T08:00:00.000Z");
const ago = (days: number): string => new Date(NOW - days * DAY).toISOString().slice(0, 10);
const last = (days: number) => ({ from: ago(days - 1), to: ago(0) });

describe("a bar stands for", () => {
  it.each([
    // One chart: a hundred bars at most.
    [100, 1, "day"],
    [101, 1, "week"],
    [700, 1, "week"],
    [701, 1, "month"],
    // Several: two hundred bars together.
    [100, 2, "day"],
    [66, 3, "day"],
    [67, 3, "week"],
    [7 * 66, 3, "week"],
    [7 * 66 + 1, 3, "month"],
  ])("with %i days in each of %i charts: a %s, the shortest that fits", (days, charts, unit) => {
    expect(unitOf(last(days), NOW, charts)).toBe(unit);
  });

  it("only days that have come", () => {
    expect(unitOf({ from: ago(99), to: "2099-01-01" }, NOW)).toBe("day");
  });
});

it.each([
  [0, 25],
  [2, 20],
  [92, 2],
  [93, 1],
  [1_000, 1],
])("of charts with %i bars a page has room for %i", (bars, charts) => {
  expect(roomFor(bars)).toBe(charts);
});

it("is titled by its unit, and by what a bar takes of its days", () => {
  expect(titleOf("Requests", "day")).toBe("Requests by day");
  expect(titleOf("Requests", "week", "sum")).toBe("Requests by week");
  expect(titleOf("Services", "month")).toBe("Services: the highest day of each month");
});

describe("the bars of a time", () => {
  const period = { from: "2026-10-30", to: "2026-11-14" };
  const on = (day: string): number => Number(day.slice(8));
  const href = (from: string, to: string): string => `${from}/${to}`;
  const shown = (unit: "day" | "week" | "month", of?: "peak" | "sum") =>
    barsOf(period, NOW, unit, on, of, href).map(({ name, value, href: to }) => [name, value, to]);

  it("are its days, each leading to itself", () => {
    const bars = shown("day");
    expect(bars).toHaveLength(16);
    expect(bars[0]).toEqual(["Oct 30, 2026", 30, "2026-10-30/2026-10-30"]);
    expect(bars.at(-1)).toEqual(["Nov 14, 2026", 14, "2026-11-14/2026-11-14"]);
  });

  it("are its weeks from its first day, the last one as long as it is", () => {
    expect(shown("week")).toEqual([
      ["Oct 30, 2026 to Nov 5, 2026", 31, "2026-10-30/2026-11-05"],
      ["Nov 6, 2026 to Nov 12, 2026", 12, "2026-11-06/2026-11-12"],
      ["Nov 13, 2026 to Nov 14, 2026", 14, "2026-11-13/2026-11-14"],
    ]);
    expect(shown("week", "sum")[0]![1]).toBe(30 + 31 + 1 + 2 + 3 + 4 + 5);
  });

  it("are its months, those at the sides as far as they belong to it", () => {
    expect(shown("month", "sum")).toEqual([
      ["October 2026", 30 + 31, "2026-10-30/2026-10-31"],
      ["November 2026", 105, "2026-11-01/2026-11-14"],
    ]);
  });
});
