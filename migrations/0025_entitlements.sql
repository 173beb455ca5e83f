-- What can be sold besides features and limits: entitlements with a value, a unit, an end, and rules for what is counted.
CREATE TABLE entitlements (
  code       TEXT PRIMARY KEY,
  name       TEXT NOT NULL,
  kind       TEXT NOT NULL CHECK (kind IN ('flag', 'limit', 'text', 'meter')),
  unit       TEXT,
  aggregate  TEXT CHECK (aggregate IN ('sum', 'peak')),
  period     TEXT CHECK (period IN ('day', 'month')),
  over       TEXT CHECK (over IN ('warn', 'refuse_new')),
  -- What forms begin with, as JSON; NULL where they begin empty.
  preset     TEXT CHECK (json_valid(preset)),
  version    INTEGER NOT NULL DEFAULT 1,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  CHECK (iif(kind = 'meter', 3, 0) = (aggregate IS NOT NULL) + (period IS NOT NULL) + (over IS NOT NULL))
) STRICT, WITHOUT ROWID;

-- By code: {"gpus": {"value": 8, "until": 1814443200000}}. A meter also has its rules, as they were when it was sold:
-- {"tokens": {"value": 2000000, "meter": ["sum", "month", "warn"]}}. So a check-in reads no other row.
ALTER TABLE license_types ADD COLUMN entitlements TEXT NOT NULL DEFAULT '{}' CHECK (json_type(entitlements) = 'object');
ALTER TABLE licenses ADD COLUMN entitlements TEXT NOT NULL DEFAULT '{}' CHECK (json_type(entitlements) = 'object');

-- Who has an entitlement, and until when. Triggers keep it, so that no definition goes while it is used.
CREATE TABLE entitlement_uses (
  code   TEXT NOT NULL REFERENCES entitlements (code),
  holder TEXT NOT NULL CHECK (holder IN ('license', 'license_type')),
  id     TEXT NOT NULL,
  until  INTEGER,
  PRIMARY KEY (code, holder, id)
) STRICT, WITHOUT ROWID;

-- The ends of what was sold, for the night's walk.
CREATE INDEX entitlement_uses_by_end ON entitlement_uses (until, id, code) WHERE holder = 'license' AND until IS NOT NULL;

CREATE TRIGGER licenses_entitlements_insert AFTER INSERT ON licenses
WHEN NEW.entitlements <> '{}'
BEGIN
  INSERT INTO entitlement_uses (code, holder, id, until)
  SELECT key, 'license', NEW.id, value ->> 'until' FROM json_each(NEW.entitlements);
END;

CREATE TRIGGER licenses_entitlements_update AFTER UPDATE OF entitlements ON licenses
WHEN NEW.entitlements <> OLD.entitlements
BEGIN
  DELETE FROM entitlement_uses
  WHERE code IN (SELECT key FROM json_each(OLD.entitlements)) AND holder = 'license' AND id = NEW.id;
  INSERT INTO entitlement_uses (code, holder, id, until)
  SELECT key, 'license', NEW.id, value ->> 'until' FROM json_each(NEW.entitlements);
END;

CREATE TRIGGER license_types_entitlements_insert AFTER INSERT ON license_types
WHEN NEW.entitlements <> '{}'
BEGIN
  INSERT INTO entitlement_uses (code, holder, id)
  SELECT key, 'license_type', NEW.id FROM json_each(NEW.entitlements);
END;

CREATE TRIGGER license_types_entitlements_update AFTER UPDATE OF entitlements ON license_types
WHEN NEW.entitlements <> OLD.entitlements
BEGIN
  DELETE FROM entitlement_uses
  WHERE code IN (SELECT key FROM json_each(OLD.entitlements)) AND holder = 'license_type' AND id = NEW.id;
  INSERT INTO entitlement_uses (code, holder, id)
  SELECT key, 'license_type', NEW.id FROM json_each(NEW.entitlements);
END;

CREATE TRIGGER license_types_entitlements_delete AFTER DELETE ON license_types
WHEN OLD.entitlements <> '{}'
BEGIN
  DELETE FROM entitlement_uses
  WHERE code IN (SELECT key FROM json_each(OLD.entitlements)) AND holder = 'license_type' AND id = OLD.id;
END;
