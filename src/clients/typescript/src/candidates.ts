// Configured is not installed: how a given license key or instance id becomes the one in force. Pure.
import { claimOf, dateOf, type LicenseKeyClaims, type Verdict } from "./documents.ts";
import { byKeyAlone } from "./rules.ts";
import type { CandidateState, State } from "./state.ts";
import { PASSED_OVER } from "./texts.ts";
import type { Code } from "./vocabulary.ts";

/** A license key as it was given, examined. */
export interface Given {
  licenseKey: string;
  hash: string;
  verdict: Verdict<LicenseKeyClaims>;
  isMarked: boolean;
}

export interface Moment {
  /** The wall clock, milliseconds. */
  at: number;
  /** Confirmed time, milliseconds. */
  confirmed: number;
  /** The time to judge by, milliseconds. */
  now: number;
  /** The instance id in force. */
  instanceId: string;
}

/** The state after somebody installs a license key. */
export function afterInstall(state: State, given: Given, moment: Moment): State {
  if (state.license_key === null) return inForce(state, given, moment);
  return withCandidate(state, isHeld(state, given) ? null : given, null, moment);
}

/** What is configured now; null: nothing. */
export interface Configured {
  key: Given | null;
  instanceId: string | null;
  /** If the configured key is blank, the hash of the candidate, which it may take back. */
  withdrawn: string | null;
}

/** The state after the configuration is read. Only a change since the last configuration has an effect. */
export function afterConfigured(state: State, configured: Configured, moment: Moment): State {
  const { key, instanceId, withdrawn } = configured;
  const isShown = state.candidate?.state === "refused" && state.candidate.instance_id === null;
  if (isShown && withdrawn !== null && withdrawn === state.configured_key_sha256)
    return afterConfigured({ ...state, candidate: null, configured_key_sha256: "" }, configured, moment);
  const isFirst = state.configured_key_sha256 === null;
  const keyChanged = key !== null && state.configured_key_sha256 !== key.hash;
  const idChanged = instanceId !== null && state.configured_instance_id !== instanceId;
  if (!keyChanged && !idChanged) return state;
  const noted = {
    ...state,
    configured_key_sha256: key?.hash ?? state.configured_key_sha256,
    configured_instance_id: instanceId ?? state.configured_instance_id,
  };
  // Older clients did not record a configured id; their certificate names it.
  if (idChanged && state.bounded_since === null && claimOf(state.certificate ?? "", "sub") === instanceId)
    return afterConfigured(
      { ...state, configured_instance_id: instanceId, instance_id: instanceId },
      configured,
      moment,
    );
  const otherId = instanceId === moment.instanceId ? null : instanceId;
  if (state.license_key === null) {
    const named = otherId === null ? noted : { ...noted, instance_id: otherId };
    return key === null ? named : inForce(named, key, moment);
  }
  const acts = keyChanged && !isHeld(state, key) && (!isFirst || mayActFirst(state.license_key, key));
  // An unchanged key or id stays as it is, even if it is a candidate.
  const waiting = state.candidate?.license_key === state.license_key ? null : state.candidate;
  if (keyChanged && !acts && !isHeld(state, key) && !idChanged) return noted;
  const id = idChanged ? otherId : (state.candidate?.instance_id ?? null);
  if (!keyChanged && waiting) {
    const found = isAskable(waiting) ? PENDING : waiting;
    return { ...noted, candidate: fresh({ ...waiting, ...found, instance_id: id }, moment) };
  }
  return withCandidate(noted, acts ? key : null, id, moment);
}

/** Older clients recorded the installed key, not the configured one: an old configured key must not undo it. */
function mayActFirst(held: string, { licenseKey, verdict }: Given): boolean {
  const [before, after] = [dateOf(held, "iat"), dateOf(licenseKey, "iat")];
  if (verdict.fault === "invalid") return true;
  return (
    claimOf(held, "jti") === claimOf(licenseKey, "jti") ||
    (after !== null && (before === null || after > before))
  );
}

const inForce = (state: State, { licenseKey, hash }: Given, { confirmed }: Moment): State => ({
  ...state,
  license_key: licenseKey,
  installed_key_sha256: hash,
  vouched_key_sha256: null,
  key_seen_at: instant(confirmed),
  candidate: null,
  warnings: [],
  failures: 0,
  next_check_in: null,
});

/** Whether it is the key in force, or the one that the key in force renewed. */
const isHeld = (state: State, { licenseKey, hash }: Given): boolean =>
  state.license_key === licenseKey || state.installed_key_sha256 === hash;

/** @param given null: the license key in force */
function withCandidate(state: State, given: Given | null, instanceId: string | null, moment: Moment): State {
  if (given === null && instanceId === null) return { ...state, candidate: null };
  const { candidate } = state;
  const license_key = given?.licenseKey ?? state.license_key!;
  if (candidate?.license_key === license_key && candidate.instance_id === instanceId) return state;
  const found = given ? lookedAt(given, moment) : PENDING;
  return { ...state, candidate: fresh({ license_key, instance_id: instanceId, ...found }, moment) };
}

const fresh = (
  candidate: Pick<CandidateState, "license_key" | "instance_id" | "state" | "code" | "detail">,
  { at, confirmed }: Moment,
): CandidateState => ({
  ...candidate,
  since: instant(at),
  seen_at: instant(confirmed),
  failures: 0,
  next_try_at: null,
});

const PENDING = {
  state: "pending",
  code: null,
  detail: "It takes the place of what is in force when the service grants it a seat.",
} as const;

/** A candidate that was refused locally need not be asked about. */
export const isAskable = (candidate: CandidateState | null): candidate is CandidateState =>
  candidate !== null && (candidate.state === "pending" || candidate.failures > 0);

/** When the service is asked next about the candidate. */
export const isCandidateDue = ({ candidate }: State, clock: number): boolean =>
  isAskable(candidate) && (candidate.next_try_at === null || clock >= Date.parse(candidate.next_try_at));

const pending = (code: Code | null, detail: string) => ({ ...PENDING, code, detail });

/** The local verdict on a key, before the service is asked. */
function lookedAt(
  { verdict, isMarked }: Given,
  { now }: Moment,
): Pick<CandidateState, "state" | "code" | "detail"> {
  switch (verdict.fault) {
    case "invalid":
      return {
        state: "refused",
        code: "LICENSE_KEY_INVALID",
        detail: `It was not issued by the service, was altered, or is not all there.${isMarked ? PASSED_OVER : ""}`,
      };
    case "unknown_key":
      return pending("SIGNING_KEY_UNKNOWN", "No key that is trusted here verifies it yet.");
    case "other_issuer":
      return pending("ISSUER_MISMATCH", `It is of the issuer ${verdict.issuer}.`);
    default: {
      const { code, detail } = byKeyAlone(verdict.claims, now);
      return code === "NOT_ACTIVATED" ? PENDING : pending(code, detail);
    }
  }
}

const instant = (at: number): string => new Date(at).toISOString();
