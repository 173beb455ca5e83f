// The air gap: an installation without a network writes a request file; staff hand it in and carry a license file back.
// Renewal and usage go the same way. To give a seat back, the installation signs a receipt when it stops for good.
import * as z from "zod/mini";
import { allow } from "../../../kernel/permissions.ts";
import type { Context } from "../../../context.ts";
import { invalid, Problem } from "../../../problems.ts";
import { CheckInRequest } from "../calls/check-in.ts";
import { type CertificateIdentity, certificateOf, readCertificate } from "../certificates.ts";
import {
  ceilToSecond,
  formatInstant,
  formatInstantOrNull,
  HOUR,
  LAST_INSTANT,
} from "../../../kernel/dates.ts";
import { grantSeat, refusalOfClaim } from "../grants.ts";
import { readLicenseKey } from "../../licenses/license-keys.ts";
import { withKeptId } from "../ids/kept-ids.ts";
import { getLicense, type Terms } from "../../licenses/licenses.ts";
import type { FileClaim } from "../claimant.ts";
import { InstanceKeyInput, keyProvenBy, otherFileOf, readSigned, unverified } from "./key-proof.ts";
import { endActivationByReceipt } from "../seat-ends.ts";
import { look, viewOf } from "../view.ts";
import { graceUntil, standingOf } from "../../licenses/standing.ts";
import { LeaseDays } from "../../licenses/terms.ts";

/** The file that an installation writes. Its members are those of a check-in, and a public key of its own. */
const RequestFile = z.extend(CheckInRequest, {
  public_key: z.nullish(InstanceKeyInput),
  /** A JWS made with that key. Older clients send none; then the key proves nothing and is not stored. */
  proof: z.nullish(z.string().check(z.maxLength(16_384))),
});

export const OfflineActivation = z.strictObject({
  request: RequestFile,
  lease_days: z.optional(LeaseDays),
  /** The installation replaces another one that has the seat by a file with another key. */
  replace: z.optional(z.boolean()),
});

export const OfflineDeactivation = z.strictObject({ receipt: z.string().check(z.maxLength(16_384)) });

export type OfflineActivation = z.output<typeof OfflineActivation>;
export type OfflineDeactivation = z.output<typeof OfflineDeactivation>;

type Ending = Pick<Terms, "expires_at">;

/** A perpetual license has no end for a lease to reach. */
const PERPETUAL_LEASE_DAYS = 365;

/** The end of the lease that staff and the installation ask for, regardless of the license's own end. */
function leaseEnd({ lease_days, request }: OfflineActivation, { expires_at }: Ending, now: number): number {
  const days = lease_days ?? (expires_at === null ? PERPETUAL_LEASE_DAYS : null);
  const hours = [days === null ? null : days * 24, request.lease_hours].filter((wanted) => wanted != null);
  return hours.length === 0 ? LAST_INSTANT : ceilToSecond(now) + Math.min(...hours) * HOUR;
}

/** @throws Problem REQUEST_INVALID for a proof that is wrong */
const claimOf = async (input: OfflineActivation, license: Ending, now: number): Promise<FileClaim> => ({
  leaseUntil: leaseEnd(input, license, now),
  provenKey: await keyProvenBy(input.request),
  replace: input.replace ?? false,
});

/** The name of an installation's license file, safe in a header and on any disk. */
export const licenseFileName = (instanceId: string): string =>
  `${instanceId.replaceAll(/[^A-Za-z0-9._-]/g, "_")}.caio-license`;

/**
 * What activating this installation would do. Changes nothing.
 * @throws Problem LICENSE_KEY_INVALID, LICENSE_NOT_FOUND, REQUEST_INVALID for a proof that is wrong
 */
