import { describe, expect, it } from "vitest";
import {
  ceilToSecond,
  firstDayOf,
  floorToSecond,
  formatInstant,
  formatInstantOrNull,
  lastDayOf,
  numericDate,
  parseInstant,
} from "../../src/kernel/dates.ts";

const read = (text: string, role: "start" | "end" = "end"): string | null => {
  const at = parseInstant(text, role);
  return at === null ? null : formatInstant(at);
};

describe("a bare date", () => {
  it.each([
    ["2027-01-31", "2027-02-01T12:00:00.000Z"],
    ["2027-12-31", "2028-01-01T12:00:00.000Z"],
    ["2028-02-28", "2028-02-29T12:00:00.000Z"],
    ["2028-02-29", "2028-03-01T12:00:00.000Z"],
    ["2027-02-28", "2027-03-01T12:00:00.000Z"],
    ["9999-12-30", "9999-12-31T12:00:00.000Z"],
    // It would be over in the year 10000, which no four digits name.
    ["9999-12-31", "9999-12-31T23:59:59.000Z"],
  ])("as an end, %s lasts until the day is over in UTC−12: %s", (text, end) => {
    expect(read(text, "end")).toBe(end);
  });

  it.each([
    ["2027-01-31", "2027-01-30T10:00:00.000Z"],
    ["2028-03-01", "2028-02-29T10:00:00.000Z"],
    ["1970-01-02", "1970-01-01T10:00:00.000Z"],
    ["1970-01-01", "1970-01-01T00:00:00.000Z"],
  ])("as a start, %s begins when the day begins in UTC+14: %s", (text, start) => {
    expect(read(text, "start")).toBe(start);
  });

  it("ends after that day's last moment in every time zone, and starts before its first", () => {
    for (let offset = -12; offset <= 14; offset++) {
      const midnight = Date.UTC(2027, 0, 31) - offset * 3_600_000;
      expect(parseInstant("2027-01-31", "end")).toBeGreaterThanOrEqual(midnight + 86_400_000);
      expect(parseInstant("2027-01-31", "start")).toBeLessThanOrEqual(midnight);
    }
  });
});

describe("the day that an instant names", () => {
  const day = (of: (at: number) => number, instant: string): string =>
    formatInstant(of(Date.parse(instant))).slice(0, 10);

  it.each([
    ["2027-02-01T11:59:59.999Z", "2027-02-01"],
    ["2027-02-01T12:00:00.000Z", "2027-01-31"],
    ["2027-02-01T12:00:00.001Z", "2027-02-01"],
    ["2027-02-01T12:00:01.000Z", "2027-02-01"],
    ["2028-03-01T12:00:00.000Z", "2028-02-29"],
    ["2027-02-01T00:00:00.000Z", "2027-02-01"],
    ["2027-02-01T10:00:00.000Z", "2027-02-01"],
  ])("as an end, of %s: %s", (instant, last) => {
    expect(day(lastDayOf, instant)).toBe(last);
  });

  it.each([
    ["2027-01-31T09:59:59.999Z", "2027-01-31"],
    ["2027-01-31T10:00:00.000Z", "2027-02-01"],
    ["2027-01-31T10:00:00.001Z", "2027-01-31"],
    ["2027-01-31T10:00:01.000Z", "2027-01-31"],
    ["2028-02-28T10:00:00.000Z", "2028-02-29"],
    ["2027-01-31T00:00:00.000Z", "2027-01-31"],
    ["2027-01-31T12:00:00.000Z", "2027-01-31"],
  ])("as a start, of %s: %s", (instant, first) => {
    expect(day(firstDayOf, instant)).toBe(first);
  });

  it.each(["1970-01-01", "1970-01-02", "2028-02-29", "2027-12-31", "9999-12-30", "9999-12-31"])(
    "is the date that was given, %s",
    (date) => {
      expect(formatInstant(lastDayOf(parseInstant(date, "end")!)).slice(0, 10)).toBe(date);
      expect(formatInstant(firstDayOf(parseInstant(date, "start")!)).slice(0, 10)).toBe(date);
    },
  );
});

describe("an instant", () => {
  it.each([
    ["2027-01-31T10:00:00Z", "2027-01-31T10:00:00.000Z"],
    ["2027-01-31t10:00:00z", "2027-01-31T10:00:00.000Z"],
    ["2027-01-31T10:00:00.5Z", "2027-01-31T10:00:00.500Z"],
    ["2027-01-31T10:00:00.123456789Z", "2027-01-31T10:00:00.123Z"],
    ["2027-01-31T10:00:00+02:00", "2027-01-31T08:00:00.000Z"],
    ["2027-01-31T23:30:00-05:30", "2027-02-01T05:00:00.000Z"],
    ["2027-01-31T10:00:00+23:59", "2027-01-30T10:01:00.000Z"],
    ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59.000Z"],
    ["1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z"],
  ])("%s is %s, whatever its role", (text, instant) => {
    expect(read(text, "end")).toBe(instant);
    expect(read(text, "start")).toBe(instant);
  });

  it.each([
    "",
    "tomorrow",
    "2027",
    "2027-1-31",
    "2027-02-29",
    "2027-13-01",
    "2027-00-01",
    "2027-01-00",
    "2027-01-32",
    "1969-12-31",
    "2027-01-31T24:00:00Z",
    "2027-01-31T10:60:00Z",
    "2027-01-31T10:00:60Z",
    "2027-01-31T10:00:00",
    "2027-01-31T10:00Z",
    "2027-01-31 10:00:00Z",
    "2027-01-31T10:00:00+24:00",
    "2027-01-31T10:00:00+02:60",
    "1970-01-01T00:00:00+01:00",
    "9999-12-31T23:59:59-01:00",
    "2027-01-31T10:00:00Z ",
    "02027-01-31",
    "02027-01-31T10:00:00Z",
  ])("%j is not one", (text) => {
    expect(read(text)).toBeNull();
  });
});

it("an instant is written in UTC with milliseconds, and none as null", () => {
  expect(formatInstantOrNull(Date.UTC(2027, 0, 31, 10))).toBe("2027-01-31T10:00:00.000Z");
  expect(formatInstantOrNull(0)).toBe("1970-01-01T00:00:00.000Z");
  expect(formatInstantOrNull(null)).toBeNull();
});

describe("whole seconds, as a NumericDate has them", () => {
  it.each([
    [1000, 1000, 1000, 1],
    [1001, 1000, 2000, 1],
    [1999, 1000, 2000, 1],
  ])("%d ms rounds down to %d and up to %d; its NumericDate is %d", (at, floor, ceil, date) => {
    expect([floorToSecond(at), ceilToSecond(at), numericDate(at)]).toEqual([floor, ceil, date]);
  });
});
