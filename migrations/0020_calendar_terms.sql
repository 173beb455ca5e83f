-- How long a license of a type runs on the calendar: P1Y, P6M, P2W, P30D. A release from before this column writes
-- duration_days alone; where the two no longer agree (365 days a year, 30 a month), the days count.
ALTER TABLE license_types ADD COLUMN duration TEXT CHECK (duration GLOB 'P[1-9]*[YMWD]');

-- The types that came with the service, where nobody edited them.
UPDATE license_types SET duration = iif(duration_days = 365, 'P1Y', 'P30D')
WHERE created_at = 1767225600000 AND updated_at = created_at
  AND (id IN ('standard', 'professional', 'enterprise') AND duration_days = 365 OR id = 'trial' AND duration_days = 30);

-- Changes of a license that were agreed for a later time. The ten-minute trigger carries them out.
CREATE TABLE pending_changes (
  id            TEXT PRIMARY KEY,
  license_id    TEXT NOT NULL REFERENCES licenses (id),
  action        TEXT NOT NULL CHECK (action IN ('change', 'renew', 'suspend', 'reinstate', 'revoke', 'transfer')),
  effective_at  INTEGER NOT NULL,
  -- The body of the request, without effective_at.
  input         TEXT NOT NULL CHECK (json_type(input) = 'object'),
  status        TEXT NOT NULL CHECK (status IN ('pending', 'held', 'done', 'failed', 'cancelled')),
  -- Why it is held or failed.
  detail        TEXT,
  ordered_by    TEXT NOT NULL,
  ordered_at    INTEGER NOT NULL,
  -- Who let it go on after it was held: their permission counts from then on.
  released_by   TEXT,
  -- Whose license it was when it was ordered or released: a transfer takes it from nobody else.
  held_by       TEXT NOT NULL,
  -- The version of the license that renewed, reinstated, transferred or edited it first since then.
  overtaken_by  INTEGER,
  updated_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX pending_changes_by_license ON pending_changes (license_id, id);
CREATE INDEX pending_changes_by_status ON pending_changes (status, effective_at, id);

-- A trigger, because a release from before this table also changes licenses. Neither stopping a license nor replacing its
-- key says anything about what was agreed.
CREATE TRIGGER pending_changes_overtaken AFTER UPDATE OF version ON licenses
WHEN NOT (NEW.status <> OLD.status AND NEW.status <> 'active')
  AND (NEW.revision = OLD.revision OR NEW.customer_id <> OLD.customer_id)
BEGIN
  UPDATE pending_changes SET overtaken_by = NEW.version
  WHERE license_id = NEW.id AND status = 'pending' AND overtaken_by IS NULL;
END;

-- Up to when the versions of the product may be built that the license covers; null: all that appear while it runs.
ALTER TABLE licenses ADD COLUMN updates_until INTEGER CHECK (updates_until % 1000 = 0);
