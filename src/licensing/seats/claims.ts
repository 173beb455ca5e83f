// Seats, as SQL. A seat is a lease: an activation holds one while it is not ended and its lease has not run
// out. The statement that claims a seat enforces the limit, so that however many claims arrive at once, D1
// runs them one after the other and each sees the ones before it.
import type { Context } from "../../context.ts";
import type { License } from "../../storage/schema.ts";
import { named, type Row } from "../../storage/database.ts";
import { activationIdOf } from "./activation-ids.ts";
import { ceilToSecond, DAY, floorToSecond, formatInstant, HOUR, LAST_INSTANT } from "../../kernel/dates.ts";
import type { KeyIdentity } from "../licenses/license-keys.ts";

/** The activation that a certificate is of, empty once it expired, and when it was issued. */
export interface PresentedCertificate {
  activationId: string;
  issuedAt: number;
}

/** Who asks for a seat, and what it tells of itself. */
export interface Claimant {
  key: KeyIdentity;
  instance_id: string;
  fingerprint?: string | null | undefined;
  hostname?: string | null | undefined;
  app_version?: string | null | undefined;
  labels?: Record<string, string> | null | undefined;
  /** A claim of an instance that says it was activated before: it gets no seat that it did not have. */
  returning?: boolean;
  /** The certificate that it shows, verified as ours. */
  certificate?: PresentedCertificate | null;
  /** What it used on the last day that it tells of. */
  usage?: { day: string; requests: number; services: number } | undefined;
  /** When the lease should end, where it is not the license's own rhythm: offline. */
  leaseUntil?: number | undefined;
}

/** So many stray certificates in a row make a clone; see CLAIM. */
const CLONE_AFTER = 2;

