import { describe, expect, it } from "vitest";
import { changesIn, isLessThan } from "../../../src/licensing/licenses/decisions.ts";
import type { License, LicenseType } from "../../../src/storage/schema.ts";

const license = {
  id: "lic_1",
  customer_id: "acme",
  license_type: "trial",
  status: "active",
  starts_at: 1_000,
  expires_at: 50_000,
  grace_days: 5,
  lease_days: 5,
  check_in_hours: 24,
  features: ["api", "sso"],
  max_instances: 5,
  max_services: 5,
  max_requests_per_day: 5,
  unproven_lease_hours: 5,
  updates_until: 50_000,
  clone_policy: "warn",
  entitlements: { gpus: { value: 5, until: 50_000 }, sso: { value: true }, city: { value: "Berlin" } },
  notice_days: null,
  tags: ["gold"],
  notes: "One\nTwo",
} as unknown as License;

const entitled = (more: object) => ({ ...license.entitlements, ...more });

describe("a change gives the customer less", () => {
  const LESS: [member: keyof License, less: unknown, more: unknown][] = [
    ["expires_at", 49_000, 51_000],
    ["grace_days", 4, 6],
    ["lease_days", 4, 6],
    ["max_instances", 4, 6],
    ["max_services", 4, 6],
    ["max_requests_per_day", 4, 6],
    ["unproven_lease_hours", 4, 6],
    ["updates_until", 49_000, 51_000],
    ["starts_at", 2_000, null],
    ["features", ["api"], ["api", "sso", "audit"]],
    ["clone_policy", "refuse", "warn"],
    [
      "entitlements",
      entitled({ gpus: { value: 4, until: 50_000 } }),
      entitled({ gpus: { value: 6, until: 50_000 } }),
    ],
    ["entitlements", entitled({ gpus: { value: 5, until: 49_000 } }), entitled({ gpus: { value: 5 } })],
    ["entitlements", { sso: { value: true } }, entitled({ nodes: { value: 1 } })],
    ["entitlements", entitled({ sso: { value: false } }), entitled({ gpus: { value: null, until: 50_000 } })],
  ];

  it.each(LESS)("with %s of %j, and not of %j", (member, less, more) => {
    const below: License = { ...license, [member]: less };
    const above: License = { ...license, [member]: more };
    expect(isLessThan(below, license)).toBe(true);
    expect(isLessThan(license, below)).toBe(false);
    expect(isLessThan(above, license)).toBe(false);
    expect(isLessThan(above, { ...above })).toBe(false);
  });

  it.each(["expires_at", "max_instances", "max_services", "max_requests_per_day", "updates_until"] as const)(
    "with any %s where there was none",
    (member) => {
      const without = { ...license, [member]: null };
      expect(isLessThan(license, without)).toBe(true);
      expect(isLessThan(without, license)).toBe(false);
    },
  );

  it.each([
    ["active", "suspended", true],
    ["suspended", "revoked", true],
    ["active", "revoked", true],
    ["suspended", "active", false],
    ["suspended", "suspended", false],
  ] as const)("from %s to %s: %s", (from, to, less) => {
    expect(isLessThan({ ...license, status: to }, { ...license, status: from })).toBe(less);
  });

  it("even if other members give more", () => {
    expect(isLessThan({ ...license, max_instances: 4, max_services: 99 }, license)).toBe(true);
  });

  it("not by another name, customer, key, or note", () => {
    const other = { ...license, license_type: "x", customer_id: "y", revision: 9, notes: null, tags: [] };
    expect(isLessThan(other, license)).toBe(false);
  });
});

describe("of a form, a change is", () => {
  const type = {
    ...license,
    id: "pro",
    features: ["api", "audit"],
    max_instances: 9,
  } as unknown as LicenseType;
  const shown = {
    license_type: "trial",
    features: ["api", "sso"],
    max_instances: 5,
    grace_days: 5,
    tags: ["gold"],
    notes: "One\nTwo",
  };

  it.each([
    ["nothing, if nothing was entered", {}, {}],
    ["what differs from the license", { max_instances: 6 }, { max_instances: 6 }],
    ["what was taken away", { notes: null, tags: [] }, { notes: null, tags: [] }],
    ["not the terms, without another type", { terms: "type" }, {}],
    ["the mail", { send_email: true }, { send_email: true }],
    ["the name alone", { license_type: "pro", terms: "keep" }, { license_type: "pro", terms: "keep" }],
    [
      "what differs from the new type",
      { license_type: "pro", terms: "type", features: ["api", "audit"], max_instances: 5 },
      { license_type: "pro", terms: "type", max_instances: 5 },
    ],
  ] as const)("%s", (_name, entered, change) => {
    const found = changesIn({ ...shown, ...entered } as Parameters<typeof changesIn>[0], license, type);
    expect(JSON.parse(JSON.stringify(found))).toEqual(change);
  });
});
