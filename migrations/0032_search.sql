-- The search over everything finds mail by its address.
CREATE INDEX messages_by_recipient ON messages (recipient COLLATE NOCASE, id);
