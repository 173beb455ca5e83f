// The air gap for customers: a request file in, a license file out, at any hour. What only staff may do is left to them:
// a file for another key of the same instance.
import type { Context } from "../../context.ts";
import { allowOnSite } from "../../kernel/permissions.ts";
import { invalid, Problem } from "../../problems.ts";
import { readLicenseKey } from "../licenses/license-keys.ts";
import { makeLicenseFile, type OfflineActivation, readReceipt } from "../seats/air-gap/air-gap.ts";
import { freeOwnFile } from "../seats/seat-ends.ts";
import { ownLicense, ownSeat } from "./own.ts";

/**
 * Makes the license file that answers a request file.
 * @throws Problem LICENSE_NOT_FOUND for a license of another customer; CONFLICT where another key has files of this seat
 */
export async function fetchFile(context: Context, request: OfflineActivation["request"]) {
  allowOnSite(context, "files");
  const { licenseId } = await readLicenseKey(context, request.license_key);
  const license = await ownLicense(context, licenseId);
  // The license may be transferred in this moment: the key names its license, and a transfer replaces the key.
  return makeLicenseFile(context, license, { request });
}

/**
 * Frees the seat of an installation that stopped, by its receipt.
 * @returns the license
 * @throws Problem REQUEST_INVALID for what is no receipt of an installation of this customer, CONFLICT
 */
export async function handInReceipt(context: Context, receipt: string): Promise<string> {
  const { customerId } = allowOnSite(context, "files");
  const stopped = await readReceipt(context, receipt);
  if (!stopped) throw invalid("receipt", "Is not a receipt of an installation that got its file here");
  await ownLicense(context, stopped.licenseId);
  const [freed] = await context.db.batch(freeOwnFile(context, context.clock.now(), customerId, stopped));
  if (freed?.meta.changes !== 0) return stopped.licenseId;
  const seat = await ownSeat(context, stopped.activationId).catch(() => null);
  // Freed already: the same receipt says the same.
  if (seat === null) return stopped.licenseId;
  throw new Problem(
    "CONFLICT",
    "The receipt frees nothing: its seat got a newer license file since, or in the last 30 days you freed as many seats as this license has. Ask for this one to be freed.",
  );
}
