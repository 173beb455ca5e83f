-- Who an instance is: its certificate proves it. Requests for a live seat that come without one are answered with short
-- leases, and counted.

-- How long an unproven request holds a seat, and what is done about unproven requests for a seat that seems to be cloned.
ALTER TABLE license_types ADD COLUMN unproven_lease_hours INTEGER NOT NULL DEFAULT 72 CHECK (unproven_lease_hours > 0);
ALTER TABLE license_types ADD COLUMN clone_policy TEXT NOT NULL DEFAULT 'warn'
  CHECK (clone_policy = 'warn' OR clone_policy = 'refuse');
ALTER TABLE licenses ADD COLUMN unproven_lease_hours INTEGER NOT NULL DEFAULT 72 CHECK (unproven_lease_hours > 0);
ALTER TABLE licenses ADD COLUMN clone_policy TEXT NOT NULL DEFAULT 'warn'
  CHECK (clone_policy = 'warn' OR clone_policy = 'refuse');

-- Until when a replaced key renews the seats of instances that cannot prove themselves; null: not at all.
ALTER TABLE licenses ADD COLUMN unproven_until INTEGER CHECK (unproven_until % 1000 = 0);

-- Whether the last claim was proven. A claim that was not changes this, the columns below, request_id and, where it ends
-- later, lease_expires_at.
ALTER TABLE activations ADD COLUMN proven INTEGER NOT NULL DEFAULT 1;
-- The end of the last proven lease; null where a release before this one gave it: it is the lease's end.
ALTER TABLE activations ADD COLUMN proven_until INTEGER;
-- The end of the last unproven certificate.
ALTER TABLE activations ADD COLUMN unproven_until INTEGER;
-- The unproven requests of seven days, by the day of the week, so that a day takes the place of the one a week before:
-- {"d3": {"day": "2026-11-25", "count": 2, "at": 1795600000000, "ip": "192.0.2.1", "hostname": "box"}}
ALTER TABLE activations ADD COLUMN unproven TEXT CHECK (json_type(unproven) = 'object');
-- When an unproven request last came from another address than one of the seven days before it.
ALTER TABLE activations ADD COLUMN scattered_at INTEGER;

-- Costs a write only where requests are scattered, as activations_suspected does.
CREATE INDEX activations_scattered ON activations (scattered_at) WHERE scattered_at IS NOT NULL;

-- A clone that an unproven request gave away is recorded with that request's time and address, not with the holder's.
CREATE TRIGGER activations_record_unproven AFTER UPDATE OF proven ON activations
WHEN NEW.proven = 0 AND NEW.clone_suspected_at > coalesce(OLD.clone_suspected_at + 604800000 - 1, 0)
BEGIN
  INSERT INTO events (at, action, entity_type, entity_id, actor_type, actor_id, request_id, ip, detail)
  SELECT NEW.clone_suspected_at, 'instance.clone_suspected', 'license', NEW.license_id, 'instance', NEW.instance_id,
    NEW.request_id, value ->> 'ip',
    json_object('activation_id', NEW.id, 'instance_id', NEW.instance_id, 'replaces', NEW.replaces)
  FROM json_each(NEW.unproven) WHERE value ->> 'at' = NEW.clone_suspected_at;
END;

-- What a license has of seats, so that a check-in need not count them.
CREATE TABLE license_seats (
  license_id TEXT PRIMARY KEY,
  -- Its activations that are not ended. Some may have a lease that ran out and that nobody settled yet.
  seated     INTEGER NOT NULL,
  -- The day (YYYY-MM-DD) on which instance ids took a seat last, and how many different ones did on that day.
  new_day    TEXT,
  new_ids    INTEGER NOT NULL DEFAULT 0,
  -- When somebody last looked for leases that ran out because the count seemed too high.
  settled_at INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

INSERT INTO license_seats (license_id, seated)
SELECT license_id, count(*) FROM activations WHERE ended_at = 0 GROUP BY license_id;

CREATE TRIGGER license_seats_insert AFTER INSERT ON activations
WHEN NEW.ended_at = 0
BEGIN
  INSERT INTO license_seats (license_id, seated) VALUES (NEW.license_id, 1)
  ON CONFLICT DO UPDATE SET seated = seated + 1;
END;

CREATE TRIGGER license_seats_update AFTER UPDATE OF ended_at ON activations
WHEN OLD.ended_at = 0 AND NEW.ended_at > 0
BEGIN
  UPDATE license_seats SET seated = seated - 1 WHERE license_id = NEW.license_id;
END;

CREATE TRIGGER license_seats_delete AFTER DELETE ON activations
WHEN OLD.ended_at = 0
BEGIN
  UPDATE license_seats SET seated = seated - 1 WHERE license_id = OLD.license_id;
END;

-- The instance ids that took a seat on a day, each once; kept for a day or two.
CREATE TABLE new_instances (
  day         TEXT NOT NULL,
  license_id  TEXT NOT NULL,
  instance_id TEXT NOT NULL,
  PRIMARY KEY (day, license_id, instance_id)
) STRICT, WITHOUT ROWID;
