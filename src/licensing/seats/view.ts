// A license and an instance's seat as the instance sees them: one read, after the claim or alone.
import type { Context } from "../../context.ts";
import { formatInstant } from "../../kernel/dates.ts";
import { Problem } from "../../problems.ts";
import { named, type Row } from "../../storage/database.ts";
import type { Entitlements } from "../../storage/schema.ts";
import type { Terms } from "../licenses/licenses.ts";

// The seats in use: for a new seat, what the claim counted. For an existing seat, the stored count of the license,
// which may still include leases that ran out. If the claim was refused, they are counted here, for the text of the
// refusal; but not if there is no limit.
const LOOK = named(`
  SELECT l.id, l.customer_id, l.license_type, l.status, l.revision, l.issued_at, l.starts_at, l.expires_at,
    l.grace_days, l.lease_days, l.check_in_hours, l.features, l.max_instances, l.max_services,
    l.max_requests_per_day, l.unproven_lease_hours, l.clone_policy, l.unproven_until, l.updates_until,
    l.entitlements,
    iif(a.id IS NULL, NULL, json_object('activation_id', a.id, 'instance_id', a.instance_id,
      'activated_at', a.activated_at, 'last_seen_at', a.last_seen_at, 'lease_expires_at', a.lease_expires_at,
      'check_in_at', a.check_in_at, 'hostname', a.hostname, 'app_version', a.app_version,
      'fingerprint_changed', a.fingerprint_changed_at IS a.last_seen_at,
      'granted', a.request_id = :request_id, 'proven', a.proven, 'unproven_until', a.unproven_until,
      'proven_until', a.proven_until, 'public_key', a.public_key, 'public_key_since', a.public_key_since,
      'freed_at', a.freed_at,
      'made', a.request_id = :request_id AND a.occasion = 'activation.created', 'replaces', a.replaces)) AS seat,
    a.seats_lapsed,
    CASE WHEN a.request_id = :request_id AND a.occasion = 'activation.created' THEN a.seats_in_use
      WHEN NOT :counted OR l.max_instances IS NULL OR a.lease_expires_at > :now THEN kept.seated
      ELSE (
        SELECT count(*) FROM activations
        WHERE license_id = :license AND ended_at = 0 AND lease_expires_at > :now) END AS seats_in_use,
    kept.seated, kept.settled_at
  FROM licenses l
  LEFT JOIN license_seats kept ON kept.license_id = l.id
  LEFT JOIN activations a ON a.license_id = l.id AND a.ended_at = 0 AND a.instance_id = :instance
  WHERE l.id = :license`);

/** The activation that records a seat, as its instance sees it. */
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
  /** Whether the last claim sent another fingerprint than earlier ones; 0 or 1. */
  fingerprint_changed: number;
  /** Whether the claim of this request was granted, and whether the last granted claim had proof; 0 or 1. */
  granted: number;
  proven: number;
  /** The end of the last certificate that was issued without proof. */
  unproven_until: number | null;
  /** The end of the last proven lease; null if none was granted since this column exists. */
  proven_until: number | null;
  /** The key (`x`) that the installation proved in its request file, and when it first did. */
  public_key: string | null;
  public_key_since: number | null;
  /** When staff freed the seat while its license file was still valid. */
  freed_at: number | null;
  /** Whether this claim made the activation (0 or 1), and the earlier activation of the instance that it replaces. */
  made: number;
  replaces: string | null;
}

/** The end of the last proven lease. The seat may be held for longer, by what unproven requests were promised. */
export const provenUntil = ({
  proven_until,
  lease_expires_at,
}: Pick<Seat, "proven_until" | "lease_expires_at">): number => proven_until ?? lease_expires_at;

export interface View {
  license: Terms;
  /** The instance's seat while its lease is live. */
  seat: Seat | null;
  /** Whether the instance has an activation that is not ended but whose lease ran out. */
  lapsed: boolean;
  /** Whether staff freed the instance's seat, so that it only counts, or counted, until its file ends. */
  freed: boolean;
  seatsInUse: number;
  /** Other activations whose lease ran out and which are not marked as ended yet, as counted for a new seat. */
  seatsLapsed: number;
  /** How many activations are not ended, and when the license was last searched for leases that ran out. */
  seated: number;
  settledAt: number;
}

/**
 * Reads the license and the instance's seat.
 * @param counted whether to count the license's seats if the instance holds none
 */
export const look = (
  context: Context,
  licenseId: string,
  instanceId: string | null,
  now: number,
  counted = false,
): D1PreparedStatement =>
  context.db.run(LOOK, {
    license: licenseId,
    instance: instanceId,
    now,
    counted: counted ? 1 : 0,
    request_id: context.requestId,
  });

type ViewRow = Omit<Terms, "features" | "entitlements"> & {
  features: string;
  entitlements: string;
  seat: string | null;
  seats_in_use: number | null;
  seats_lapsed: number | null;
  seated: number | null;
  settled_at: number | null;
};

/** Reads what `look` found. @throws Problem LICENSE_NOT_FOUND */
export function viewOf(row: Row | undefined, now: number): View {
  if (!row) throw new Problem("LICENSE_NOT_FOUND", "The license of this key does not exist any more.");
  const found = row as unknown as ViewRow;
  const held = found.seat === null ? null : (JSON.parse(found.seat) as Seat);
  const live = held !== null && held.lease_expires_at > now;
  return {
    // Field by field: copying a row without some of its columns takes several times as long.
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
      unproven_lease_hours: found.unproven_lease_hours,
      clone_policy: found.clone_policy,
      unproven_until: found.unproven_until,
      updates_until: found.updates_until,
      entitlements: found.entitlements === "{}" ? {} : (JSON.parse(found.entitlements) as Entitlements),
    },
    seat: live ? held : null,
    lapsed: held !== null && !live,
    freed: held !== null && held.freed_at !== null,
    seatsInUse: found.seats_in_use ?? 0,
    seatsLapsed: found.seats_lapsed ?? 0,
    seated: found.seated ?? 0,
    settledAt: found.settled_at ?? 0,
  };
}

/** A seat as the API shows it to its instance. */
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
