// The claim of a seat: the one statement that grants a seat or renews its lease. An activation holds a seat while it is
// not ended and its lease has not run out. The statement enforces the limit: however many claims arrive at once, D1
// runs them one after the other, and each sees the ones before it.
import type { Context } from "../../context.ts";
import { named } from "../../storage/database.ts";
import { activationIdOf } from "./ids/activation-ids.ts";
import { ceilToSecond, DAY, dayOf, floorToSecond, HOUR, LAST_INSTANT } from "../../kernel/dates.ts";
import type { Claimant } from "./claimant.ts";
import { isCode, MAX_METERS } from "../entitlements/values.ts";
import { METERS_OVER, SEEN } from "../usage/refusing.ts";
import { CLONE_AFTER, NEW_IDS, QUIET } from "./seat-rules.ts";

// What the statement decides, from top to bottom.
//
// | part            | rule                                                                                             |
// |-----------------|--------------------------------------------------------------------------------------------------|
// | live            | The instance holds a seat: its activation is not ended and its lease has not run out.            |
// | current         | The key is of the license's revision, or of a later one.                                         |
// | certified       | The request has the certificate of the live activation, or its request file is signed with the   |
// |                 | key that is stored for it. Or the certificate is of a seat that a restore lost.                  |
// | proven          | There is no live seat, or the request is certified. Or, with a current key: the last proven      |
// |                 | lease is over (proven_until), staff vouch, or it is the same proven request again.               |
// |                 |                                                                                                  |
// | refused unless  |                                                                                                  |
// | - license       | It is active, has started, and its grace is not over.                                            |
// | - key           | It is current. A replaced key still renews a certified seat, so that a reissue stops the finder  |
// |                 | of the key but not the running instances; until unproven_until it renews any live seat.          |
// | - returning     | The instance has an activation that is not ended and was not freed, or does not say that it was  |
// |                 | activated before.                                                                                |
// | - file key      | If a key is stored for the live seat, a request file is signed with it, or staff say that it     |
// |                 | replaces the other installation.                                                                 |
// | - room          | The seat is live, or the limit is not reached. A renewal is never refused, not even above a      |
// |                 | limit that was lowered. Nor is a seat that a restore lost.                                       |
// | - meters        | The instance was seen in the last 35 days, or no meter with `refuse_new` is above its value. A   |
// |                 | day of more than ten times the value waits for staff: it counts once they corrected a figure.    |
// | - new ids       | The instance has an activation, took a seat today already, or not too many new ones did today.   |
// | - clone policy  | If it is "refuse": the request is proven, the seat is not marked, its proven lease is over, or   |
// |                 | it was given without a certificate.                                                              |
// |                 |                                                                                                  |
// | proven lease    | As long as the license says, or shorter if the instance wants (lease_hours). Never ends after    |
// |                 | the license's grace, nor before the last proven lease: an earlier certificate promised that end. |
// |                 | What was promised to others (without proof, or with another key) only holds the seat.            |
// | unproven lease  | At most unproven_lease_hours; with a replaced key, at most until the license's unproven_until.   |
// | check_in_at     | The license's rhythm, spread by the caller so that instances started together drift apart, and   |
// |                 | at most half of the lease.                                                                       |
// | new activation  | If the instance's lease ran out, the new activation takes over its row (replaces).               |
// | key             | The key of the last file; a live seat keeps it when the instance comes over a network.           |
// | freed           | If staff freed a seat while its file runs, a proven claim holds it again.                        |
// | usage           | The highest figures of a day count, unless staff corrected the day.                              |
// | meters          | Those that the license has, if they had not ended when the reported days began.                  |
// |                 |                                                                                                  |
// | a proven claim  | writes the whole row.                                                                            |
// | an unproven one | is counted, extends the seat to its own lease if that ends later, and changes nothing else.      |
// |                 |                                                                                                  |
// | a clone is      | suspected, with a mark and an event for staff, in one of these cases:                            |
// | - strays        | An instance normally shows its latest certificate. An older one is a stray, unless it is the one |
// |                 | shown before (an answer got lost). A restored backup strays once and then shows new ones again;  |
// |                 | two places that share an identity stray in turns. So two strays in a row are a clone.            |
// | - parted        | A certified request after an unproven one of the same day from another address or host: the      |
// |                 | process that holds the certificate ran all the time, and another one ran elsewhere.              |
// | - elsewhere     | An unproven request from another address, host or fingerprint than the last proven one, on the   |
// |                 | same day. Only if that one was certified: whoever was merely the first to ask may be a pod that  |
// |                 | keeps nothing and starts again and again. Not if the proven lease is short: a pod without a      |
// |                 | volume asks for short leases, and may have moved.                                                |
// | quiet           | Seven days after the last of these, the mark is gone.                                            |
// | scattered       | An unproven request from another address than an unproven one of the last seven days.            |
// | events          | A trigger writes the event that `occasion` names: the activation, a suspected clone, a replaced  |
// |                 | key, a changed fingerprint. Another trigger writes a clone that an unproven request reveals.     |