export async function previewOffline(context: Context, input: OfflineActivation) {
  allow(context, "activations");
  const { db, clock } = context;
  const now = clock.now();
  const key = await readLicenseKey(context, input.request.license_key);
  const request = await withKeptId(context, key.licenseId, input.request);
  const [found] = await db.batch([look(context, key.licenseId, request.instance_id, now, true)]);
  const view = viewOf(found?.results[0], now);
  const { license, seat, seatsInUse } = view;
  const standing = standingOf(license, now);
  const certificate = await certificateOf(context, key, request);
  const file = await claimOf(input, license, now);
  const isFull = !seat && license.max_instances !== null && seatsInUse >= license.max_instances;
  return {
    license,
    standing,
    instanceId: request.instance_id,
    /** Whether the installation already has a seat, which this would renew. */
    renews: seat !== null,
    seatsInUse,
    leaseUntil: Math.min(file.leaseUntil, graceUntil(license) ?? LAST_INSTANT),
    /** The file of another key that runs on the seat; the request is refused unless staff say that it replaces it. */
    otherFile: otherFileOf(view, { ...file, replace: false }),
    refusal:
      refusalOfClaim(view, key, { certificate, file, standing, now }) ??
      (isFull ? ("ACTIVATION_LIMIT_REACHED" as const) : null),
  };
}

/**
 * Takes a seat for an installation without a network, or renews it, and makes its license file: valid until the
 * license's end, or for `lease_days`.
 * @throws Problem LICENSE_KEY_INVALID, REQUEST_INVALID if the file is for another license or its proof is wrong,
 *   CONFLICT if the seat has a file of another key, and as grantSeat
 */
export async function activateOffline(context: Context, id: string, input: OfflineActivation) {
  allow(context, "activations");
  return makeLicenseFile(context, await getLicense(context, id), input);
}

/**
 * The same for a license that its caller may use.
 * @throws Problem as activateOffline
 */
export async function makeLicenseFile(
  context: Context,
  license: Pick<Terms, "id" | "expires_at">,
  input: OfflineActivation,
) {
  const { id } = license;
  const key = await readLicenseKey(context, input.request.license_key);
  if (key.licenseId !== id) throw invalid("request.license_key", "Is the key of another license");
  const file = await claimOf(input, license, context.clock.now());
  const { now, seat, licenseKey, certificate, warnings, ...grant } = await grantSeat(
    context,
    key,
    await withKeptId(context, id, input.request),
    file,
  );
  return {
    format: "caio-license" as const,
    version: 1 as const,
    issuer: key.issuer,
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
 * Frees the seat of an installation that says, in a receipt signed with its own key, that it has stopped. The receipt
 * is a JWS with typ deactivation+jwt. Its payload holds the certificate, and the certificate names the key.
 * @throws Problem LICENSE_NOT_FOUND, REQUEST_INVALID for a receipt that does not verify
 * @throws Problem CONFLICT if the installation got a newer certificate since and may run on it, or the seat went to an
 *   installation with another key
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
  const results = await db.batch([
    ...endActivationByReceipt(context, clock.now(), stopped),
    db.sql(
      "SELECT 1 FROM activations WHERE license_id = ? AND ended_at = 0 AND id = ?",
      id,
      stopped.activationId,
    ),
  ]);
  if (results.at(-1)?.results.length === 0) return;
  throw new Problem(
    "CONFLICT",
    "The seat got a newer license file, or one of another key, since this receipt was signed. If the installation stopped all the same, free its seat.",
  );
}

/** The installation, and its license, that a receipt says has stopped; null if the receipt proves nothing. */
export async function readReceipt(context: Context, receipt: string): Promise<CertificateIdentity | null> {
  // The certificate inside names the key, so it is read before the receipt is verified. It has a signature of its own.
  const inside = unverified(receipt)["certificate"];
  const certificate = typeof inside === "string" ? await readCertificate(context, inside) : null;
  if (!certificate?.publicKey) return null;
  return (await readSigned(receipt, RECEIPT_TYPE, certificate.publicKey)) ? certificate : null;
}
