-- Seals over the record: each covers the events from_id to up_to, chained by hash onto the one before it.
CREATE TABLE audit_seals (
  id        INTEGER PRIMARY KEY,
  from_id   INTEGER NOT NULL UNIQUE,
  up_to     INTEGER NOT NULL CHECK (up_to >= from_id),
  sealed_at INTEGER NOT NULL,
  -- The hash of the last event covered, as lower-case hex.
  head      TEXT NOT NULL,
  -- The hash of each event covered, one after the other: they say which one was touched.
  marks     TEXT NOT NULL,
  -- Signed: all of the above but the marks.
  token     TEXT NOT NULL
) STRICT;

CREATE TRIGGER audit_seals_refuse_update BEFORE UPDATE ON audit_seals
BEGIN SELECT raise(ABORT, 'seals are append-only'); END;

CREATE TRIGGER audit_seals_refuse_delete BEFORE DELETE ON audit_seals
BEGIN SELECT raise(ABORT, 'seals are append-only'); END;