// Counts the license's seats once, in the one walk over its seated rows: those of other instances, its own,
// and those in the way whose lease ran out. What that found is kept in the row, for the answer.
//
// A seat is granted where the license lets things run, and either the instance holds a live seat already
// (renewal is never refused, also above a limit that was lowered) or there is room. The key must be of the
// current revision; a replaced one is good only for renewing the live seat whose own certificate comes with
// it, so that a reissue stops whoever found the key and not the instances that run.
//
// A lease ends with the license's grace at the latest; it never shrinks below one that was already promised
// in a certificate. The next check-in follows the license's rhythm, spread by the caller so that instances
// started together drift apart, and comes well before the lease runs out.
//
// Clones: an instance shows the certificate that it got last. One that is older than the last issued, and not
// the one shown before either (an answer that got lost), is a stray. A restored backup strays once and then
// goes on in line; two places that share an identity stray in turns. So two strays in a row are a clone: an
// event and a mark for staff, and never a refusal.
//
// CROSS JOIN keeps the planner at the order written here, whatever it has learned about the tables.
const CLAIM = named(
  `
  INSERT INTO activations (license_id, ended_at, instance_id, id, activated_at, last_seen_at,
    lease_expires_at, check_in_at, seats_in_use, seats_lapsed,
    fingerprint, hostname, app_version, labels, ip,
    usage_day, requests, services, license_requests, license_services, presented_at,
    actor_type, actor_id, request_id, occasion)
  SELECT :license, 0, :instance, :activation, :now, :now,
    granted.lease, CAST(:now + min(granted.rhythm * :spread, (granted.lease - :now) / 2) AS INTEGER),
    granted.others + 1, granted.lapsed,
    :fingerprint, :hostname, :app_version, :labels, :ip,
    :day, :requests, :services, granted.requests + :requests, granted.services + :services, :presented,
    :actor_type, :actor_id, :request_id, 'activation.created'
  FROM (
    SELECT
      min(max(coalesce(seats.own_lease, 0), coalesce(:lease_until, :whole_second + l.lease_days * ${DAY})),
          coalesce(l.expires_at + l.grace_days * ${DAY}, ${LAST_INSTANT})) AS lease,
      l.check_in_hours * ${HOUR} AS rhythm, seats.others, seats.lapsed, seats.requests, seats.services
    FROM (
      SELECT
        count(*) FILTER (WHERE lease_expires_at > :now AND instance_id <> :instance) AS others,
        count(*) FILTER (WHERE lease_expires_at <= :now AND instance_id <> :instance) AS lapsed,
        count(*) FILTER (WHERE instance_id = :instance) AS known,
        max(lease_expires_at) FILTER (WHERE lease_expires_at > :now AND instance_id = :instance) AS own_lease,
        max(id) FILTER (WHERE lease_expires_at > :now AND instance_id = :instance) AS own_id,
        coalesce(sum(requests) FILTER (WHERE usage_day = :day AND instance_id <> :instance), 0) AS requests,
        coalesce(sum(services) FILTER (WHERE usage_day = :day AND instance_id <> :instance), 0) AS services
      FROM activations WHERE license_id = :license AND ended_at = 0
    ) seats
    CROSS JOIN licenses l
    WHERE l.id = :license
      AND l.status = 'active'
      AND (l.revision <= :revision OR seats.own_id = :certified)
      AND coalesce(l.starts_at, 0) <= :now
      AND coalesce(l.expires_at + l.grace_days * ${DAY}, ${LAST_INSTANT}) > :now
      AND (seats.known = 1 OR NOT :returning)
      AND (seats.own_lease IS NOT NULL OR l.max_instances IS NULL OR seats.others < l.max_instances)
  ) granted
  WHERE true
  ON CONFLICT (license_id, ended_at, instance_id) DO UPDATE SET
    replaces = iif(lease_expires_at > :now, replaces, id),
    id = iif(lease_expires_at > :now, id, excluded.id),
    activated_at = iif(lease_expires_at > :now, activated_at, excluded.activated_at),
    last_seen_at = excluded.last_seen_at,
    lease_expires_at = excluded.lease_expires_at,
    check_in_at = excluded.check_in_at,
    seats_in_use = excluded.seats_in_use,
    seats_lapsed = excluded.seats_lapsed,
    fingerprint = coalesce(excluded.fingerprint, fingerprint),
    hostname = coalesce(excluded.hostname, hostname),
    app_version = coalesce(excluded.app_version, app_version),
    labels = coalesce(excluded.labels, labels),
    ip = excluded.ip,
    usage_day = CASE WHEN excluded.usage_day > coalesce(usage_day, '') THEN excluded.usage_day ELSE usage_day END,
    requests = CASE WHEN excluded.usage_day = usage_day THEN max(requests, excluded.requests)
      WHEN excluded.usage_day > coalesce(usage_day, '') THEN excluded.requests ELSE requests END,
    services = CASE WHEN excluded.usage_day = usage_day THEN max(services, excluded.services)
      WHEN excluded.usage_day > coalesce(usage_day, '') THEN excluded.services ELSE services END,
    license_requests = CASE
      WHEN excluded.usage_day = usage_day THEN excluded.license_requests + max(requests - excluded.requests, 0)
      WHEN excluded.usage_day > coalesce(usage_day, '') THEN excluded.license_requests
      ELSE license_requests END,
    license_services = CASE
      WHEN excluded.usage_day = usage_day THEN excluded.license_services + max(services - excluded.services, 0)
      WHEN excluded.usage_day > coalesce(usage_day, '') THEN excluded.license_services
      ELSE license_services END,
    presented_at = coalesce(excluded.presented_at, presented_at),
    strays = CASE WHEN :presented IS NULL THEN strays
      WHEN :presented >= last_seen_at / 1000 * 1000 THEN 0
      WHEN presented_at IS :presented THEN strays ELSE strays + 1 END,
    clone_suspected_at = iif(STRAYED, :now, clone_suspected_at),
    fingerprint_changed_at = iif(REFINGERED, :now, fingerprint_changed_at),
    actor_type = excluded.actor_type,
    actor_id = excluded.actor_id,
    request_id = excluded.request_id,
    occasion = CASE WHEN lease_expires_at <= :now THEN excluded.occasion
      WHEN STRAYED THEN 'instance.clone_suspected'
      WHEN REFINGERED THEN 'instance.fingerprint_changed' END`
    .replaceAll(
      "STRAYED",
      `(strays = ${CLONE_AFTER - 1} AND :presented < last_seen_at / 1000 * 1000 AND presented_at IS NOT :presented)`,
    )
    .replaceAll("REFINGERED", "(excluded.fingerprint <> fingerprint)"),
);

/** The rhythm of check-ins times 0.9 to 1.1. */
const CHECK_IN_SPREAD = { from: 0.9, width: 0.2 };

/**
 * Claims a seat or renews the lease of the instance's own. The rules are in the statement, and triggers record
 * what it gives occasion to: a new activation, a suspected clone, a changed fingerprint.
 */
export function claimSeat(context: Context, now: number, claimant: Claimant): D1PreparedStatement {
  const { key, certificate, usage } = claimant;
  return context.db.run(CLAIM, {
    license: key.licenseId,
    revision: key.revision,
    instance: claimant.instance_id,
    activation: activationIdOf(key.licenseId, context.ids.ulid(now)),
    now,
    whole_second: ceilToSecond(now),
    lease_until: claimant.leaseUntil ?? null,
    spread: CHECK_IN_SPREAD.from + CHECK_IN_SPREAD.width * context.ids.random(),
    fingerprint: claimant.fingerprint ?? null,
    hostname: claimant.hostname ?? null,
    app_version: claimant.app_version ?? null,
    labels: claimant.labels ? JSON.stringify(claimant.labels) : null,
    ip: context.ip,
    returning: claimant.returning ? 1 : 0,
    certified: certificate?.activationId ?? null,
    presented: certificate ? floorToSecond(certificate.issuedAt) : null,
    day: usage?.day ?? null,
    requests: usage?.requests ?? 0,
    services: usage?.services ?? 0,
    actor_type: context.actor.type,
    actor_id: context.actor.id,
    request_id: context.requestId,
  });
}

