-- Statistics that cost the same whatever the number of licenses. A property test compares them with a plain
-- count. Triggers keep those of licenses, so that no writer can forget to; those of activations, whose writes
-- are counted, are folded from the events later.

-- How many licenses there are, by type and status.
CREATE TABLE license_counts (
  license_type TEXT NOT NULL,
  status       TEXT NOT NULL,
  n            INTEGER NOT NULL,
  PRIMARY KEY (license_type, status)
) STRICT, WITHOUT ROWID;

-- When the standing of active licenses changes. A license passes at most four turns in its life, and each is
-- counted under every prefix of its instant: month, day, hour, minute and second. How many have passed a turn
-- by now is then the sum of the months before this one, the days of this month before today, and so on:
-- some two hundred rows at the most, for any number of licenses.
--
--   starts    scheduled → active      (only where the license has a start)
--   expiring  active → expiring       30 days before the end, or at the start where that is later
--   expires   expiring → grace
--   ends      grace → expired
CREATE TABLE license_turns (
  turn     TEXT NOT NULL CHECK (turn IN ('starts', 'expiring', 'expires', 'ends')),
  -- How many characters of the RFC 3339 instant the prefix has: 7, 10, 13, 16 or 19.
  size     INTEGER NOT NULL,
  prefix   TEXT NOT NULL,
  n        INTEGER NOT NULL,
  PRIMARY KEY (turn, size, prefix)
) STRICT, WITHOUT ROWID;

CREATE VIEW license_turns_of AS
SELECT
  turns.id, sizes.value AS size, turns.turn,
  substr(strftime('%Y-%m-%dT%H:%M:%S', turns.at / 1000, 'unixepoch'), 1, sizes.value) AS prefix
FROM (
  SELECT id, 'starts' AS turn, starts_at AS at FROM licenses WHERE status = 'active' AND starts_at IS NOT NULL
  UNION ALL
  SELECT id, 'expiring', max(coalesce(starts_at, 0), expires_at - 2592000000, 0) FROM licenses
  WHERE status = 'active' AND expires_at IS NOT NULL
  UNION ALL
  SELECT id, 'expires', expires_at FROM licenses WHERE status = 'active' AND expires_at IS NOT NULL
  UNION ALL
  -- Not past 9999-12-31T23:59:59Z, the last second that SQLite formats.
  SELECT id, 'ends', min(expires_at + grace_days * 86400000, 253402300799000) FROM licenses
  WHERE status = 'active' AND expires_at IS NOT NULL
) turns
JOIN json_each('[7, 10, 13, 16, 19]') sizes;

CREATE TRIGGER licenses_count_insert AFTER INSERT ON licenses
BEGIN
  INSERT INTO license_counts (license_type, status, n) VALUES (NEW.license_type, NEW.status, 1)
  ON CONFLICT DO UPDATE SET n = n + 1;
  INSERT INTO license_turns (turn, size, prefix, n)
  SELECT turn, size, prefix, 1 FROM license_turns_of WHERE id = NEW.id
  ON CONFLICT DO UPDATE SET n = n + 1;
END;

CREATE TRIGGER licenses_uncount_update BEFORE UPDATE ON licenses
BEGIN
  UPDATE license_counts SET n = n - 1 WHERE license_type = OLD.license_type AND status = OLD.status;
  UPDATE license_turns SET n = n - 1
  WHERE (turn, size, prefix) IN (SELECT turn, size, prefix FROM license_turns_of WHERE id = OLD.id);
END;

CREATE TRIGGER licenses_count_update AFTER UPDATE ON licenses
BEGIN
  INSERT INTO license_counts (license_type, status, n) VALUES (NEW.license_type, NEW.status, 1)
  ON CONFLICT DO UPDATE SET n = n + 1;
  INSERT INTO license_turns (turn, size, prefix, n)
  SELECT turn, size, prefix, 1 FROM license_turns_of WHERE id = NEW.id
  ON CONFLICT DO UPDATE SET n = n + 1;
END;

CREATE TRIGGER licenses_uncount_delete BEFORE DELETE ON licenses
BEGIN
  UPDATE license_counts SET n = n - 1 WHERE license_type = OLD.license_type AND status = OLD.status;
  UPDATE license_turns SET n = n - 1
  WHERE (turn, size, prefix) IN (SELECT turn, size, prefix FROM license_turns_of WHERE id = OLD.id);
END;

-- Activations by the day (UTC) on which they were made, as far as the events are folded.
CREATE TABLE activation_days (
  day TEXT PRIMARY KEY,
  n   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The totals at event up_to: activations ever made, and those of them that have not ended. What the events
-- after it add is counted when it is asked for.
CREATE TABLE activation_totals (
  only        INTEGER PRIMARY KEY CHECK (only = 1),
  up_to       INTEGER NOT NULL,
  activations INTEGER NOT NULL,
  seated      INTEGER NOT NULL
) STRICT;

INSERT INTO activation_totals VALUES (1, 0, 0, 0);
