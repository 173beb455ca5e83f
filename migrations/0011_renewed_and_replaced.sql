-- Which revision of the license's key a mail brings; null where it brings none. A key that was replaced is not mailed.
ALTER TABLE messages ADD COLUMN key_revision INTEGER;

-- Where the end of a license was brought forward: until when what was signed before still holds. The revocation list
-- names a license as long as anything that was signed for it does.
ALTER TABLE licenses ADD COLUMN signed_until INTEGER;

DROP INDEX licenses_stopped;
DROP INDEX licenses_superseded;

CREATE INDEX licenses_stopped ON licenses
  (status, max(coalesce(expires_at + grace_days * 86400000, 253402300799000), coalesce(signed_until, 0)), id)
WHERE status <> 'active';
CREATE INDEX licenses_superseded ON licenses
  (max(coalesce(expires_at + grace_days * 86400000, 253402300799000), coalesce(signed_until, 0)), id, revision)
WHERE revision > 1;

-- An instance whose lease ran out takes its seat again in the same row. The activation before it stays in the record,
-- as ended by its lease.
CREATE TRIGGER activations_keep_lapsed AFTER UPDATE OF id ON activations
WHEN NEW.id <> OLD.id
BEGIN
  INSERT OR REPLACE INTO activations (license_id, ended_at, ended_by, instance_id, id, activated_at, last_seen_at,
    lease_expires_at, check_in_at, seats_in_use, seats_lapsed, replaces, fingerprint, hostname, app_version, labels,
    ip, usage_day, requests, services, license_requests, license_services, presented_at, strays, actor_type, actor_id,
    request_id)
  VALUES (OLD.license_id, max(OLD.activated_at, OLD.lease_expires_at), 'lease', OLD.instance_id, OLD.id,
    OLD.activated_at, OLD.last_seen_at, OLD.lease_expires_at, OLD.check_in_at, OLD.seats_in_use, OLD.seats_lapsed,
    OLD.replaces, OLD.fingerprint, OLD.hostname, OLD.app_version, OLD.labels, OLD.ip, OLD.usage_day, OLD.requests,
    OLD.services, OLD.license_requests, OLD.license_services, OLD.presented_at, OLD.strays, OLD.actor_type,
    OLD.actor_id, OLD.request_id);
END;
