-- Who may call the admin API, and what they asked for already.

CREATE TABLE api_tokens (
  id           TEXT PRIMARY KEY,
  name         TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  role         TEXT NOT NULL CHECK (role IN ('owner', 'manager', 'viewer')),
  -- The start of the token, for people to tell tokens apart; the token itself is kept nowhere.
  prefix       TEXT NOT NULL,
  -- SHA-256 of the token in lower-case hex. The token has 192 random bits, so no salt or slow hash is needed.
  hash         TEXT NOT NULL UNIQUE CHECK (length(hash) = 64),
  created_by   TEXT NOT NULL,
  created_at   INTEGER NOT NULL,
  expires_at   INTEGER,
  last_used_at INTEGER,
  revoked_at   INTEGER
) STRICT, WITHOUT ROWID;

-- People who sign in through Cloudflare Access, by e-mail address in lower case.
CREATE TABLE people (
  email      TEXT PRIMARY KEY CHECK (email = lower(email)),
  role       TEXT NOT NULL CHECK (role IN ('owner', 'manager', 'viewer')),
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Requests made under an Idempotency-Key (kept for 24 hours). The row is written in the batch that carries the
-- request out, so a request is either both remembered and done or neither.
CREATE TABLE idempotency_keys (
  actor_id     TEXT NOT NULL,
  key          TEXT NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
  -- SHA-256 of method, path and body.
  request_hash TEXT NOT NULL,
  request_id   TEXT NOT NULL,
  created_at   INTEGER NOT NULL,
  -- The answer, added once it is known: encrypted, since it may hold a license key or an API token.
  answer       BLOB,
  PRIMARY KEY (actor_id, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
