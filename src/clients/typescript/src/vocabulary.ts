// The vocabulary of the client: a status and its codes.

/** The refusal codes of the service. Nothing else that comes over the network is a refusal. */
export const REFUSALS = [
  "LICENSE_EXPIRED",
  "LICENSE_SUSPENDED",
  "LICENSE_REVOKED",
  "LICENSE_NOT_STARTED",
  "LICENSE_KEY_SUPERSEDED",
  "LICENSE_KEY_INVALID",
  "ACTIVATION_LIMIT_REACHED",
  "LICENSE_NOT_FOUND",
  "INSTANCE_CLONED",
] as const;

/** The refusals that the service signs: they count at once. The others are warnings while a certificate holds. */
export const SIGNED_REFUSALS: readonly string[] = [
  "LICENSE_EXPIRED",
  "LICENSE_SUSPENDED",
  "LICENSE_REVOKED",
  "LICENSE_KEY_SUPERSEDED",
];

export type Refusal = (typeof REFUSALS)[number];

/** Why a license is not simply entitled: the service's code, or a finding of the installation itself. */
export const CODES = [
  ...REFUSALS,
  "LICENSE_KEY_MISSING",
  "NOT_ACTIVATED",
  "LEASE_EXPIRED",
  "SIGNING_KEY_UNKNOWN",
  "ISSUER_MISMATCH",
] as const;

export type Code = (typeof CODES)[number];

export type LicenseState = "entitled" | "grace" | "indeterminate" | "refused";

/** Infinity: no limit, so that `used <= value` holds. */
export type EntitlementValue = number | boolean | string | object;

export interface Entitlement {
  value: EntitlementValue;
  /** From then on it is not included any more; null: as long as the license. RFC 3339. */
  until: string | null;
}

/** What the license allows. Empty and null if no verified document says it; a null limit is no limit. */
export interface Terms {
  licenseId: string | null;
  customerId: string | null;
  licenseType: string | null;
  features: readonly string[];
  maxInstances: number | null;
  maxServices: number | null;
  maxRequestsPerDay: number | null;
  /** By code; those that have ended are left out. */
  entitlements: Readonly<Record<string, Entitlement>>;
  /** Up to when the versions may be built that the license covers; null: all. */
  updatesUntil: string | null;
  /** Instants are RFC 3339, UTC, with milliseconds. */
  licenseExpiresAt: string | null;
  graceUntil: string | null;
  leaseExpiresAt: string | null;
  checkInAt: string | null;
}

/** A license key, or an instance id, that was configured or installed and is not in force. */
export interface Candidate {
  /** null if no trusted key verifies the license key. */
  licenseId: string | null;
  /** `pending`: the service has not been asked, or has not answered yet. */
  state: "pending" | "refused";
  code: Code | null;
  detail: string;
  since: string;
}

/** Why the last attempt did not reach the service. */
export interface Failure {
  at: string;
  reason: string;
}

export interface Status extends Terms {
  state: LicenseState;
  code: Code | null;
  /** A sentence for the operator. */
  detail: string;
  /**
   * Codes, sorted: those of the service's last good answer, a refusal that a good certificate outlasts, and
   * CLOCK_SET_BACK, CLOCK_AHEAD, STATE_NOT_KEPT, INDETERMINATE_ENDS, UPDATE_NOT_COVERED, DRILL.
   */
  warnings: readonly string[];
  /** What the warning OVER_LIMIT is about: names of limits (max_services), codes of meters. */
  overLimit: readonly string[];
  /** When this state ends without further news, or null. */
  until: string | null;
  /** When the service is asked next; null: as soon as possible. */
  nextCheckIn: string | null;
  mayRun: boolean;
  candidate: Candidate | null;
  lastFailure: Failure | null;
}

/** Thrown if a caller asks for something that the license or the service does not give. */
export class LicenseError extends Error {
  override readonly name = "LicenseError";
  /**
   * A code of a status, a code of the service, or FEATURE_NOT_LICENSED, LICENSE_FILE_INVALID,
   * REVOCATION_LIST_INVALID, INSTANCE_KEY_INVALID, SERVICE_UNAVAILABLE, STATE_NOT_KEPT.
   */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}
