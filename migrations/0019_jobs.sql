-- What the jobs of the cron triggers did, whether the database takes writes, and tokens that only watch.

-- One row a job: its last run, and its last good one.
CREATE TABLE jobs (
  name        TEXT PRIMARY KEY,
  -- When the job was first expected here: before its first good run, it is late from then on.
  known_since INTEGER NOT NULL,
  -- The run that began last: the time for which it was triggered, and its start.
  due_at      INTEGER,
  started_at  INTEGER,
  -- The run that ended last. A start after this end is a run that goes on, or was killed.
  ended_at    INTEGER,
  outcome     TEXT CHECK (outcome IN ('good', 'failed', 'unfinished')),
  counts      TEXT NOT NULL DEFAULT '{}' CHECK (json_type(counts) = 'object'),
  failures    TEXT NOT NULL DEFAULT '[]' CHECK (json_type(failures) = 'array'),
  -- The end of the last good run, and the time for which it was triggered.
  good_at     INTEGER,
  good_due_at INTEGER,
  -- When a failure of it was last written into the record.
  told_at     INTEGER
) STRICT, WITHOUT ROWID;

-- Filled and emptied again in one batch by whoever asks whether the database still takes writes. It is several pages
-- long: a full database may still change a row in its place.
CREATE TABLE write_probe (
  only    INTEGER PRIMARY KEY CHECK (only = 1),
  filling TEXT NOT NULL
) STRICT;

-- A token of the role `monitor`. The CHECK of `role` knows three roles, so such a row has the least of them there. The
-- token itself has another form, which a release before this one does not take for a token.
ALTER TABLE api_tokens ADD COLUMN is_monitor INTEGER NOT NULL DEFAULT 0 CHECK (is_monitor IN (0, 1));