// The seats in use are what the claim counted where the instance holds one; where it was refused, they are
// counted here, for the refusal to say.
const LOOK = named(`
  SELECT l.id, l.customer_id, l.license_type, l.status, l.revision, l.issued_at, l.starts_at, l.expires_at,
    l.grace_days, l.lease_days, l.check_in_hours, l.features, l.max_instances, l.max_services,
    l.max_requests_per_day,
    iif(a.id IS NULL, NULL, json_object('activation_id', a.id, 'instance_id', a.instance_id,
      'activated_at', a.activated_at, 'last_seen_at', a.last_seen_at, 'lease_expires_at', a.lease_expires_at,
      'check_in_at', a.check_in_at, 'hostname', a.hostname, 'app_version', a.app_version,
      'fingerprint_changed', a.fingerprint_changed_at IS a.last_seen_at,
      'usage_day', a.usage_day, 'license_requests', a.license_requests,
      'license_services', a.license_services)) AS seat,
    a.seats_lapsed,
    iif(NOT :counted OR a.lease_expires_at > :now, a.seats_in_use, (
      SELECT count(*) FROM activations
      WHERE license_id = :license AND ended_at = 0 AND lease_expires_at > :now)) AS seats_in_use
  FROM licenses l
  LEFT JOIN activations a ON a.license_id = l.id AND a.ended_at = 0 AND a.instance_id = :instance
  WHERE l.id = :license`);

/** The record of a seat, as an instance meets it. */
export interface Seat {
  activation_id: string;
  instance_id: string;
  activated_at: number;
  last_seen_at: number;
  lease_expires_at: number;
  /** When the instance was asked to come back. */
  check_in_at: number;
  hostname: string | null;
  app_version: string | null;
  /** Whether the last claim told another fingerprint than those before; 0 or 1. */
  fingerprint_changed: number;
  /** The last day that usage is known for, and what the license's instances together used on it. */
  usage_day: string | null;
  license_requests: number;
  license_services: number;
}

/** A license as an instance meets it: nothing of the vendor's notes. */
export type Terms = Omit<License, "metadata" | "notice_days" | "updated_at" | "version" | "signed_until">;

export interface View {
  license: Terms;
  /** The instance's seat while its lease is live. */
  seat: Seat | null;
  /** Whether the instance has a seat whose lease ran out. */
  lapsed: boolean;
  seatsInUse: number;
  /** Other seats whose lease ran out and which are not marked as ended yet. */
  seatsLapsed: number;
}

/**
 * Reads the license and the instance's seat.
 * @param counted whether to count the license's seats where the instance holds none
 */
export const look = (
  context: Context,
  licenseId: string,
  instanceId: string | null,
  now: number,
  counted = false,
): D1PreparedStatement =>
  context.db.run(LOOK, { license: licenseId, instance: instanceId, now, counted: counted ? 1 : 0 });

type ViewRow = Omit<Terms, "features"> & {
  features: string;
  seat: string | null;
  seats_in_use: number | null;
  seats_lapsed: number | null;
};

/** Reads what `look` found; null where there is no such license. */
export function viewOf(row: Row | undefined, now: number): View | null {
  if (!row) return null;
  const found = row as unknown as ViewRow;
  const held = found.seat === null ? null : (JSON.parse(found.seat) as Seat);
  const live = held !== null && held.lease_expires_at > now;
  return {
    // Field by field: copying all of a row but some takes several times as long.
    license: {
      id: found.id,
      customer_id: found.customer_id,
      license_type: found.license_type,
      status: found.status,
      revision: found.revision,
      issued_at: found.issued_at,
      starts_at: found.starts_at,
      expires_at: found.expires_at,
      grace_days: found.grace_days,
      lease_days: found.lease_days,
      check_in_hours: found.check_in_hours,
      features: JSON.parse(found.features) as string[],
      max_instances: found.max_instances,
      max_services: found.max_services,
      max_requests_per_day: found.max_requests_per_day,
    },
    seat: live ? held : null,
    lapsed: held !== null && !live,
    seatsInUse: found.seats_in_use ?? 0,
    seatsLapsed: found.seats_lapsed ?? 0,
  };
}

/** A seat as its instance is shown it. */
export const presentSeat = (seat: Seat) => ({
  activation_id: seat.activation_id,
  instance_id: seat.instance_id,
  activated_at: formatInstant(seat.activated_at),
  last_seen_at: formatInstant(seat.last_seen_at),
  lease_expires_at: formatInstant(seat.lease_expires_at),
  check_in_at: formatInstant(seat.check_in_at),
  hostname: seat.hostname,
  app_version: seat.app_version,
});
