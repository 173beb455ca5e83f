// Who asks for a seat.
import type { KeyIdentity } from "../licenses/license-keys.ts";

/** The activation that a certificate of this instance proves, and when the certificate was issued. */
export interface PresentedCertificate {
  activationId: string;
  issuedAt: number;
}

/** Who asks for a seat, and what it says about itself. */
export interface Claimant {
  key: KeyIdentity;
  instance_id: string;
  fingerprint?: string | null | undefined;
  hostname?: string | null | undefined;
  app_version?: string | null | undefined;
  labels?: Record<string, string> | null | undefined;
  /** The longest lease that the instance wants. */
  lease_hours?: number | null | undefined;
  /** The instance says that it was activated before: it does not get a seat that it did not have. */
  returning?: boolean;
  /** The certificate that it shows: signed by this service and able to prove a seat. */
  certificate?: PresentedCertificate | null;
  /** The certificate is of a seat that a restore of the database lost: recovered.ts. */
  recovered?: boolean;
  /** Its usage on the last day that it reports. */
  usage?: { day: string; requests: number; services: number } | undefined;
  /** The codes that the report counts, and its first day. */
  meters?: { codes: string[]; from: string } | undefined;
  /** What only a request file has. */
  file?: FileClaim | undefined;
}

/** The claim of an installation without a network, as staff hand it in. */
export interface FileClaim {
  /** When the lease should end, regardless of the license's end; it does not follow the license's own rhythm. */
  leaseUntil: number;
  /** The public key (`x`) whose private half it proved to have. */
  provenKey: string | null;
  /** Whether staff say that it replaces an installation with another key. */
  replace: boolean;
}
