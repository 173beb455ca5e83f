-- The marks of the seals in rows of their own, at most 1 000 of them each: a dump writes a row as one statement, and
-- D1 takes none over 100 KB. audit_seals.marks is empty from now on.
CREATE TABLE audit_marks (
  seal    INTEGER NOT NULL,
  -- The event that the first of the marks is of.
  from_id INTEGER NOT NULL,
  -- The hash of each event, one after the other, as lower-case hex.
  marks   TEXT NOT NULL CHECK (length(marks) BETWEEN 64 AND 64000 AND length(marks) % 64 = 0),
  PRIMARY KEY (seal, from_id)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER audit_marks_refuse_update BEFORE UPDATE ON audit_marks
BEGIN SELECT raise(ABORT, 'marks are append-only'); END;

CREATE TRIGGER audit_marks_refuse_delete BEFORE DELETE ON audit_marks
BEGIN SELECT raise(ABORT, 'marks are append-only'); END;

-- Seals of before whose marks no dump can bring back: the night moves them.
CREATE INDEX audit_seals_by_long_marks ON audit_seals (id) WHERE length(marks) > 64000;
