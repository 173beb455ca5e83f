-- Which versions run, once a day: the 20 that most instances with a seat run, as pairs [version, instances] with null for
-- those that name none, and how many run all others. Counted by the walk that looks for silent instances.
CREATE TABLE version_days (
  day      TEXT PRIMARY KEY CHECK (day GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]'),
  versions TEXT NOT NULL CHECK (json_type(versions) = 'array'),
  others   INTEGER NOT NULL CHECK (others >= 0)
) STRICT, WITHOUT ROWID;

-- What the present round of the walk has counted: its day, how far it came, and what it found. {} where it counts nothing.
ALTER TABLE silence_walk ADD COLUMN counted TEXT NOT NULL DEFAULT '{}' CHECK (json_type(counted) = 'object');
