-- Customers, license types, licenses, activations and the record of what happened.
--
-- Instants are integers: milliseconds since the Unix epoch, UTC. NULL limits are unlimited,
-- a NULL expires_at is perpetual. Tables with a text key are WITHOUT ROWID: one row read to find
-- a row by its key and one written to add it, where a rowid table needs two of each. No foreign key
-- cascades: rows leave only by a statement that says so.

CREATE TABLE customers (
  id         TEXT PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 64),
  name       TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  email      TEXT,
  company    TEXT,
  metadata   TEXT NOT NULL DEFAULT '{}' CHECK (json_type(metadata) = 'object'),
  -- Counts changes; the ETag of the resource, and the guard of every read-then-write.
  version    INTEGER NOT NULL DEFAULT 1,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What customers are found by: normalized id, name, company and e-mail, each from every word on, so that a
-- prefix search is a range of one tree. Written with the customer.
CREATE TABLE customer_terms (
  term        TEXT NOT NULL,
  customer_id TEXT NOT NULL REFERENCES customers (id),
  PRIMARY KEY (term, customer_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX customer_terms_by_customer ON customer_terms (customer_id);

CREATE TABLE license_types (
  id                   TEXT PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 64),
  name                 TEXT NOT NULL,
  duration_days        INTEGER CHECK (duration_days > 0),
  grace_days           INTEGER NOT NULL CHECK (grace_days >= 0),
  lease_days           INTEGER NOT NULL CHECK (lease_days > 0),
  check_in_hours       INTEGER NOT NULL CHECK (check_in_hours > 0),
  features             TEXT NOT NULL CHECK (json_type(features) = 'array'),
  max_instances        INTEGER CHECK (max_instances > 0),
  max_services         INTEGER CHECK (max_services > 0),
  max_requests_per_day INTEGER CHECK (max_requests_per_day > 0),
  version              INTEGER NOT NULL DEFAULT 1,
  created_at           INTEGER NOT NULL,
  updated_at           INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A license carries every term itself, copied from its type when it is issued: changing a type changes no
-- license already sold, and an activation reads one row instead of two.
CREATE TABLE licenses (
  id                   TEXT PRIMARY KEY,
  customer_id          TEXT NOT NULL REFERENCES customers (id),
  license_type         TEXT NOT NULL REFERENCES license_types (id),
  -- Only what a person decided. What time decides (expired, in grace, …) is derived, never stored.
  status               TEXT NOT NULL CHECK (status IN ('active', 'suspended', 'revoked')),
  revision             INTEGER NOT NULL CHECK (revision > 0),
  -- Whole seconds, so that the instants in a signed document (RFC 7519 NumericDate) are exact.
  issued_at            INTEGER NOT NULL CHECK (issued_at % 1000 = 0),
  starts_at            INTEGER CHECK (starts_at % 1000 = 0),
  expires_at           INTEGER CHECK (expires_at % 1000 = 0 AND expires_at > coalesce(starts_at, 0)),
  grace_days           INTEGER NOT NULL CHECK (grace_days >= 0),
  lease_days           INTEGER NOT NULL CHECK (lease_days > 0),
  check_in_hours       INTEGER NOT NULL CHECK (check_in_hours > 0),
  features             TEXT NOT NULL CHECK (json_type(features) = 'array'),
  max_instances        INTEGER CHECK (max_instances > 0),
  max_services         INTEGER CHECK (max_services > 0),
  max_requests_per_day INTEGER CHECK (max_requests_per_day > 0),
  metadata             TEXT NOT NULL DEFAULT '{}' CHECK (json_type(metadata) = 'object'),
  version              INTEGER NOT NULL DEFAULT 1,
  updated_at           INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX licenses_by_customer ON licenses (customer_id, id);
CREATE INDEX licenses_by_type ON licenses (license_type, id);
CREATE INDEX licenses_by_status ON licenses (status, id);
CREATE INDEX licenses_by_expiry ON licenses (expires_at, id) WHERE expires_at IS NOT NULL;
CREATE INDEX licenses_by_start ON licenses (starts_at, id) WHERE starts_at IS NOT NULL;

-- One row per activation. While it holds (or last held) a seat its ended_at is 0, which keeps the
-- seated rows of a license side by side at the front: counting them touches no ended ones, finding
-- one instance is a single row, and renewing a lease writes a single row, without any index.
CREATE TABLE activations (
  license_id       TEXT NOT NULL REFERENCES licenses (id),
  ended_at         INTEGER NOT NULL DEFAULT 0,
  instance_id      TEXT NOT NULL CHECK (length(instance_id) BETWEEN 1 AND 128),
  id               TEXT NOT NULL,
  activated_at     INTEGER NOT NULL,
  last_seen_at     INTEGER NOT NULL,
  lease_expires_at INTEGER NOT NULL CHECK (lease_expires_at % 1000 = 0),
  -- When the instance was asked to come back.
  check_in_at      INTEGER NOT NULL,
  -- What the claim of this lease counted, so that the answer need not count again: live seats, this
  -- one included, and seats whose lease ran out but which are not marked as ended yet.
  seats_in_use     INTEGER NOT NULL,
  seats_lapsed     INTEGER NOT NULL,
  -- The activation of the same instance that this one took over from: its lease had run out.
  replaces         TEXT,
  -- What ended it: an instance, a member of staff, or the lease that ran out. (Not written with IN: checking
  -- that reads two rows of a table that SQLite makes for it, at every check-in.)
  ended_by         TEXT CHECK (ended_by = 'instance' OR ended_by = 'staff' OR ended_by = 'lease'),
  fingerprint      TEXT,
  hostname         TEXT,
  app_version      TEXT,
  labels           TEXT CHECK (json_type(labels) = 'object'),
  ip               TEXT,
  -- The last day (YYYY-MM-DD) for which the instance told its usage, and what it and all instances of the
  -- license together had used on it by then.
  usage_day        TEXT,
  requests         INTEGER NOT NULL DEFAULT 0,
  services         INTEGER NOT NULL DEFAULT 0,
  license_requests INTEGER NOT NULL DEFAULT 0,
  license_services INTEGER NOT NULL DEFAULT 0,
  -- When the certificate that the instance showed last was issued (whole seconds), and how many times in a
  -- row it showed one that was neither the last issued nor the one it showed before.
  presented_at     INTEGER,
  strays           INTEGER NOT NULL DEFAULT 0,
  clone_suspected_at     INTEGER,
  fingerprint_changed_at INTEGER,
  -- The last claim: who made it, in which request, and the event that it gave occasion to.
  actor_type       TEXT NOT NULL DEFAULT 'instance',
  actor_id         TEXT NOT NULL DEFAULT '-',
  request_id       TEXT NOT NULL DEFAULT '-',
  occasion         TEXT,
  PRIMARY KEY (license_id, ended_at, instance_id),
  CHECK (ended_at = 0 OR ended_at >= activated_at)
) STRICT, WITHOUT ROWID;

-- The append-only record: one row per change, written in the batch that made it. The ids follow one another
-- without gaps and time moves forward with them, so a time is found by bisection, without an index.
CREATE TABLE events (
  id          INTEGER PRIMARY KEY,
  at          INTEGER NOT NULL,
  action      TEXT NOT NULL,
  entity_type TEXT NOT NULL,
  entity_id   TEXT NOT NULL,
  actor_type  TEXT NOT NULL,
  actor_id    TEXT NOT NULL,
  request_id  TEXT NOT NULL,
  ip          TEXT,
  detail      TEXT NOT NULL CHECK (json_type(detail) = 'object')
) STRICT;

CREATE INDEX events_by_entity ON events (entity_id, id);

-- What staff and the system did is looked up by who and what, too. What instances do is far more, and an
-- activation has no row to spare: it is found by its license, or by walking the time in question.
CREATE INDEX events_by_actor ON events (actor_id, id) WHERE actor_type <> 'instance';
CREATE INDEX events_by_action ON events (action, id) WHERE actor_type <> 'instance';

-- A claim on a seat is recorded from its own row: a statement beside it would read that row again, at every
-- check-in, to find mostly nothing.
CREATE TRIGGER activations_record_insert AFTER INSERT ON activations
WHEN NEW.occasion IS NOT NULL
BEGIN
  INSERT INTO events (at, action, entity_type, entity_id, actor_type, actor_id, request_id, ip, detail)
  VALUES (NEW.last_seen_at, NEW.occasion, 'license', NEW.license_id, NEW.actor_type, NEW.actor_id,
    NEW.request_id, NEW.ip,
    json_object('activation_id', NEW.id, 'instance_id', NEW.instance_id, 'replaces', NEW.replaces));
END;

CREATE TRIGGER activations_record_update AFTER UPDATE OF last_seen_at ON activations
WHEN NEW.occasion IS NOT NULL
BEGIN
  INSERT INTO events (at, action, entity_type, entity_id, actor_type, actor_id, request_id, ip, detail)
  VALUES (NEW.last_seen_at, NEW.occasion, 'license', NEW.license_id, NEW.actor_type, NEW.actor_id,
    NEW.request_id, NEW.ip,
    json_object('activation_id', NEW.id, 'instance_id', NEW.instance_id, 'replaces', NEW.replaces));
END;

CREATE TRIGGER events_refuse_update BEFORE UPDATE ON events
BEGIN SELECT raise(ABORT, 'events are append-only'); END;

CREATE TRIGGER events_refuse_delete BEFORE DELETE ON events
BEGIN SELECT raise(ABORT, 'events are append-only'); END;

INSERT INTO license_types
  (id, name, duration_days, grace_days, lease_days, check_in_hours, features, max_instances, max_services, max_requests_per_day, created_at, updated_at)
VALUES
  ('trial',        'Trial',         30,  3, 30, 24, '["orchestration"]',                                        1,    5,   1000, 1767225600000, 1767225600000),
  ('standard',     'Standard',     365, 14, 30, 24, '["orchestration","api"]',                                  2,   10,  10000, 1767225600000, 1767225600000),
  ('professional', 'Professional', 365, 14, 30, 24, '["orchestration","api","analytics"]',                      5,   50, 100000, 1767225600000, 1767225600000),
  ('enterprise',   'Enterprise',   365, 30, 30, 24, '["orchestration","api","analytics","sso","audit"]',     NULL, NULL,   NULL, 1767225600000, 1767225600000);
