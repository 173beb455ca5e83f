-- Who of a customer is written to, notices that are joined into one mail, and what became of mail.

-- A customer's e-mail address stays where it is and is a contact, too (`own`): these triggers keep the two the same,
-- also for a Worker of before. Rows refer to their customer, and leave with it.
CREATE TABLE contacts (
  id           TEXT PRIMARY KEY,
  customer_id  TEXT NOT NULL REFERENCES customers (id),
  email        TEXT NOT NULL,
  name         TEXT,
  roles        TEXT NOT NULL DEFAULT '["license","billing","technical"]' CHECK (json_type(roles) = 'array'),
  -- A subtag of BCP 47; NULL is the default.
  language     TEXT,
  -- Whether it may sign in to the customer's site.
  portal       INTEGER NOT NULL CHECK (portal IN (0, 1)),
  -- 1 for the contact that is the customer's e-mail address.
  own          INTEGER NOT NULL DEFAULT 0 CHECK (own IN (0, 1)),
  email_status TEXT,
  version      INTEGER NOT NULL DEFAULT 1,
  created_at   INTEGER NOT NULL,
  updated_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX contacts_by_customer ON contacts (customer_id, id);

INSERT INTO contacts (id, customer_id, email, portal, own, email_status, created_at, updated_at)
  SELECT 'con_' || id, id, email, 0, 1, email_status, created_at, updated_at FROM customers WHERE email IS NOT NULL;

CREATE TRIGGER customers_contact_made AFTER INSERT ON customers WHEN new.email IS NOT NULL
BEGIN
  INSERT INTO contacts (id, customer_id, email, portal, own, email_status, created_at, updated_at)
    VALUES ('con_' || new.id, new.id, new.email, 0, 1, new.email_status, new.created_at, new.updated_at);
END;

CREATE TRIGGER customers_contact_changed AFTER UPDATE OF email, email_status ON customers
BEGIN
  DELETE FROM contacts WHERE id = 'con_' || new.id AND new.email IS NULL;
  INSERT INTO contacts (id, customer_id, email, portal, own, email_status, created_at, updated_at)
    SELECT 'con_' || new.id, new.id, new.email, 0, 1, new.email_status, new.created_at, new.updated_at
    WHERE new.email IS NOT NULL
    ON CONFLICT (id) DO UPDATE SET
      email = excluded.email, email_status = excluded.email_status, version = version + 1, updated_at = excluded.updated_at;
END;

CREATE TRIGGER customers_contacts_gone BEFORE DELETE ON customers
BEGIN
  DELETE FROM contacts WHERE customer_id = old.id;
END;

-- When the present term of a license began, if that was not when it was issued or started: notices that were due
-- before are not sent.
ALTER TABLE licenses ADD COLUMN term_began_at INTEGER;

-- What a notice is about is in its dedupe_key, notice:<license>:<end>:<days>:<recipient>.
ALTER TABLE messages ADD COLUMN notice_end INTEGER AS (
  CASE WHEN dedupe_key GLOB 'notice:*' THEN CAST(substr(dedupe_key, length(license_id) + 9) AS INTEGER) END);
ALTER TABLE messages ADD COLUMN notice_days INTEGER AS (
  CASE WHEN dedupe_key GLOB 'notice:*' THEN CAST(
    substr(dedupe_key, length(license_id) + 9 + instr(substr(dedupe_key, length(license_id) + 9), ':')) AS INTEGER) END);

-- The message whose mail tells this notice, too: its own id, or that of the first of those that are joined. Others
-- have no request of their own, and follow that one's outcome.
ALTER TABLE messages ADD COLUMN joined TEXT;
-- The UTC day (YYYY-MM-DD) for which its words are right.
ALTER TABLE messages ADD COLUMN told_on TEXT;
-- Why it was skipped, or did not arrive, in one word or in Resend's words.
ALTER TABLE messages ADD COLUMN reason TEXT;
-- Permanent, Transient or Undetermined, as Resend says it of a bounce.
ALTER TABLE messages ADD COLUMN bounce_type TEXT;

CREATE INDEX messages_by_joined ON messages (joined, id) WHERE joined IS NOT NULL;
CREATE INDEX messages_failed ON messages (updated_at) WHERE status = 'failed';

-- Why Resend takes no mail from this sender at all, since when, until when nothing is tried, and under which
-- configuration: another one is tried at once.
ALTER TABLE mail_pace ADD COLUMN fault TEXT;
ALTER TABLE mail_pace ADD COLUMN fault_since INTEGER;
ALTER TABLE mail_pace ADD COLUMN fault_until INTEGER;
ALTER TABLE mail_pace ADD COLUMN fault_config TEXT;

-- A month is too short for notices 30 and 14 days before its end. Only where nobody changed the type that was seeded.
UPDATE license_types SET notice_days = '[7,1,0]'
  WHERE id = 'trial' AND version = 1 AND notice_days = '[30,14,7,1,0]';
