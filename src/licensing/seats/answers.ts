// The answer to the holder of a seat. Pure.
import { formatInstant, formatInstantOrNull } from "../../kernel/dates.ts";
import type { Terms } from "../licenses/licenses.ts";
import { graceUntil, type Standing } from "../licenses/standing.ts";
import type { Overuse } from "../usage/overuse.ts";
import type { Seat } from "./view.ts";

interface Warning {
  code:
    | "LICENSE_EXPIRING"
    | "LICENSE_IN_GRACE"
    | "LICENSE_KEY_SUPERSEDED"
    | "INSTANCE_UNPROVEN"
    | "OVER_LIMIT"
    | "FINGERPRINT_CHANGED"
    | "USAGE_IGNORED"
    | "NOT_RECORDED";
  detail: string;
  limit?: string;
  allowed?: number;
  observed?: number;
}

/** A granted seat, and everything that the answer to its holder contains. */
export interface Grant {
  now: number;
  license: Terms;
  seat: Seat;
  standing: Standing;
  seatsInUse: number;
  warnings: Warning[];
  /** The days of usage that were not stored, as YYYY-MM-DD: the request was unproven, or nothing can be recorded. */
  usageIgnored: string[];
  licenseKey: string;
  certificate: string;
}

interface Warned {
  license: Terms;
  standing: Standing;
  seat: Seat;
  proven: boolean;
  /** Whether the key in the request was replaced. */
  superseded: boolean;
  seatsInUse: number;
  overuses: Overuse[];
  /** How many days of usage were ignored, because they are impossible or too many. */
  ignored: number;
  /** The codes of the report that are no meters of the license. */
  unknownCodes: string[];
}

export function warningsOf(warned: Warned): Warning[] {
  const { license, standing, seat, proven, superseded, seatsInUse, overuses, ignored, unknownCodes } = warned;
  return [
    ...standingWarnings(license, standing),
    ...(superseded ? [supersededWarning(license, proven)] : []),
    ...(proven ? [] : [unprovenWarning(seat)]),
    ...seatWarnings(license, seatsInUse),
    ...overuses.map(overuseWarning),
    ...(proven && seat.fingerprint_changed ? [fingerprintWarning] : []),
    ...(ignored > 0 ? [ignoredWarning(ignored)] : []),
    ...(unknownCodes.length > 0 ? [unknownCodesWarning(unknownCodes)] : []),
  ];
}

function standingWarnings(license: Terms, standing: Standing): Warning[] {
  const expires = formatInstantOrNull(license.expires_at);
  if (standing === "expiring")
    return [{ code: "LICENSE_EXPIRING", detail: `The license expires at ${expires}.` }];
  if (standing !== "grace") return [];
  const detail = `The license expired at ${expires}; everything stops at ${formatInstantOrNull(graceUntil(license))} unless it is renewed.`;
  return [{ code: "LICENSE_IN_GRACE", detail }];
}

const supersededWarning = ({ unproven_until }: Terms, proven: boolean): Warning => ({
  code: "LICENSE_KEY_SUPERSEDED",
  detail: proven
    ? "The license key was replaced. Keep the one in license_key: the old one stops working with this lease."
    : `The license key was replaced. Without the instance's certificate it works until ${formatInstantOrNull(unproven_until)}: install the new key.`,
});

const unprovenWarning = ({ lease_expires_at }: Seat): Warning => ({
  code: "INSTANCE_UNPROVEN",
  detail: `The request came without the certificate that this instance was given last, so the new one ends at ${formatInstant(lease_expires_at)} and no usage was taken. Keep the certificate and send it each time; an installation that keeps nothing asks for short leases with lease_hours.`,
});

const seatWarnings = ({ max_instances }: Terms, seatsInUse: number): Warning[] =>
  max_instances !== null && seatsInUse > max_instances
    ? [
        {
          code: "OVER_LIMIT",
          detail: `${seatsInUse} instances are active where the license allows ${max_instances}.`,
          limit: "max_instances",
          allowed: max_instances,
          observed: seatsInUse,
        },
      ]
    : [];

const overuseWarning = ({ day, month, limit, allowed, observed }: Overuse): Warning => ({
  code: "OVER_LIMIT",
  detail: `${limit}: ${observed} used ${month === undefined ? `on ${day}` : `in ${month}`} where the license allows ${allowed}.`,
  limit,
  allowed,
  observed,
});

const fingerprintWarning: Warning = {
  code: "FINGERPRINT_CHANGED",
  detail: "The instance runs on another machine than before.",
};

const ignoredWarning = (days: number): Warning => ({
  code: "USAGE_IGNORED",
  detail: `Usage of ${days} ${days === 1 ? "day" : "days"} was ignored: in the future, long before the license was issued, or more than 400 days; check the clock.`,
});

const unknownCodesWarning = (codes: string[]): Warning => ({
  code: "USAGE_IGNORED",
  detail: `Not counted, because the license has no such meter: ${codes.map((code) => code.slice(0, 64)).join(", ")}.`,
});

export const notRecordedWarning = ({ lease_expires_at }: Seat): Warning => ({
  code: "NOT_RECORDED",
  detail: `The service cannot record anything right now: the certificate ends at ${formatInstant(lease_expires_at)}, and no usage was taken. Ask again as usual.`,
});

/** A grant as the API shows it to its instance. */
export const presentGrant = <S extends "activated" | "checked_in">(status: S, grant: Grant) => {
  const { license, seat, now } = grant;
  return {
    status,
    license_id: license.id,
    customer_id: license.customer_id,
    license_type: license.license_type,
    standing: grant.standing,
    expires_at: formatInstantOrNull(license.expires_at),
    grace_until: formatInstantOrNull(graceUntil(license)),
    features: license.features,
    max_instances: license.max_instances,
    max_services: license.max_services,
    max_requests_per_day: license.max_requests_per_day,
    instances: { active: grant.seatsInUse, max: license.max_instances },
    activation_id: seat.activation_id,
    lease_expires_at: formatInstant(seat.lease_expires_at),
    check_in_at: formatInstant(seat.check_in_at),
    license_key: grant.licenseKey,
    certificate: grant.certificate,
    warnings: grant.warnings,
    usage_ignored: grant.usageIgnored,
    server_time: formatInstant(now),
  };
};
