// License keys: signed from the license's row whenever somebody needs one, never stored. A stolen database
// holds no usable key, and a key always says what the license says now.
import type { Services } from "../../context.ts";
import { Problem } from "../../problems.ts";
import type { License } from "../../storage/schema.ts";
import { numericDate, SECOND } from "../../kernel/dates.ts";

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
>;

/** What a license's key says. */
export const claimsOf = ({ config }: Pick<Services, "config">, license: KeySource) => ({
  iss: config.issuer,
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
  rev: license.revision,
});

/** The current key of a license. The same row gives the same key until the active signing key changes. */
export const licenseKeyOf = (services: Services, license: KeySource): Promise<string> =>
  services.keyring.sign("license+jwt", claimsOf(services, license));

export interface KeyIdentity {
  licenseId: string;
  revision: number;
  /** When the license was issued: every key of it says so. */
  issuedAt: number;
}

/**
 * Which license and revision a key names. Its dates and limits are not looked at: the database's terms win
 * over the key's, so that a renewal reaches an instance that still holds the old key.
 * @throws Problem LICENSE_KEY_INVALID for anything that this service did not sign as a license key
 */
export async function readLicenseKey(
  { keyring, config }: Services,
  licenseKey: string,
): Promise<KeyIdentity> {
  // People paste keys with a newline at the end.
  const claims = await keyring.verify("license+jwt", config.issuer, licenseKey.trim());
  const jti = claims?.["jti"];
  const rev = claims?.["rev"];
  const iat = claims?.["iat"];
  if (typeof jti !== "string" || typeof rev !== "number" || typeof iat !== "number") {
    throw new Problem(
      "LICENSE_KEY_INVALID",
      "The license key was not issued by this service or was altered.",
    );
  }
  return { licenseId: jti, revision: rev, issuedAt: iat * SECOND };
}