const LICENSE_ENDS = `coalesce(license_expires_at + grace_days * ${DAY}, ${LAST_INSTANT})`;
const PROVEN_UNTIL = "coalesce(proven_until, lease_expires_at)";
/** The ends that a lease has at the latest: the license's rhythm, and the hours that the instance wants at most. */
const LATEST = `:whole_second + lease_days * ${DAY}, coalesce(:wanted_until, ${LAST_INSTANT})`;
const LAST_SECOND = "last_seen_at / 1000 * 1000";

/** An old certificate, at least for the second time in a row. */
const SECOND_STRAY = `strays >= ${CLONE_AFTER - 1} AND :presented < ${LAST_SECOND} AND presented_at IS NOT :presented`;

/** The unproven requests of today, in the existing row. */
const TODAY = "unproven -> :weekday";

/** Whether the last proven request showed a certificate: its sender keeps state. */
const IS_KEPT = "certified_at IS last_seen_at";

/** Each column of the seat's activation, and the value that the claim writes. */
const ROW = {
  id: "iif(is_live, id, :activation)",
  activated_at: "iif(is_live, activated_at, :now)",
  replaces: "iif(is_live, replaces, id)",
  last_seen_at: "iif(is_proven, :now, last_seen_at)",
  lease_expires_at: `iif(is_proven,
    max(proven_lease, iif(is_live, min(lease_expires_at, ${LICENSE_ENDS}), 0)), max(lease_expires_at, unproven_lease))`,
  check_in_at: `iif(is_proven,
    CAST(:now + min(check_in_hours * ${HOUR} * :spread, (proven_lease - :now) / 2) AS INTEGER), check_in_at)`,
  seats_in_use: "iif(is_live, seats_in_use, others + 1)",
  seats_lapsed: "iif(is_live, seats_lapsed, max(seated - others - is_known, 0))",
  fingerprint: "iif(is_proven, coalesce(:fingerprint, fingerprint), fingerprint)",
  hostname: "iif(is_proven, coalesce(:hostname, hostname), hostname)",
  app_version: "iif(is_proven, coalesce(:app_version, app_version), app_version)",
  labels: "iif(is_proven, coalesce(:labels, labels), labels)",
  ip: "iif(is_proven, :ip, ip)",
  usage_day: "iif(is_proven AND :day > coalesce(usage_day, ''), :day, usage_day)",
  requests: `CASE WHEN NOT is_proven OR :day IS NULL OR :day < usage_day THEN coalesce(requests, 0)
    WHEN :day = usage_day THEN iif(usage_corrected, requests, max(requests, :requests)) ELSE :requests END`,
  services: `CASE WHEN NOT is_proven OR :day IS NULL OR :day < usage_day THEN coalesce(services, 0)
    WHEN :day = usage_day THEN iif(usage_corrected, services, max(services, :services)) ELSE :services END`,
  usage_corrected: "iif(is_proven AND :day > coalesce(usage_day, ''), 0, coalesce(usage_corrected, 0))",
  meters: `CASE WHEN NOT is_proven THEN meters WHEN :codes IS NOT NULL THEN (SELECT json_group_array(code)
    FROM (SELECT :codes ->> n AS code FROM slots UNION ALL SELECT value FROM json_each(:more_codes))
    WHERE code IS NOT NULL AND entitlements -> code -> 'meter' IS NOT NULL
      AND coalesce(entitlements -> code ->> 'until', ${LAST_INSTANT}) > :codes_from) END`,
  presented_at: "iif(is_proven, coalesce(:presented, presented_at), presented_at)",
  strays: `iif(is_proven AND :presented >= ${LAST_SECOND}, 0, coalesce(strays, 0) + is_stray)`,
  clone_suspected_at: "CASE WHEN is_clone THEN :now WHEN is_marked THEN clone_suspected_at END",
  fingerprint_changed_at: "iif(is_proven AND :fingerprint <> fingerprint, :now, fingerprint_changed_at)",
  actor_type: "iif(is_proven, :actor_type, actor_type)",
  actor_id: "iif(is_proven, :actor_id, actor_id)",
  request_id: ":request_id",
  occasion: `CASE WHEN NOT is_live THEN 'activation.created' WHEN NOT is_proven THEN NULL
    WHEN is_clone AND NOT is_marked THEN 'instance.clone_suspected'
    WHEN is_other_key THEN 'instance.key_replaced'
    WHEN :fingerprint <> fingerprint THEN 'instance.fingerprint_changed' END`,
  proven: "is_proven",
  proven_until: `iif(is_proven, proven_lease, ${PROVEN_UNTIL})`,
  certified_at: "iif(is_certified, :now, certified_at)",
  unproven_until: "iif(is_proven, unproven_until, unproven_lease)",
  unproven: `iif(is_proven, unproven, json_set(coalesce(unproven, '{}'), :weekday, json_object('day', :today,
    'count', iif(${TODAY} ->> 'day' IS :today, ${TODAY} ->> 'count', 0) + 1 - is_again,
    'at', CAST(:now AS INTEGER), 'ip', :ip, 'hostname', :hostname)))`,
  scattered_at: `iif(NOT is_proven AND EXISTS (
      SELECT 1 FROM json_each(unproven) WHERE value ->> 'day' > :week_ago AND value ->> 'ip' <> :ip),
    :now, scattered_at)`,
  proven_request: "iif(is_proven, :request_id, proven_request)",
  public_key: "CASE WHEN is_proven AND :by_file THEN :proven_key WHEN is_live THEN public_key END",
  public_key_since: `CASE WHEN NOT is_proven OR NOT :by_file THEN iif(is_live, public_key_since, NULL)
    WHEN :proven_key IS NULL THEN NULL WHEN is_live AND public_key = :proven_key THEN public_key_since ELSE :now END`,
  freed_at: "iif(is_proven, NULL, freed_at)",
};

