-- How far the months of licenses with meters are closed: the month that is due next, and the license after which the
-- next night goes on. Empty before the first one, which begins with the last month that is due.
CREATE TABLE statement_walk (
  only       INTEGER PRIMARY KEY CHECK (only = 1),
  month      TEXT NOT NULL CHECK (month = '' OR month GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]'),
  license_id TEXT NOT NULL
) STRICT;

INSERT INTO statement_walk VALUES (1, '', '');
