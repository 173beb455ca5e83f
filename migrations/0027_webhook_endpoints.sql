-- Who is told of events, and how far each of them has come. There is no queue: an endpoint keeps the id of the last
-- event that it has, and the record is in order and has no gaps.
CREATE TABLE webhook_endpoints (
  id               TEXT PRIMARY KEY,
  url              TEXT NOT NULL CHECK (length(url) BETWEEN 1 AND 2048),
  -- Types of events as GLOB patterns: license.issued, license.*, *.
  events           TEXT NOT NULL CHECK (json_type(events) = 'array'),
  description      TEXT,
  active           INTEGER NOT NULL CHECK (active IN (0, 1)),
  include_personal INTEGER NOT NULL CHECK (include_personal IN (0, 1)),
  -- The last event that it has, or that was not for it.
  cursor           INTEGER NOT NULL CHECK (cursor >= 0),
  -- Attempts that failed since the last one that succeeded, and since when.
  failures         INTEGER NOT NULL DEFAULT 0,
  failing_since    INTEGER,
  next_try_at      INTEGER NOT NULL DEFAULT 0,
  last_success_at  INTEGER,
  -- When it was switched off because nothing succeeded for days.
  switched_off_at  INTEGER,
  -- Which run delivers to it now, and until when that is its alone. Two would break the order.
  lease            TEXT,
  lease_until      INTEGER NOT NULL DEFAULT 0,
  version          INTEGER NOT NULL DEFAULT 1,
  created_at       INTEGER NOT NULL,
  updated_at       INTEGER NOT NULL
) STRICT;

-- What signs the deliveries, encrypted. A table of its own, so that a backup can leave it out. The newest has no end;
-- the one before it signs, too, until its end.
CREATE TABLE webhook_secrets (
  id          TEXT PRIMARY KEY,
  endpoint_id TEXT NOT NULL REFERENCES webhook_endpoints (id),
  secret      TEXT NOT NULL,
  until       INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX webhook_secrets_by_endpoint ON webhook_secrets (endpoint_id);

-- The last attempts of each endpoint, numbered.
CREATE TABLE webhook_deliveries (
  endpoint_id TEXT NOT NULL REFERENCES webhook_endpoints (id),
  number      INTEGER NOT NULL,
  event_id    INTEGER NOT NULL,
  action      TEXT NOT NULL,
  at          INTEGER NOT NULL,
  -- The status of the answer, if there was one.
  status      INTEGER,
  ms          INTEGER NOT NULL,
  -- Why it counts as failed; null if it succeeded.
  error       TEXT,
  -- How the answer begins.
  answer      TEXT NOT NULL,
  PRIMARY KEY (endpoint_id, number)
) STRICT, WITHOUT ROWID;
