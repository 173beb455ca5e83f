// What an installation may do: a pure function of the documents it holds, the service's last word and the
// clock. An outage never refuses; only the service or the end of the grace does.
import type { CertificateClaims, LicenseKeyClaims, RevocationClaims, Verdict } from "./documents.ts";
import type { Code, LicenseState, Refusal, Status, Terms } from "./vocabulary.ts";

export interface Facts {
  instanceId: string;
  /** null: no license key is installed. */
  licenseKey: Verdict<LicenseKeyClaims> | null;
  /** null where there is none, or none that verifies. */
  certificate: CertificateClaims | null;
  revocations: RevocationClaims | null;
  /** What the service said last of this very license key, where that was a refusal. */
  refusal: { code: Refusal; detail: string; at: string } | null;
  /** Codes of the last good answer. */
  warnings: readonly string[];
  nextCheckIn: string | null;
  /** The latest time that a signed document ever told, in seconds since the epoch. */
  highWater: number;
  onIndeterminate: "allow" | "deny";
}

interface Judgment {
  state: LicenseState;
  code: Code | null;
  detail: string;
  /** Milliseconds since the epoch. */
  until: number | null;
}

/** Clocks differ a little without anybody's doing. */
const CLOCK_TOLERANCE = 300_000;

/** The time to judge by: a clock that is set back must extend nothing. Milliseconds. */
export const effectiveNow = (clock: number, highWater: number): number => Math.max(clock, highWater * 1000);

/** @param clock milliseconds since the epoch */
export function evaluate(facts: Facts, clock: number): Status {
  const now = effectiveNow(clock, facts.highWater);
  const { state, code, detail, until } = judge(facts, now);
  const setBack = clock < facts.highWater * 1000 - CLOCK_TOLERANCE;
  return {
    ...termsOf(facts),
    state,
    code,
    detail,
    warnings: [...new Set([...facts.warnings, ...(setBack ? ["CLOCK_SET_BACK"] : [])])].toSorted(),
    until: instantOf(until),
    nextCheckIn: facts.nextCheckIn,
    mayRun: state === "indeterminate" ? facts.onIndeterminate === "allow" : state !== "refused",
  };
}

function judge(facts: Facts, now: number): Judgment {
  const { licenseKey, refusal } = facts;
  if (licenseKey === null) return refused("LICENSE_KEY_MISSING", "No license key is installed.");
  if (licenseKey.fault === "unknown_key") {
    return indeterminate(
      "SIGNING_KEY_UNKNOWN",
      "The license key is signed by a key that is not among the trusted ones; they may be out of date.",
    );
  }
  if (licenseKey.fault !== null) {
    return refused("LICENSE_KEY_INVALID", "The license key was not issued by the service or was altered.");
  }
  const key = licenseKey.claims;
  const said = refusal && judgeRefusal(refusal, key, now);
  if (said) return said;
  const certificate = usableCertificate(facts);
  const listed = listedAs(facts.revocations, key, certificate, now);
  if (listed) return listed;
  return certificate ? byCertificate(certificate, now) : byKeyAlone(key, now);
}

/**
 * The service's word holds until it says otherwise. Only "not yet" ends by itself: where the key names the start,
 * and the service did not say so after it, knowing of another one.
 */
function judgeRefusal(
  { code, detail, at }: NonNullable<Facts["refusal"]>,
  key: LicenseKeyClaims,
  now: number,
) {
  const start = code === "LICENSE_NOT_STARTED" && key.nbf !== null ? key.nbf * 1000 : null;
  if (start === null || Date.parse(at) >= start) return refused(code, detail);
  return now >= start ? null : { ...refused(code, detail), until: start };
}

/** The certificate, where it is this instance's and of this license. */
export function usableCertificate({ certificate, instanceId, licenseKey }: Facts): CertificateClaims | null {
  const licenseId = licenseKey?.claims?.jti;
  return certificate?.sub === instanceId && certificate.license_id === licenseId ? certificate : null;
}

