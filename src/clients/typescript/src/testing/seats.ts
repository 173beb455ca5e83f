// The seats of one license in a drill: who holds one, for how long, and why somebody gets none. The rules are the
// service's, except that what takes several places to see (clones) is not looked for. Pure, except for the seats.
import { instantOf } from "../clocks.ts";
import { LAST_SECOND } from "../documents.ts";
import {
  ceilToSecond,
  type DrillLicense,
  floorToSecond,
  graceUntil,
  HOUR,
  DAY,
  formatInstant,
  newId,
  SECOND,
  STANDING_REFUSALS,
  standingOf,
} from "./licenses.ts";
import { Problem } from "./problems.ts";
import { type Day, type Overuse, Usage } from "./usage.ts";

/** The activation that records a seat. */
export interface Seat {
  activationId: string;
  instanceId: string;
  activatedAt: number;
  lastSeenAt: number;
  /** Until when it is held, and the end of the last proven lease. */
  heldUntil: number;
  provenUntil: number;
  checkInAt: number;
  hostname: string | null;
  appVersion: string | null;
  fingerprint: string | null;
}

/** A request of an instance. */
export interface Claim {
  instanceId: string;
  revision: number;
  /** The activation that its certificate proves. */
  certified: string | null;
  /** It says that it was activated before. */
  returning: boolean;
  leaseHours: number | null;
  hostname: string | null;
  appVersion: string | null;
  fingerprint: string | null;
  usage: Day[];
}

/** What a claim got. */
export interface Granted {
  seat: Seat;
  isProven: boolean;
  leaseExpiresAt: number;
  checkInAt: number;
  isFingerprintNew: boolean;
  active: number;
  overuses: Overuse[];
}

const LATEST = LAST_SECOND * SECOND;

export type RefusalCode =
  | "LICENSE_EXPIRED"
  | "LICENSE_NOT_STARTED"
  | "LICENSE_SUSPENDED"
  | "LICENSE_REVOKED"
  | "LICENSE_KEY_SUPERSEDED";

/** Why a key lets nothing run, or null. The holder of a replaced key learns only that. */
export const refusalFor = (license: DrillLicense, revision: number, now: number): RefusalCode | null =>
  revision < license.revision ? "LICENSE_KEY_SUPERSEDED" : STANDING_REFUSALS[standingOf(license, now)];

export function detailOf(code: RefusalCode, license: DrillLicense): string | undefined {
  if (code === "LICENSE_EXPIRED")
    return `The license expired at ${instantOf(license.expiresAt)} and its grace ended at ${instantOf(graceUntil(license))}.`;
  return code === "LICENSE_NOT_STARTED" ? `The license starts at ${instantOf(license.startsAt)}.` : undefined;
}

export class Seats {
  readonly #seats = new Map<string, Seat>();
  readonly usage = new Usage();

  /** The seat of an instance while its lease holds. */
  live(instanceId: string, now: number): Seat | null {
    const seat = this.#seats.get(instanceId);
    return seat && seat.heldUntil > now ? seat : null;
  }

  active(now: number): number {
    return [...this.#seats.values()].filter(({ heldUntil }) => heldUntil > now).length;
  }

  /** @returns the seat, or the code of the refusal that is to be signed @throws Problem */
  claim(license: DrillLicense, claim: Claim, now: number): Granted | RefusalCode {
    const live = this.live(claim.instanceId, now);
    const isCurrent = claim.revision >= license.revision;
    const isCertified = live !== null && live.activationId === claim.certified;
    const isVouched = live !== null && (license.unprovenUntil ?? 0) > now;
    const refusal =
      isCertified || isVouched
        ? STANDING_REFUSALS[standingOf(license, now)]
        : refusalFor(license, claim.revision, now);
    if (refusal) return refusal;
    if (claim.returning && !this.#seats.has(claim.instanceId)) {
      const detail = `The instance ${claim.instanceId} holds no seat of this license.`;
      throw new Problem("INSTANCE_NOT_ACTIVATED", detail);
    }
    if (!live) this.#assertRoom(license, now);
    const isProven = live === null || isCertified || (isCurrent && live.provenUntil <= now);
    return isProven
      ? this.#prove(license, claim, live, now)
      : this.#hold(license, claim, live, isCurrent, now);
  }

  /** Frees the seat. @throws Problem */
  free(
    license: DrillLicense,
    claim: Pick<Claim, "instanceId" | "revision" | "certified">,
    now: number,
  ): void {
    const { instanceId, revision, certified } = claim;
    const seat = this.#seats.get(instanceId);
    const isCurrent = revision >= license.revision;
    if (seat && (seat.activationId === certified || (seat.provenUntil <= now && isCurrent)))
      this.#seats.delete(instanceId);
    const isLive = this.live(instanceId, now) !== null;
    if (!isCurrent && (isLive || certified === null)) throw new Problem("LICENSE_KEY_SUPERSEDED");
    if (isLive) throw new Problem("CERTIFICATE_REQUIRED");
  }

  #assertRoom({ maxInstances }: DrillLicense, now: number): void {
    const active = this.active(now);
    if (maxInstances === null || active < maxInstances) return;
    const detail = `The license allows ${maxInstances} active ${maxInstances === 1 ? "instance" : "instances"}, and ${active} are active.`;
    const limit = { limit: "max_instances", allowed: maxInstances, observed: active };
    throw new Problem("ACTIVATION_LIMIT_REACHED", detail, limit);
  }

