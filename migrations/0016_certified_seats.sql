-- When a request for the seat last showed its certificate, or a file signed with its key: its sender keeps state. Null:
-- not since this column exists. A pod without a volume shows none after a start, and must not be taken for a clone.
ALTER TABLE activations ADD COLUMN certified_at INTEGER;
