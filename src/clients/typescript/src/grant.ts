// What an answer or a license file brings, before and after it is verified.
import type { CertificateClaims, KeySet } from "./documents.ts";

/** Documents that were brought, not verified yet. */
export interface Brought {
  licenseKey: string;
  certificate: string;
  warnings: string[];
  /** Instances that hold a seat, where it is told. */
  seatsActive: number | null;
  /** Days whose usage was not taken. */
  usageIgnored: string[];
}

/** Documents that verify and belong together. */
export interface Grant extends Brought {
  claims: CertificateClaims;
  keyHash: string;
  /** A newer set of keys, where it took one to verify them. */
  keys: KeySet | null;
}
