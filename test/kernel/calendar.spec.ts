import { describe, expect, it } from "vitest";
import {
  addDuration,
  addToEnd,
  daysOf,
  DURATION,
  durationInWords,
  partsOf,
} from "../../src/kernel/calendar.ts";
import { formatInstant, lastDayOf, parseInstant } from "../../src/kernel/dates.ts";

const endOf = (date: string): number => parseInstant(date, "end") ?? Number.NaN;
const dateOf = (end: number): string => formatInstant(lastDayOf(end)).slice(0, 10);

describe("a duration", () => {
  it.each(["P1Y", "P12M", "P2W", "P30D", "P99999D", "P10Y"])("may be %s", (text) => {
    expect(DURATION.test(text)).toBe(true);
  });

  it.each([
    ["P0Y", "nothing"],
    ["P01Y", "a zero in front"],
    ["P-1Y", "a sign"],
    ["P1.5Y", "a fraction"],
    ["P1Y6M", "two units"],
    ["PT24H", "a time"],
    ["P1S", "an unknown unit"],
    ["p1y", "lower case"],
    ["P100000D", "six digits"],
    ["1Y", "no P"],
    ["P1", "no unit"],
    ["P", "neither"],
    ["", "nothing at all"],
    [" P1Y", "a blank"],
    ["P1Y\n", "a line break"],
  ])("is not %j: %s", (text) => {
    expect(DURATION.test(text)).toBe(false);
  });

  it.each([
    ["P1Y", 365, "1 year"],
    ["P2Y", 730, "2 years"],
    ["P1M", 30, "1 month"],
    ["P6M", 180, "6 months"],
    ["P2W", 14, "2 weeks"],
    ["P30D", 30, "30 days"],
    ["P1D", 1, "1 day"],
  ])("%s is shown as %i days, and in words as %s", (text, days, words) => {
    expect(daysOf(text)).toBe(days);
    expect(durationInWords(text)).toBe(words);
  });

  it("has a number and a unit", () => {
    expect(partsOf("P18M")).toEqual({ count: 18, unit: "M" });
  });
});

describe("an instant so much later", () => {
  it.each([
    ["2027-01-15T09:30:00.000Z", "P1M", "2027-02-15T09:30:00.000Z"],
    ["2027-01-31T09:30:00.000Z", "P1M", "2027-02-28T09:30:00.000Z"],
    ["2028-01-31T09:30:00.000Z", "P1M", "2028-02-29T09:30:00.000Z"],
    ["2027-03-31T00:00:00.000Z", "P1M", "2027-04-30T00:00:00.000Z"],
    ["2027-01-28T23:59:59.999Z", "P1M", "2027-02-28T23:59:59.999Z"],
    ["2027-12-31T12:00:00.000Z", "P1M", "2028-01-31T12:00:00.000Z"],
    ["2027-11-30T12:00:00.000Z", "P3M", "2028-02-29T12:00:00.000Z"],
    ["2027-10-31T12:00:00.000Z", "P18M", "2029-04-30T12:00:00.000Z"],
    // A yearly contract keeps its day in leap years.
    ["2027-03-01T08:00:00.000Z", "P1Y", "2028-03-01T08:00:00.000Z"],
    ["2028-03-01T08:00:00.000Z", "P1Y", "2029-03-01T08:00:00.000Z"],
    ["2028-02-29T08:00:00.000Z", "P1Y", "2029-02-28T08:00:00.000Z"],
    ["2028-02-29T08:00:00.000Z", "P4Y", "2032-02-29T08:00:00.000Z"],
    // 2100 is no leap year, 2000 and 2400 are.
    ["2096-02-29T08:00:00.000Z", "P4Y", "2100-02-28T08:00:00.000Z"],
    ["2396-02-29T08:00:00.000Z", "P4Y", "2400-02-29T08:00:00.000Z"],
    ["2027-12-31T23:59:59.000Z", "P1D", "2028-01-01T23:59:59.000Z"],
    ["2028-02-28T01:00:00.000Z", "P1D", "2028-02-29T01:00:00.000Z"],
    ["2028-02-15T01:00:00.000Z", "P2W", "2028-02-29T01:00:00.000Z"],
    ["2027-02-15T01:00:00.000Z", "P2W", "2027-03-01T01:00:00.000Z"],
    // Noon is the moment at which a date ends, but an instant is not an end.
    ["2027-02-01T12:00:00.000Z", "P1M", "2027-03-01T12:00:00.000Z"],
    ["1970-01-01T00:00:00.000Z", "P1M", "1970-02-01T00:00:00.000Z"],
    // The last instant there is.
    ["9998-12-31T23:59:59.000Z", "P1Y", "9999-12-31T23:59:59.000Z"],
    ["9999-06-30T00:00:00.000Z", "P6M", "9999-12-30T00:00:00.000Z"],
    ["9999-06-30T00:00:00.000Z", "P7M", "9999-12-31T23:59:59.000Z"],
    ["9999-12-31T23:59:59.000Z", "P1D", "9999-12-31T23:59:59.000Z"],
    ["2027-01-31T00:00:00.000Z", "P99999Y", "9999-12-31T23:59:59.000Z"],
    ["2027-01-31T00:00:00.000Z", "P99999M", "9999-12-31T23:59:59.000Z"],
    ["2027-01-31T00:00:00.000Z", "P99999D", "2300-11-15T00:00:00.000Z"],
  ])("%s and %s is %s", (from, duration, to) => {
    expect(formatInstant(addDuration(Date.parse(from), duration))).toBe(to);
  });
});

