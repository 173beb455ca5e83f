-- What statements about meters go by. The triggers of 0026 say the same in their own words.

-- Numbers to go through a list by, for as many codes as a day can be told twice, and the dates of any month. Going through
-- them reads no row; json_each is billed one for each item.
CREATE VIEW IF NOT EXISTS slots (n) AS VALUES
  (0), (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12), (13), (14), (15),
  (16), (17), (18), (19), (20), (21), (22), (23), (24), (25), (26), (27), (28), (29), (30), (31),
  (32), (33), (34), (35), (36), (37), (38), (39), (40), (41), (42), (43), (44), (45), (46), (47),
  (48), (49), (50), (51), (52), (53), (54), (55), (56), (57), (58), (59), (60), (61), (62), (63);
CREATE VIEW IF NOT EXISTS dates (date) AS VALUES
  ('01'), ('02'), ('03'), ('04'), ('05'), ('06'), ('07'), ('08'), ('09'), ('10'), ('11'), ('12'), ('13'), ('14'), ('15'), ('16'),
  ('17'), ('18'), ('19'), ('20'), ('21'), ('22'), ('23'), ('24'), ('25'), ('26'), ('27'), ('28'), ('29'), ('30'), ('31');

-- What `before` is for each day, wherever the earlier days of its month lie.
CREATE VIEW IF NOT EXISTS license_usage_before (day, license_id, before) AS
SELECT own.day, own.license_id, (
  SELECT nullif(json_group_object(code, json_array(total, peak)), '{}') FROM (
    SELECT code, sum(n) AS total, max(n) AS peak FROM (
      SELECT one.key AS code, one.value AS n
      FROM dates CROSS JOIN license_usage earlier
        ON earlier.day = substr(own.day, 1, 8) || dates.date AND earlier.license_id = own.license_id
      CROSS JOIN json_each(earlier.meters) one
      WHERE dates.date < substr(own.day, 9)
      UNION ALL
      SELECT one.key, one.value
      FROM license_usage_months folded CROSS JOIN json_each(folded.days) told CROSS JOIN json_each(told.value, '$[2]') one
      WHERE folded.month = substr(own.day, 1, 7) AND folded.license_id = own.license_id
        AND told.key < substr(own.day, 9))
    GROUP BY code))
FROM license_usage own;
