-- Mail that is owed, and what became of it.

-- The outbox. A row is written in the batch of what owes the mail; its dedupe_key makes it one mail however often
-- that happens. Rows outlive what they tell of, so they refer to it without a foreign key.
CREATE TABLE messages (
  id              TEXT PRIMARY KEY,
  dedupe_key      TEXT NOT NULL UNIQUE,
  kind            TEXT NOT NULL,
  license_id      TEXT,
  customer_id     TEXT,
  recipient       TEXT NOT NULL,
  subject         TEXT NOT NULL,
  -- All that is handed to Resend, rendered once and encrypted (base64url): it may hold a license key.
  content         TEXT NOT NULL,
  status          TEXT NOT NULL CHECK (status IN ('pending', 'sent', 'delivered', 'bounced', 'failed', 'skipped')),
  attempts        INTEGER NOT NULL DEFAULT 0,
  -- While pending: when it is due; 0 is at once. A run that takes it moves this behind the time that it may need,
  -- so what a run that died had taken comes back by itself.
  next_try_at     INTEGER NOT NULL DEFAULT 0,
  -- The rows that are sent in one request, in the order of their ids, and that request's idempotency key. Never
  -- changes while the outcome of an attempt is unknown.
  batch_id        TEXT,
  -- When the first attempt was made of which it is not certain that Resend refused it.
  uncertain_since INTEGER,
  provider_id     TEXT,
  last_error      TEXT,
  created_at      INTEGER NOT NULL,
  updated_at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX messages_by_status ON messages (status, id);
CREATE INDEX messages_by_kind ON messages (kind, id);
CREATE INDEX messages_by_license ON messages (license_id, id) WHERE license_id IS NOT NULL;
CREATE INDEX messages_by_batch ON messages (batch_id, id) WHERE batch_id IS NOT NULL;
CREATE INDEX messages_due ON messages (next_try_at, id) WHERE status = 'pending' AND batch_id IS NULL;
CREATE INDEX messages_due_again ON messages (next_try_at, batch_id) WHERE status = 'pending' AND batch_id IS NOT NULL;
CREATE INDEX messages_bounced ON messages (updated_at) WHERE status = 'bounced';

-- When the next request to Resend may be made, over all isolates: its rate and its Retry-After.
CREATE TABLE mail_pace (
  only    INTEGER PRIMARY KEY CHECK (only = 1),
  next_at INTEGER NOT NULL
) STRICT;

INSERT INTO mail_pace VALUES (1, 0);

-- Whether mail to the address is known not to arrive ('bounced') or not to be wanted ('complained').
ALTER TABLE customers ADD COLUMN email_status TEXT;

-- How many days before the end a notice is due. A license has its type's, or its own.
ALTER TABLE license_types ADD COLUMN notice_days TEXT NOT NULL DEFAULT '[30,14,7,1,0]' CHECK (json_type(notice_days) = 'array');
ALTER TABLE licenses ADD COLUMN notice_days TEXT CHECK (json_type(notice_days) = 'array');

-- Which thresholds licenses have of their own, for the nightly walk.
CREATE INDEX licenses_with_notice_days ON licenses (notice_days) WHERE notice_days IS NOT NULL;
