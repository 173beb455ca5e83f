-- How long a license of a type runs on the calendar: P1Y, P6M, P2W, P30D. A release from before this column writes
-- duration_days alone; where the two no longer agree (365 days a year, 30 a month), the days count.
ALTER TABLE license_types ADD COLUMN duration TEXT CHECK (duration GLOB 'P[1-9]*[YMWD]');

-- The types that came with the service, where nobody edited them.
UPDATE license_types SET duration = iif(duration_days = 365, 'P1Y', 'P30D')
WHERE created_at = 1767225600000 AND updated_at = created_at
  AND (id IN ('standard', 'professional', 'enterprise') AND duration_days = 365 OR id = 'trial' AND duration_days = 30);
