// Granting a seat: the one path of activation, check-in and offline activation, from the key to the answer.
import type { Context } from "../../context.ts";
import { Problem, type ProblemCode } from "../../problems.ts";
import { certificateOf, type InstanceKey, signCertificate } from "./certificates.ts";
import { DAY, dayOf, formatInstantOrNull, HOUR, SECOND } from "../../kernel/dates.ts";
import { type KeyIdentity, licenseKeyOf } from "../licenses/license-keys.ts";
import { overusesOf, recordOveruse, usedOn } from "../usage/overuse.ts";
import { settleCrowded, settleLapsed } from "./seat-ends.ts";
import { type Claimant, claimSeat, type FileClaim, type PresentedCertificate, spreadOf } from "./claim.ts";
import { keepMarked } from "./clones.ts";
import { countNewInstance } from "./new-instances.ts";
import { COUNTED_SEATS, newIdsOf } from "./seat-rules.ts";
import { type Grant, warningsOf } from "./answers.ts";
import { assertNoOtherFile } from "./air-gap/key-proof.ts";
import { look, type Seat, type View, viewOf } from "./view.ts";
import type { Terms } from "../licenses/licenses.ts";
import {
  graceUntil,
  refusalOf,
  type Standing,
  standingOf,
  type StandingRefusal,
} from "../licenses/standing.ts";
import { type DayUsage, keepUsage, usageOf } from "../usage/usage.ts";

/** What an instance sends, whichever way it comes. */
export interface InstanceRequest extends Omit<Claimant, "key" | "certificate" | "usage" | "file"> {
  license_key: string;
  nonce?: string | null | undefined;
  public_key?: InstanceKey | null | undefined;
  certificate?: string | null | undefined;
  usage?: { date: string; requests: number; services: number }[] | null | undefined;
}

type KeyRefusal = StandingRefusal | "LICENSE_KEY_SUPERSEDED";

/** Why this key lets nothing run now, or null. A replaced key is told only that: it may be a thief's. */
export const refusalFor = (license: Terms, key: KeyIdentity, standing: Standing): KeyRefusal | null =>
  key.revision < license.revision ? "LICENSE_KEY_SUPERSEDED" : refusalOf(standing);

function refuse(code: KeyRefusal, license: Terms): Problem {
  switch (code) {
    case "LICENSE_EXPIRED":
      return new Problem(
        code,
        `The license expired at ${formatInstantOrNull(license.expires_at)} and its grace ended at ${formatInstantOrNull(graceUntil(license))}.`,
      );
    case "LICENSE_NOT_STARTED":
      return new Problem(code, `The license starts at ${formatInstantOrNull(license.starts_at)}.`);
    default:
      return new Problem(code);
  }
}

function limitReached({ license, seatsInUse }: View): Problem {
  const allowed = license.max_instances ?? 0;
  return new Problem(
    "ACTIVATION_LIMIT_REACHED",
    `The license allows ${allowed} active ${allowed === 1 ? "instance" : "instances"}, and ${seatsInUse} are active.`,
    { limit: "max_instances", allowed, observed: seatsInUse },
  );
}

function cloned({ seat }: View): Problem {
  const until = formatInstantOrNull(seat && (seat.proven_until ?? seat.lease_expires_at));
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

/** What may be refused on the way to a seat, whichever way the request comes. */
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
 * Claims a seat for an instance and answers with what it may rely on. One round trip, but for an instance
 * that comes back after its lease ran out and was marked as ended.
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
  const claimant: Claimant = { ...request, key, certificate, usage: days.at(-1), file };
  const { view, used } = await claim(context, now, claimant, days);
  const { license } = view;
  const standing = standingOf(license, now);
  if (!view.seat?.granted) {
    const refusal = refusalOfClaim(view, key, { certificate, file, standing, now });
    if (refusal) throw refuse(refusal, license);
    if (file) assertNoOtherFile(view, file);
    if (request.returning && view.freed) throw notActivated(request.instance_id);
    if (view.seat) {
      context.defer(keepMarked(context, now, license.id, request.instance_id));
      throw cloned(view);
    }
    if (!request.returning || view.lapsed) throw isFull(view) ? limitReached(view) : tooManyNew(license, now);
    if (await leaseRanOut(context, key.licenseId, request.instance_id)) {
      return grantSeat(context, key, { ...request, returning: false }, file);
    }
    throw notActivated(request.instance_id);
  }
  const proven = view.seat.proven === 1;
  const seat = proven ? view.seat : unprovenSeat(context, now, license, view.seat);
  const superseded = key.revision < license.revision;
  settleAfter(context, now, view, view.seat);
  const overuses = proven ? overusesOf(license, used) : [];
  if (overuses.length > 0) context.defer(recordOveruse(context, now, license.id, overuses));
  const [licenseKey, signed] = await Promise.all([
    // Who has a replaced key and no proof may be a thief: the new one is not for him.
    superseded && !proven ? request.license_key.trim() : licenseKeyOf(context, license),
    signCertificate(context, now, { license, seat, proven, request, requestId: context.requestId }),
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
    }),
    usageIgnored: proven ? [] : days.map(({ day }) => day),
    licenseKey,
    certificate: signed,
  };
}

