-- What staff need not look at again: a kind of trouble of a license, until an instant, or until something new happens.
-- Why, and who decided it, is in the record.
CREATE TABLE settled_attention (
  license_id TEXT NOT NULL,
  kind       TEXT NOT NULL
    CHECK (kind IN ('ending', 'overused', 'cloned', 'scattered', 'silent', 'undelivered', 'stuck', 'implausible')),
  settled_at INTEGER NOT NULL,
  -- NULL: until something new happens.
  until      INTEGER CHECK (until > settled_at),
  PRIMARY KEY (license_id, kind)
) STRICT, WITHOUT ROWID;
