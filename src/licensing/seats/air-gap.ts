// The air gap: an installation without a network writes a request file, staff hand it in and carry a license
// file back. Renewal and usage go the same way, and a seat is given back by a receipt that the installation
// signs when it stops for good.
import { base64url, compactVerify, importJWK } from "jose";
import * as z from "zod/mini";
import { allow } from "../../kernel/permissions.ts";
import type { Context } from "../../context.ts";
import { isCompactJws } from "../../crypto/compact.ts";
import { invalid, Problem } from "../../problems.ts";
import { CheckInRequest } from "./check-in.ts";
import { type CertificateIdentity, readCertificate } from "./certificates.ts";
import { ceilToSecond, DAY, formatInstant, formatInstantOrNull, LAST_INSTANT } from "../../kernel/dates.ts";
import { certificateOf, grantSeat, refusalOfClaim } from "./grants.ts";
import { readLicenseKey } from "../licenses/license-keys.ts";
import { getLicense, type Terms } from "../licenses/licenses.ts";
import { endActivationById } from "./seat-ends.ts";
import { look, viewOf } from "./view.ts";
import { graceUntil, standingOf } from "../licenses/standing.ts";
import { LeaseDays } from "../licenses/terms.ts";

/** The file that an installation writes. Its members are those of a check-in, and a public key of its own. */
const RequestFile = z.extend(CheckInRequest, {
  public_key: z.nullish(
    z.object({
      kty: z.literal("OKP"),
      crv: z.literal("Ed25519"),
      x: z.string().check(z.regex(/^[A-Za-z0-9_-]{43}$/)),
    }),
  ),
});

export const OfflineActivation = z.strictObject({ request: RequestFile, lease_days: z.optional(LeaseDays) });

export const OfflineDeactivation = z.strictObject({ receipt: z.string().check(z.maxLength(16_384)) });

export type OfflineActivation = z.output<typeof OfflineActivation>;
export type OfflineDeactivation = z.output<typeof OfflineDeactivation>;

/** A perpetual license has no end for a lease to reach. */
const PERPETUAL_LEASE_DAYS = 365;

/** When the lease asked for ends, but for the license's own end. */
function leaseEnd({ lease_days }: OfflineActivation, { expires_at }: Terms, now: number): number {
  const days = lease_days ?? (expires_at === null ? PERPETUAL_LEASE_DAYS : null);
  return days === null ? LAST_INSTANT : ceilToSecond(now) + days * DAY;
}

/** The name of an installation's license file, safe in a header and on any disk. */
export const licenseFileName = (instanceId: string): string =>
  `${instanceId.replaceAll(/[^A-Za-z0-9._-]/g, "_")}.caio-license`;

/**
 * What activating this installation would do. Changes nothing.
 * @throws Problem LICENSE_KEY_INVALID, LICENSE_NOT_FOUND
 */
export async function previewOffline(context: Context, input: OfflineActivation) {
  allow(context, "activations");
  const { db, clock } = context;
  const now = clock.now();
  const key = await readLicenseKey(context, input.request.license_key);
  const [found] = await db.batch([look(context, key.licenseId, input.request.instance_id, now, true)]);
  const view = viewOf(found?.results[0], now);
  const { license, seat, seatsInUse } = view;
  const standing = standingOf(license, now);
  const certificate = await certificateOf(context, key, input.request);
  const isFull = !seat && license.max_instances !== null && seatsInUse >= license.max_instances;
  return {
    license,
    standing,
    /** Whether the installation has a seat, which this would renew. */
    renews: seat !== null,
    seatsInUse,
    leaseUntil: Math.min(leaseEnd(input, license, now), graceUntil(license) ?? LAST_INSTANT),
    refusal:
      refusalOfClaim(view, key, certificate, standing, now) ??
      (isFull ? ("ACTIVATION_LIMIT_REACHED" as const) : null),
  };
}

/**
 * Takes a seat for an installation without a network, or renews it, and makes its license file: valid up to
 * the license's end, or for so many days.
 * @throws Problem LICENSE_KEY_INVALID, REQUEST_INVALID where the file is another license's, and as grantSeat
 */
export async function activateOffline(context: Context, id: string, input: OfflineActivation) {
  allow(context, "activations");
  const license = await getLicense(context, id);
  const key = await readLicenseKey(context, input.request.license_key);
  if (key.licenseId !== id) throw invalid("request.license_key", "Is the key of another license");
  const until = leaseEnd(input, license, context.clock.now());
  const { now, seat, licenseKey, certificate, warnings, ...grant } = await grantSeat(
    context,
    key,
    input.request,
    until,
  );
  return {
    format: "caio-license" as const,
    version: 1 as const,
    issuer: context.config.issuer,
    license_id: grant.license.id,
    customer_id: grant.license.customer_id,
    instance_id: seat.instance_id,
    activation_id: seat.activation_id,
    issued_at: formatInstant(now),
    lease_expires_at: formatInstant(seat.lease_expires_at),
    license_expires_at: formatInstantOrNull(grant.license.expires_at),
    license_key: licenseKey,
    certificate,
    warnings,
  };
}

const RECEIPT_TYPE = "deactivation+jwt";

/**
 * Frees the seat of an installation that says, signed with its own key, that it stopped. The receipt is a JWS
 * with typ deactivation+jwt whose payload holds the certificate; the certificate names the key.
 * @throws Problem LICENSE_NOT_FOUND, REQUEST_INVALID for a receipt that does not verify
 * @throws Problem CONFLICT where the installation was given a newer certificate since, on which it may run
 */
export async function deactivateOffline(
  context: Context,
  id: string,
  { receipt }: OfflineDeactivation,
): Promise<void> {
  allow(context, "activations");
  await getLicense(context, id);
  const stopped = await readReceipt(context, receipt);
  if (stopped?.licenseId !== id)
    throw invalid("receipt", "Is not a receipt of an installation of this license");
  const { db, clock } = context;
  const [, , left] = await db.batch([
    ...endActivationById(context, clock.now(), id, stopped.activationId, stopped.issuedAt),
    db.sql(
      "SELECT 1 FROM activations WHERE license_id = ? AND ended_at = 0 AND id = ?",
      id,
      stopped.activationId,
    ),
  ]);
  if (left?.results.length === 0) return;
  throw new Problem(
    "CONFLICT",
    "The installation got a newer license file since it signed this receipt. If it stopped all the same, free its seat.",
  );
}

/** Which installation of which license a receipt says stopped, or null where it proves nothing. */
export async function readReceipt(context: Context, receipt: string): Promise<CertificateIdentity | null> {
  const signed = receipt.trim();
  if (!isCompactJws(signed)) return null;
  try {
    const payload = JSON.parse(new TextDecoder().decode(base64url.decode(signed.split(".")[1] ?? ""))) as {
      certificate?: unknown;
    };
    if (typeof payload.certificate !== "string") return null;
    const certificate = await readCertificate(context, payload.certificate);
    if (!certificate?.publicKey) return null;
    const key = await importJWK({ ...certificate.publicKey }, "EdDSA");
    const { protectedHeader } = await compactVerify(signed, key, { algorithms: ["EdDSA", "Ed25519"] });
    const { typ, crit } = protectedHeader;
    // A receipt has no extensions, an unencoded payload (RFC 7797) among them.
    return typ === RECEIPT_TYPE && crit === undefined ? certificate : null;
  } catch {
    // Whatever is wrong with a token is the caller's fault; nothing here talks to the database.
    return null;
  }
}
