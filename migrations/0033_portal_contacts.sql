-- Which customers have the customer's site, and whom their contacts name as another contact.

ALTER TABLE customers ADD COLUMN portal INTEGER NOT NULL DEFAULT 1 CHECK (portal IN (0, 1));

CREATE TRIGGER portal_sessions_customer_off AFTER UPDATE OF portal ON customers
WHEN new.portal = 0 AND old.portal = 1
BEGIN
  DELETE FROM portal_sessions WHERE customer_id = new.id;
END;

-- It becomes a contact once the mailbox is confirmed. Its row stays, without the address: who invited somebody does not
-- decide that they may sign in.
CREATE TABLE portal_invitations (
  -- The id that the contact gets.
  id           TEXT PRIMARY KEY,
  customer_id  TEXT NOT NULL REFERENCES customers (id),
  invited_by   TEXT NOT NULL,
  -- Of the link in the mail: whoever reads the table cannot use it. NULL once it is used.
  hash         TEXT UNIQUE,
  email        TEXT,
  name         TEXT,
  roles        TEXT NOT NULL CHECK (json_type(roles) = 'array'),
  language     TEXT,
  created_at   INTEGER NOT NULL,
  confirmed_at INTEGER,
  CHECK ((confirmed_at IS NULL) = (email IS NOT NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX portal_invitations_by_customer ON portal_invitations (customer_id, created_at);
CREATE INDEX portal_invitations_open ON portal_invitations (created_at) WHERE confirmed_at IS NULL;

CREATE TRIGGER portal_invitations_gone BEFORE DELETE ON customers
BEGIN
  DELETE FROM portal_invitations WHERE customer_id = old.id;
END;

CREATE TRIGGER portal_invitations_contact_gone AFTER DELETE ON contacts
BEGIN
  DELETE FROM portal_invitations WHERE id = old.id;
END;
