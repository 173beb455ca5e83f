// The outcomes of a contact with the service, and what the installation remembers of them. Pure.
import { backOff, waitOf } from "./answers.ts";
import { CLOCK_TOLERANCE } from "./clocks.ts";
import { claimOf, dateOf } from "./documents.ts";
import type { Grant } from "./grant.ts";
import { proofOf } from "./proofs.ts";
import { laterOf, type State } from "./state.ts";
import { settle, toldAnew, untold, type Usage } from "./usage.ts";
import type { Refusal } from "./vocabulary.ts";

export type Outcome =
  | ({ kind: "good" } & Grant)
  /** `signedAt` in seconds: null if it is not signed, or not by a trusted key. */
  | { kind: "refusal"; code: Refusal; detail: string; signedAt: number | null }
  | { kind: "not_activated" }
  | { kind: "outage"; reason: string; retryAfter: number | null };

export interface Contact {
  /** The license key that was sent, and its hash. */
  licenseKey: string;
  keyHash: string;
  /** The usage that was sent. */
  sent: Usage;
  /** The wall clock. */
  at: number;
  random: () => number;
}

const instant = (at: number): string => new Date(at).toISOString();

/** The state after a contact. Unchanged if another key was installed meanwhile: the answer was about the old one. */
export function afterContact(state: State, outcome: Outcome, contact: Contact): State {
  if (state.license_key !== contact.licenseKey) return state;
  const { at, random } = contact;
  if (outcome.kind === "good") {
    const granted = atOnce(afterGrant(state, outcome, at, random), outcome, at);
    const heard = Object.entries(contact.sent).filter(([day]) => !outcome.usageIgnored.includes(day));
    return { ...granted, ...settle(granted, Object.fromEntries(heard), outcome.claims.iat * 1000) };
  }
  const failures = state.failures + 1;
  const tried = {
    ...state,
    failures,
    last_attempt_at: instant(at),
    next_check_in: instant(at + waitAfter(outcome, failures, random)),
    last_failure: outcome.kind === "outage" ? { at: instant(at), reason: outcome.reason } : null,
  };
  return outcome.kind === "refusal" ? afterRefusal(tried, outcome, contact) : tried;
}

function afterRefusal(state: State, outcome: Outcome & { kind: "refusal" }, contact: Contact): State {
  const { code, detail, signedAt } = outcome;
  const { refusal: before } = state;
  // Anybody can send an unsigned answer: it must not undo a signed one.
  if (signedAt === null && before?.signed && before.key_sha256 === contact.keyHash) return state;
  const said = {
    code,
    detail,
    at: instant(contact.at),
    key_sha256: contact.keyHash,
    signed: signedAt !== null,
  };
  return {
    ...state,
    refusal: said,
    high_water: signedAt === null ? state.high_water : laterOf(state.high_water, signedAt),
  };
}

/** A grant that just came over the network tells the time, even if the local clock differs. */
const atOnce = (state: State, { claims }: Grant, at: number): State => ({
  ...state,
  last_seen_at: instant(at),
  clock_ahead:
    at - claims.iat * 1000 > CLOCK_TOLERANCE ? { by_ms: at - claims.iat * 1000, at: instant(at) } : null,
});

const waitAfter = (outcome: Outcome, failures: number, random: () => number): number =>
  backOff(failures, outcome.kind === "outage" ? outcome.retryAfter : null, random);

/** The state after the service was asked for a seat for the candidate. */
export function afterCandidate(state: State, outcome: Outcome, contact: Contact, instanceId: string): State {
  const { candidate } = state;
  if (candidate?.license_key !== contact.licenseKey) return state;
  const { at, random, keyHash } = contact;
  if (outcome.kind === "good") {
    const another = candidate.instance_id !== null && candidate.instance_id !== instanceId;
    // The service adds up the instances of a day: the new one reports what the old one has not reported.
    const moved = another ? { ...state, instance_id: candidate.instance_id, ...toldAnew(state) } : state;
    const granted = afterGrant(moved, outcome, at, random);
    return {
      ...atOnce(granted, outcome, at),
      ...owing(state, instanceId, granted),
      installed_key_sha256: keyHash,
      candidate: null,
    };
  }
  const failures = candidate.failures + 1;
  const tried = { ...candidate, failures, next_try_at: instant(at + waitAfter(outcome, failures, random)) };
  if (outcome.kind === "outage")
    return {
      ...state,
      last_failure: { at: instant(at), reason: outcome.reason },
      candidate: { ...tried, detail: `The service was not reached (${outcome.reason}).` },
    };
  if (outcome.kind !== "refusal") return { ...state, candidate: tried };
  const { code, detail, signedAt } = outcome;
  return {
    ...state,
    candidate: { ...tried, state: "refused", code, detail },
    last_failure: null,
    high_water: signedAt === null ? state.high_water : laterOf(state.high_water, signedAt),
  };
}

