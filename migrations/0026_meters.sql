-- What instances count besides requests and services: meters.

-- By code: {"tokens": 120, "gpus": 4}, cumulative per UTC day as the other figures.
ALTER TABLE usage ADD COLUMN meters TEXT CHECK (json_type(meters) = 'object');
-- The codes that the last change of `meters` was about. The triggers go through them by number: json_each would be
-- billed a row for each.
ALTER TABLE usage ADD COLUMN told TEXT CHECK (json_type(told) = 'array');
-- The codes of the request's report that are meters of the license: the claim finds them, and what stores usage takes
-- no others.
ALTER TABLE activations ADD COLUMN meters TEXT CHECK (json_type(meters) = 'array');

-- The sums of the day's instances.
ALTER TABLE license_usage ADD COLUMN meters TEXT CHECK (json_type(meters) = 'object');
-- What the earlier days of the month come to, by code: [sum of the days, highest day]. So a check-in knows the month
-- from the row of the day alone.
ALTER TABLE license_usage ADD COLUMN before TEXT CHECK (json_type(before) = 'object');

-- By code: [sum of the days, highest day, days].
ALTER TABLE license_months ADD COLUMN meters TEXT CHECK (json_type(meters) = 'object');

-- Which meter of a license was over on which day: recorded once.
CREATE TABLE meter_overuse (
  day        TEXT NOT NULL,
  license_id TEXT NOT NULL,
  code       TEXT NOT NULL,
  PRIMARY KEY (day, license_id, code)
) STRICT, WITHOUT ROWID;

DROP TRIGGER license_usage_insert;
CREATE TRIGGER license_usage_insert AFTER INSERT ON usage
BEGIN
  INSERT INTO license_usage (day, license_id, requests, services, meters)
  VALUES (NEW.day, NEW.license_id, NEW.requests, NEW.services, NEW.meters)
  ON CONFLICT DO UPDATE SET requests = requests + excluded.requests, services = services + excluded.services,
    meters = iif(excluded.meters IS NULL, meters, json_patch(coalesce(meters, '{}'), (
      SELECT json_group_object(code, coalesce(license_usage.meters ->> code, 0) + (excluded.meters ->> code))
      FROM (SELECT NEW.told ->> column1 AS code FROM (VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12), (13), (14), (15), (16), (17), (18), (19), (20), (21), (22), (23), (24), (25), (26), (27), (28), (29), (30), (31), (32), (33), (34), (35), (36), (37), (38), (39), (40), (41), (42), (43), (44), (45), (46), (47), (48), (49), (50), (51), (52), (53), (54), (55), (56), (57), (58), (59), (60), (61), (62), (63))) WHERE code IS NOT NULL)));
END;

DROP TRIGGER license_usage_update;
CREATE TRIGGER license_usage_update AFTER UPDATE ON usage
WHEN NEW.requests <> OLD.requests OR NEW.services <> OLD.services OR NEW.meters IS NOT OLD.meters
BEGIN
  -- An insert that always conflicts: an UPDATE would read the row by its key first, and be billed for it.
  INSERT INTO license_usage (day, license_id, requests, services, meters)
  VALUES (NEW.day, NEW.license_id, NEW.requests - OLD.requests, NEW.services - OLD.services,
    iif(NEW.meters IS OLD.meters, NULL, (
      SELECT json_group_object(code, coalesce(NEW.meters ->> code, 0) - coalesce(OLD.meters ->> code, 0))
      FROM (SELECT NEW.told ->> column1 AS code FROM (VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12), (13), (14), (15), (16), (17), (18), (19), (20), (21), (22), (23), (24), (25), (26), (27), (28), (29), (30), (31), (32), (33), (34), (35), (36), (37), (38), (39), (40), (41), (42), (43), (44), (45), (46), (47), (48), (49), (50), (51), (52), (53), (54), (55), (56), (57), (58), (59), (60), (61), (62), (63))) WHERE code IS NOT NULL)))
  ON CONFLICT DO UPDATE SET requests = requests + excluded.requests, services = services + excluded.services,
    meters = iif(excluded.meters IS NULL, meters, json_patch(coalesce(meters, '{}'), (
      SELECT json_group_object(code, coalesce(license_usage.meters ->> code, 0) + (excluded.meters ->> code))
      FROM (SELECT NEW.told ->> column1 AS code FROM (VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12), (13), (14), (15), (16), (17), (18), (19), (20), (21), (22), (23), (24), (25), (26), (27), (28), (29), (30), (31), (32), (33), (34), (35), (36), (37), (38), (39), (40), (41), (42), (43), (44), (45), (46), (47), (48), (49), (50), (51), (52), (53), (54), (55), (56), (57), (58), (59), (60), (61), (62), (63))) WHERE code IS NOT NULL)));