describe("an end so much later", () => {
  it.each([
    ["2027-01-31", "P1M", "2027-02-28"],
    ["2028-01-31", "P1M", "2028-02-29"],
    ["2027-01-30", "P1M", "2027-02-28"],
    ["2027-01-28", "P1M", "2027-02-28"],
    ["2027-02-28", "P1M", "2027-03-28"],
    ["2028-02-28", "P1M", "2028-03-28"],
    ["2027-01-31", "P1Y", "2028-01-31"],
    ["2028-02-29", "P1Y", "2029-02-28"],
    ["2027-12-31", "P1Y", "2028-12-31"],
    ["2027-12-31", "P2M", "2028-02-29"],
    ["2027-05-31", "P1M", "2027-06-30"],
    ["2027-01-31", "P1D", "2027-02-01"],
    ["2028-02-28", "P1D", "2028-02-29"],
    ["2027-02-28", "P1D", "2027-03-01"],
    ["2027-01-31", "P2W", "2027-02-14"],
    ["9998-12-31", "P1Y", "9999-12-31"],
    ["9999-01-31", "P1Y", "9999-12-31"],
  ])("through %s and %s is through %s", (from, duration, to) => {
    const end = addToEnd(endOf(from), duration);
    expect(end).toBe(endOf(to));
    expect(dateOf(end)).toBe(to);
  });

  it.each([
    ["2027-01-31T09:30:00.000Z", "P1M", "2027-02-28T09:30:00.000Z"],
    // One second before or after the end of a date is an instant like any other.
    ["2027-03-01T11:59:59.000Z", "P1M", "2027-04-01T11:59:59.000Z"],
    ["2027-03-01T12:00:01.000Z", "P1M", "2027-04-01T12:00:01.000Z"],
    // The end of 28 February.
    ["2027-03-01T12:00:00.000Z", "P1M", "2027-03-29T12:00:00.000Z"],
    ["9999-12-31T23:59:59.000Z", "P1Y", "9999-12-31T23:59:59.000Z"],
  ])("the instant %s and %s is %s", (from, duration, to) => {
    expect(formatInstant(addToEnd(Date.parse(from), duration))).toBe(to);
  });

  it("keeps ends that are the same the same, so that licenses that end together go on together", () => {
    const first = endOf("2027-01-31");
    const second = parseInstant(formatInstant(first), "end")!;
    for (const duration of ["P1M", "P1Y", "P2W", "P1D"]) {
      expect(addToEnd(second, duration)).toBe(addToEnd(first, duration));
    }
  });

  it("is later than before for every date and duration, up to the last instant", () => {
    for (let day = Date.UTC(2027, 0, 1); day < Date.UTC(2029, 0, 1); day += 86_400_000) {
      const end = endOf(formatInstant(day).slice(0, 10));
      for (const duration of ["P1D", "P1W", "P1M", "P12M", "P1Y", "P4Y"]) {
        const later = addToEnd(end, duration);
        expect(later).toBeGreaterThan(end);
        // What reads as a date goes on to read as one.
        expect(later % 86_400_000).toBe(end % 86_400_000);
      }
      expect(addToEnd(end, "P12M")).toBe(addToEnd(end, "P1Y"));
    }
  });
});
