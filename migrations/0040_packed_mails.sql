-- The rows of old mails lie side by side, and leave the index that finds a mail by its id at Resend.

-- The rows that a batch has taken out and puts back: a JSON array of them; empty between batches.
ALTER TABLE message_walk ADD COLUMN packing TEXT NOT NULL DEFAULT '[]' CHECK (json_type(packing) = 'array');

-- Only a receipt without our tag is looked up by it, and none comes months later. The release before this one finds such
-- a mail without the index, only slower.
CREATE INDEX messages_by_provider_id ON messages (provider_id) WHERE provider_id IS NOT NULL AND content <> '';
DROP INDEX messages_by_provider;
