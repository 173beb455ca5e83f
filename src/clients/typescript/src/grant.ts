// The documents of an answer or a license file, before and after they are verified.
import type { CertificateClaims, KeySet } from "./documents.ts";

/** Received documents, not verified yet. */
export interface Brought {
  licenseKey: string;
  certificate: string;
  warnings: string[];
  /** What OVER_LIMIT is about: names of limits, codes of meters. */
  overLimit: string[];
  /** The number of instances that hold a seat, if known. */
  seatsActive: number | null;
  /** Days whose usage the service did not take. */
  usageIgnored: string[];
}

/** Documents that verify and belong together. */
export interface Grant extends Brought {
  claims: CertificateClaims;
  keyHash: string;
  /** A newer set of keys, if it was needed to verify them. */
  keys: KeySet | null;
}