function listedAs(
  list: RevocationClaims | null,
  { jti, rev }: LicenseKeyClaims,
  certificate: CertificateClaims | null,
  now: number,
): Judgment | null {
  // A certificate that is newer than the list was given by a service that knew better.
  if (list === null || now >= list.exp * 1000 || (certificate && certificate.iat > list.iat)) return null;
  if (list.revoked.includes(jti)) return refused("LICENSE_REVOKED", "The license is on the revocation list.");
  if (list.suspended.includes(jti))
    return refused("LICENSE_SUSPENDED", "The license is suspended by the revocation list.");
  if (Object.hasOwn(list.superseded, jti) && list.superseded[jti]! > rev)
    return refused("LICENSE_KEY_SUPERSEDED", "The license key was replaced; install the newest one.");
  return null;
}

/** The certificate's terms win over the key's: it was signed from the database, later. */
function byCertificate(certificate: CertificateClaims, now: number): Judgment {
  const lease = certificate.exp * 1000;
  const expires = parseOrNull(certificate.license_expires_at);
  const grace = parseOrNull(certificate.grace_until);
  if (grace !== null && now >= grace)
    return refused("LICENSE_EXPIRED", `The license and its grace ended at ${instantOf(grace)}.`);
  if (now >= lease) {
    const detail = `The lease ended at ${instantOf(lease)} and the service was not reached since.`;
    return { ...indeterminate("LEASE_EXPIRED", detail), until: grace };
  }
  if (expires === null || now < expires) {
    const until = Math.min(lease, expires ?? Infinity);
    return { state: "entitled", code: null, detail: `Licensed until ${instantOf(until)}.`, until };
  }
  const until = Math.min(lease, grace ?? Infinity);
  return {
    state: "grace",
    code: null,
    detail: `The license expired at ${instantOf(expires)}; its grace lasts until ${instantOf(until)}.`,
    until,
  };
}

function byKeyAlone({ nbf, exp }: LicenseKeyClaims, now: number): Judgment {
  if (nbf !== null && now < nbf * 1000) {
    const detail = `The license starts at ${instantOf(nbf * 1000)}.`;
    return { ...refused("LICENSE_NOT_STARTED", detail), until: nbf * 1000 };
  }
  if (exp !== null && now >= exp * 1000) {
    // It may have been renewed meanwhile: only the service or a certificate can say that it ended.
    const detail = `The license key says that the license expired at ${instantOf(exp * 1000)}, and the service was not reached since.`;
    return indeterminate("LICENSE_EXPIRED", detail);
  }
  const detail = "The instance was not activated yet.";
  return { ...indeterminate("NOT_ACTIVATED", detail), until: exp === null ? null : exp * 1000 };
}

function termsOf(facts: Facts): Terms {
  const certificate = usableCertificate(facts);
  const key = facts.licenseKey?.claims ?? null;
  const source = certificate ?? key;
  return {
    licenseId: key?.jti ?? null,
    customerId: certificate?.customer_id ?? key?.sub ?? null,
    licenseType: source?.license_type ?? null,
    features: source?.features ?? [],
    maxInstances: source?.max_instances ?? null,
    maxServices: source?.max_services ?? null,
    maxRequestsPerDay: source?.max_requests_per_day ?? null,
    licenseExpiresAt: certificate
      ? instantOf(parseOrNull(certificate.license_expires_at))
      : instantOf(key?.exp == null ? null : key.exp * 1000),
    graceUntil: instantOf(parseOrNull(certificate?.grace_until ?? null)),
    leaseExpiresAt: instantOf(certificate ? certificate.exp * 1000 : null),
    checkInAt: instantOf(parseOrNull(certificate?.check_in_at ?? null)),
  };
}

const refused = (code: Code, detail: string): Judgment => ({ state: "refused", code, detail, until: null });

const indeterminate = (code: Code, detail: string): Judgment => ({
  state: "indeterminate",
  code,
  detail,
  until: null,
});

const parseOrNull = (instant: string | null): number | null =>
  instant === null ? null : Date.parse(instant);

/** RFC 3339, UTC, with milliseconds. */
const instantOf = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());
