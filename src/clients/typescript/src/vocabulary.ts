// The words of the client: what a status says, and the codes in it.

/** What the service says when it refuses, word by word. Nothing else that comes over the wire is a refusal. */
export const REFUSALS = [
  "LICENSE_EXPIRED",
  "LICENSE_SUSPENDED",
  "LICENSE_REVOKED",
  "LICENSE_NOT_STARTED",
  "LICENSE_KEY_SUPERSEDED",
  "LICENSE_KEY_INVALID",
  "ACTIVATION_LIMIT_REACHED",
  "INSTANCE_CLONED",
] as const;

export type Refusal = (typeof REFUSALS)[number];

/** Why a license is not simply entitled: the service's word, or what the installation found out by itself. */
export type Code =
  | Refusal
  | "LICENSE_KEY_MISSING"
  | "NOT_ACTIVATED"
  | "LEASE_EXPIRED"
  | "SIGNING_KEY_UNKNOWN";

export type LicenseState = "entitled" | "grace" | "indeterminate" | "refused";

/** What the license allows. Empty and null where no document that verifies says it; a null limit is no limit. */
export interface Terms {
  licenseId: string | null;
  customerId: string | null;
  licenseType: string | null;
  features: readonly string[];
  maxInstances: number | null;
  maxServices: number | null;
  maxRequestsPerDay: number | null;
  /** Instants are RFC 3339, UTC, with milliseconds. */
  licenseExpiresAt: string | null;
  graceUntil: string | null;
  leaseExpiresAt: string | null;
  checkInAt: string | null;
}

export interface Status extends Terms {
  state: LicenseState;
  code: Code | null;
  /** A sentence for the operator. */
  detail: string;
  /** Codes, sorted: CLOCK_SET_BACK and those of the service's last good answer. */
  warnings: readonly string[];
  /** When this state ends if nothing else is heard, or null. */
  until: string | null;
  /** When the service is asked next; null: as soon as may be. */
  nextCheckIn: string | null;
  mayRun: boolean;
}

/** Thrown where a caller asked for something that the license or the service does not give. */
export class LicenseError extends Error {
  override readonly name = "LicenseError";
  /**
   * A code of a status, a code of the service, or FEATURE_NOT_LICENSED, LICENSE_FILE_INVALID,
   * REVOCATION_LIST_INVALID, INSTANCE_KEY_INVALID, SERVICE_UNAVAILABLE.
   */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}
