// Granting a seat: the one path for activation, check-in and offline activation, from the key to the answer.
import { headToSign, isHeadDue, lastHead } from "../../audit/heads.ts";
import type { Context } from "../../context.ts";
import { Problem, type ProblemCode } from "../../problems.ts";
import { cleaned } from "../../field/pasted.ts";
import { certificateOf, type InstanceKey, signCertificate } from "./certificates.ts";
import { DAY, dayOf, formatInstantOrNull, HOUR, SECOND } from "../../kernel/dates.ts";
import { type KeyIdentity, licenseKeyOf } from "../licenses/license-keys.ts";
import { overusesOf, recordOveruse, type UsedDay, usedOn } from "../usage/overuse.ts";
import { respell } from "./ids/kept-ids.ts";
import { settleCrowded, settleLapsed } from "./seat-ends.ts";
import { claimSeat, spreadOf } from "./claim.ts";
import { leaseRanOut } from "./ended.ts";
import type { Claimant, FileClaim, PresentedCertificate } from "./claimant.ts";
import { keepMarked } from "./clones.ts";
import { newIdsOf } from "./seat-rules.ts";
import { type Grant, warningsOf } from "./answers.ts";
import { isOfLostSeat, recordRecovery } from "./recovered.ts";
import { type KeyRefusal, refuse } from "./refusals.ts";
import { assertNoOtherFile } from "./air-gap/key-proof.ts";
import { look, provenUntil, type Seat, type View, viewOf } from "./view.ts";
import { grantUnrecorded } from "./unrecorded.ts";
import { isUnavailable } from "../../storage/failures.ts";
import type { Terms } from "../licenses/licenses.ts";
import { refusalOf, type Standing, standingOf } from "../licenses/standing.ts";
import { countedIn, type DayUsage, type ReportedDay, unknownCodes } from "../usage/meters.ts";
import { refusingMeter } from "../usage/refusing.ts";
import { keepUsage, usageOf } from "../usage/usage.ts";

/** What an instance sends, over a network or in a file. */
export interface InstanceRequest extends Omit<Claimant, "key" | "certificate" | "usage" | "meters" | "file"> {
  license_key: string;
  nonce?: string | null | undefined;
  public_key?: InstanceKey | null | undefined;
  certificate?: string | null | undefined;
  usage?: ReportedDay[] | null | undefined;
}

/** Why this key lets nothing run now, or null. The holder of a replaced key learns only that: he may be a thief. */
export const refusalFor = (license: Terms, key: KeyIdentity, standing: Standing): KeyRefusal | null =>
  key.revision < license.revision ? "LICENSE_KEY_SUPERSEDED" : refusalOf(standing);

function limitReached({ license, seatsInUse }: View): Problem {
  const allowed = license.max_instances ?? 0;
  return new Problem(
    "ACTIVATION_LIMIT_REACHED",
    `The license allows ${allowed} active ${allowed === 1 ? "instance" : "instances"}, and ${seatsInUse} are active.`,
    { limit: "max_instances", allowed, observed: seatsInUse },
  );
}

const meterOver = ({
  code,
  allowed,
  observed,
}: {
  code: string;
  allowed: number;
  observed: number;
}): Problem =>
  new Problem(
    "ACTIVATION_LIMIT_REACHED",
    `The license allows ${allowed} of ${code}, and ${observed} are used: no new instance gets a seat. Those that have one go on.`,
    { limit: code, allowed, observed },
  );

function cloned({ seat }: View): Problem {
  const until = formatInstantOrNull(seat && provenUntil(seat));
  return new Problem(
    "INSTANCE_CLONED",
    `Two places seem to use this instance id, and this request came without the certificate of the one that holds the seat, up to ${until}.`,
  );
}

const notActivated = (instanceId: string): Problem =>
  new Problem("INSTANCE_NOT_ACTIVATED", `The instance ${instanceId} holds no seat of this license.`);

function tooManyNew(license: Terms, now: number): Problem {
  const today = dayOf(now);
  return new Problem(
    "RATE_LIMITED",
    `${newIdsOf(license)} different instances took a seat of this license on ${today} (UTC); those that have one go on.`,
    { retry_after: Math.ceil((Date.parse(today) + DAY - now) / SECOND) },
  );
}

