// Granting a seat: the one path of activation, check-in and offline activation, from the key to the answer.
import type { Context } from "../../context.ts";
import { Problem, type ProblemCode } from "../../problems.ts";
import { instanceIdOf } from "../../field/pasted.ts";
import { type InstanceKey, readCertificate, signCertificate } from "./certificates.ts";
import { formatInstant, formatInstantOrNull } from "../../kernel/dates.ts";
import { type KeyIdentity, licenseKeyOf } from "../licenses/license-keys.ts";
import { type Overuse, overusesOf, recordOveruse, usedOn } from "../usage/overuse.ts";
import { respell } from "./kept-ids.ts";
import { settleLapsed } from "./seat-ends.ts";
import { type Claimant, claimSeat, type PresentedCertificate } from "./claim.ts";
import { type KeyRefusal, refuse } from "./refusals.ts";
import { look, type Seat, type View, viewOf } from "./view.ts";
import type { Terms } from "../licenses/licenses.ts";
import { graceUntil, refusalOf, type Standing, standingOf } from "../licenses/standing.ts";
import { type DayUsage, keepUsage, usageOf } from "../usage/usage.ts";

/** What an instance sends, whichever way it comes. */
export interface InstanceRequest extends Omit<Claimant, "key" | "certificate" | "usage" | "leaseUntil"> {
  nonce?: string | null | undefined;
  public_key?: InstanceKey | null | undefined;
  certificate?: string | null | undefined;
  usage?: { date: string; requests: number; services: number }[] | null | undefined;
}

interface Warning {
  code:
    | "LICENSE_EXPIRING"
    | "LICENSE_IN_GRACE"
    | "LICENSE_KEY_SUPERSEDED"
    | "OVER_LIMIT"
    | "FINGERPRINT_CHANGED"
    | "USAGE_IGNORED";
  detail: string;
  limit?: string;
  allowed?: number;
  observed?: number;
}

/** A seat that was granted, and everything its holder is told. */
export interface Grant {
  now: number;
  license: Terms;
  seat: Seat;
  standing: Standing;
  seatsInUse: number;
  warnings: Warning[];
  licenseKey: string;
  certificate: string;
}

/** Why this key lets nothing run now, or null. A replaced key is told only that: it may be a thief's. */
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
] as const satisfies ProblemCode[];

/**
 * Claims a seat for an instance and answers with what it may rely on. One round trip, but for an instance
 * that comes back after its lease ran out and was marked as ended.
 * @throws Problem LICENSE_NOT_FOUND, LICENSE_KEY_SUPERSEDED, LICENSE_EXPIRED, LICENSE_SUSPENDED,
 *   LICENSE_REVOKED, LICENSE_NOT_STARTED, ACTIVATION_LIMIT_REACHED; for a returning instance
 *   INSTANCE_NOT_ACTIVATED
 */
export async function grantSeat(
  context: Context,
  key: KeyIdentity,
  request: InstanceRequest,
  leaseUntil?: number,
): Promise<Grant> {
  const now = context.clock.now();
  const { days, ignored } = usageOf(request.usage ?? [], now);
  const certificate = await certificateOf(context, key, request, now);
  if (certificate && certificate.instanceId !== request.instance_id) {
    const { activationId, instanceId: from } = certificate;
    await respell(context, { licenseId: key.licenseId, activationId, from, to: request.instance_id });
  }
  const claimant: Claimant = { ...request, key, certificate, usage: days.at(-1), leaseUntil };
  const view = await claim(context, now, claimant, days);
  const { license, seat } = view;
  const standing = standingOf(license, now);
  const refusal = refusalOfClaim(view, key, certificate, standing);
  if (refusal) throw await refuse(context, now, refusal, license, key, request);
  if (!seat) {
    if (!request.returning || view.lapsed) throw limitReached(view);
    if (await leaseRanOut(context, key.licenseId, request.instance_id)) {
      return grantSeat(context, key, { ...request, returning: false }, leaseUntil);
    }
    throw new Problem(
      "INSTANCE_NOT_ACTIVATED",
      `The instance ${request.instance_id} holds no seat of this license.`,
    );
  }
  if (view.seatsLapsed > 0) context.defer(settleLapsed(context, now, license.id));
  const overuses = overusesOf(license, await usedOn(context, license, seat, days));
  if (overuses.length > 0) context.defer(recordOveruse(context, now, license.id, overuses));
  const [licenseKey, signed] = await Promise.all([
    licenseKeyOf(context, license, key.issuer),
    signCertificate(context, now, { issuer: key.issuer, license, seat, request }),
  ]);
  return {
    now,
    license,
    seat,
    standing,
    seatsInUse: view.seatsInUse,
    warnings: [
      ...standingWarnings(license, standing),
      ...(key.revision < license.revision ? [supersededWarning] : []),
      ...seatWarnings(view),
      ...overuses.map(overuseWarning),
      ...(seat.fingerprint_changed ? [fingerprintWarning] : []),
      ...(ignored > 0 ? [ignoredWarning(ignored)] : []),
    ],
    licenseKey,
    certificate: signed,
  };
}

