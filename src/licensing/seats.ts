// Seats, as SQL. A seat is a lease: an activation holds one while it is not ended and its lease has not run
// out. The statement that claims a seat enforces the limit, so that however many claims arrive at once, D1
// runs them one after the other and each sees the ones before it.
import { recordChange } from "../audit/events.ts";
import type { Context } from "../context.ts";
import type { License } from "../storage/schema.ts";
import type { Row, SqlValue } from "../storage/database.ts";
import { ceilToSecond, DAY, formatInstant, HOUR, LAST_INSTANT } from "./dates.ts";
import type { KeyIdentity } from "./license-keys.ts";

export interface Claimant {
  key: KeyIdentity;
  instance_id: string;
  fingerprint?: string | null | undefined;
  hostname?: string | null | undefined;
  app_version?: string | null | undefined;
  labels?: Record<string, string> | null | undefined;
}

// Counts the license's seats once, in the one walk over its seated rows: those of other instances, its own,
// and those in the way whose lease ran out. What that found is kept in the row, for the answer.
//
// A seat is granted where the license lets things run and the key is of the current revision, and either
// the instance holds a live seat already (renewal is never refused, also above a limit that was lowered)
// or there is room. A lease ends with the license's grace at the latest; it never shrinks below one that
// was already promised in a certificate. The next check-in follows the license's rhythm, spread by the caller
// so that instances started together drift apart, and comes well before the lease runs out.
//
// CROSS JOIN keeps the planner at the order written here, whatever it has learned about the tables.
const CLAIM = `
  INSERT INTO activations (license_id, ended_at, instance_id, id, activated_at, last_seen_at,
    lease_expires_at, check_in_at, seats_in_use, seats_lapsed, replaces,
    fingerprint, hostname, app_version, labels, ip)
  SELECT ?1, 0, ?3, ?4, ?5, ?5,
    granted.lease, CAST(?5 + min(granted.rhythm * ?12, (granted.lease - ?5) / 2) AS INTEGER),
    granted.others + 1, granted.lapsed, NULL, ?6, ?7, ?8, ?9, ?10
  FROM (
    SELECT
      min(max(coalesce(seats.own_lease, 0), ?11 + l.lease_days * ${DAY}),
          coalesce(l.expires_at + l.grace_days * ${DAY}, ${LAST_INSTANT})) AS lease,
      l.check_in_hours * ${HOUR} AS rhythm, seats.others, seats.lapsed
    FROM (
      SELECT count(*) FILTER (WHERE lease_expires_at > ?5 AND instance_id <> ?3) AS others,
             max(lease_expires_at) FILTER (WHERE lease_expires_at > ?5 AND instance_id = ?3) AS own_lease,
             count(*) FILTER (WHERE lease_expires_at <= ?5 AND instance_id <> ?3) AS lapsed
      FROM activations WHERE license_id = ?1 AND ended_at = 0
    ) seats
    CROSS JOIN licenses l
    WHERE l.id = ?1
      AND l.status = 'active'
      AND l.revision <= ?2
      AND coalesce(l.starts_at, 0) <= ?5
      AND coalesce(l.expires_at + l.grace_days * ${DAY}, ${LAST_INSTANT}) > ?5
      AND (seats.own_lease IS NOT NULL OR l.max_instances IS NULL OR seats.others < l.max_instances)
  ) granted
  WHERE true
  ON CONFLICT (license_id, ended_at, instance_id) DO UPDATE SET
    replaces = iif(lease_expires_at > excluded.last_seen_at, replaces, id),
    id = iif(lease_expires_at > excluded.last_seen_at, id, excluded.id),
    activated_at = iif(lease_expires_at > excluded.last_seen_at, activated_at, excluded.activated_at),
    last_seen_at = excluded.last_seen_at,
    lease_expires_at = excluded.lease_expires_at,
    check_in_at = excluded.check_in_at,
    seats_in_use = excluded.seats_in_use,
    seats_lapsed = excluded.seats_lapsed,
    fingerprint = coalesce(excluded.fingerprint, fingerprint),
    hostname = coalesce(excluded.hostname, hostname),
    app_version = coalesce(excluded.app_version, app_version),
    labels = coalesce(excluded.labels, labels),
    ip = excluded.ip`;

/** The rhythm of check-ins times 0.9 to 1.1. */
const CHECK_IN_SPREAD = { from: 0.9, width: 0.2 };

/**
 * Claims a seat or renews the lease of the instance's own; records an activation where it is a new one.
 * The rules are in the statement; `look` afterwards in the same batch tells how it went.
 */
export function claimSeat(context: Context, now: number, claimant: Claimant): D1PreparedStatement[] {
  const { key, instance_id } = claimant;
  const activationId = newActivationId(context, key.licenseId, now);
  return [
    context.db.sql(
      CLAIM,
      key.licenseId,
      key.revision,
      instance_id,
      activationId,
      now,
      claimant.fingerprint ?? null,
      claimant.hostname ?? null,
      claimant.app_version ?? null,
      claimant.labels ? JSON.stringify(claimant.labels) : null,
      context.ip,
      ceilToSecond(now),
      CHECK_IN_SPREAD.from + CHECK_IN_SPREAD.width * context.ids.random(),
    ),
    recordChange(
      context,
      now,
      "activation.created",
      ["license", key.licenseId],
      {
        sql: `json_object('activation_id', id, 'instance_id', instance_id, 'replaces', replaces)`,
        values: [],
      },
      {
        sql: "FROM activations WHERE license_id = ? AND ended_at = 0 AND instance_id = ? AND id = ?",
        values: [key.licenseId, instance_id, activationId],
      },
    ),
  ];
}

