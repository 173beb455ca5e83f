-- Who is signed in to the console. The cookie is signed and names the row; the row ends with the sign-out,
-- with its time, and with the credential that opened it.
CREATE TABLE sessions (
  id TEXT NOT NULL PRIMARY KEY,
  -- SHA-256 of the API token or of ADMIN_TOKEN.
  credential_hash TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_by_end ON sessions (expires_at);

-- Costs a write only where a clone is suspected: the rows of all others are not in it.
CREATE INDEX activations_suspected ON activations (clone_suspected_at) WHERE clone_suspected_at IS NOT NULL;