const COLUMNS = Object.keys(ROW);

// The layers, from the inside out: the existing rows and the request; whether it is proven; what follows from that.
// LIMIT 1 makes SQLite compute each layer once: without it, every use of a name is computed again from the bottom.
// LEFT JOIN makes the planner keep the order written here, whatever it has learned about the tables.
const CLAIM = named(`
  INSERT INTO activations (license_id, ended_at, instance_id, ${COLUMNS.join(", ")})
  SELECT :license, 0, :instance, ${Object.values(ROW).join(",\n    ")}
  FROM (
    SELECT *,
      min(max(iif(is_live AND NOT is_other_key, ${PROVEN_UNTIL}, 0), coalesce(:lease_until,
        min(${LATEST}))), ${LICENSE_ENDS}) AS proven_lease,
      min(:second + unproven_lease_hours * ${HOUR}, ${LATEST}, ${LICENSE_ENDS},
        iif(is_current, ${LAST_INSTANT}, license_unproven_until)) AS unproven_lease,
      coalesce(is_proven AND :presented < ${LAST_SECOND} AND presented_at IS NOT :presented, 0) AS is_stray,
      coalesce(CASE
        -- A new seat is no clone: its event is that of the activation, and the next stray marks it.
        WHEN is_proven THEN is_live AND ${SECOND_STRAY} OR is_certified
          AND ${TODAY} ->> 'day' = :today AND ${TODAY} ->> 'at' > last_seen_at
          AND (${TODAY} ->> 'ip' <> :ip OR ${TODAY} ->> 'hostname' <> coalesce(:hostname, hostname))
        ELSE ${IS_KEPT} AND last_seen_at >= :midnight
          AND ${PROVEN_UNTIL} - last_seen_at > unproven_lease_hours * ${HOUR}
          AND (:ip <> ip OR :hostname <> hostname OR :fingerprint <> fingerprint) END, 0) AS is_clone,
      coalesce(clone_suspected_at > :now - ${QUIET}, 0) AS is_marked
    FROM (
      SELECT *, NOT is_live OR is_certified
        OR is_current AND (:vouched OR ${PROVEN_UNTIL} <= :now OR is_again AND proven) AS is_proven
      FROM (
        SELECT own.*, l.status, l.starts_at, l.expires_at AS license_expires_at, l.grace_days,
          l.lease_days, l.check_in_hours, l.max_instances, l.unproven_lease_hours, l.clone_policy,
          l.unproven_until AS license_unproven_until, l.entitlements,
          own.id IS NOT NULL AS is_known,
          coalesce(own.lease_expires_at > :now, 0) AS is_live,
          coalesce(own.lease_expires_at > :now
            AND (own.id = :certified OR own.public_key = :proven_key OR :recovered), 0) AS is_certified,
          coalesce(:by_file AND own.lease_expires_at > :now AND own.public_key IS NOT NULL
            AND own.public_key IS NOT :proven_key, 0) AS is_other_key,
          l.revision <= :revision AS is_current,
          coalesce(own.request_id = :request_id, 0) AS is_again,
          coalesce(kept.seated, 0) AS seated, iif(kept.new_day = :today, kept.new_ids, 0) AS new_ids,
          iif(l.max_instances IS NULL,
            coalesce(kept.seated, 0) - (own.id IS NOT NULL), count(other.instance_id)) AS others
        FROM licenses l
        LEFT JOIN license_seats kept ON kept.license_id = l.id
        LEFT JOIN activations own ON own.license_id = l.id AND own.ended_at = 0 AND own.instance_id = :instance
        -- Only who holds no seat yet needs the others counted, and only if there is a limit. A NULL matches no row, and
        -- so reads none.
        LEFT JOIN activations other
          ON other.license_id = iif(own.lease_expires_at > :now OR l.max_instances IS NULL, NULL, l.id)
          AND other.ended_at = 0 AND other.instance_id <> :instance AND other.lease_expires_at > :now
        WHERE l.id = :license
      ) LIMIT 1
    ) LIMIT 1
  )
  WHERE status = 'active'
    AND coalesce(starts_at, 0) <= :now
    AND ${LICENSE_ENDS} > :now
    AND (is_current OR is_certified OR is_live AND license_unproven_until > :now)
    AND (is_known AND freed_at IS NULL OR NOT :returning)
    AND (NOT is_other_key OR :replace)
    AND (is_live OR max_instances IS NULL OR others < max_instances OR :recovered)
    AND (is_live OR :recovered OR entitlements NOT LIKE '%"refuse_new"%'
      OR last_seen_at > :now - ${SEEN} OR EXISTS (SELECT 1 FROM activations seen
        WHERE seen.license_id = :license AND seen.ended_at > :now - ${SEEN} AND seen.instance_id = :instance
          AND seen.last_seen_at > :now - ${SEEN})
      OR NOT EXISTS (${METERS_OVER}))
    AND (is_known OR :vouched OR :recovered
      OR new_ids < iif(max_instances IS NULL, ${NEW_IDS.unlimited},
        max(${NEW_IDS.least}, ${NEW_IDS.perSeat} * max_instances))
      OR EXISTS (SELECT 1 FROM new_instances
        WHERE day = :today AND license_id = :license AND instance_id = :instance))
    AND (is_proven OR clone_policy <> 'refuse' OR NOT is_marked OR ${PROVEN_UNTIL} <= :now
      OR NOT (${IS_KEPT}))
  ON CONFLICT (license_id, ended_at, instance_id) DO UPDATE SET
    ${COLUMNS.map((column) => `${column} = excluded.${column}`).join(", ")}`);

