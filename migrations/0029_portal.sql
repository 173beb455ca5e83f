-- The customer's site: links for signing in, sessions, and the seats that customers freed.

-- A link that was mailed, or would have been: what is counted is the same whether the address is known. Neither the link
-- nor the address can be read here.
CREATE TABLE portal_links (
  hash         TEXT PRIMARY KEY,
  -- Of a secret in a cookie: the link works in the browser that asked for it.
  browser_hash TEXT NOT NULL,
  address_hash TEXT NOT NULL,
  network_hash TEXT NOT NULL,
  -- [[id, version], …] of the contacts with this address; none if it is not known.
  contacts     TEXT NOT NULL CHECK (json_type(contacts) = 'array'),
  created_at   INTEGER NOT NULL,
  spent_at     INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX portal_links_by_address ON portal_links (address_hash, created_at);
CREATE INDEX portal_links_by_network ON portal_links (network_hash, created_at);
CREATE INDEX portal_links_by_age ON portal_links (created_at);

CREATE TABLE portal_sessions (
  -- Of the cookie: whoever reads the table cannot use it.
  hash        TEXT PRIMARY KEY,
  customer_id TEXT NOT NULL REFERENCES customers (id),
  -- A contact that signed in by a link, or the license whose key was pasted.
  contact_id  TEXT,
  license_id  TEXT,
  created_at  INTEGER NOT NULL,
  expires_at  INTEGER NOT NULL,
  CHECK ((contact_id IS NULL) <> (license_id IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX portal_sessions_by_customer ON portal_sessions (customer_id);
CREATE INDEX portal_sessions_by_end ON portal_sessions (expires_at);

CREATE INDEX contacts_by_email ON contacts (email COLLATE NOCASE);

-- Any change of who somebody is, or of what they may see, ends their sessions: whatever made the change, and in
-- whichever release.
CREATE TRIGGER portal_sessions_contact_changed AFTER UPDATE OF email, name, roles, language, portal ON contacts
WHEN old.email <> new.email OR old.name IS NOT new.name OR old.roles <> new.roles
  OR old.language IS NOT new.language OR old.portal <> new.portal
BEGIN
  DELETE FROM portal_sessions WHERE customer_id = new.customer_id AND contact_id = new.id;
END;

CREATE TRIGGER portal_sessions_contact_gone AFTER DELETE ON contacts
BEGIN
  DELETE FROM portal_sessions WHERE customer_id = old.customer_id AND contact_id = old.id;
END;

-- A license that was transferred or reissued: somebody had a key who should not.
CREATE TRIGGER portal_sessions_license_changed AFTER UPDATE OF customer_id, revision ON licenses
WHEN old.customer_id <> new.customer_id OR old.revision <> new.revision
BEGIN
  DELETE FROM portal_sessions WHERE customer_id = old.customer_id;
END;

CREATE TRIGGER portal_sessions_customer_gone BEFORE DELETE ON customers
BEGIN
  DELETE FROM portal_sessions WHERE customer_id = old.id;
END;

-- The seats that a customer freed: there may be so many in a while, or one license would run anywhere in turn.
CREATE TABLE portal_frees (
  license_id    TEXT NOT NULL,
  freed_at      INTEGER NOT NULL,
  activation_id TEXT NOT NULL,
  PRIMARY KEY (license_id, freed_at, activation_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX portal_frees_by_age ON portal_frees (freed_at);

-- A file that a customer fetched is a claim as staff bring it, for every release; its event names the contact, and no
-- address.
DROP TRIGGER activations_record_insert;
CREATE TRIGGER activations_record_insert AFTER INSERT ON activations
WHEN NEW.occasion IS NOT NULL
BEGIN
  INSERT INTO events (at, action, entity_type, entity_id, actor_type, actor_id, request_id, ip, detail)
  VALUES (NEW.last_seen_at, NEW.occasion, 'license', NEW.license_id,
    iif(NEW.actor_type = 'staff' AND NEW.actor_id GLOB 'con_*', 'customer', NEW.actor_type), NEW.actor_id,
    NEW.request_id, iif(NEW.actor_type = 'staff' AND NEW.actor_id NOT GLOB 'con_*', NEW.ip, NULL),
    json_object('activation_id', NEW.id, 'instance_id', NEW.instance_id, 'replaces', NEW.replaces));
END;

DROP TRIGGER activations_record_update;
CREATE TRIGGER activations_record_update AFTER UPDATE OF last_seen_at ON activations
WHEN NEW.occasion IS NOT NULL
BEGIN
  INSERT INTO events (at, action, entity_type, entity_id, actor_type, actor_id, request_id, ip, detail)
  VALUES (NEW.last_seen_at, NEW.occasion, 'license', NEW.license_id,
    iif(NEW.actor_type = 'staff' AND NEW.actor_id GLOB 'con_*', 'customer', NEW.actor_type), NEW.actor_id,
    NEW.request_id, iif(NEW.actor_type = 'staff' AND NEW.actor_id NOT GLOB 'con_*', NEW.ip, NULL),
    json_object('activation_id', NEW.id, 'instance_id', NEW.instance_id, 'replaces', NEW.replaces));
END;