/** Why a seat may be refused, over a network or in a file. */
export const GRANT_REFUSALS = [
  "LICENSE_KEY_INVALID",
  "LICENSE_NOT_FOUND",
  "LICENSE_KEY_SUPERSEDED",
  "LICENSE_EXPIRED",
  "LICENSE_SUSPENDED",
  "LICENSE_REVOKED",
  "LICENSE_NOT_STARTED",
  "ACTIVATION_LIMIT_REACHED",
  "INSTANCE_CLONED",
] as const satisfies ProblemCode[];

/**
 * Claims a seat for an instance and returns what the instance may rely on. One round trip, except for an instance that
 * comes back after its lease ran out and its activation was marked as ended.
 * @throws Problem LICENSE_NOT_FOUND, LICENSE_KEY_SUPERSEDED, LICENSE_EXPIRED, LICENSE_SUSPENDED,
 *   LICENSE_REVOKED, LICENSE_NOT_STARTED, ACTIVATION_LIMIT_REACHED, INSTANCE_CLONED, RATE_LIMITED; for a returning
 *   instance INSTANCE_NOT_ACTIVATED
 */
export async function grantSeat(
  context: Context,
  key: KeyIdentity,
  request: InstanceRequest,
  file?: FileClaim,
): Promise<Grant> {
  const now = context.clock.now();
  const { days, ignored } = usageOf(request.usage ?? [], now, key.issuedAt);
  const certificate = await certificateOf(context, key, request);
  const meters = countedIn(days);
  const claimant: Claimant = { ...request, key, certificate, usage: days.at(-1), meters, file };
  let claimed: Claimed;
  try {
    if (certificate && certificate.instanceId !== request.instance_id) {
      const { activationId, instanceId: from } = certificate;
      await respell(context, { licenseId: key.licenseId, activationId, from, to: request.instance_id });
    }
    claimed = await claim(context, now, claimant, days);
  } catch (error) {
    const asked = { key, request, certificate, days, ignored };
    const grant = isUnavailable(error) ? await grantUnrecorded(context, now, asked, error) : null;
    if (grant) return grant;
    throw error;
  }
  const { view, used, seal } = claimed;
  const { license } = view;
  const standing = standingOf(license, now);
  const refusal = view.seat?.granted ? null : refusalOfClaim(view, key, { certificate, file, standing, now });
  const isUnknown = certificate !== null && certificate.activationId !== view.seat?.activation_id;
  if (
    isUnknown &&
    !request.recovered &&
    (view.seat?.granted
      ? view.seat.proven === 0
      : refusal === null || refusal === "LICENSE_KEY_SUPERSEDED") &&
    (await isOfLostSeat(context, now, certificate))
  )
    return grantSeat(context, key, { ...request, returning: false, recovered: true }, file);
  if (!view.seat?.granted) {
    if (refusal) throw await refuse(context, now, refusal, license, key, request);
    if (file) assertNoOtherFile(view, file);
    if (request.returning && view.freed) throw notActivated(request.instance_id);
    if (view.seat) {
      context.defer(keepMarked(context, now, license.id, request.instance_id));
      throw cloned(view);
    }
    if (!request.returning || view.lapsed) {
      if (isFull(view)) throw limitReached(view);
      const over = await refusingMeter(context, license.id, now);
      throw over ? meterOver(over) : tooManyNew(license, now);
    }
    if (await leaseRanOut(context, key.licenseId, request.instance_id)) {
      return grantSeat(context, key, { ...request, returning: false }, file);
    }
    throw notActivated(request.instance_id);
  }
  const proven = view.seat.proven === 1;
  const seat = proven ? provenSeat(view.seat) : unprovenSeat(context, now, license, view.seat);
  const superseded = key.revision < license.revision;
  settleAfter(context, now, view, view.seat);
  const overuses = proven ? overusesOf(license, used, meters?.codes) : [];
  if (overuses.length > 0) context.defer(recordOveruse(context, now, license.id, overuses));
  const [licenseKey, signed] = await Promise.all([
    // The holder of a replaced key without proof may be a thief and must not get the new one.
    superseded && !proven ? cleaned(request.license_key) : licenseKeyOf(context, license, key.issuer),
    signCertificate(context, now, {
      issuer: key.issuer,
      license,
      seat,
      proven,
      seal,
      request,
      requestId: context.requestId,
    }),
  ]);
  const { seatsInUse } = view;
  return {
    now,
    license,
    seat,
    standing,
    seatsInUse,
    warnings: warningsOf({
      license,
      standing,
      seat,
      proven,
      superseded,
      seatsInUse,
      overuses,
      ignored,
      unknownCodes: proven ? unknownCodes(license, meters) : [],
    }),
    usageIgnored: proven ? [] : days.map(({ day }) => day),
    licenseKey,
    certificate: signed,
  };
}

