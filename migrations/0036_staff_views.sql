-- How each member of staff sees the console: rows, first page, times, the columns of lists. The pages know what the
-- object may have. `actor_id` is as in the record: the id of a token, an e-mail address, or ADMIN_TOKEN.
CREATE TABLE staff_views (
  actor_id   TEXT PRIMARY KEY,
  view       TEXT NOT NULL CHECK (json_type(view) = 'object'),
  updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TRIGGER staff_views_person_gone AFTER DELETE ON people
BEGIN
  DELETE FROM staff_views WHERE actor_id = old.email;
END;

CREATE TRIGGER staff_views_token_revoked AFTER UPDATE OF revoked_at ON api_tokens
WHEN new.revoked_at IS NOT NULL
BEGIN
  DELETE FROM staff_views WHERE actor_id = new.id;
END;