END;

-- The month so far, as each day of it begins. Days that are told late change it for the days after them. Where there is
-- no other day, these triggers read and write nothing.
CREATE TRIGGER license_usage_begins AFTER INSERT ON license_usage
WHEN NEW.meters IS NOT NULL AND (EXISTS (SELECT 1 FROM (VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12), (13), (14), (15), (16), (17), (18), (19), (20), (21), (22), (23), (24), (25), (26), (27), (28), (29), (30), (31)) date CROSS JOIN license_usage other
      ON other.day = substr(NEW.day, 1, 8) || printf('%02d', date.column1) AND other.license_id = NEW.license_id
      WHERE printf('%02d', date.column1) < substr(NEW.day, 9) AND other.meters IS NOT NULL)
  OR EXISTS (SELECT 1 FROM license_usage_months WHERE month = substr(NEW.day, 1, 7) AND license_id = NEW.license_id))
BEGIN
  UPDATE license_usage SET before = nullif((SELECT json_group_object(key, json_array(total, peak)) FROM (
    SELECT key, sum(n) AS total, max(n) AS peak FROM (
      SELECT one.key, one.value AS n
      FROM (VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12), (13), (14), (15), (16), (17), (18), (19), (20), (21), (22), (23), (24), (25), (26), (27), (28), (29), (30), (31)) date CROSS JOIN license_usage earlier
        ON earlier.day = substr(NEW.day, 1, 8) || printf('%02d', date.column1) AND earlier.license_id = NEW.license_id
      CROSS JOIN json_each(earlier.meters) one
      WHERE printf('%02d', date.column1) < substr(license_usage.day, 9) AND earlier.meters IS NOT NULL
      UNION ALL
      SELECT one.key, one.value
      FROM license_usage_months folded CROSS JOIN json_each(folded.days) date CROSS JOIN json_each(date.value, '$[2]') one
      WHERE folded.month = substr(NEW.day, 1, 7) AND folded.license_id = NEW.license_id
        AND date.key < substr(license_usage.day, 9))
    GROUP BY key)), '{}')
  WHERE day = NEW.day AND license_id = NEW.license_id;
END;

CREATE TRIGGER license_usage_gains AFTER UPDATE OF meters ON license_usage
WHEN NEW.meters IS NOT NULL AND OLD.meters IS NULL AND (EXISTS (SELECT 1 FROM (VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12), (13), (14), (15), (16), (17), (18), (19), (20), (21), (22), (23), (24), (25), (26), (27), (28), (29), (30), (31)) date CROSS JOIN license_usage other
      ON other.day = substr(NEW.day, 1, 8) || printf('%02d', date.column1) AND other.license_id = NEW.license_id
      WHERE printf('%02d', date.column1) < substr(NEW.day, 9) AND other.meters IS NOT NULL)
  OR EXISTS (SELECT 1 FROM license_usage_months WHERE month = substr(NEW.day, 1, 7) AND license_id = NEW.license_id))