const isFull = ({ license, seatsInUse }: View): boolean =>
  license.max_instances !== null && seatsInUse >= license.max_instances;

/** The seat as it is told to somebody who had no proof: the lease of his certificate, not that of the holder's. */
const unprovenSeat = (context: Context, now: number, license: Terms, seat: Seat): Seat => {
  const lease = seat.unproven_until ?? now;
  const rhythm = license.check_in_hours * HOUR * spreadOf(context);
  return {
    ...seat,
    lease_expires_at: lease,
    check_in_at: Math.trunc(now + Math.min(rhythm, (lease - now) / 2)),
  };
};

/** What is done after the answer: a new instance is counted, leases that ran out are settled. */
function settleAfter(
  context: Context,
  now: number,
  { license, seatsLapsed, ...view }: View,
  seat: Seat,
): void {
  const isNew = seat.made === 1;
  if (isNew && seat.replaces === null && context.actor.type === "instance")
    context.defer(countNewInstance(context, now, license.id, seat.instance_id));
  if (isNew && seatsLapsed > 0) return context.defer(settleLapsed(context, now, license.id));
  // Nobody counts the seats here: where there seem to be too many, some may hold nothing any more.
  const isCrowded =
    license.max_instances === null
      ? isNew && view.seated > COUNTED_SEATS
      : view.seated > license.max_instances;
  if (isCrowded && view.settledAt <= now - HOUR) context.defer(settleCrowded(context, now, license.id));
}

/**
 * Why a claim was refused beside the limit, or null. As the statement does, it accepts a replaced key for the live seat
 * whose own certificate comes with it, and for a while for any live seat.
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

/** What a request shows beside its key, and when. */
interface Shown {
  certificate: PresentedCertificate | null;
  file: FileClaim | undefined;
  standing: Standing;
  now: number;
}

async function claim(
  context: Context,
  now: number,
  claimant: Claimant,
  days: DayUsage[],
): Promise<{ view: View; used: DayUsage[] }> {
  const { key, instance_id } = claimant;
  const statements = [
    claimSeat(context, now, claimant),
    ...(days.length > 0
      ? [keepUsage(context, key.licenseId, instance_id, days), usedOn(context, key.licenseId, days)]
      : []),
    look(context, key.licenseId, instance_id, now, true),
  ];
  // The same claim again renews the seat that it got, to the same end, and counts its usage no second time.
  const results = await context.db.batch(statements, "repeatable");
  return {
    view: viewOf(results.at(-1)?.results[0], now),
    used: (days.length > 0 ? results.at(-2)!.results : []) as unknown as DayUsage[],
  };
}

/** Whether the instance's last activation ended by itself: then it may take a seat again, if one is free. */
async function leaseRanOut({ db }: Context, licenseId: string, instanceId: string): Promise<boolean> {
  const [result] = await db.batch([
    db.sql(
      `SELECT ended_by FROM activations WHERE license_id = ? AND instance_id = ? AND ended_at > 0
       ORDER BY ended_at DESC LIMIT 1`,
      licenseId,
      instanceId,
    ),
  ]);
  return result?.results[0]?.["ended_by"] === "lease";
}
