import { describe, expect, it } from "vitest";
import { DAY, LAST_INSTANT, SECOND } from "../../../src/kernel/dates.ts";
import {
  graceUntil,
  refusalOf,
  STANDINGS,
  standingOf,
  type Term,
} from "../../../src/licensing/licenses/standing.ts";

const START = Date.UTC(2027, 0, 1);
const END = Date.UTC(2028, 0, 1);
const GRACE_END = END + 14 * DAY;

const term = (changes: Partial<Term> = {}): Term => ({
  status: "active",
  starts_at: START,
  expires_at: END,
  grace_days: 14,
  ...changes,
});

describe("standing, on both sides of every edge", () => {
  it.each([
    ["before it starts", term(), START - 1, "scheduled"],
    ["as it starts", term(), START, "active"],
    ["more than 30 days before its end", term(), END - 30 * DAY - 1, "active"],
    ["exactly 30 days before its end", term(), END - 30 * DAY, "expiring"],
    ["in its last millisecond", term(), END - 1, "expiring"],
    ["at expires_at, the first instant at which it no longer holds", term(), END, "grace"],
    ["in the last millisecond of grace", term(), GRACE_END - 1, "grace"],
    ["as grace ends", term(), GRACE_END, "expired"],
    ["without grace, in its last millisecond", term({ grace_days: 0 }), END - 1, "expiring"],
    ["without grace, at its end", term({ grace_days: 0 }), END, "expired"],
    ["without a start, at the beginning of time", term({ starts_at: null }), 0, "active"],
    ["without a start, before the beginning of time", term({ starts_at: null }), -1, "active"],
    ["perpetual, at the end of time", term({ expires_at: null }), 8.64e15, "active"],
    ["perpetual, before it starts", term({ expires_at: null }), START - 1, "scheduled"],
  ] as const)("%s", (_, subject, now, standing) => {
    expect(standingOf(subject, now)).toBe(standing);
  });

  it.each([START - SECOND, START, END - DAY, END, GRACE_END, GRACE_END + DAY])(
    "a person's decision wins over time at %d",
    (now) => {
      expect(standingOf(term({ status: "suspended" }), now)).toBe("suspended");
      expect(standingOf(term({ status: "revoked" }), now)).toBe("revoked");
    },
  );

  it("a license shorter than 30 days is expiring from its first moment", () => {
    expect(standingOf(term({ expires_at: START + DAY }), START)).toBe("expiring");
  });
});

describe("what a standing allows", () => {
  it("active, expiring and grace run; each other standing has its own refusal", () => {
    expect(STANDINGS.map((standing) => [standing, refusalOf(standing)])).toEqual([
      ["active", null],
      ["expiring", null],
      ["grace", null],
      ["expired", "LICENSE_EXPIRED"],
      ["scheduled", "LICENSE_NOT_STARTED"],
      ["suspended", "LICENSE_SUSPENDED"],
      ["revoked", "LICENSE_REVOKED"],
    ]);
  });

  it("grace is counted in days from expires_at; a perpetual license has no end of it", () => {
    expect(graceUntil(term())).toBe(GRACE_END);
    expect(graceUntil(term({ grace_days: 0 }))).toBe(END);
    expect(graceUntil(term({ expires_at: null }))).toBeNull();
  });

  it("grace ends with the last instant that four digits of year can name", () => {
    expect(graceUntil(term({ expires_at: LAST_INSTANT - DAY, grace_days: 1 }))).toBe(LAST_INSTANT);
    expect(graceUntil(term({ expires_at: LAST_INSTANT - DAY, grace_days: 2 }))).toBe(LAST_INSTANT);
    expect(graceUntil(term({ expires_at: LAST_INSTANT - DAY, grace_days: 0 }))).toBe(LAST_INSTANT - DAY);
  });
});
