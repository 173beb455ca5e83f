-- What the instances use, as they tell it.

-- Cumulative figures of one instance for one UTC day; they never go down, so resending and reordering count
-- nothing twice. Rows are written only together with a claim on the license's seat, which is what a foreign
-- key would check; it would cost each check-in a row read.
CREATE TABLE usage (
  license_id  TEXT NOT NULL,
  day         TEXT NOT NULL CHECK (day GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]'),
  instance_id TEXT NOT NULL,
  requests    INTEGER NOT NULL CHECK (requests >= 0),
  services    INTEGER NOT NULL CHECK (services >= 0),
  PRIMARY KEY (license_id, day, instance_id)
) STRICT, WITHOUT ROWID;

-- The same for all instances of all licenses, kept by the triggers below.
CREATE TABLE usage_days (
  day      TEXT PRIMARY KEY,
  requests INTEGER NOT NULL,
  services INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TRIGGER usage_add_insert AFTER INSERT ON usage
BEGIN
  INSERT INTO usage_days (day, requests, services) VALUES (NEW.day, NEW.requests, NEW.services)
  ON CONFLICT DO UPDATE SET requests = requests + excluded.requests, services = services + excluded.services;
END;

CREATE TRIGGER usage_add_update AFTER UPDATE ON usage
WHEN NEW.requests <> OLD.requests OR NEW.services <> OLD.services
BEGIN
  -- An insert that always conflicts: an UPDATE would read the row by its key first, and be billed for it.
  INSERT INTO usage_days (day, requests, services)
  VALUES (NEW.day, NEW.requests - OLD.requests, NEW.services - OLD.services)
  ON CONFLICT DO UPDATE SET requests = requests + excluded.requests, services = services + excluded.services;
END;

-- Which limit of a license was exceeded on which day: recorded once.
CREATE TABLE overuse (
  license_id TEXT NOT NULL,
  day        TEXT NOT NULL,
  limit_name TEXT NOT NULL CHECK (limit_name IN ('max_requests_per_day', 'max_services')),
  PRIMARY KEY (license_id, day, limit_name)
) STRICT, WITHOUT ROWID;

-- For the revocation list: the licenses that are not active by the end of what was signed for them, and those
-- whose key was replaced.
CREATE INDEX licenses_stopped ON licenses (status, coalesce(expires_at + grace_days * 86400000, 253402300799000), id)
WHERE status <> 'active';
CREATE INDEX licenses_superseded ON licenses (coalesce(expires_at + grace_days * 86400000, 253402300799000), id, revision)
WHERE revision > 1;
