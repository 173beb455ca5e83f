import { describe, expect, it } from "vitest";
import { windowsOf } from "../../src/notices/expiry.ts";
import { dueNotice } from "../../src/notices/ladder.ts";
import { pauseAfter } from "../../src/notices/delivery.ts";
import { DAY } from "../support/clock.ts";

const END = Date.parse("2027-03-01T12:00:00Z");
const ALL = [30, 14, 7, 1, 0];

type Status = "active" | "suspended" | "revoked";

const due = (
  before: number,
  {
    sent = [],
    thresholds = ALL,
    status = "active",
    end = END,
  }: {
    sent?: number[];
    thresholds?: number[];
    status?: Status;
    end?: number | null;
  } = {},
) => dueNotice({ status, expires_at: end }, thresholds, END - before, new Set(sent));

describe("the ladder of notices", () => {
  const edges = ALL.flatMap((days): [string, number, number | null, number][] => {
    const earlier = ALL.findLast((other) => other > days);
    // One night before a threshold the one above it may still be due, if it was not too long ago.
    const above = earlier !== undefined && (earlier - days) * DAY - 1 < 8 * DAY ? earlier : null;
    return [
      [`a millisecond before ${days} days`, days * DAY + 1, above, days + 1],
      [`${days} days before the end`, days * DAY, days, days],
      [`a millisecond after that`, days * DAY - 1, days, days],
    ];
  });

  it.each(edges)("%s", (_, before, threshold, daysLeft) => {
    expect(due(before)).toEqual(threshold === null ? null : { threshold, daysLeft });
  });

  it.each([
    ["the first threshold, sent", 30 * DAY, { sent: [30] }, null],
    ["the next after it", 14 * DAY, { sent: [30] }, { threshold: 14, daysLeft: 14 }],
    ["missed nights: only the nearest", 0.5 * DAY, {}, { threshold: 1, daysLeft: 1 }],
    ["missed nights over the end: only that", -2 * DAY, { sent: [30] }, { threshold: 0, daysLeft: 0 }],
    ["missed for eight days: no more", -8 * DAY, {}, null],
    ["missed for a little less", -8 * DAY + 1, {}, { threshold: 0, daysLeft: 0 }],
    ["a clock that goes back: nothing farther away", 7 * DAY, { sent: [1] }, null],
    ["suspended", 7 * DAY, { status: "suspended" as const }, null],
    ["revoked", 7 * DAY, { status: "revoked" as const }, null],
    ["perpetual", 7 * DAY, { end: null }, null],
    ["perpetual, at the beginning of time", END, { end: null }, null],
    ["without thresholds", 7 * DAY, { thresholds: [] }, null],
    ["own thresholds, in any order", 60 * DAY, { thresholds: [0, 60, 3] }, { threshold: 60, daysLeft: 60 }],
    ["renewed: a new ladder", 30 * DAY, { end: END + 365 * DAY }, null],
    ["long before", 300 * DAY, {}, null],
  ])("%s", (_, before, options, expected) => {
    expect(due(before, options)).toEqual(expected);
  });

  it("says the end once, on every night of a license's life, whichever night fails", () => {
    for (const skipped of [0, 1, 2, 3, 5, 7]) {
      const sent: number[] = [];
      for (let before = 40 * DAY; before > -20 * DAY; before -= (1 + skipped) * DAY) {
        const notice = due(before, { sent });
        if (notice) sent.push(notice.threshold);
      }
      expect(sent.at(-1)).toBe(0);
      expect(sent).toEqual(sent.toSorted((a, b) => b - a));
      expect(new Set(sent).size).toBe(sent.length);
    }
  });
});

describe("the windows of the nightly walk", () => {
  it("cover each threshold for eight days, and no end twice", () => {
    const windows = windowsOf(ALL, 0);
    expect(windows).toEqual([
      [-8 * DAY, 14 * DAY],
      [22 * DAY, 30 * DAY],
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
