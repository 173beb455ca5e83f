-- Events that nobody causes: time passes, an installation falls silent, mail fails, seats run out. Each is written once,
-- however often the jobs run.

-- Which turns of a license were told: the days before its end, the start of its grace, its end, and the end of what it
-- entitles to. Another end is told anew.
-- Its events are written by a trigger, so that there is never one without the other.
CREATE TABLE license_told (
  license_id TEXT NOT NULL,
  ends_at    INTEGER NOT NULL,
  stage      TEXT NOT NULL CHECK (stage IN ('expiring', 'grace_started', 'expired', 'entitlement_ended')),
  -- Before the end, for `expiring`.
  days       INTEGER NOT NULL,
  -- The entitlement, for `entitlement_ended`; otherwise empty.
  code       TEXT NOT NULL,
  -- When it came. A turn that came long ago is looked for no more, and its row goes.
  due_at     INTEGER NOT NULL,
  told_at    INTEGER NOT NULL,
  request_id TEXT NOT NULL,
  detail     TEXT NOT NULL CHECK (json_type(detail) = 'object'),
  PRIMARY KEY (license_id, ends_at, stage, days, code)
) STRICT, WITHOUT ROWID;

CREATE INDEX license_told_by_due ON license_told (due_at);

CREATE TRIGGER license_told_record AFTER INSERT ON license_told
BEGIN
  INSERT INTO events (at, action, entity_type, entity_id, actor_type, actor_id, request_id, detail)
  VALUES (NEW.told_at, iif(NEW.stage = 'entitlement_ended', 'entitlement.ended', 'license.' || NEW.stage), 'license',
    NEW.license_id, 'system', 'time', NEW.request_id, NEW.detail);
END;

-- Up to when turns were told; NULL before the first run, which tells nothing of the past.
CREATE TABLE time_walk (
  only  INTEGER PRIMARY KEY CHECK (only = 1),
  up_to INTEGER
) STRICT;

INSERT INTO time_walk VALUES (1, NULL);

-- By the end of grace, which is when a license has expired.
CREATE INDEX licenses_by_grace_end ON licenses (expires_at + grace_days * 86400000)
  WHERE status = 'active' AND expires_at IS NOT NULL;

-- Of which silence of an instance was told: since when it was not seen.
CREATE TABLE silent_instances (
  license_id    TEXT NOT NULL,
  instance_id   TEXT NOT NULL,
  activation_id TEXT NOT NULL,
  seen_at       INTEGER NOT NULL,
  told_at       INTEGER NOT NULL,
  request_id    TEXT NOT NULL,
  PRIMARY KEY (license_id, instance_id)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER silent_instances_record_insert AFTER INSERT ON silent_instances
BEGIN
  INSERT INTO events (at, action, entity_type, entity_id, actor_type, actor_id, request_id, detail)
  VALUES (NEW.told_at, 'instance.silent', 'license', NEW.license_id, 'system', 'silence', NEW.request_id,
    json_object('activation_id', NEW.activation_id, 'instance_id', NEW.instance_id,
      'last_seen_at', strftime('%Y-%m-%dT%H:%M:%fZ', NEW.seen_at / 1000.0, 'unixepoch')));
END;

CREATE TRIGGER silent_instances_record_update AFTER UPDATE OF seen_at ON silent_instances
BEGIN
  INSERT INTO events (at, action, entity_type, entity_id, actor_type, actor_id, request_id, detail)
  VALUES (NEW.told_at, 'instance.silent', 'license', NEW.license_id, 'system', 'silence', NEW.request_id,
    json_object('activation_id', NEW.activation_id, 'instance_id', NEW.instance_id,
      'last_seen_at', strftime('%Y-%m-%dT%H:%M:%fZ', NEW.seen_at / 1000.0, 'unixepoch')));
END;

-- The last refusals of each license, the latest first: {at, code, instance_id, hostname, ip}. One write a minute.
CREATE TABLE license_refusals (
  license_id    TEXT PRIMARY KEY,
  refusals      TEXT NOT NULL CHECK (json_type(refusals) = 'array'),
  refused_at    INTEGER NOT NULL,
  -- The last day (UTC) on which it was told that seats ran out.
  exhausted_day TEXT
) STRICT, WITHOUT ROWID;

-- A notice that is told in the mail of another one fails with that one.
CREATE TRIGGER messages_record_failed AFTER UPDATE OF status ON messages
WHEN NEW.status = 'failed' AND OLD.status <> 'failed' AND (NEW.joined IS NULL OR NEW.joined = NEW.id)
BEGIN
  INSERT INTO events (at, action, entity_type, entity_id, actor_type, actor_id, request_id, detail)
  VALUES (NEW.updated_at, 'mail.failed', 'message', NEW.id, 'system', 'deliveries', NEW.id,
    json_object('kind', NEW.kind, 'license_id', NEW.license_id, 'customer_id', NEW.customer_id));
END;
