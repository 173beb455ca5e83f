// What an installation knows, as input for the rules.
import type { BuiltAt } from "./coverage.ts";
import type { CertificateClaims, LicenseKeyClaims, RevocationClaims, Verdict } from "./documents.ts";
import type { CandidateState, State } from "./state.ts";
import type { Failure } from "./vocabulary.ts";

/** A license key, and the instance that holds it or would. */
export interface Holding {
  instanceId: string;
  /** null: no license key is installed. */
  licenseKey: Verdict<LicenseKeyClaims> | null;
  /** Whether more than blanks around the key had to be removed. */
  marked: boolean;
  /** Whether a trusted key has ever verified the license key, or the service granted it. */
  vouched: boolean;
  /** In confirmed time, milliseconds: when it was first seen. */
  seenAt: number;
  /** The latest end of the certificates of this license and instance, verified or not; null if there was none. */
  leaseEnd: number | null;
  /** The end that the license key names, verified or not. */
  keyEnd: number | null;
  /** The service's last word on exactly this license key, if that was a refusal. */
  refusal: State["refusal"];
}

export interface Facts {
  held: Holding;
  candidate: (Holding & Omit<CandidateState, "license_key">) | null;
  /** The certificates that verify: the one that counts, and the last proven one. */
  certificates: readonly CertificateClaims[];
  revocations: RevocationClaims | null;
  /** Codes of the last good answer. */
  warnings: readonly string[];
  overLimit: readonly string[];
  nextCheckIn: string | null;
  lastFailure: Failure | null;
  /** Whether keys are pinned and no others can be fetched. */
  onlyPinned: boolean;
  /** Whether everything known is stored. */
  isKept: boolean;
  issuers: readonly string[];
  /** The latest time in any signed document so far, in seconds since the epoch. */
  highWater: number;
  lastSeenAt: string | null;
  lastAttemptAt: string | null;
  clockAhead: State["clock_ahead"];
  /** In confirmed time, milliseconds. */
  boundedSince: number;
  /** When the running version of the product was built; undefined if not told. */
  builtAt: BuiltAt | undefined;
  onIndeterminate: "allow" | "deny";
  indeterminateDays: number | null;
}

/**
 * The certificate, if there is one of this instance and this license. The newer of the two has the terms, since it was
 * signed from the database later; the later end counts, since a promise is not taken back.
 */
export function certificateOf(facts: Facts, { instanceId, licenseKey }: Holding): CertificateClaims | null {
  const licenseId = licenseKey?.claims?.jti;
  const usable = facts.certificates.filter(
    ({ sub, license_id }) => sub === instanceId && license_id === licenseId,
  );
  const newest = usable.toSorted((a, b) => b.iat - a.iat)[0];
  if (!newest) return null;
  const ends = usable.filter(({ jti }) => jti === newest.jti).map(({ exp }) => exp);
  return { ...newest, exp: Math.max(...ends) };
}

/** The certificate in force. */
export const usableCertificate = (facts: Facts): CertificateClaims | null => certificateOf(facts, facts.held);
