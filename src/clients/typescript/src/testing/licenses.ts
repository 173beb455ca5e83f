// A license of a drill: its terms, what it is worth at an instant, and what its key says. Pure.
import { instantOf } from "../clocks.ts";
import { isInstant } from "../documents.ts";

export const SECOND = 1000;
export const HOUR = 3_600 * SECOND;
export const DAY = 24 * HOUR;

/** What was sold. What is left out is as in the license type. Instants are RFC 3339. */
export interface DrillTerms {
  /** trial, standard, professional (the default), enterprise; or a name of your own, with the terms of professional. */
  licenseType?: string | undefined;
  customerId?: string | undefined;
  features?: string[] | undefined;
  /** null: unlimited; so for the two below. */
  maxInstances?: number | null | undefined;
  maxServices?: number | null | undefined;
  maxRequestsPerDay?: number | null | undefined;
  startsAt?: string | undefined;
  /** null: perpetual. Instead of `expiresDays`. */
  expiresAt?: string | null | undefined;
  expiresDays?: number | undefined;
  graceDays?: number | undefined;
  leaseDays?: number | undefined;
  checkInHours?: number | undefined;
  unprovenLeaseHours?: number | undefined;
  updatesUntil?: string | undefined;
  /** By code; `until` is RFC 3339, the first instant without it. */
  entitlements?: Record<string, DrillEntitlement> | undefined;
}

interface DrillEntitlement {
  /** null: unlimited. */
  value: boolean | number | string | null;
  until?: string;
}

export interface DrillLicense {
  id: string;
  customerId: string;
  licenseType: string;
  status: "active" | "suspended" | "revoked";
  revision: number;
  issuedAt: number;
  startsAt: number | null;
  expiresAt: number | null;
  graceDays: number;
  leaseDays: number;
  checkInHours: number;
  features: string[];
  maxInstances: number | null;
  maxServices: number | null;
  maxRequestsPerDay: number | null;
  unprovenLeaseHours: number;
  /** Until then a replaced key renews the seats of before without proof. */
  unprovenUntil: number | null;
  updatesUntil: number | null;
  entitlements: Record<string, DrillEntitlement>;
}

const PROFESSIONAL = [365, 14, ["orchestration", "api", "analytics"], 5, 50, 100_000] as const;

/** The types that every service starts with: days, days of grace, features, and the three limits. */
export const LICENSE_TYPES: Record<
  string,
  readonly [number, number, readonly string[], number | null, number | null, number | null]
> = {
  trial: [30, 3, ["orchestration"], 1, 5, 1000],
  standard: [365, 14, ["orchestration", "api"], 2, 10, 10_000],
  professional: PROFESSIONAL,
  enterprise: [365, 30, ["orchestration", "api", "analytics", "sso", "audit"], null, null, null],
};

/** As the service makes ids: a prefix and so many characters. */
export const newId = (prefix: string, length: number): string =>
  `${prefix}_${(crypto.randomUUID() + crypto.randomUUID()).replaceAll("-", "").slice(0, length).toUpperCase()}`;

export const floorToSecond = (at: number): number => Math.floor(at / SECOND) * SECOND;
export const ceilToSecond = (at: number): number => Math.ceil(at / SECOND) * SECOND;
export const numericDate = (at: number): number => Math.floor(at / SECOND);
export const formatInstant = (at: number): string => new Date(at).toISOString();

/** @throws RangeError for anything but an RFC 3339 instant */
export function parseInstant(text: string): number {
  if (!isInstant(text)) throw new RangeError(`${String(text)} is no RFC 3339 instant.`);
  return Date.parse(text);
}

