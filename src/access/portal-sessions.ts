// Sessions of the customer's site. They have their own cookie, table and form key: none is ever a session of staff.
// The database ends them by triggers when the contact, or a license of the customer, changes hands.
import { base64url } from "jose";
import type { Context, Services, SiteVisitor } from "../context.ts";
import { sha256 } from "../crypto/digests.ts";
import { macKey } from "../crypto/macs.ts";
import { DAY } from "../kernel/dates.ts";
import { allow } from "../kernel/permissions.ts";
import { Problem } from "../problems.ts";
import { recordChange } from "../record/events.ts";
import type { ContactRole } from "../storage/schema.ts";
import { named } from "../storage/database.ts";

export const PORTAL_SESSION_DAYS = 30;

/** 256 bits. */
const SECRET = /^[A-Za-z0-9_-]{43}$/;

export const newSecret = (): string => base64url.encode(crypto.getRandomValues(new Uint8Array(32)));

export const isSecret = (text: string): boolean => SECRET.test(text);

export interface PortalSession {
  hash: string;
  actor: SiteVisitor;
  /** Who is signed in: a person or an address; null for a key. */
  name: string | null;
  customerName: string;
}

/** A new id for each sign-in, so that nobody can plant one beforehand (session fixation). */
async function opening(context: Context) {
  const cookie = newSecret();
  const now = context.clock.now();
  return { cookie, hash: await sha256(cookie), now, expires_at: now + PORTAL_SESSION_DAYS * DAY };
}

const OPEN_BY_LINK = named(`
  INSERT INTO portal_sessions (hash, customer_id, contact_id, created_at, expires_at)
  SELECT :hash, customer_id, id, :now, :expires_at FROM contacts WHERE id = :contact AND portal = 1
    AND customer_id IN (SELECT id FROM customers WHERE portal = 1) AND changes() > 0`);

/**
 * Opens a session if the statement `first`, which spends a link, changes a row.
 * @returns the value of the cookie, or null
 */
export async function openContactSession(
  context: Context,
  first: D1PreparedStatement,
  contactId: string,
): Promise<string | null> {
  const { db } = context;
  const { cookie, ...session } = await opening(context);
  const acting: Context = {
    ...context,
    actor: { type: "customer", id: contactId, customerId: "", roles: [], licenseId: null },
  };
  const [, opened] = await db.batch([
    first,
    db.run(OPEN_BY_LINK, { ...session, contact: contactId }),
    recordChange(
      acting,
      session.now,
      "contact.signed_in",
      ["customer", { sql: "(SELECT customer_id FROM contacts WHERE id = ?)", values: [contactId] }],
      { contact_id: contactId },
    ),
  ]);
  return opened?.meta.changes === 0 ? null : cookie;
}

const OPEN_BY_KEY = named(`
  INSERT INTO portal_sessions (hash, customer_id, license_id, created_at, expires_at)
  SELECT :hash, customer_id, id, :now, :expires_at FROM licenses WHERE id = :license AND revision = :revision
    AND customer_id IN (SELECT id FROM customers WHERE portal = 1)`);

/** Opens a session for one license, by its key. @returns the value of the cookie; null if the key was replaced, or the customer has no site */
export async function openKeySession(
  context: Context,
  { licenseId, revision }: { licenseId: string; revision: number },
): Promise<string | null> {
  const { db } = context;
  const { cookie, ...session } = await opening(context);
  const [opened] = await db.batch([db.run(OPEN_BY_KEY, { ...session, license: licenseId, revision })]);
  return opened?.meta.changes === 0 ? null : cookie;
}

const FIND = named(`
  SELECT s.hash, s.customer_id, s.contact_id, s.license_id, c.roles, coalesce(c.name, c.email) AS name,
    coalesce(u.company, u.name) AS customer_name
  FROM portal_sessions s
  JOIN customers u ON u.id = s.customer_id AND u.portal = 1
  LEFT JOIN contacts c ON c.id = s.contact_id AND c.customer_id = s.customer_id AND c.portal = 1
  LEFT JOIN licenses l ON l.id = s.license_id AND l.customer_id = s.customer_id
  WHERE s.hash = :hash AND s.expires_at > :now AND (c.id IS NOT NULL OR l.id IS NOT NULL)`);

interface Row {
  hash: string;
  customer_id: string;
  contact_id: string | null;
  license_id: string | null;
  roles: string | null;
  name: string | null;
  customer_name: string;
}

/** The session that a cookie opens, or null if there is none or it is over. */
export async function findPortalSession(context: Context, cookie: string): Promise<PortalSession | null> {
  if (!isSecret(cookie)) return null;
  const { db, clock } = context;
  const [found] = await db.batch([db.run(FIND, { hash: await sha256(cookie), now: clock.now() })]);
  const row = found?.results[0] as Row | undefined;
  if (!row) return null;
  return {
    hash: row.hash,
    name: row.name,
    customerName: row.customer_name,
    actor: {
      type: "customer",
      id: row.contact_id ?? row.license_id ?? "-",
      customerId: row.customer_id,
      roles: row.roles === null ? ["key"] : (JSON.parse(row.roles) as ContactRole[]),
      licenseId: row.license_id,
    },
  };
}

/** Signs out: every copy of the cookie is worthless from now on. */
export async function closePortalSession({ db }: Context, { hash }: PortalSession): Promise<void> {
  await db.batch([db.sql("DELETE FROM portal_sessions WHERE hash = ?", hash)]);
}

/** Staff sign out everybody of a customer. @throws Problem CUSTOMER_NOT_FOUND */
export async function endPortalSessions(context: Context, customerId: string): Promise<{ ended: number }> {
  allow(context, "customers");
  const { db, clock } = context;
  const [ended, , known] = await db.batch([
    db.sql("DELETE FROM portal_sessions WHERE customer_id = ?", customerId),
    recordChange(context, clock.now(), "customer.signed_out", ["customer", customerId], {}),
    db.sql("SELECT 1 FROM customers WHERE id = ?", customerId),
  ]);
  if (known?.results.length === 0)
    throw new Problem("CUSTOMER_NOT_FOUND", `There is no customer with the id ${customerId}.`);
  return { ended: ended?.meta.changes ?? 0 };
}

const bytesOf = ({ hash }: PortalSession) => new TextEncoder().encode(hash) as Uint8Array<ArrayBuffer>;

const formKeyOf = ({ config }: Services): Promise<CryptoKey> => macKey(config.sessionSecret, "portal-form");

/** Proves that a form came from a page that this session received (CSRF). */
export async function portalFormTokenOf(services: Services, session: PortalSession): Promise<string> {
  const mac = await crypto.subtle.sign("HMAC", await formKeyOf(services), bytesOf(session));
  return base64url.encode(new Uint8Array(mac));
}

export async function isPortalFormToken(
  services: Services,
  session: PortalSession,
  token: string,
): Promise<boolean> {
  // The last of 43 characters carries four bits and no others.
  if (!/^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/.test(token)) return false;
  return crypto.subtle.verify("HMAC", await formKeyOf(services), base64url.decode(token), bytesOf(session));
}
