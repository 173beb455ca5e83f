-- Who was erased. Ids only, so that an erasure can be applied again to a backup of before: nothing else is known of it.
CREATE TABLE erasures (
  id          TEXT PRIMARY KEY,
  customer_id TEXT NOT NULL,
  -- The one contact that was erased; null: the whole customer.
  contact_id  TEXT,
  erased_at   INTEGER NOT NULL,
  -- When the last page of what belongs to it was done. Until then the night goes on.
  finished_at INTEGER,
  -- When it was written to the bucket BACKUPS. Until then the night tries again.
  kept_at     INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX erasures_open ON erasures (id) WHERE finished_at IS NULL OR kept_at IS NULL;

-- The mails of a customer that still say to whom they went.
CREATE INDEX messages_by_customer ON messages (customer_id, id) WHERE recipient <> '' AND customer_id IS NOT NULL;
