-- A receipt without our tag names the message by Resend's id alone.
CREATE INDEX messages_by_provider ON messages (provider_id) WHERE provider_id IS NOT NULL;
