// License keys: signed from the license's row whenever one is needed, never stored. So a stolen database holds no
// usable key, and a new key always matches the current license.
import type { Services } from "../../context.ts";
import { cleaned, wasMarked } from "../../field/pasted.ts";
import { Problem } from "../../problems.ts";
import { entitlementClaims } from "../entitlements/values.ts";
import type { License } from "../../storage/schema.ts";
import { formatInstant, numericDate, SECOND } from "../../kernel/dates.ts";

type KeySource = Pick<
  License,
  | "id"
  | "customer_id"
  | "license_type"
  | "revision"
  | "issued_at"
  | "starts_at"
  | "expires_at"
  | "features"
  | "max_instances"
  | "max_services"
  | "max_requests_per_day"
  | "updates_until"
  | "entitlements"
>;

/** What a license's key says. @param issuer a former issuer of the service, if the license was installed under it */
export const claimsOf = (
  { config, clock }: Pick<Services, "config" | "clock">,
  license: KeySource,
  issuer: string = config.issuer,
) => ({
  iss: issuer,
  sub: license.customer_id,
  jti: license.id,
  iat: numericDate(license.issued_at),
  ...(license.starts_at === null ? {} : { nbf: numericDate(license.starts_at) }),
  ...(license.expires_at === null ? {} : { exp: numericDate(license.expires_at) }),
  license_type: license.license_type,
  features: license.features,
  max_instances: license.max_instances,
  max_services: license.max_services,
  max_requests_per_day: license.max_requests_per_day,
  ...(license.updates_until === null ? {} : { updates_until: formatInstant(license.updates_until) }),
  ...entitlementClaims(license.entitlements, clock.now()),
  rev: license.revision,
});

/**
 * The current key of a license. The same row gives the same key until the active signing key changes, or an entitlement
 * ends.
 */
export const licenseKeyOf = (services: Services, license: KeySource, issuer?: string): Promise<string> =>
  services.keyring.sign("license+jwt", claimsOf(services, license, issuer));

export interface KeyIdentity {
  licenseId: string;
  revision: number;
  /** When the license was issued: every key of it says so. */
  issuedAt: number;
  /** The issuer: this service, at its current address or a former one. Answers to the holder name the same issuer. */
  issuer: string;
}

const NOT_OURS = "The license key was not issued by this service or was altered.";

/** Says that the text was more than a key, without repeating any of it. */
const MARKED =
  " Quotes, a name in front, and blanks or invisible characters within it were passed over; what is left is no key of this service.";

/**
 * The license and revision that a key names. Its dates and limits are ignored: the terms in the database win over the
 * key's, so that a renewal reaches an instance that still holds the old key.
 * @throws Problem LICENSE_KEY_INVALID for anything that this service did not sign as a license key
 */
export async function readLicenseKey(
  { keyring, config }: Services,
  licenseKey: string,
): Promise<KeyIdentity> {
  const claims = await keyring.verify("license+jwt", config.issuers, cleaned(licenseKey));
  const jti = claims?.["jti"];
  const rev = claims?.["rev"];
  const iat = claims?.["iat"];
  if (!claims || typeof jti !== "string" || typeof rev !== "number" || typeof iat !== "number") {
    throw new Problem("LICENSE_KEY_INVALID", `${NOT_OURS}${wasMarked(licenseKey) ? MARKED : ""}`);
  }
  return { licenseId: jti, revision: rev, issuedAt: iat * SECOND, issuer: claims.iss };
}
