// What a contact with the service came to, and what the installation remembers of it. Pure.
import { backOff, waitOf } from "./answers.ts";
import type { CertificateClaims, KeySet } from "./documents.ts";
import { laterOf, type State } from "./state.ts";
import { type DayReport, settle, untold, type Usage } from "./usage.ts";
import type { Refusal } from "./vocabulary.ts";

/** Documents that verify and belong together. */
export interface Grant {
  licenseKey: string;
  certificate: string;
  claims: CertificateClaims;
  warnings: string[];
  seatsActive: number | null;
  /** A newer set of keys, where it took one to verify them. */
  keys: KeySet | null;
}

export type Outcome =
  | ({ kind: "good"; usageIgnored: string[] } & Grant)
  | { kind: "refusal"; code: Refusal; detail: string }
  | { kind: "not_activated" }
  | { kind: "outage"; detail: string; retryAfter: number | null };

export interface Contact {
  /** The license key that was sent, and its hash. */
  licenseKey: string;
  keyHash: string;
  report: readonly DayReport[];
  at: number;
  random: () => number;
}

const instant = (at: number): string => new Date(at).toISOString();

/** The state after a contact. Nothing where another key was installed meanwhile: the answer was not of it. */
export function afterContact(state: State, outcome: Outcome, contact: Contact): State {
  if (state.license_key !== contact.licenseKey) return state;
  const { at, random } = contact;
  if (outcome.kind === "good") {
    const granted = afterGrant(state, outcome, at, random);
    const taken = contact.report.filter(({ date }) => !outcome.usageIgnored.includes(date));
    return {
      ...granted,
      ...settle(granted.usage, granted.acknowledged, taken, outcome.claims.iat * 1000),
    };
  }
  const failures = state.failures + 1;
  const retryAfter = outcome.kind === "outage" ? outcome.retryAfter : null;
  const tried = {
    ...state,
    failures,
    last_attempt_at: instant(at),
    next_check_in: instant(at + backOff(failures, retryAfter, random)),
  };
  if (outcome.kind !== "refusal") return tried;
  const { code, detail } = outcome;
  return { ...tried, refusal: { code, detail, at: instant(at), key_sha256: contact.keyHash } };
}

/** The usage as it is told under a license. The same one again goes on with its figures: the service keeps the highest. */
export const usageFor = (state: State, licenseId: string | null): Usage =>
  state.usage_license_id === null || state.usage_license_id === licenseId
    ? state.usage
    : untold(state.usage, state.acknowledged);

/** From now on the usage is told under this license. */
function underLicense(state: State, licenseId: string): State {
  const { usage_license_id: before } = state;
  if (before === null || before === licenseId) return { ...state, usage_license_id: licenseId };
  return {
    ...state,
    usage_license_id: licenseId,
    usage: usageFor(state, licenseId),
    acknowledged: {},
    // Their answers acknowledge figures of the license before.
    offline_requests: state.offline_requests.map(({ nonce }) => ({ nonce, usage: {} })),
  };
}

/** The state with a grant in it, whichever way it came. */
export function afterGrant(state: State, grant: Grant, at: number, random: () => number): State {
  return {
    ...underLicense(state, grant.claims.license_id),
    license_key: grant.licenseKey,
    certificate: grant.certificate,
    jwks: grant.keys ?? state.jwks,
    high_water: laterOf(state.high_water, grant.claims.iat),
    refusal: null,
    warnings: grant.warnings,
    seats_active: grant.seatsActive ?? state.seats_active,
    failures: 0,
    last_attempt_at: instant(at),
    next_check_in: instant(at + waitOf(grant.claims, random)),
  };
}

/** Due at its time, and where the clock was set back behind the last attempt. */
export function isDue({ license_key, next_check_in, last_attempt_at }: State, clock: number): boolean {
  if (license_key === null) return false;
  if (next_check_in === null || clock >= Date.parse(next_check_in)) return true;
  return last_attempt_at !== null && clock < Date.parse(last_attempt_at);
}

/** The state with another license key in it. The one that was installed last changes nothing. */
export function afterInstall(state: State, licenseKey: string, keyHash: string): State {
  if (state.installed_key_sha256 === keyHash) return state;
  const installed = { ...state, installed_key_sha256: keyHash };
  if (state.license_key === licenseKey) return installed;
  return { ...installed, license_key: licenseKey, warnings: [], failures: 0, next_check_in: null };
}

/** The state once the seat was given back: no key and no certificate; the usage stays. */
export const afterSeat = (state: State, highWater: number): State => ({
  ...state,
  license_key: null,
  installed_key_sha256: null,
  certificate: null,
  refusal: null,
  warnings: [],
  failures: 0,
  next_check_in: null,
  high_water: highWater === 0 ? state.high_water : laterOf(state.high_water, highWater),
});
