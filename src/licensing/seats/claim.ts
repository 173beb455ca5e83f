// The claim of a seat: the one statement that grants a seat or renews its lease. A seat is a lease: an activation holds
// one while it is not ended and its lease has not run out. The limit is enforced here, so that however many claims arrive
// at once, D1 runs them one after the other and each sees the ones before it.
import type { Context } from "../../context.ts";
import { named } from "../../storage/database.ts";
import { activationIdOf } from "./activation-ids.ts";
import { ceilToSecond, DAY, floorToSecond, HOUR, LAST_INSTANT } from "../../kernel/dates.ts";
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

/** So many stray certificates in a row make a clone. */
const CLONE_AFTER = 2;

// What the statement decides, from the top down.
//
// | part | rule |
// |---|---|
// | `seats` | One walk over the license's seated rows: the live seats of other instances (`others`), those in the way whose lease ran out (`lapsed`), and the instance's own. |
// | `WHERE` | A seat is granted if the license lets things run now, and the instance holds a live seat already or there is room. A renewal is never refused, also above a limit that was lowered. |
// | key | Must be of the current revision. A replaced key renews only the live seat whose own certificate comes with it (`certified`), so that a reissue stops whoever found the key and not the instances that run. |
// | returning | An instance that says it was activated before gets no seat that it did not have. |
// | `lease` | Ends with the license's grace at the latest, and never before the end that an earlier certificate promised. |
// | `check_in_at` | The license's rhythm, spread by the caller so that instances started together drift apart, and at most half of the lease. |
// | new activation | Where the instance's row has a lease that ran out, the new activation takes the row over (`replaces`). |
// | usage | The highest figures of a day count. The sums of the license's instances on that day are kept in the row, for the answer. |
// | clones | An instance shows the certificate that it got last. An older one is a stray, unless it is the one shown before (an answer got lost). A restored backup strays once and then goes on in line; two places that share an identity stray in turns. So two strays in a row are a clone: a mark and an event for staff, never a refusal. |
// | events | A trigger writes what `occasion` names: the activation, a suspected clone, a changed fingerprint. |
//
// CROSS JOIN keeps the planner at the order written here, whatever it has learned about the tables.
const CLAIM = named(`
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
    clone_suspected_at = iif(strays = ${CLONE_AFTER - 1} AND :presented < last_seen_at / 1000 * 1000 AND presented_at IS NOT :presented, :now, clone_suspected_at),
    fingerprint_changed_at = iif(excluded.fingerprint <> fingerprint, :now, fingerprint_changed_at),
    actor_type = excluded.actor_type,
    actor_id = excluded.actor_id,
    request_id = excluded.request_id,
    occasion = CASE WHEN lease_expires_at <= :now THEN excluded.occasion
      WHEN strays = ${CLONE_AFTER - 1} AND :presented < last_seen_at / 1000 * 1000 AND presented_at IS NOT :presented THEN 'instance.clone_suspected'
      WHEN excluded.fingerprint <> fingerprint THEN 'instance.fingerprint_changed' END`);

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
