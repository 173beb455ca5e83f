// What an installation may do: a pure function of its documents, the service's last word, and time. An outage does
// not refuse; the service, the end of the grace, or a bound that was announced from the first day does.
import { type Clocks, clockAhead, instantOf, isSetBack, parseOrNull } from "./clocks.ts";
import { covers } from "./coverage.ts";
import type { CertificateClaims, LicenseKeyClaims, RevocationClaims } from "./documents.ts";
import { DRILL, isDrill } from "./drill.ts";
import { entitlementsAt } from "./entitlements.ts";
import { certificateOf, type Facts, type Holding } from "./facts.ts";
import type { State } from "./state.ts";
import { PASSED_OVER } from "./texts.ts";
import type { Candidate, Code, LicenseState, Status, Terms } from "./vocabulary.ts";

interface Judgment {
  state: LicenseState;
  code: Code | null;
  detail: string;
  /** Milliseconds since the epoch. */
  until: number | null;
  isBounded?: true;
}

const DAY = 86_400_000;

/** How long a key may run that nobody vouched for, in confirmed time. */
const UNVOUCHED = 3 * DAY;

/** Its features meanwhile: those of the trial that every service starts with. */
const TRIAL_FEATURES = ["orchestration"];

export const DEFAULT_INDETERMINATE_DAYS = 90;

/** The time to judge by: a clock set back must extend nothing, and a clock ahead must end nothing. */
export const effectiveNow = (facts: Facts, clock: number): number =>
  Math.max(clock - clockAhead(facts.clockAhead, clock), facts.highWater * 1000);

export function evaluate(facts: Facts, { clock, confirmed }: Clocks): Status {
  const now = effectiveNow(facts, clock);
  const mayRun = ({ state }: Judgment): boolean =>
    state === "indeterminate" ? facts.onIndeterminate === "allow" : state !== "refused";
  const inForce = judgeBounded(facts, facts.held, now, confirmed);
  const { candidate } = facts;
  // Not stored: if the service refuses it, the former license is in force again.
  const takesOver = candidate !== null && !mayRun(inForce) && mayTakeOver(candidate, now);
  const holding = takesOver ? candidate : facts.held;
  const judgment = takesOver ? judgeBounded(facts, candidate, now, confirmed) : inForce;
  const { state, code, detail, until } = judgment;
  const terms = termsOf(facts, holding, now);
  const warnings = [
    ...(takesOver ? [] : facts.warnings),
    ...(isOutlasted(facts, holding, now) ? [holding.refusal!.code] : []),
    ...(isSetBack(facts, clock) ? ["CLOCK_SET_BACK"] : []),
    ...(clockAhead(facts.clockAhead, clock) > 0 ? ["CLOCK_AHEAD"] : []),
    ...(facts.isKept ? [] : ["STATE_NOT_KEPT"]),
    ...(judgment.isBounded ? ["INDETERMINATE_ENDS"] : []),
    ...(isDrill(facts.issuers) ? [DRILL] : []),
    ...(facts.builtAt === undefined || covers(terms, facts.builtAt) ? [] : ["UPDATE_NOT_COVERED"]),
  ];
  return {
    ...terms,
    state,
    code,
    detail: isDrill(facts.issuers) ? `${DRILL}: ${detail}` : detail,
    warnings: [...new Set(warnings)].toSorted(),
    overLimit: !takesOver && facts.warnings.includes("OVER_LIMIT") ? facts.overLimit : [],
    until: instantOf(until),
    nextCheckIn: facts.nextCheckIn,
    mayRun: mayRun(judgment),
    candidate: candidate && toldOf(candidate),
    lastFailure: facts.lastFailure,
  };
}

const toldOf = ({ licenseKey, state, code, detail, since }: NonNullable<Facts["candidate"]>): Candidate => ({
  licenseId: licenseKey?.claims?.jti ?? null,
  state,
  code,
  detail,
  since,
});

/** A candidate that a trusted key verifies, and that has started and not ended. */
function mayTakeOver({ state, licenseKey }: NonNullable<Facts["candidate"]>, now: number): boolean {
  const key = licenseKey?.claims;
  if (!key || state !== "pending") return false;
  return (key.nbf === null || now >= key.nbf * 1000) && (key.exp === null || now < key.exp * 1000);
}

/** Like `judge`, but an indeterminate state ends some day: an outage does not last forever. */
function judgeBounded(facts: Facts, holding: Holding, now: number, confirmed: number): Judgment {
  const judgment = judge(facts, holding, now);
  const deadline = judgment.state === "indeterminate" ? deadlineOf(facts, holding) : null;
  if (deadline === null) return judgment;
  const { code, detail } = judgment;
  const left = deadline - confirmed;
  if (left <= 0) return refused(code!, `${detail} That was so for as long as it may be without contact.`);
  const end = now + left;
  return {
    ...judgment,
    detail: `${detail} Without contact to the service it is refused from ${instantOf(end)}.`,
    until: Math.min(judgment.until ?? Infinity, end),
    isBounded: true,
  };
}

/** In confirmed time, milliseconds; null: never. */
function deadlineOf(facts: Facts, { licenseKey, vouched, seenAt, leaseEnd, keyEnd }: Holding): number | null {
  if (!vouched && licenseKey?.fault) return seenAt + UNVOUCHED;
  if (facts.indeterminateDays === null) return null;
  const base = leaseEnd === null ? seenAt : Math.max(leaseEnd, keyEnd ?? 0, facts.boundedSince);
  return base + facts.indeterminateDays * DAY;
}