// An activation's id begins with its license's, by whose clustered rows it is found again: no index to write.
const newActivationId = (context: Context, licenseId: string, now: number): string =>
  `act_${licenseId.replace(/^lic_/, "")}_${context.ids.ulid(now).slice(-10)}`;

/** The license that an activation's id names. */
export const licenseIdOf = (activationId: string): string =>
  activationId.replace(/^act_/, "lic_").replace(/_[^_]*$/, "");

// The seats in use are what the claim counted where the instance holds one; where it was refused, they are
// counted here, for the refusal to say.
const LOOK = (seatsInUse: string) => `
  SELECT l.*,
    iif(a.id IS NULL, NULL, json_object('activation_id', a.id, 'instance_id', a.instance_id,
      'activated_at', a.activated_at, 'last_seen_at', a.last_seen_at, 'lease_expires_at', a.lease_expires_at,
      'check_in_at', a.check_in_at, 'hostname', a.hostname, 'app_version', a.app_version)) AS seat,
    a.seats_lapsed, ${seatsInUse} AS seats_in_use
  FROM licenses l
  LEFT JOIN activations a ON a.license_id = l.id AND a.ended_at = 0 AND a.instance_id = ?2
  WHERE l.id = ?1`;

const LOOK_ONLY = LOOK("a.seats_in_use");
const LOOK_AFTER_CLAIM = LOOK(`iif(a.lease_expires_at > ?3, a.seats_in_use, (
    SELECT count(*) FROM activations WHERE license_id = ?1 AND ended_at = 0 AND lease_expires_at > ?3))`);

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
}

/** A license as an instance meets it. */
export interface View {
  license: License;
  /** The instance's seat while its lease is live. */
  seat: Seat | null;
  seatsInUse: number;
  /** Seats whose lease ran out and which are not marked as ended yet. */
  seatsLapsed: number;
}

export const look = (context: Context, licenseId: string, instanceId: string | null): D1PreparedStatement =>
  context.db.sql(LOOK_ONLY, licenseId, instanceId);

export const lookAfterClaim = (
  context: Context,
  licenseId: string,
  instanceId: string,
  now: number,
): D1PreparedStatement => context.db.sql(LOOK_AFTER_CLAIM, licenseId, instanceId, now);

type ViewRow = Omit<License, "features" | "metadata"> & {
  features: string;
  metadata: string;
  seat: string | null;
  seats_in_use: number | null;
  seats_lapsed: number | null;
};

/** Reads what `look` or `lookAfterClaim` found; null where there is no such license. */
export function viewOf(row: Row | undefined, now: number): View | null {
  if (!row) return null;
  const { features, metadata, seat, seats_in_use, seats_lapsed, ...license } = row as unknown as ViewRow;
  const held = seat === null ? null : (JSON.parse(seat) as Seat);
  return {
    license: {
      ...license,
      features: JSON.parse(features) as string[],
      metadata: JSON.parse(metadata) as License["metadata"],
    },
    seat: held && held.lease_expires_at > now ? held : null,
    seatsInUse: seats_in_use ?? 0,
    seatsLapsed: seats_lapsed ?? 0,
  };
}

// An activation ends now, or when its lease ran out before. The event first, while the row still is what it was.
function end(
  context: Context,
  now: number,
  action: "activation.ended" | "activation.lapsed",
  where: string,
  ...values: SqlValue[]
): D1PreparedStatement[] {
  const ended = "max(activated_at, min(?, lease_expires_at))";
  return [
    recordChange(
      context,
      now,
      action,
      ["license", { sql: "license_id", values: [] }],
      {
        sql: `json_object('activation_id', id, 'instance_id', instance_id,
          'ended_at', strftime('%Y-%m-%dT%H:%M:%fZ', ${ended} / 1000.0, 'unixepoch'))`,
        values: [now],
      },
      { sql: `FROM activations WHERE ended_at = 0 AND ${where}`, values },
    ),
    // OR REPLACE: an activation of the same instance that ended in the same millisecond makes way.
    context.db.sql(
      `UPDATE OR REPLACE activations SET ended_at = ${ended} WHERE ended_at = 0 AND ${where}`,
      now,
      ...values,
    ),
  ];
}

/**
 * Ends the activation of an instance, and with it frees its seat; nothing where there is none. A key of an
 * older revision ends nothing.
 */
export const endActivation = (
  context: Context,
  now: number,
  key: KeyIdentity,
  instanceId: string,
): D1PreparedStatement[] =>
  end(
    context,
    now,
    "activation.ended",
    `license_id = ? AND instance_id = ?
     AND EXISTS (SELECT 1 FROM licenses WHERE id = license_id AND revision <= ?)`,
    key.licenseId,
    instanceId,
    key.revision,
  );

/** Ends one activation, whoever holds it. */
export const endActivationById = (
  context: Context,
  now: number,
  licenseId: string,
  activationId: string,
): D1PreparedStatement[] =>
  end(context, now, "activation.ended", "license_id = ? AND id = ?", licenseId, activationId);

/**
 * Marks the activations of a license whose lease ran out as ended. They hold no seat already; this only
 * moves them out of the way of the next count, and puts the end into the record.
 */
export async function settleLapsed(context: Context, now: number, licenseId: string): Promise<void> {
  const acting: Context = { ...context, actor: { type: "system", id: "lease" }, ip: null };
  await context.db.batch(
    end(acting, now, "activation.lapsed", "license_id = ? AND lease_expires_at <= ?", licenseId, now),
  );
}

/** A seat as the API shows it. */
export const presentSeat = (seat: Seat) => ({
  ...seat,
  activated_at: formatInstant(seat.activated_at),
  last_seen_at: formatInstant(seat.last_seen_at),
  lease_expires_at: formatInstant(seat.lease_expires_at),
  check_in_at: formatInstant(seat.check_in_at),
});
