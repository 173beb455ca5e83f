// What an installation knows, as the rules take it.
import type { CertificateClaims, LicenseKeyClaims, RevocationClaims, Verdict } from "./documents.ts";
import type { CandidateState, State } from "./state.ts";
import type { Failure } from "./vocabulary.ts";

/** A license key, and the instance that holds it or would. */
export interface Holding {
  instanceId: string;
  /** null: no license key is installed. */
  licenseKey: Verdict<LicenseKeyClaims> | null;
  /** Whether more than blanks around it had to be dropped to come to the key. */
  marked: boolean;
  /** Whether a trusted key verified the license key once, or the service granted it. */
  vouched: boolean;
  /** In confirmed time, milliseconds: when it was first seen. */
  seenAt: number;
  /** The latest end of the certificates of this license and instance, verified or not; null where none was held. */
  leaseEnd: number | null;
  /** The end that the license key names, verified or not. */
  keyEnd: number | null;
  /** What the service said last of this very license key, where that was a refusal. */
  refusal: State["refusal"];
}

export interface Facts {
  held: Holding;
  candidate: (Holding & Omit<CandidateState, "license_key">) | null;
  /** Those that verify: the one that counts, and the last proven one. */
  certificates: readonly CertificateClaims[];
  revocations: RevocationClaims | null;
  /** Codes of the last good answer. */
  warnings: readonly string[];
  nextCheckIn: string | null;
  lastFailure: Failure | null;
  /** Whether keys are pinned and no others can be had. */
  onlyPinned: boolean;
  /** Whether what is known was written. */
  isKept: boolean;
  issuers: readonly string[];
  /** The latest time that a signed document ever told, in seconds since the epoch. */
  highWater: number;
  lastSeenAt: string | null;
  lastAttemptAt: string | null;
  clockAhead: State["clock_ahead"];
  /** In confirmed time, milliseconds. */
  boundedSince: number;
  onIndeterminate: "allow" | "deny";
  indeterminateDays: number | null;
}

/**
 * The certificate, where one is of this instance and this license. Of the two the newer one has the terms, since it
 * was signed from the database later, and the later end counts: what was promised is not taken back.
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

/** The certificate of what is in force. */
export const usableCertificate = (facts: Facts): CertificateClaims | null => certificateOf(facts, facts.held);
