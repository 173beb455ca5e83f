import { describe, expect, it } from "vitest";
import { changesBetween } from "../../../src/kernel/resources.ts";
import { effectsOf } from "../../../src/licensing/licenses/effects.ts";
import type { License } from "../../../src/storage/schema.ts";

const NOW = Date.parse("2026-11-28T12:00:00Z");
const at = (date: string): number => Date.parse(`${date}T00:00:00Z`);

const BEFORE = {
  license_type: "standard",
  status: "active",
  customer_id: "acme",
  revision: 1,
  starts_at: null,
  expires_at: at("2027-06-01"),
  grace_days: 14,
  lease_days: 30,
  check_in_hours: 24,
  features: ["api", "sso"],
  max_instances: 5,
  max_services: 10,
  max_requests_per_day: null,
  metadata: {},
  notice_days: null,
  unproven_lease_hours: 72,
  clone_policy: "warn",
  unproven_until: null,
} as unknown as License;

const effectOf = (change: Partial<License>, active = 3): Record<string, string> => {
  const after = { ...BEFORE, ...change };
  return effectsOf(changesBetween(BEFORE, after), { before: BEFORE, after, active, now: NOW });
};

describe("what running instances notice", () => {
  it.each<[Partial<License>, string]>([
    [{ max_instances: 2 }, "All 3 that run go on"],
    [{ max_instances: 3 }, "Those that run go on. At most 3 hold a seat."],
    [{ max_instances: 6 }, "More of them get in, at once."],
    [{ max_instances: null }, "More of them get in, at once."],
    [{ max_services: 9 }, "Nothing stops."],
    [{ max_services: null }, "Counts from the next check-in on."],
    [{ max_requests_per_day: 100 }, "Nothing stops."],
    [{ features: ["api"] }, "Without sso from the next check-in on."],
    [{ features: ["api", "sso", "audit"] }, "With audit from the next check-in on."],
    [
      { features: ["audit"] },
      "Without api, sso from the next check-in on. With audit from the next check-in on.",
    ],
    [{ features: ["sso", "api"] }, "Nothing."],
    [{ lease_days: 29 }, "leases are of 29 days. One that was given holds until it ends."],
    [{ lease_days: 31 }, "they run 31 days without the service."],
    [{ lease_days: 1 }, "leases are of 1 day."],
    [{ check_in_hours: 6 }, "every 6 hours"],
    [{ grace_days: 0 }, "After the end they run 0 days more."],
    [{ expires_at: at("2027-07-01") }, "They learn the new end at the next check-in."],
    [{ expires_at: null }, "They learn the new end at the next check-in."],
    [{ expires_at: at("2027-01-01") }, "leases end with it. One that was given holds until it ends."],
    // Still in grace, and then not any more.
    [{ expires_at: NOW - 13 * 86_400_000 }, "leases end with it."],
    [{ expires_at: NOW - 14 * 86_400_000 }, "Refused with LICENSE_EXPIRED at the next check-in"],
    [{ starts_at: at("2026-11-01") }, "Nothing."],
    [{ starts_at: at("2026-12-01") }, "Refused with LICENSE_NOT_STARTED at the next check-in"],
    [
      { status: "suspended" },
      "Refused with LICENSE_SUSPENDED at the next check-in; each runs until its lease ends.",
    ],
    [{ status: "revoked" }, "Refused with LICENSE_REVOKED"],
    [{ license_type: "enterprise" }, "The new name"],
    [{ notice_days: [7] }, "Nothing."],
    [{ metadata: { po: "1" } }, "Nothing."],
    [{ unproven_lease_hours: 1 }, "for 1 hour."],
    [{ clone_policy: "refuse" }, "refuses who proves nothing."],
    [{ revision: 2 }, "get the new key at the next check-in"],
  ])("of %o: %s", (change, words) => {
    const [[name, effect] = []] = Object.entries(effectOf(change));
    expect(name).toBe(Object.keys(change)[0]);
    expect(effect).toContain(words);
  });

  it("stays silent about what does not change", () => {
    expect(effectOf({})).toEqual({});
  });

  it("has a line for each change", () => {
    expect(Object.keys(effectOf({ max_instances: 1, grace_days: 1, metadata: { a: 1 } }))).toEqual([
      "grace_days",
      "max_instances",
      "metadata",
    ]);
  });
});
