// What a proven instance is answered while the database takes no writes: from reads alone. Its certificate is about to
// end, and its production must not stop because of us. Nothing is taken over its word that a claim would refuse.
import type { Context } from "../../context.ts";
import { floorToSecond, HOUR, LAST_INSTANT } from "../../kernel/dates.ts";
import { logged } from "../../storage/failures.ts";
import { type KeyIdentity, licenseKeyOf } from "../licenses/license-keys.ts";
import { graceUntil, refusalOf, standingOf } from "../licenses/standing.ts";
import type { DayUsage } from "../usage/meters.ts";
import { type Grant, notRecordedWarning, warningsOf } from "./answers.ts";
import { signCertificate, type Subject } from "./certificates.ts";
import { spreadOf } from "./claim.ts";
import type { Claimant, PresentedCertificate } from "./claimant.ts";
import { look, provenUntil, type Seat, type View, viewOf } from "./view.ts";

interface Asked {
  key: KeyIdentity;
  request: Pick<Claimant, "instance_id" | "lease_hours"> & Subject["request"];
  certificate: PresentedCertificate | null;
  days: DayUsage[];
  /** How many days of usage were ignored, because they are impossible or too many. */
  ignored: number;
}

// | answered if      |                                                                                              |
// |------------------|----------------------------------------------------------------------------------------------|
// | seat             | The instance holds it, and staff did not free it.                                            |
// | proof            | The certificate is that of the seat.                                                         |
// | license          | It is active, has started, and its grace is not over.                                        |
// | key              | It was not replaced.                                                                         |
// | lease            | It ends within unproven_lease_hours. One that ends later outlasts the fault.                 |
/** The end of a lease that is given without being recorded; null if none is. Pure. */
export function unrecordedLease(
  { license, seat, freed }: Pick<View, "license" | "seat" | "freed">,
  { key, request, certificate }: Pick<Asked, "key" | "request" | "certificate">,
  now: number,
): number | null {
  if (!seat || freed || certificate === null || seat.activation_id !== certificate.activationId) return null;
  if (key.revision < license.revision || refusalOf(standingOf(license, now)) !== null) return null;
  const second = floorToSecond(now);
  const latest = second + license.unproven_lease_hours * HOUR;
  const held = provenUntil(seat);
  if (held > latest) return null;
  const wanted = request.lease_hours == null ? LAST_INSTANT : second + request.lease_hours * HOUR;
  const lease = Math.min(latest, wanted, graceUntil(license) ?? LAST_INSTANT);
  return Math.max(held, lease);
}

/**
 * Answers from reads, if it may; null if not.
 * @param error why the claim could not be recorded
 */
export async function grantUnrecorded(
  context: Context,
  now: number,
  asked: Asked,
  error: unknown,
): Promise<Grant | null> {
  const { key, request, days, ignored } = asked;
  if (context.actor.type !== "instance" || asked.certificate === null) return null;
  const view = await lookAgain(context, key, request, now);
  const lease = view && unrecordedLease(view, asked, now);
  if (!view?.seat || lease === null) return null;
  context.log("error", { ...logged(error), request_id: context.requestId, answered: "NOT_RECORDED" });
  const { license } = view;
  const rhythm = license.check_in_hours * HOUR * spreadOf(context);
  const seat: Seat = {
    ...view.seat,
    lease_expires_at: lease,
    check_in_at: Math.trunc(now + Math.min(rhythm, (lease - now) / 2)),
  };
  const standing = standingOf(license, now);
  const { requestId } = context;
  const [licenseKey, certificate] = await Promise.all([
    licenseKeyOf(context, license, key.issuer),
    signCertificate(context, now, {
      issuer: key.issuer,
      license,
      seat,
      proven: true,
      seal: null,
      request,
      requestId,
    }),
  ]);
  const { seatsInUse } = view;
  const told = {
    license,
    standing,
    seat,
    proven: true,
    superseded: false,
    seatsInUse,
    overuses: [],
    ignored,
    unknownCodes: [],
  };
  return {
    now,
    license,
    seat,
    standing,
    seatsInUse,
    warnings: [...warningsOf(told), notRecordedWarning(seat)],
    usageIgnored: days.map(({ day }) => day),
    licenseKey,
    certificate,
  };
}

async function lookAgain(
  context: Context,
  { licenseId }: KeyIdentity,
  { instance_id }: Asked["request"],
  now: number,
): Promise<View | null> {
  try {
    const [found] = await context.db.batch([look(context, licenseId, instance_id, now)]);
    return viewOf(found?.results[0], now);
  } catch {
    // It does not answer questions either; the caller's own failure says more.
    return null;
  }
}
