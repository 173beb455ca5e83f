// What an answer warns of.
import { instantOf } from "../clocks.ts";
import { type DrillLicense, formatInstant, graceUntil, standingOf } from "./licenses.ts";
import type { Granted } from "./seats.ts";

interface Warning {
  code: string;
  detail: string;
  limit?: string;
  allowed?: number;
  observed?: number;
}

interface Told {
  /** Whether the key in the request was replaced. */
  isSuperseded: boolean;
  /** How many days of usage cannot be. */
  ignored: number;
}

export function warningsOf(license: DrillLicense, granted: Granted, told: Told, now: number): Warning[] {
  const { isProven, active, overuses, leaseExpiresAt } = granted;
  const allowed = license.maxInstances;
  const warnings: (Warning | false)[] = [
    ...standingWarnings(license, now),
    told.isSuperseded && supersededWarning(license, isProven),
    !isProven && {
      code: "INSTANCE_UNPROVEN",
      detail: `The request came without the certificate that this instance was given last, so the new one ends at ${formatInstant(leaseExpiresAt)} and no usage was taken. Keep the certificate and send it each time; an installation that keeps nothing asks for short leases with lease_hours.`,
    },
    allowed !== null &&
      active > allowed && {
        code: "OVER_LIMIT",
        detail: `${active} instances are active where the license allows ${allowed}.`,
        limit: "max_instances",
        allowed,
        observed: active,
      },
    ...overuses.map(({ day, limit, allowed: most, observed }) => ({
      code: "OVER_LIMIT",
      detail: `${limit}: ${observed} used on ${day} where the license allows ${most}.`,
      limit,
      allowed: most,
      observed,
    })),
    isProven &&
      granted.isFingerprintNew && {
        code: "FINGERPRINT_CHANGED",
        detail: "The instance runs on another machine than before.",
      },
    told.ignored > 0 && {
      code: "USAGE_IGNORED",
      detail: `Usage of ${told.ignored} ${told.ignored === 1 ? "day" : "days"} was ignored: in the future, long before the license was issued, or more than 400 days; check the clock.`,
    },
  ];
  return warnings.filter((warning) => warning !== false);
}

function standingWarnings(license: DrillLicense, now: number): Warning[] {
  const standing = standingOf(license, now);
  const expires = instantOf(license.expiresAt);
  if (standing === "expiring")
    return [{ code: "LICENSE_EXPIRING", detail: `The license expires at ${expires}.` }];
  if (standing !== "grace") return [];
  const detail = `The license expired at ${expires}; everything stops at ${instantOf(graceUntil(license))} unless it is renewed.`;
  return [{ code: "LICENSE_IN_GRACE", detail }];
}

const supersededWarning = ({ unprovenUntil }: DrillLicense, isProven: boolean): Warning => ({
  code: "LICENSE_KEY_SUPERSEDED",
  detail: isProven
    ? "The license key was replaced. Keep the one in license_key: the old one stops working with this lease."
    : `The license key was replaced. Without the instance's certificate it works until ${instantOf(unprovenUntil)}: install the new key.`,
});
