import { describe, expect, it } from "vitest";
import {
  daysBetween,
  dueThreshold,
  termOfEntitlements,
  whenOf,
  windowsOf,
} from "../../src/notices/ladder.ts";
import { pauseAfter } from "../../src/notices/outcomes.ts";
import { DAY } from "../support/clock.ts";

const END = Date.parse("2027-03-01T12:00:00Z");
const ALL = [30, 14, 7, 1, 0];
const HOUR = DAY / 24;

type Status = "active" | "suspended" | "revoked";

const due = (
  before: number,
  {
    sent = [],
    thresholds = ALL,
    status = "active",
    end = END,
    began = 0,
    issued = 0,
  }: {
    sent?: number[];
    thresholds?: number[];
    status?: Status;
    end?: number | null;
    /** How long before the end the term began; 0: long ago. */
    began?: number;
    issued?: number;
  } = {},
) =>
  dueThreshold(
    {
      status,
      expires_at: end,
      issued_at: issued === 0 ? 0 : END - issued,
      starts_at: null,
      term_began_at: began === 0 ? null : END - began,
    },
    thresholds,
    END - before,
    new Set(sent),
  );

describe("the ladder of notices", () => {
  it.each([
    ["a night before the last one with 30 days left", 31 * DAY, {}, null],
    ["the last night with 30 days left, a whole day before", 31 * DAY - 1, {}, 30],
    ["the last night with 30 days left, to the moment", 30 * DAY, {}, 30],
    ["that night missed: the next one", 30 * DAY - 1, {}, 30],
    ["the last night with 7 days left", 7 * DAY + 15 * HOUR, { sent: [30, 14] }, 7],
    ["the one after it: nothing twice", 6 * DAY + 15 * HOUR, { sent: [30, 14, 7] }, null],
    ["the last night with a day left", 2 * DAY - 1, { sent: [7] }, 1],
    ["two days left", 2 * DAY, { sent: [7] }, null],
    ["a day left, missed: hours before the end", 9 * HOUR, { sent: [7] }, 1],
    ["a millisecond before the end", 1, { sent: [7] }, 1],
    ["the end", 0, { sent: [7, 1] }, 0],
    ["the first night after the end", -15 * HOUR, { sent: [7, 1] }, 0],
    ["after the end nothing that was due before it", -15 * HOUR, { thresholds: [7, 1] }, null],
    ["missed nights: only the nearest", 0.5 * DAY, {}, 1],
    ["missed for eight days: no more", -8 * DAY, {}, null],
    ["missed for a little less", -8 * DAY + 1, {}, 0],
    ["a clock that goes back: nothing farther away", 7 * DAY, { sent: [1] }, null],
    ["suspended", 7 * DAY, { status: "suspended" as const }, null],
    ["revoked", 7 * DAY, { status: "revoked" as const }, null],
    ["perpetual", 7 * DAY, { end: null }, null],
    ["without thresholds", 7 * DAY, { thresholds: [] }, null],
    ["own thresholds, in any order", 60 * DAY, { thresholds: [0, 60, 3] }, 60],
    ["long before", 300 * DAY, {}, null],
  ])("%s", (_, before, options, threshold) => {
    expect(due(before, options)).toBe(threshold);
  });

  it.each([
    ["a trial of 30 days, in its first night", 29.6 * DAY, { issued: 30 * DAY }, null],
    ["the same, its end rounded up", 29.6 * DAY, { issued: 30 * DAY + 999 }, null],
    ["a term of two seconds more than 30 days", 29.6 * DAY, { issued: 30 * DAY + 2_000 }, 30],
    ["the trial's next threshold", 14.5 * DAY, { issued: 30 * DAY }, 14],
    ["renewed by 30 days at the end", 29.6 * DAY, { began: 30 * DAY, issued: 400 * DAY }, null],
    ["renewed early: the term begins at the former end", 29.6 * DAY, { began: 30 * DAY }, null],
    ["renewed late", 6.5 * DAY, { began: 6.9 * DAY }, null],
    ["renewed late, and its end", 0, { began: 6.9 * DAY }, 0],
  ])("%s: what had passed when the term began is not due", (_, before, options, threshold) => {
    expect(due(before, options)).toBe(threshold);
  });

  it("says the end once, on every night of a license's life, whichever night fails", () => {
    for (const skipped of [0, 1, 2, 3, 5, 7]) {
      const sent: number[] = [];
      for (let before = 40 * DAY; before > -20 * DAY; before -= (1 + skipped) * DAY) {
        const threshold = due(before, { sent });
        if (threshold !== null) sent.push(threshold);
      }
      expect(sent.at(-1)).toBe(0);
      expect(sent).toEqual(sent.toSorted((a, b) => b - a));
      expect(new Set(sent).size).toBe(sent.length);
    }
  });
});

describe("how far away an end is", () => {
  // A date as an end, 31 January, lasts until 12:00 UTC of the next day.
  it.each([
    ["2030-02-01T03:00:00Z", "2030-02-01T12:00:00Z", "today"],
    ["2030-01-31T03:00:00Z", "2030-02-01T12:00:00Z", "tomorrow"],
    ["2030-01-30T03:00:00Z", "2030-02-01T12:00:00Z", { in: 2 }],
    ["2030-01-25T03:00:00Z", "2030-02-01T12:00:00Z", { in: 7 }],
    ["2030-01-31T23:59:59.999Z", "2030-02-01T00:00:00Z", "tomorrow"],
    ["2030-02-01T00:00:00Z", "2030-02-01T23:59:59Z", "today"],
    // Eight days of the calendar, though only seven and some hours are left.
    ["2030-01-24T03:00:00Z", "2030-02-01T02:00:00Z", { in: 8 }],
  ])("in the night of %s, with the end %s: %j", (now, end, when) => {
    expect(whenOf(Date.parse(now), Date.parse(end))).toEqual(when);
  });

  it("counts the days of the calendar", () => {
    expect(daysBetween(DAY - 1, DAY)).toBe(1);
    expect(daysBetween(0, DAY - 1)).toBe(0);
  });
});

describe("the windows of the nightly walk", () => {
  it("cover each threshold from its night on for eight days, and no end twice", () => {
    expect(windowsOf(ALL, 0)).toEqual([
      [-8 * DAY, 15 * DAY],
      [22 * DAY, 31 * DAY],
    ]);
    expect(windowsOf([], 0)).toEqual([]);
  });
});

describe("the pause after a failed attempt", () => {
  it.each([
    [1, 0, 22_500],
    [1, 0.5, 30_000],
    [2, 0.5, 60_000],
    [9, 0.5, 7_200_000],
    [12, 1, 9_000_000],
  ])("attempt %i, at random %d: %i ms", (attempts, random, pause) => {
    expect(pauseAfter(attempts, random)).toBe(pause);
  });
});

describe("the term of an entitlement", () => {
  const term = { status: "active", issued_at: 1, starts_at: 2, term_began_at: END } as const;

  it.each([
    ["ends before it", END - 1, null],
    ["ends with it", END, null],
    ["ends after it", END + 1, END],
    ["has no end", null, END],
  ])("of a license that %s", (_, end, until) => {
    const own = termOfEntitlements({ ...term, expires_at: end }, END);
    expect(own).toEqual({ ...term, expires_at: until, term_began_at: null });
  });
});