/** What is wrong with a license key by itself, if anything. */
function judgeFault(facts: Facts, { licenseKey, vouched, marked }: Holding): Judgment | null {
  switch (licenseKey?.fault) {
    case "invalid": {
      const told = marked ? PASSED_OVER : "";
      const detail = `The license key was not issued by the service, was altered, or is not all there.${told}`;
      return refused("LICENSE_KEY_INVALID", detail);
    }
    case "unknown_key": {
      const { lastFailure, onlyPinned } = facts;
      const detail = "No key that is trusted here verifies the license key yet.";
      if (onlyPinned && !vouched) return refused("SIGNING_KEY_UNKNOWN", detail);
      const why = lastFailure
        ? `the service was not reached (${lastFailure.reason})`
        : "they may be out of date";
      return indeterminate("SIGNING_KEY_UNKNOWN", `${detail.slice(0, -1)}: ${why}.`);
    }
    case "other_issuer":
      // Undecided it might go on for as long as the drill's clock stands still.
      return (isDrill(facts.issuers) ? refused : indeterminate)(
        "ISSUER_MISMATCH",
        `The license key is of the issuer ${licenseKey.issuer}, and this installation expects ${facts.issuers.join(", ")}.`,
      );
    default:
      return null;
  }
}

function judge(facts: Facts, holding: Holding, now: number): Judgment {
  const { licenseKey, refusal } = holding;
  if (licenseKey === null) return refused("LICENSE_KEY_MISSING", "No license key is installed.");
  const fault = judgeFault(facts, holding);
  if (licenseKey.fault === "invalid") return fault!;
  const certificate = certificateOf(facts, holding);
  const said =
    refusal && !isOutlasted(facts, holding, now) ? judgeRefusal(refusal, licenseKey.claims, now) : null;
  if (said) return said;
  const key = licenseKey.claims;
  if (key === null) return fault!;
  const listed = listedAs(facts.revocations, key, certificate, now);
  if (listed) return listed;
  return certificate ? byCertificate(certificate, now) : byKeyAlone(key, now);
}

/**
 * Whether a valid certificate outweighs a refusal: it does if the refusal is unsigned, since it may come from somebody
 * else. A wrong deployment or an attacker on the network must not stop a fleet.
 */
function isOutlasted(facts: Facts, holding: Holding, now: number): boolean {
  const certificate = certificateOf(facts, holding);
  if (holding.refusal === null || holding.refusal.signed || certificate === null) return false;
  const { state } = byCertificate(certificate, now);
  return state === "entitled" || state === "grace";
}

/**
 * The service's word holds until it says otherwise. Only "not yet" ends by itself: at the start that the key names,
 * unless the service said it after that start, because it knows a later one.
 */
function judgeRefusal(
  { code, detail, at }: NonNullable<State["refusal"]>,
  key: LicenseKeyClaims | null,
  now: number,
) {
  const start = code === "LICENSE_NOT_STARTED" && key && key.nbf !== null ? key.nbf * 1000 : null;
  if (start === null || Date.parse(at) >= start) return refused(code, detail);
  return now >= start ? null : { ...refused(code, detail), until: start };
}

function listedAs(
  list: RevocationClaims | null,
  { jti, rev }: LicenseKeyClaims,
  certificate: CertificateClaims | null,
  now: number,
): Judgment | null {
  // When the service signed a certificate newer than the list, it knew more than the list.
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

export function byKeyAlone({ nbf, exp }: Pick<LicenseKeyClaims, "nbf" | "exp">, now: number): Judgment {
  if (nbf !== null && now < nbf * 1000) {
    const detail = `The license starts at ${instantOf(nbf * 1000)}.`;
    return { ...refused("LICENSE_NOT_STARTED", detail), until: nbf * 1000 };
  }
  if (exp !== null && now >= exp * 1000) {
    // It may have been renewed meanwhile: only the service or a certificate can say that it has ended.
    const detail = `The license key says that the license expired at ${instantOf(exp * 1000)}, and the service was not reached since.`;
    return indeterminate("LICENSE_EXPIRED", detail);
  }
  const detail = "The instance was not activated yet.";
  return { ...indeterminate("NOT_ACTIVATED", detail), until: exp === null ? null : exp * 1000 };
}

function termsOf(facts: Facts, holding: Holding, now: number): Terms {
  const certificate = certificateOf(facts, holding);
  const key = holding.licenseKey?.claims ?? null;
  const source = certificate ?? key;
  const open = holding.licenseKey?.fault === "unknown_key" || holding.licenseKey?.fault === "other_issuer";
  return {
    licenseId: key?.jti ?? null,
    customerId: certificate?.customer_id ?? key?.sub ?? null,
    licenseType: source?.license_type ?? null,
    features: source?.features ?? (open && !holding.vouched ? TRIAL_FEATURES : []),
    maxInstances: source?.max_instances ?? null,
    maxServices: source?.max_services ?? null,
    maxRequestsPerDay: source?.max_requests_per_day ?? null,
    entitlements: entitlementsAt(source?.entitlements, now),
    updatesUntil: instantOf(parseOrNull(source?.updates_until ?? null)),
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