  #prove(license: DrillLicense, claim: Claim, live: Seat | null, now: number): Granted {
    const ends = graceUntil(license) ?? LATEST;
    const lease = Math.min(Math.max(live?.provenUntil ?? 0, latest(license, claim, now)), ends);
    const rhythm = Math.min(license.checkInHours * HOUR, (lease - now) / 2);
    const seat: Seat = {
      activationId: live?.activationId ?? newId("act", 37),
      instanceId: claim.instanceId,
      activatedAt: live?.activatedAt ?? now,
      lastSeenAt: now,
      heldUntil: Math.max(lease, Math.min(live?.heldUntil ?? 0, ends)),
      provenUntil: lease,
      checkInAt: Math.trunc(now + rhythm),
      hostname: claim.hostname ?? live?.hostname ?? null,
      appVersion: claim.appVersion ?? live?.appVersion ?? null,
      fingerprint: claim.fingerprint ?? live?.fingerprint ?? null,
    };
    this.#seats.set(claim.instanceId, seat);
    this.usage.take(claim.instanceId, claim.usage);
    const isFingerprintNew = live?.fingerprint != null && seat.fingerprint !== live.fingerprint;
    const overuses = this.usage.overuses(license, claim.usage);
    const active = this.active(now);
    const { checkInAt } = seat;
    return { seat, isProven: true, leaseExpiresAt: lease, checkInAt, isFingerprintNew, active, overuses };
  }

  /** Without proof the seat is held for a while, and nothing else of it changes. */
  #hold(license: DrillLicense, claim: Claim, live: Seat, isCurrent: boolean, now: number): Granted {
    const lease = Math.min(
      floorToSecond(now) + license.unprovenLeaseHours * HOUR,
      latest(license, claim, now),
      graceUntil(license) ?? LATEST,
      isCurrent ? LATEST : license.unprovenUntil!,
    );
    live.heldUntil = Math.max(live.heldUntil, lease);
    const rhythm = Math.min(license.checkInHours * HOUR, (lease - now) / 2);
    return {
      seat: live,
      isProven: false,
      leaseExpiresAt: lease,
      checkInAt: Math.trunc(now + rhythm),
      isFingerprintNew: false,
      active: this.active(now),
      overuses: [],
    };
  }
}

/** The latest end of a lease that is asked for now. */
const latest = ({ leaseDays }: DrillLicense, { leaseHours }: Claim, now: number): number =>
  Math.min(
    ceilToSecond(now) + leaseDays * DAY,
    leaseHours === null ? LATEST : floorToSecond(now) + leaseHours * HOUR,
  );

/** A seat as `/v1/validate` shows it. */
export const presentSeat = (seat: Seat) => ({
  activation_id: seat.activationId,
  instance_id: seat.instanceId,
  activated_at: formatInstant(seat.activatedAt),
  last_seen_at: formatInstant(seat.lastSeenAt),
  lease_expires_at: formatInstant(seat.heldUntil),
  check_in_at: formatInstant(seat.checkInAt),
  hostname: seat.hostname,
  app_version: seat.appVersion,
});
