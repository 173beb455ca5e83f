-- What is old takes little room: usage is folded into months, and what nobody needs any more goes. And the record names
-- the activation, not where it runs.

-- Triggers record what a claim causes. The address goes into the record for staff only, who bring the claims of files.
DROP TRIGGER activations_record_insert;
CREATE TRIGGER activations_record_insert AFTER INSERT ON activations
WHEN NEW.occasion IS NOT NULL
BEGIN
  INSERT INTO events (at, action, entity_type, entity_id, actor_type, actor_id, request_id, ip, detail)
  VALUES (NEW.last_seen_at, NEW.occasion, 'license', NEW.license_id, NEW.actor_type, NEW.actor_id,
    NEW.request_id, iif(NEW.actor_type = 'staff', NEW.ip, NULL),
    json_object('activation_id', NEW.id, 'instance_id', NEW.instance_id, 'replaces', NEW.replaces));
END;

DROP TRIGGER activations_record_update;
CREATE TRIGGER activations_record_update AFTER UPDATE OF last_seen_at ON activations
WHEN NEW.occasion IS NOT NULL
BEGIN
  INSERT INTO events (at, action, entity_type, entity_id, actor_type, actor_id, request_id, ip, detail)
  VALUES (NEW.last_seen_at, NEW.occasion, 'license', NEW.license_id, NEW.actor_type, NEW.actor_id,
    NEW.request_id, iif(NEW.actor_type = 'staff', NEW.ip, NULL),
    json_object('activation_id', NEW.id, 'instance_id', NEW.instance_id, 'replaces', NEW.replaces));
END;

DROP TRIGGER activations_record_unproven;
CREATE TRIGGER activations_record_unproven AFTER UPDATE OF proven ON activations
WHEN NEW.proven = 0 AND NEW.clone_suspected_at > coalesce(OLD.clone_suspected_at + 604800000 - 1, 0)
BEGIN
  INSERT INTO events (at, action, entity_type, entity_id, actor_type, actor_id, request_id, detail)
  VALUES (NEW.clone_suspected_at, 'instance.clone_suspected', 'license', NEW.license_id, 'instance', NEW.instance_id,
    NEW.request_id,
    json_object('activation_id', NEW.id, 'instance_id', NEW.instance_id, 'replaces', NEW.replaces));
END;

-- Usage by month, with the days in it: {"05": [requests, services]}, with corrected_at as a third item where staff
-- corrected the day. A day is either here or in usage, never in both.
CREATE TABLE usage_months (
  month       TEXT NOT NULL CHECK (month GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]'),
  license_id  TEXT NOT NULL,
  instance_id TEXT NOT NULL,
  days        TEXT NOT NULL CHECK (json_type(days) = 'object'),
  PRIMARY KEY (month, license_id, instance_id)
) STRICT, WITHOUT ROWID;

-- The same for all instances of a license: the days that license_usage does not have any more.
CREATE TABLE license_usage_months (
  month      TEXT NOT NULL CHECK (month GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]'),
  license_id TEXT NOT NULL,
  days       TEXT NOT NULL CHECK (json_type(days) = 'object'),
  PRIMARY KEY (month, license_id)
) STRICT, WITHOUT ROWID;

-- What stays of a month whose days are too old to be kept.
CREATE TABLE license_months (
  license_id TEXT NOT NULL,
  month      TEXT NOT NULL CHECK (month GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]'),
  -- The sum of the days, the highest of them, and how many there are.
  requests   INTEGER NOT NULL,
  services   INTEGER NOT NULL,
  days       INTEGER NOT NULL,
  PRIMARY KEY (license_id, month)
) STRICT, WITHOUT ROWID;

-- Figures for a day that is in its month already take the day out of it again, whichever release wrote them: the highest
-- count, unless staff corrected the day before, or do so now. Such days are as rare as couriers, and the next run puts
-- them back. Finding none reads no row. The sum of the license gets back what it had without the instance: what the
-- instance has by now is added by license_usage_insert and license_usage_update.
CREATE TRIGGER usage_unfold AFTER INSERT ON usage
WHEN EXISTS (SELECT 1 FROM license_usage_months WHERE month = substr(NEW.day, 1, 7) AND license_id = NEW.license_id)
  OR EXISTS (SELECT 1 FROM usage_months
    WHERE month = substr(NEW.day, 1, 7) AND license_id = NEW.license_id AND instance_id = NEW.instance_id)
BEGIN
  INSERT INTO license_usage (day, license_id, requests, services)
  SELECT NEW.day, NEW.license_id, days -> substr(NEW.day, 9) ->> 0, days -> substr(NEW.day, 9) ->> 1
  FROM license_usage_months
  WHERE month = substr(NEW.day, 1, 7) AND license_id = NEW.license_id AND days -> substr(NEW.day, 9) IS NOT NULL
  ON CONFLICT DO UPDATE SET requests = requests + excluded.requests, services = services + excluded.services;

  UPDATE license_usage_months SET days = json_remove(days, '$.' || substr(NEW.day, 9))
  WHERE month = substr(NEW.day, 1, 7) AND license_id = NEW.license_id;

  UPDATE license_usage SET
    requests = license_usage.requests - (folded.days -> substr(NEW.day, 9) ->> 0),
    services = license_usage.services - (folded.days -> substr(NEW.day, 9) ->> 1)
  FROM usage_months folded
  WHERE license_usage.day = NEW.day AND license_usage.license_id = NEW.license_id
    AND folded.month = substr(NEW.day, 1, 7) AND folded.license_id = NEW.license_id
    AND folded.instance_id = NEW.instance_id AND folded.days -> substr(NEW.day, 9) IS NOT NULL;

  UPDATE usage SET
    requests = CASE WHEN NEW.corrected_at IS NOT NULL THEN NEW.requests
      WHEN folded.days -> substr(NEW.day, 9) ->> 2 IS NOT NULL THEN folded.days -> substr(NEW.day, 9) ->> 0
      ELSE max(NEW.requests, folded.days -> substr(NEW.day, 9) ->> 0) END,
    services = CASE WHEN NEW.corrected_at IS NOT NULL THEN NEW.services
      WHEN folded.days -> substr(NEW.day, 9) ->> 2 IS NOT NULL THEN folded.days -> substr(NEW.day, 9) ->> 1
      ELSE max(NEW.services, folded.days -> substr(NEW.day, 9) ->> 1) END,
    corrected_at = coalesce(NEW.corrected_at, folded.days -> substr(NEW.day, 9) ->> 2)
  FROM usage_months folded
  WHERE usage.license_id = NEW.license_id AND usage.day = NEW.day AND usage.instance_id = NEW.instance_id
    AND folded.month = substr(NEW.day, 1, 7) AND folded.license_id = NEW.license_id
    AND folded.instance_id = NEW.instance_id AND folded.days -> substr(NEW.day, 9) IS NOT NULL;

  UPDATE usage_months SET days = json_remove(days, '$.' || substr(NEW.day, 9))
  WHERE month = substr(NEW.day, 1, 7) AND license_id = NEW.license_id AND instance_id = NEW.instance_id;
END;

-- By when they were: the oldest go first, and nothing else is read.
CREATE INDEX overuse_by_day ON overuse (day);
CREATE INDEX activations_ended ON activations (ended_at) WHERE ended_at > 0;

-- Up to which message, in the order of their ids, the texts of mails are gone.
CREATE TABLE message_walk (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  id   TEXT NOT NULL
) STRICT;

INSERT INTO message_walk VALUES (1, '');
