-- A new instance is counted where it takes its seat, not in a trip of its own after the answer. A release that still
-- counts it then finds it counted.
DROP TRIGGER license_seats_insert;
CREATE TRIGGER license_seats_insert AFTER INSERT ON activations
WHEN NEW.ended_at = 0
BEGIN
  INSERT INTO new_instances (day, license_id, instance_id)
  SELECT date(NEW.activated_at / 1000, 'unixepoch'), NEW.license_id, NEW.instance_id
  WHERE NEW.occasion = 'activation.created' AND NEW.replaces IS NULL AND NEW.actor_type = 'instance'
  ON CONFLICT DO NOTHING;

  INSERT INTO license_seats (license_id, seated, new_day, new_ids)
  VALUES (NEW.license_id, 1, iif(changes() > 0, date(NEW.activated_at / 1000, 'unixepoch'), NULL), changes())
  ON CONFLICT DO UPDATE SET seated = seated + 1,
    new_ids = CASE WHEN excluded.new_ids = 0 THEN new_ids WHEN new_day = excluded.new_day THEN new_ids + 1 ELSE 1 END,
    new_day = coalesce(excluded.new_day, new_day);
END;