BEGIN
  UPDATE license_usage SET before = nullif((SELECT json_group_object(key, json_array(total, peak)) FROM (
    SELECT key, sum(n) AS total, max(n) AS peak FROM (
      SELECT one.key, one.value AS n
      FROM (VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12), (13), (14), (15), (16), (17), (18), (19), (20), (21), (22), (23), (24), (25), (26), (27), (28), (29), (30), (31)) date CROSS JOIN license_usage earlier
        ON earlier.day = substr(NEW.day, 1, 8) || printf('%02d', date.column1) AND earlier.license_id = NEW.license_id
      CROSS JOIN json_each(earlier.meters) one
      WHERE printf('%02d', date.column1) < substr(license_usage.day, 9) AND earlier.meters IS NOT NULL
      UNION ALL
      SELECT one.key, one.value
      FROM license_usage_months folded CROSS JOIN json_each(folded.days) date CROSS JOIN json_each(date.value, '$[2]') one
      WHERE folded.month = substr(NEW.day, 1, 7) AND folded.license_id = NEW.license_id
        AND date.key < substr(license_usage.day, 9))
    GROUP BY key)), '{}')
  WHERE day = NEW.day AND license_id = NEW.license_id;
END;

CREATE TRIGGER license_usage_told_late AFTER INSERT ON license_usage
WHEN NEW.meters IS NOT NULL AND EXISTS (SELECT 1 FROM (VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12), (13), (14), (15), (16), (17), (18), (19), (20), (21), (22), (23), (24), (25), (26), (27), (28), (29), (30), (31)) date CROSS JOIN license_usage other
      ON other.day = substr(NEW.day, 1, 8) || printf('%02d', date.column1) AND other.license_id = NEW.license_id
      WHERE printf('%02d', date.column1) > substr(NEW.day, 9) AND other.meters IS NOT NULL)
BEGIN
  UPDATE license_usage SET before = nullif((SELECT json_group_object(key, json_array(total, peak)) FROM (
    SELECT key, sum(n) AS total, max(n) AS peak FROM (
      SELECT one.key, one.value AS n
      FROM (VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12), (13), (14), (15), (16), (17), (18), (19), (20), (21), (22), (23), (24), (25), (26), (27), (28), (29), (30), (31)) date CROSS JOIN license_usage earlier
        ON earlier.day = substr(NEW.day, 1, 8) || printf('%02d', date.column1) AND earlier.license_id = NEW.license_id
      CROSS JOIN json_each(earlier.meters) one
      WHERE printf('%02d', date.column1) < substr(license_usage.day, 9) AND earlier.meters IS NOT NULL
      UNION ALL
      SELECT one.key, one.value
      FROM license_usage_months folded CROSS JOIN json_each(folded.days) date CROSS JOIN json_each(date.value, '$[2]') one
      WHERE folded.month = substr(NEW.day, 1, 7) AND folded.license_id = NEW.license_id
        AND date.key < substr(license_usage.day, 9))
    GROUP BY key)), '{}')
  FROM (VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12), (13), (14), (15), (16), (17), (18), (19), (20), (21), (22), (23), (24), (25), (26), (27), (28), (29), (30), (31)) later
  WHERE license_usage.day = substr(NEW.day, 1, 8) || printf('%02d', later.column1)
    AND license_usage.license_id = NEW.license_id AND license_usage.meters IS NOT NULL
    AND printf('%02d', later.column1) > substr(NEW.day, 9);
END;

CREATE TRIGGER license_usage_changed_late AFTER UPDATE OF meters ON license_usage
WHEN NEW.meters IS NOT OLD.meters AND EXISTS (SELECT 1 FROM (VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12), (13), (14), (15), (16), (17), (18), (19), (20), (21), (22), (23), (24), (25), (26), (27), (28), (29), (30), (31)) date CROSS JOIN license_usage other
      ON other.day = substr(NEW.day, 1, 8) || printf('%02d', date.column1) AND other.license_id = NEW.license_id
      WHERE printf('%02d', date.column1) > substr(NEW.day, 9) AND other.meters IS NOT NULL)
