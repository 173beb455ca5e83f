-- What all instances of a license used on a day: kept, not added up at each check-in. In the order of days, because the
-- days of all licenses are added up from it. The columns license_requests and license_services of activations, which
-- held copies of it, are the former release's alone now.
CREATE TABLE license_usage (
  day        TEXT NOT NULL,
  license_id TEXT NOT NULL,
  requests   INTEGER NOT NULL,
  services   INTEGER NOT NULL,
  PRIMARY KEY (day, license_id)
) STRICT, WITHOUT ROWID;

INSERT INTO license_usage (day, license_id, requests, services)
SELECT day, license_id, sum(requests), sum(services) FROM usage GROUP BY day, license_id;

CREATE TRIGGER license_usage_insert AFTER INSERT ON usage
BEGIN
  INSERT INTO license_usage (day, license_id, requests, services)
  VALUES (NEW.day, NEW.license_id, NEW.requests, NEW.services)
  ON CONFLICT DO UPDATE SET requests = requests + excluded.requests, services = services + excluded.services;
END;

CREATE TRIGGER license_usage_update AFTER UPDATE ON usage
WHEN NEW.requests <> OLD.requests OR NEW.services <> OLD.services
BEGIN
  -- An insert that always conflicts: an UPDATE would read the row by its key first, and be billed for it.
  INSERT INTO license_usage (day, license_id, requests, services)
  VALUES (NEW.day, NEW.license_id, NEW.requests - OLD.requests, NEW.services - OLD.services)
  ON CONFLICT DO UPDATE SET requests = requests + excluded.requests, services = services + excluded.services;
END;

-- The days of all licenses were one row that every check-in wrote. The ten-minute trigger adds them up now.
DROP TRIGGER usage_add_insert;
DROP TRIGGER usage_add_update;

-- How far back the ten-minute trigger has added up: it goes round through the days that are shown.
CREATE TABLE usage_walk (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  -- The day before which it goes on; empty where it begins anew.
  day  TEXT NOT NULL
) STRICT;

INSERT INTO usage_walk VALUES (1, '');