const isFull = ({ license, seatsInUse }: View): boolean =>
  license.max_instances !== null && seatsInUse >= license.max_instances;

/** The seat as shown to its holder: with his own lease, which ends earlier than the seat if others asked for it, too. */
const provenSeat = (seat: Seat): Seat => ({ ...seat, lease_expires_at: provenUntil(seat) });

/** The seat as shown to a sender without proof: with the lease of his own certificate, not the holder's lease. */
const unprovenSeat = (context: Context, now: number, license: Terms, seat: Seat): Seat => {
  const lease = seat.unproven_until ?? now;
  const rhythm = license.check_in_hours * HOUR * spreadOf(context);
  return {
    ...seat,
    lease_expires_at: lease,
    check_in_at: Math.trunc(now + Math.min(rhythm, (lease - now) / 2)),
  };
};

/** The work after the answer: tells who listens of a new instance, and settles leases that ran out. */
function settleAfter(
  context: Context,
  now: number,
  { license, seatsLapsed, ...view }: View,
  seat: Seat,
): void {
  const isNew = seat.made === 1;
  if (isNew) context.tellSoon(context, "instance");
  if (isNew && seatsLapsed > 0) return context.defer(settleLapsed(context, now, license.id));
  // The seats were not counted here: if there seem to be too many, the leases of some may have run out. Without a limit
  // there are never too many, but the figures should not keep what is over.
  const isCrowded =
    license.max_instances === null ? isNew && view.seated > 1 : view.seated > license.max_instances;
  if (isCrowded && view.settledAt <= now - HOUR) context.defer(settleCrowded(context, now, license.id));
}

/**
 * Why a claim was refused for a reason other than the limit, or null. Like the statement, it accepts a replaced key for
 * a live seat if the seat's own certificate comes with it, and for a while for any live seat.
 */
export const refusalOfClaim = (
  { license, seat }: View,
  key: KeyIdentity,
  { certificate, file, standing, now }: Shown,
): KeyRefusal | null =>
  seat !== null &&
  (seat.activation_id === certificate?.activationId ||
    (file !== undefined && file.provenKey !== null && file.provenKey === seat.public_key) ||
    (license.unproven_until ?? 0) > now)
    ? refusalOf(standing)
    : refusalFor(license, key, standing);

/** What a request shows besides its key, and when. */
interface Shown {
  certificate: PresentedCertificate | null;
  file: FileClaim | undefined;
  standing: Standing;
  now: number;
}

interface Claimed {
  view: View;
  used: UsedDay[];
  seal: string | null;
}

async function claim(context: Context, now: number, claimant: Claimant, days: DayUsage[]): Promise<Claimed> {
  const { key, instance_id } = claimant;
  const asksHead = isHeadDue(now);
  const statements = [
    ...(asksHead ? [lastHead(context.db)] : []),
    claimSeat(context, now, claimant),
    ...(claimant.recovered ? [recordRecovery(context, now, key.licenseId, instance_id)] : []),
    ...(days.length > 0
      ? [keepUsage(context, key.licenseId, instance_id, days), usedOn(context, key.licenseId, days)]
      : []),
    look(context, key.licenseId, instance_id, now, true),
  ];
  // If sent twice, the claim renews the seat that it got, to the same end, and does not count its usage again.
  const results = await context.db.batch(statements, claimant.recovered ? undefined : "repeatable");
  return {
    view: viewOf(results.at(-1)?.results[0], now),
    used: (days.length > 0 ? results.at(-2)!.results : []) as unknown as UsedDay[],
    seal: headToSign(now, asksHead ? results[0]! : null),
  };
}