BEGIN
  UPDATE license_usage SET before = nullif((SELECT json_group_object(key, json_array(total, peak)) FROM (
    SELECT key, sum(n) AS total, max(n) AS peak FROM (
      SELECT one.key, one.value AS n
      FROM (VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12), (13), (14), (15), (16), (17), (18), (19), (20), (21), (22), (23), (24), (25), (26), (27), (28), (29), (30), (31)) date CROSS JOIN license_usage earlier
        ON earlier.day = substr(NEW.day, 1, 8) || printf('%02d', date.column1) AND earlier.license_id = NEW.license_id
      CROSS JOIN json_each(earlier.meters) one
      WHERE printf('%02d', date.column1) < substr(license_usage.day, 9) AND earlier.meters IS NOT NULL
      UNION ALL
      SELECT one.key, one.value
      FROM license_usage_months folded CROSS JOIN json_each(folded.days) date CROSS JOIN json_each(date.value, '$[2]') one
      WHERE folded.month = substr(NEW.day, 1, 7) AND folded.license_id = NEW.license_id
        AND date.key < substr(license_usage.day, 9))
    GROUP BY key)), '{}')
  FROM (VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12), (13), (14), (15), (16), (17), (18), (19), (20), (21), (22), (23), (24), (25), (26), (27), (28), (29), (30), (31)) later
  WHERE license_usage.day = substr(NEW.day, 1, 8) || printf('%02d', later.column1)
    AND license_usage.license_id = NEW.license_id AND license_usage.meters IS NOT NULL
    AND printf('%02d', later.column1) > substr(NEW.day, 9);
END;

-- Folded days keep their meters: [requests, services, corrected_at or null, meters] of an instance, and [requests,
-- services, meters] of a license. A trigger adds them as the day's row goes, whichever release folds it.
CREATE TRIGGER usage_meters_folded AFTER DELETE ON usage
WHEN OLD.meters IS NOT NULL
BEGIN
  UPDATE usage_months SET days = json_set(days, '$.' || substr(OLD.day, 9),
    json_array(OLD.requests, OLD.services, OLD.corrected_at, json(OLD.meters)))
  WHERE month = substr(OLD.day, 1, 7) AND license_id = OLD.license_id AND instance_id = OLD.instance_id
    AND days -> substr(OLD.day, 9) IS NOT NULL;
END;

CREATE TRIGGER license_usage_meters_folded AFTER DELETE ON license_usage
WHEN OLD.meters IS NOT NULL
BEGIN
  UPDATE license_usage_months SET days = json_set(days, '$.' || substr(OLD.day, 9),
    json_array(OLD.requests, OLD.services, json(OLD.meters)))
  WHERE month = substr(OLD.day, 1, 7) AND license_id = OLD.license_id AND days -> substr(OLD.day, 9) IS NOT NULL;
END;

-- As before (0022), with meters.
DROP TRIGGER usage_unfold;
CREATE TRIGGER usage_unfold AFTER INSERT ON usage
WHEN EXISTS (SELECT 1 FROM license_usage_months WHERE month = substr(NEW.day, 1, 7) AND license_id = NEW.license_id)
  OR EXISTS (SELECT 1 FROM usage_months
    WHERE month = substr(NEW.day, 1, 7) AND license_id = NEW.license_id AND instance_id = NEW.instance_id)
