-- What customers ask for on their site, and what staff answer.
CREATE TABLE customer_requests (
  id          TEXT PRIMARY KEY,
  customer_id TEXT NOT NULL REFERENCES customers (id),
  -- The license that it is about; NULL for a question about none.
  license_id  TEXT,
  -- Who asked. The contact may be gone by now.
  contact_id  TEXT NOT NULL,
  kind        TEXT NOT NULL CHECK (kind IN ('renewal', 'seats', 'question')),
  -- For seats: how many the license should have.
  seats       INTEGER CHECK (seats IS NULL OR seats > 0 AND kind = 'seats'),
  text        TEXT NOT NULL,
  status      TEXT NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'accepted', 'declined')),
  -- What staff wrote.
  answer      TEXT,
  answered_at INTEGER CHECK ((answered_at IS NULL) = (status = 'open')),
  created_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX customer_requests_by_customer ON customer_requests (customer_id, id);
CREATE INDEX customer_requests_by_status ON customer_requests (status, id);

-- A customer that is deleted has no licenses, and nothing to ask for.
CREATE TRIGGER customer_requests_gone BEFORE DELETE ON customers
BEGIN
  DELETE FROM customer_requests WHERE customer_id = old.id;
END;
