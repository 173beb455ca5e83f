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
