-- What staff note about customers and licenses, and the words by which all that they typed is found.

-- Notes are for staff alone: they are in no key, mail, event or answer to an instance.
ALTER TABLE customers ADD COLUMN notes TEXT;
ALTER TABLE customers ADD COLUMN tags TEXT NOT NULL DEFAULT '[]' CHECK (json_type(tags) = 'array');
-- The version whose search terms are written. Where it is not the current one, the ten-minute trigger writes them: the
-- release before this one writes terms of another spelling, and none of metadata.
ALTER TABLE customers ADD COLUMN terms_at INTEGER;
CREATE INDEX customers_without_terms ON customers (id) WHERE terms_at IS NOT version;

ALTER TABLE licenses ADD COLUMN notes TEXT;
ALTER TABLE licenses ADD COLUMN tags TEXT NOT NULL DEFAULT '[]' CHECK (json_type(tags) = 'array');
ALTER TABLE licenses ADD COLUMN terms_at INTEGER;
CREATE INDEX licenses_without_terms ON licenses (id) WHERE terms_at IS NOT version AND metadata <> '{}';

-- What licenses are found by besides their ids and customers: metadata, tags and notes, as customer_terms.
CREATE TABLE license_terms (
  term       TEXT NOT NULL,
  license_id TEXT NOT NULL REFERENCES licenses (id),
  PRIMARY KEY (term, license_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX license_terms_by_license ON license_terms (license_id);

-- Which suspension of its whole customer suspended a license. Reinstating the customer reinstates these licenses only,
-- so the mark goes when the license is reinstated by itself, revoked, or moved to another customer.
ALTER TABLE licenses ADD COLUMN suspension TEXT;

CREATE TRIGGER licenses_end_suspension AFTER UPDATE OF status, customer_id ON licenses
WHEN NEW.suspension IS NOT NULL AND (NEW.status <> 'suspended' OR NEW.customer_id <> OLD.customer_id)
BEGIN
  UPDATE licenses SET suspension = NULL WHERE id = NEW.id;
END;