/** Enough for whoever changes licenses during an outage, and no burden for the state. */
const MOST_OWED = 8;

/**
 * The seats that must still be given back: that of the former license or id too, if there is a certificate to give it
 * back with.
 */
export function owing(before: State, instance_id: string, granted: State): Pick<State, "owed_seats"> {
  const { license_key } = before;
  const certificate = license_key && proofOf(before, license_key, instance_id);
  const { owed_seats } = granted;
  if (!license_key || !certificate || proofOf(granted, license_key, instance_id)) return { owed_seats };
  return { owed_seats: [...owed_seats, { license_key, instance_id, certificate }].slice(-MOST_OWED) };
}

/** The usage reported under a license. The same license continues its figures: the service keeps the highest. */
export const usageFor = (state: State, licenseId: string | null): Usage =>
  state.usage_license_id === null || state.usage_license_id === licenseId
    ? state.usage
    : untold(state.usage, state.acknowledged);

/** From now on usage is reported under this license. */
function underLicense(state: State, licenseId: string): State {
  const { usage_license_id: before } = state;
  if (before === null || before === licenseId) return { ...state, usage_license_id: licenseId };
  return {
    ...state,
    usage_license_id: licenseId,
    ...toldAnew(state),
    // Their answers acknowledge figures of the former license.
    offline_requests: state.offline_requests.map(({ nonce }) => ({ nonce, usage: {} })),
  };
}

/** The state with a grant, from an answer or a file. */
export function afterGrant(state: State, grant: Grant, at: number, random: () => number): State {
  return {
    ...underLicense(state, grant.claims.license_id),
    ...certificatesWith(state, grant),
    license_key: grant.licenseKey,
    vouched_key_sha256: grant.keyHash,
    jwks: grant.keys ?? state.jwks,
    // A seat that is held again is not given back.
    owed_seats: state.owed_seats.filter(
      ({ certificate, instance_id }) =>
        claimOf(certificate, "license_id") !== grant.claims.license_id || instance_id !== grant.claims.sub,
    ),
    high_water: laterOf(state.high_water, grant.claims.iat),
    refusal: null,
    last_failure: null,
    warnings: grant.warnings,
    over_limit: grant.overLimit,
    seats_active: grant.seatsActive ?? state.seats_active,
    failures: 0,
    last_attempt_at: instant(at),
    next_check_in: instant(at + waitOf(grant.claims, random)),
  };
}

/** Of two certificates of a seat the one that ends later counts; the last proven one is kept too. */
function certificatesWith(
  state: State,
  { certificate, claims }: Grant,
): Pick<State, "certificate" | "proven_certificate"> {
  const { certificate: held } = state;
  const isOfSeat =
    held !== null &&
    ["jti", "sub", "license_id"].every(
      (name) => claimOf(held, name) === claims[name as "jti" | "sub" | "license_id"],
    );
  const counts = isOfSeat && (dateOf(held, "exp") ?? 0) > claims.exp ? held : certificate;
  const proven = claims.proven ? certificate : (state.proven_certificate ?? held);
  return { certificate: counts, proven_certificate: proven === counts ? null : proven };
}

/** Due at its time, or if the clock was set back behind the last attempt. */
export function isDue({ license_key, next_check_in, last_attempt_at }: State, clock: number): boolean {
  if (license_key === null) return false;
  if (next_check_in === null || clock >= Date.parse(next_check_in)) return true;
  return last_attempt_at !== null && clock < Date.parse(last_attempt_at);
}

/** The state after the seat was given back: no key and no certificate; the usage stays. */
export const afterSeat = (state: State, highWater: number): State => ({
  ...afterRelease(state, highWater),
  license_key: null,
  installed_key_sha256: null,
  configured_key_sha256: null,
  configured_instance_id: null,
  vouched_key_sha256: null,
  candidate: null,
});

/** The state after the seat was given back while nothing runs: the next start takes one again. */
export const afterRelease = (state: State, highWater: number): State => ({
  ...state,
  certificate: null,
  proven_certificate: null,
  key_seen_at: null,
  refusal: null,
  warnings: [],
  failures: 0,
  next_check_in: null,
  high_water: highWater === 0 ? state.high_water : laterOf(state.high_water, highWater),
});
