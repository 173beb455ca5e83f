-- The claim of a seat as the release before migration 0012 says it: two versions of the Worker run on one database.
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
    min(max(coalesce(seats.own_lease, 0), coalesce(:lease_until, :whole_second + l.lease_days * 86400000)),
        coalesce(l.expires_at + l.grace_days * 86400000, 253402300799000)) AS lease,
    l.check_in_hours * 3600000 AS rhythm, seats.others, seats.lapsed, seats.requests, seats.services
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
    AND coalesce(l.expires_at + l.grace_days * 86400000, 253402300799000) > :now
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
  clone_suspected_at = iif(strays = 1 AND :presented < last_seen_at / 1000 * 1000 AND presented_at IS NOT :presented, :now, clone_suspected_at),
  fingerprint_changed_at = iif(excluded.fingerprint <> fingerprint, :now, fingerprint_changed_at),
  actor_type = excluded.actor_type,
  actor_id = excluded.actor_id,
  request_id = excluded.request_id,
  occasion = CASE WHEN lease_expires_at <= :now THEN excluded.occasion
    WHEN strays = 1 AND :presented < last_seen_at / 1000 * 1000 AND presented_at IS NOT :presented THEN 'instance.clone_suspected'
    WHEN excluded.fingerprint <> fingerprint THEN 'instance.fingerprint_changed' END