BEGIN
  INSERT INTO license_usage (day, license_id, requests, services, meters)
  SELECT NEW.day, NEW.license_id, days -> substr(NEW.day, 9) ->> 0, days -> substr(NEW.day, 9) ->> 1,
    days -> substr(NEW.day, 9) -> 2
  FROM license_usage_months
  WHERE month = substr(NEW.day, 1, 7) AND license_id = NEW.license_id AND days -> substr(NEW.day, 9) IS NOT NULL
  ON CONFLICT DO UPDATE SET requests = requests + excluded.requests, services = services + excluded.services,
    meters = nullif((SELECT json_group_object(key, n) FROM (
      SELECT key, sum(value) AS n FROM (
        SELECT key, value FROM json_each(coalesce(meters, '{}'))
        UNION ALL SELECT key, value FROM json_each(coalesce(excluded.meters, '{}')))
      GROUP BY key)), '{}');

  UPDATE license_usage_months SET days = json_remove(days, '$.' || substr(NEW.day, 9))
  WHERE month = substr(NEW.day, 1, 7) AND license_id = NEW.license_id;

  UPDATE license_usage SET
    requests = license_usage.requests - (folded.days -> substr(NEW.day, 9) ->> 0),
    services = license_usage.services - (folded.days -> substr(NEW.day, 9) ->> 1),
    meters = nullif((SELECT json_group_object(key, n) FROM (
      SELECT key, sum(value) AS n FROM (
        SELECT key, value FROM json_each(coalesce(license_usage.meters, '{}'))
        UNION ALL SELECT key, -value FROM json_each(coalesce((folded.days -> substr(NEW.day, 9) -> 3), '{}')))
      GROUP BY key)), '{}')
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
    meters = CASE WHEN NEW.corrected_at IS NOT NULL
        THEN nullif(json_patch(coalesce(folded.days -> substr(NEW.day, 9) -> 3, '{}'), coalesce(NEW.meters, '{}')), '{}')
      WHEN folded.days -> substr(NEW.day, 9) ->> 2 IS NOT NULL THEN folded.days -> substr(NEW.day, 9) -> 3
      ELSE nullif((SELECT json_group_object(key, n) FROM (
        SELECT key, max(value) AS n FROM (
          SELECT key, value FROM json_each(coalesce(NEW.meters, '{}'))
          UNION ALL SELECT key, value FROM json_each(coalesce(folded.days -> substr(NEW.day, 9) -> 3, '{}')))
        GROUP BY key)), '{}') END,
    told = (SELECT json_group_array(key) FROM json_each(
      json_patch(coalesce(folded.days -> substr(NEW.day, 9) -> 3, '{}'), coalesce(NEW.meters, '{}')))),
    corrected_at = coalesce(NEW.corrected_at, folded.days -> substr(NEW.day, 9) ->> 2)
  FROM usage_months folded
  WHERE usage.license_id = NEW.license_id AND usage.day = NEW.day AND usage.instance_id = NEW.instance_id
    AND folded.month = substr(NEW.day, 1, 7) AND folded.license_id = NEW.license_id
    AND folded.instance_id = NEW.instance_id AND folded.days -> substr(NEW.day, 9) IS NOT NULL;

  UPDATE usage_months SET days = json_remove(days, '$.' || substr(NEW.day, 9))
  WHERE month = substr(NEW.day, 1, 7) AND license_id = NEW.license_id AND instance_id = NEW.instance_id;
END;

-- What stays of a month's meters as its days go.
CREATE TRIGGER license_months_meters AFTER INSERT ON license_months
BEGIN
  UPDATE license_months SET meters = nullif((SELECT json_group_object(key, json_array(total, peak, n)) FROM (
    SELECT one.key, sum(one.value) AS total, max(one.value) AS peak, count(*) AS n
    FROM license_usage_months folded CROSS JOIN json_each(folded.days) date CROSS JOIN json_each(date.value, '$[2]') one
    WHERE folded.month = NEW.month AND folded.license_id = NEW.license_id
    GROUP BY one.key)), '{}')
  WHERE license_id = NEW.license_id AND month = NEW.month;
END;

-- Statements of closed months, as they were signed. Figures that come later make the next revision.
CREATE TABLE statements (
  license_id TEXT NOT NULL,
  month      TEXT NOT NULL CHECK (month GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]'),
  revision   INTEGER NOT NULL CHECK (revision >= 1),
  closed_at  INTEGER NOT NULL,
  -- The compact JWS, and its SHA-256 in hexadecimal.
  token      TEXT NOT NULL,
  hash       TEXT NOT NULL,
  -- The figures that it states, as JSON, to tell whether later ones differ.
  figures    TEXT NOT NULL CHECK (json_type(figures) = 'object'),
  PRIMARY KEY (license_id, month, revision)
) STRICT, WITHOUT ROWID;
