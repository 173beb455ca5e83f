// Activation certificates: with one, an instance can run for its whole lease without the service.
import type { Context, Services } from "../../context.ts";
import { cleaned, instanceIdOf } from "../../field/pasted.ts";
import { entitlementClaims } from "../entitlements/values.ts";
import type { KeyIdentity } from "../licenses/license-keys.ts";
import type { PresentedCertificate } from "./claimant.ts";
import { formatInstant, formatInstantOrNull, numericDate, SECOND } from "../../kernel/dates.ts";
import type { Seat } from "./view.ts";
import type { Terms } from "../licenses/licenses.ts";
import { graceUntil } from "../licenses/standing.ts";

/** The public half of a key that an offline instance made for itself (RFC 7800 section 3.2). */
export interface InstanceKey {
  kty: "OKP";
  crv: "Ed25519";
  x: string;
}

export interface Subject {
  /** The issuer of the license key that the instance holds: it trusts no other. */
  issuer: string;
  license: Terms;
  seat: Seat;
  /** Whether the instance proved that the seat is its own. If not, this certificate will not prove it either. */
  proven: boolean;
  /** The head of the sealed record, so that whoever keeps the certificate is a witness of it; null if there is none. */
  seal: string | null;
  request: {
    /** Echoed so that the instance knows this certificate answers its own request. */
    nonce?: string | null | undefined;
    /** Echoed so that the instance can bind the certificate to its machine. */
    fingerprint?: string | null | undefined;
    /** Confirmed, so that the instance can later sign documents without a network. */
    public_key?: InstanceKey | null | undefined;
  };
  /** The id of the request that this answers. It tells receipts for this answer from receipts for others. */
  requestId: string;
}

/** A certificate for the lease that a seat has now. */
export function signCertificate(
  { keyring }: Services,
  now: number,
  { issuer, license, seat, proven, seal, request, requestId }: Subject,
): Promise<string> {
  const { nonce, fingerprint, public_key } = request;
  return keyring.sign("activation+jwt", {
    iss: issuer,
    sub: seat.instance_id,
    jti: seat.activation_id,
    iat: numericDate(now),
    exp: numericDate(seat.lease_expires_at),
    license_id: license.id,
    customer_id: license.customer_id,
    license_type: license.license_type,
    features: license.features,
    max_instances: license.max_instances,
    max_services: license.max_services,
    max_requests_per_day: license.max_requests_per_day,
    license_expires_at: formatInstantOrNull(license.expires_at),
    grace_until: formatInstantOrNull(graceUntil(license)),
    ...(license.updates_until === null ? {} : { updates_until: formatInstant(license.updates_until) }),
    ...entitlementClaims(license.entitlements, now),
    check_in_at: formatInstant(seat.check_in_at),
    ...(proven ? {} : { proven }),
    ...(seal === null ? {} : { seal }),
    ...(nonce == null ? {} : { nonce }),
    ...(fingerprint == null ? {} : { fingerprint }),
    ...(public_key == null ? {} : { cnf: { jwk: public_key }, request_id: requestId }),
  });
}

export interface CertificateIdentity {
  activationId: string;
  licenseId: string;
  instanceId: string;
  issuedAt: number;
  expiresAt: number;
  publicKey: InstanceKey | null;
  /** The request that it answered: two certificates of one second differ in it. Null in old ones, or without a key. */
  requestId: string | null;
  /** Whether it proves that its holder is the instance: not if it was issued without proof. */
  proves: boolean;
}

/** What a certificate says; null for anything that this service did not sign as one. Expiry is not checked. */
export async function readCertificate(
  { keyring, config }: Services,
  certificate: string,
): Promise<CertificateIdentity | null> {
  const claims = await keyring.verify("activation+jwt", config.issuers, cleaned(certificate));
  if (!claims) return null;
  const { jti, license_id, sub, iat, exp, cnf, proven, request_id } = claims as Record<string, unknown>;
  return {
    activationId: String(jti),
    licenseId: String(license_id),
    instanceId: String(sub),
    issuedAt: Number(iat) * SECOND,
    expiresAt: Number(exp) * SECOND,
    publicKey: (cnf as { jwk?: InstanceKey } | undefined)?.jwk ?? null,
    requestId: typeof request_id === "string" ? request_id : null,
    proves: proven !== false,
  };
}

/**
 * The certificate of a request, if it proves that its holder is this instance of this license, with the id as spelled
 * in it; otherwise null. Its age and expiry do not matter for that. The statements check whether its seat still exists.
 */
export async function certificateOf(
  context: Context,
  key: KeyIdentity,
  { certificate, instance_id }: { certificate?: string | null | undefined; instance_id: string },
): Promise<(PresentedCertificate & Pick<CertificateIdentity, "instanceId" | "expiresAt">) | null> {
  const read = certificate ? await readCertificate(context, certificate) : null;
  if (!read?.proves || read.licenseId !== key.licenseId) return null;
  if (instanceIdOf(read.instanceId) !== instanceIdOf(instance_id)) return null;
  const { activationId, instanceId, issuedAt, expiresAt } = read;
  return { activationId, instanceId, issuedAt, expiresAt };
}
