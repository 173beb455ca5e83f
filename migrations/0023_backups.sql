-- Backups that are being read, and restores: docs/operations/restore.md.

-- One row a backup. While one is read, nothing is folded: a day that moves meanwhile would be in it twice, or not at all.
CREATE TABLE backups (
  id       TEXT PRIMARY KEY,
  -- 1 where it goes into the bucket BACKUPS, 0 where a caller reads it.
  stored   INTEGER NOT NULL,
  -- The last event of its record. Every row of the backup is at least as new.
  event_id INTEGER NOT NULL,
  begun_at INTEGER NOT NULL,
  -- When a page was last read, and when the last one was.
  seen_at  INTEGER NOT NULL,
  ended_at INTEGER,
  -- How many pages are in the bucket, and where the next one begins (JSON).
  pages    INTEGER NOT NULL DEFAULT 0,
  position TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX backups_by_time ON backups (begun_at);
CREATE INDEX backups_open ON backups (seen_at) WHERE ended_at IS NULL;

-- One row a restore. Certificates that were issued after its backup was begun, and before it ended, may have a seat that
-- the backup does not know.
CREATE TABLE restores (
  id          TEXT NOT NULL PRIMARY KEY,
  -- The signed manifest, and what the caller chose (JSON).
  manifest    TEXT NOT NULL,
  options     TEXT NOT NULL,
  -- When the backup was begun.
  backup_at   INTEGER NOT NULL,
  begun_at    INTEGER NOT NULL,
  -- The triggers and indexes that come back at the end, as they were (JSON).
  schema      TEXT NOT NULL,
  -- How far it is: the pages of each table (JSON), the step after that, and how far that is.
  loaded      TEXT NOT NULL,
  step        INTEGER NOT NULL DEFAULT 0,
  position    TEXT NOT NULL DEFAULT '',
  -- What it found, for its report (JSON).
  found       TEXT NOT NULL DEFAULT '{}',
  -- Since when the service works on the restored data.
  ended_at    INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX restores_by_end ON restores (ended_at);