/** The rhythm of check-ins times 0.9 to 1.1. */
const CHECK_IN_SPREAD = { from: 0.9, width: 0.2 };

/** Whether a person hands in the request file of an installation without a network. */
const byCourier = ({ actor }: Context): boolean => actor.type === "staff" || actor.type === "customer";

/** A random factor for the rhythm of check-ins. */
export const spreadOf = ({ ids }: Pick<Context, "ids">): number =>
  CHECK_IN_SPREAD.from + CHECK_IN_SPREAD.width * ids.random();

/**
 * Claims a seat, or renews the lease of the instance's own seat. The statement contains the rules, and triggers record
 * what it causes: a new activation, a suspected clone, a replaced key, a changed fingerprint.
 */
export function claimSeat(context: Context, now: number, claimant: Claimant): D1PreparedStatement {
  const { key, certificate, usage, meters, lease_hours, file } = claimant;
  const today = dayOf(now);
  // To SQLite, any text is a path, which may be a wrong one.
  const codes = meters?.codes.filter(isCode);
  return context.db.run(CLAIM, {
    license: key.licenseId,
    revision: key.revision,
    instance: claimant.instance_id,
    activation: activationIdOf(key.licenseId, context.ids.ulid(now)),
    recovered: claimant.recovered ? 1 : 0,
    now,
    today,
    midnight: Date.parse(today),
    weekday: `$.d${new Date(now).getUTCDay()}`,
    week_ago: dayOf(Math.max(0, now - QUIET)),
    // A lease in days rounds up, in the holder's favor; "at most" so many hours rounds down.
    whole_second: ceilToSecond(now),
    second: floorToSecond(now),
    wanted_until: lease_hours == null ? null : floorToSecond(now) + lease_hours * HOUR,
    by_file: file ? 1 : 0,
    lease_until: file?.leaseUntil ?? null,
    proven_key: file?.provenKey ?? null,
    replace: file?.replace ? 1 : 0,
    spread: spreadOf(context),
    fingerprint: claimant.fingerprint ?? null,
    hostname: claimant.hostname ?? null,
    app_version: claimant.app_version ?? null,
    labels: claimant.labels ? JSON.stringify(claimant.labels) : null,
    ip: context.ip,
    returning: claimant.returning ? 1 : 0,
    certified: certificate?.activationId ?? null,
    presented: certificate ? floorToSecond(certificate.issuedAt) : null,
    vouched: byCourier(context) ? 1 : 0,
    day: usage?.day ?? null,
    requests: usage?.requests ?? 0,
    services: usage?.services ?? 0,
    codes: codes ? JSON.stringify(codes.slice(0, MAX_METERS)) : null,
    // Days of a longer report may name others each. json_each is billed as rows read, so the usual report does without it.
    more_codes: codes && codes.length > MAX_METERS ? JSON.stringify(codes.slice(MAX_METERS)) : null,
    codes_from: meters ? Date.parse(meters.from) : 0,
    // For every release this is the seat of a file; its event names the contact.
    actor_type: byCourier(context) ? "staff" : context.actor.type,
    actor_id: context.actor.id,
    request_id: context.requestId,
  });
}
