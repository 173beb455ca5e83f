-- Staff correct what an instance told of a day. From then on the day is theirs: no report changes it.
ALTER TABLE usage ADD COLUMN corrected_at INTEGER;

-- Whether the figures of usage_day in the seat's row are such a correction.
ALTER TABLE activations ADD COLUMN usage_corrected INTEGER NOT NULL DEFAULT 0;
