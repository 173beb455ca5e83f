-- Which revision of the license's key a mail brings; null where it brings none. A key that was replaced is not mailed.
ALTER TABLE messages ADD COLUMN key_revision INTEGER;

-- Where the end of a license was brought forward: until when what was signed before still holds. The revocation list
-- names a license as long as anything that was signed for it does.
ALTER TABLE licenses ADD COLUMN signed_until INTEGER;

-- In place of licenses_stopped and licenses_superseded, which the release before this one still asks: a later one
-- drops them. They hold only the few licenses that were stopped or whose key was replaced.
CREATE INDEX licenses_stopped_until ON licenses
  (status, max(coalesce(expires_at + grace_days * 86400000, 253402300799000), coalesce(signed_until, 0)), id)
WHERE status <> 'active';
CREATE INDEX licenses_superseded_until ON licenses
  (max(coalesce(expires_at + grace_days * 86400000, 253402300799000), coalesce(signed_until, 0)), id, revision)
WHERE revision > 1;