/** @throws RangeError for an instant that is none */
export function newLicense(terms: DrillTerms, now: number): DrillLicense {
  const licenseType = terms.licenseType ?? "professional";
  const [days, grace, features, instances, services, requests] = LICENSE_TYPES[licenseType] ?? PROFESSIONAL;
  const startsAt = terms.startsAt === undefined ? null : floorToSecond(parseInstant(terms.startsAt));
  const given = terms.expiresAt;
  const expiresAt =
    given == null ? (startsAt ?? now) + (terms.expiresDays ?? days) * DAY : parseInstant(given);
  return {
    id: newId("lic", 26),
    customerId: terms.customerId ?? "drill",
    licenseType,
    status: "active",
    revision: 1,
    issuedAt: floorToSecond(now),
    startsAt,
    expiresAt: given === null ? null : ceilToSecond(expiresAt),
    graceDays: terms.graceDays ?? grace,
    leaseDays: terms.leaseDays ?? 30,
    checkInHours: terms.checkInHours ?? 24,
    features: [...(terms.features ?? features)],
    maxInstances: terms.maxInstances === undefined ? instances : terms.maxInstances,
    maxServices: terms.maxServices === undefined ? services : terms.maxServices,
    maxRequestsPerDay: terms.maxRequestsPerDay === undefined ? requests : terms.maxRequestsPerDay,
    unprovenLeaseHours: terms.unprovenLeaseHours ?? 72,
    unprovenUntil: null,
    updatesUntil: terms.updatesUntil === undefined ? null : ceilToSecond(parseInstant(terms.updatesUntil)),
    entitlements: Object.fromEntries(
      Object.entries(terms.entitlements ?? {})
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([code, { value, until }]) => [
          code,
          {
            value,
            ...(until === undefined ? {} : { until: formatInstant(ceilToSecond(parseInstant(until))) }),
          },
        ]),
    ),
  };
}

/** The first instant at which the license no longer lets anything run, or null if it is perpetual. */
export const graceUntil = ({ expiresAt, graceDays }: DrillLicense): number | null =>
  expiresAt === null ? null : expiresAt + graceDays * DAY;

export type Standing = "active" | "expiring" | "grace" | "expired" | "scheduled" | "suspended" | "revoked";

export function standingOf(license: DrillLicense, now: number): Standing {
  const { status, startsAt, expiresAt } = license;
  if (status !== "active") return status;
  if (startsAt !== null && now < startsAt) return "scheduled";
  if (expiresAt === null) return "active";
  if (now >= graceUntil(license)!) return "expired";
  if (now >= expiresAt) return "grace";
  return expiresAt - now <= 30 * DAY ? "expiring" : "active";
}

export const STANDING_REFUSALS = {
  active: null,
  expiring: null,
  grace: null,
  expired: "LICENSE_EXPIRED",
  scheduled: "LICENSE_NOT_STARTED",
  suspended: "LICENSE_SUSPENDED",
  revoked: "LICENSE_REVOKED",
} as const;

/** What the license allows, as answers, keys and certificates say it. */
export const termsOf = (license: DrillLicense) => ({
  license_type: license.licenseType,
  features: license.features,
  max_instances: license.maxInstances,
  max_services: license.maxServices,
  max_requests_per_day: license.maxRequestsPerDay,
});

/** The entitlements that have not ended. */
const inForce = ({ entitlements }: DrillLicense, now: number) =>
  Object.fromEntries(
    Object.entries(entitlements).filter(([, { until }]) => until === undefined || parseInstant(until) > now),
  );

/** The claim of key and certificate, which is left out if there is none. */
export function entitlementClaims(license: DrillLicense, now: number) {
  const entitlements = inForce(license, now);
  return Object.keys(entitlements).length === 0 ? {} : { entitlements };
}

/** The claims of its license key. */
export const keyClaims = (license: DrillLicense, now: number): Record<string, unknown> => ({
  sub: license.customerId,
  jti: license.id,
  iat: numericDate(license.issuedAt),
  ...(license.startsAt === null ? {} : { nbf: numericDate(license.startsAt) }),
  ...(license.expiresAt === null ? {} : { exp: numericDate(license.expiresAt) }),
  ...termsOf(license),
  ...(license.updatesUntil === null ? {} : { updates_until: formatInstant(license.updatesUntil) }),
  ...entitlementClaims(license, now),
  rev: license.revision,
});

/** The license as `/v1/validate` shows it. */
export const presentLicense = (license: DrillLicense, now: number) => ({
  id: license.id,
  customer_id: license.customerId,
  ...termsOf(license),
  status: license.status,
  standing: standingOf(license, now),
  revision: license.revision,
  issued_at: formatInstant(license.issuedAt),
  starts_at: instantOf(license.startsAt),
  expires_at: instantOf(license.expiresAt),
  grace_days: license.graceDays,
  grace_until: instantOf(graceUntil(license)),
  lease_days: license.leaseDays,
  check_in_hours: license.checkInHours,
  unproven_lease_hours: license.unprovenLeaseHours,
  clone_policy: "warn",
  updates_until: instantOf(license.updatesUntil),
  entitlements: inForce(license, now),
});