/**
 * Why a claim was refused beside the limit, or null. As the statement does, it accepts a replaced key for the live seat
 * whose own certificate comes with it.
 */
export const refusalOfClaim = (
  { license, seat }: View,
  key: KeyIdentity,
  certificate: PresentedCertificate | null,
  standing: Standing,
): KeyRefusal | null =>
  seat !== null && seat.activation_id === certificate?.activationId
    ? refusalOf(standing)
    : refusalFor(license, key, standing);

async function claim(context: Context, now: number, claimant: Claimant, days: DayUsage[]): Promise<View> {
  const { key, instance_id } = claimant;
  const statements = [
    claimSeat(context, now, claimant),
    ...(days.length > 0 ? [keepUsage(context, key.licenseId, instance_id, days)] : []),
    look(context, key.licenseId, instance_id, now, true),
  ];
  // The same claim again renews the seat that it got, to the same end, and counts its usage no second time.
  const results = await context.db.batch(statements, "repeatable");
  return viewOf(results.at(-1)?.results[0], now);
}

/**
 * The certificate that came along, where it is ours and this instance's, with the id as it is spelled there; good for its
 * seat until it expires.
 */
export async function certificateOf(
  context: Context,
  key: KeyIdentity,
  { certificate, instance_id }: Pick<InstanceRequest, "certificate" | "instance_id">,
  now: number,
): Promise<(PresentedCertificate & { instanceId: string }) | null> {
  const read = certificate ? await readCertificate(context, certificate) : null;
  if (
    !read ||
    read.licenseId !== key.licenseId ||
    instanceIdOf(read.instanceId) !== instanceIdOf(instance_id)
  )
    return null;
  const { instanceId, issuedAt } = read;
  return { activationId: read.expiresAt > now ? read.activationId : "", instanceId, issuedAt };
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

function standingWarnings(license: Terms, standing: Standing): Warning[] {
  const expires = formatInstantOrNull(license.expires_at);
  if (standing === "expiring")
    return [{ code: "LICENSE_EXPIRING", detail: `The license expires at ${expires}.` }];
  if (standing !== "grace") return [];
  const detail = `The license expired at ${expires}; everything stops at ${formatInstantOrNull(graceUntil(license))} unless it is renewed.`;
  return [{ code: "LICENSE_IN_GRACE", detail }];
}

const supersededWarning: Warning = {
  code: "LICENSE_KEY_SUPERSEDED",
  detail:
    "The license key was replaced. Keep the one in license_key: the old one stops working with this lease.",
};

const fingerprintWarning: Warning = {
  code: "FINGERPRINT_CHANGED",
  detail: "The instance runs on another machine than before.",
};

const ignoredWarning = (days: number): Warning => ({
  code: "USAGE_IGNORED",
  detail: `Usage of ${days} ${days === 1 ? "day" : "days"} was ignored: in the future, before 1970, or more than 400 days; check the clock.`,
});

const seatWarnings = ({ license, seatsInUse }: View): Warning[] =>
  license.max_instances !== null && seatsInUse > license.max_instances
    ? [
        {
          code: "OVER_LIMIT",
          detail: `${seatsInUse} instances are active where the license allows ${license.max_instances}.`,
          limit: "max_instances",
          allowed: license.max_instances,
          observed: seatsInUse,
        },
      ]
    : [];

const overuseWarning = ({ day, limit, allowed, observed }: Overuse): Warning => ({
  code: "OVER_LIMIT",
  detail: `${limit}: ${observed} used on ${day} where the license allows ${allowed}.`,
  limit,
  allowed,
  observed,
});

/** A grant as its instance is told of it. */
export const presentGrant = <S extends "activated" | "checked_in">(status: S, grant: Grant) => {
  const { license, seat, now } = grant;
  return {
    status,
    license_id: license.id,
    customer_id: license.customer_id,
    license_type: license.license_type,
    standing: grant.standing,
    expires_at: formatInstantOrNull(license.expires_at),
    grace_until: formatInstantOrNull(graceUntil(license)),
    features: license.features,
    max_instances: license.max_instances,
    max_services: license.max_services,
    max_requests_per_day: license.max_requests_per_day,
    instances: { active: grant.seatsInUse, max: license.max_instances },
    activation_id: seat.activation_id,
    lease_expires_at: formatInstant(seat.lease_expires_at),
    check_in_at: formatInstant(seat.check_in_at),
    license_key: grant.licenseKey,
    certificate: grant.certificate,
    warnings: grant.warnings,
    server_time: formatInstant(now),
  };
};
