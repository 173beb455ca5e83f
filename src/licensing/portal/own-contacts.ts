// Whom a customer has written to, and who may sign in: kept by its contacts for licenses.
//
// Nobody brings in somebody else alone. A new contact confirms the mailbox, all others are told, and another contact
// than the one who named them, or staff, lets them sign in.
import { sql } from "drizzle-orm";
import * as z from "zod/mini";
import { newSecret } from "../../access/portal-sessions.ts";
import type { Context } from "../../context.ts";
import { sha256 } from "../../crypto/digests.ts";
import { DAY } from "../../kernel/dates.ts";
import { MAX_ATTEMPTS, overtaken } from "../../kernel/resources.ts";
import { allowOnSite } from "../../kernel/permissions.ts";
import { invalid, Problem } from "../../problems.ts";
import { named } from "../../storage/database.ts";
import type { Contact, ContactRole } from "../../storage/schema.ts";
import {
  ContactChanges,
  contactOf,
  insertContact,
  MAX_CONTACTS,
  NewContact,
} from "../customers/contact-rows.ts";
import { alterContact, assertNew, customerWithContacts, dropContact } from "../customers/contacts.ts";

export const INVITATION_DAYS = 7;

const LASTS = INVITATION_DAYS * DAY;

/** In a day, by all contacts of a customer: what is mailed to strangers is bounded. */
const MOST_A_DAY = 10;

export const Invited = z.omit(NewContact, { portal: true });

/** The address stays: another one is another contact. */
export const OwnContactChanges = z.omit(ContactChanges, { email: true });

interface Invitation {
  id: string;
  email: string;
  name: string | null;
  created_at: number;
}

const OPEN = named(`
  SELECT id, email, name, created_at FROM portal_invitations
  WHERE customer_id = :customer AND confirmed_at IS NULL AND created_at > :since ORDER BY id`);

/** The contacts of the customer, and those that did not confirm yet. */
export async function ownContacts(context: Context): Promise<{ all: Contact[]; invited: Invitation[] }> {
  const { customerId } = allowOnSite(context, "contacts");
  const { db, clock } = context;
  const [{ all }, [open]] = await Promise.all([
    customerWithContacts(context, customerId),
    db.batch([db.run(OPEN, { customer: customerId, since: clock.now() - LASTS })]),
  ]);
  return { all, invited: (open?.results ?? []) as unknown as Invitation[] };
}

const INVITE = named(`
  INSERT INTO portal_invitations (id, customer_id, invited_by, hash, email, name, roles, language, created_at)
  SELECT :id, :customer, :by, :hash, :email, :name, :roles, :language, :now
  WHERE EXISTS (SELECT 1 FROM contacts WHERE id = :by AND customer_id = :customer)
    AND (SELECT count(*) FROM portal_invitations WHERE customer_id = :customer AND created_at > :today) < ${MOST_A_DAY}`);

/** Another invitation of the same address replaces the former. */
const REPLACE = named(`
  DELETE FROM portal_invitations
  WHERE customer_id = :customer AND id <> :id AND confirmed_at IS NULL AND lower(email) = lower(:email)
    AND EXISTS (SELECT 1 FROM portal_invitations WHERE id = :id)`);

/** What the mail to whoever is invited says. */
export interface Invite {
  token: string;
  company: string;
  by: string;
}

/**
 * Asks somebody to confirm that they want to be a contact.
 * @throws Problem REQUEST_INVALID if the customer has the address or too many contacts; RATE_LIMITED
 */
export async function inviteContact(context: Context, input: z.output<typeof Invited>): Promise<Invite> {
  const { customerId, id: by } = allowOnSite(context, "contacts");
  const { db, clock, ids } = context;
  const { customer, all } = await customerWithContacts(context, customerId);
  assertNew(all, input.email);
  if (all.length >= MAX_CONTACTS)
    throw invalid("email", `You have ${MAX_CONTACTS} contacts, which is the most`);
  const now = clock.now();
  const token = newSecret();
  const id = `con_${ids.ulid(now)}`;
  const { email, name, roles, language } = contactOf(id, customerId, input, now);
  const [invited] = await db.batch([
    db.run(INVITE, {
      id,
      customer: customerId,
      by,
      hash: await sha256(token),
      email,
      name,
      roles: JSON.stringify(roles),
      language,
      now,
      today: now - DAY,
    }),
    db.run(REPLACE, { customer: customerId, id, email }),
  ]);
  if (invited?.meta.changes === 0)
    throw new Problem("RATE_LIMITED", `You can add ${MOST_A_DAY} contacts a day. Go on tomorrow.`, {
      retry_after: DAY / 1_000,
    });
  const inviter = all.find((one) => one.id === by);
  return {
    token,
    company: customer.company ?? customer.name,
    by: inviter?.name ?? inviter?.email ?? customer.name,
  };
}

const FIND = named(`
  SELECT i.*, coalesce(u.company, u.name) AS customer_name FROM portal_invitations i
  JOIN customers u ON u.id = i.customer_id AND u.portal = 1
  JOIN contacts b ON b.id = i.invited_by AND b.customer_id = i.customer_id
  WHERE i.hash = :hash AND i.confirmed_at IS NULL AND i.created_at > :since`);

interface Row extends Invitation {
  customer_id: string;
  invited_by: string;
  roles: string;
  language: Contact["language"];
  customer_name: string;
}

async function invitationOf({ db, clock }: Context, token: string): Promise<Row | null> {
  const [found] = await db.batch([db.run(FIND, { hash: await sha256(token), since: clock.now() - LASTS })]);
  return (found?.results[0] as unknown as Row | undefined) ?? null;
}

/** For whom a link of an invitation is; null if it is used, too old, or whoever named them is gone. Uses nothing up. */
export const invitedBy = async (context: Context, token: string): Promise<string | null> =>
  (await invitationOf(context, token))?.customer_name ?? null;

/**
 * Makes a contact of whoever has the link, which proves that they have the mailbox. They may not sign in yet.
 * @returns whether the link did so
 */
export async function confirmContact(context: Context, token: string): Promise<boolean> {
  const { db, clock, mail } = context;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const row = await invitationOf(context, token);
    if (row === null) return false;
    const { id, customer_id, invited_by } = row;
    const { customer, all } = await customerWithContacts(context, customer_id);
    const now = clock.now();
    const input = {
      email: row.email,
      name: row.name,
      roles: JSON.parse(row.roles) as ContactRole[],
      language: row.language,
      portal: false,
    };
    const contact = contactOf(id, customer_id, input, now);
    const acting: Context = {
      ...context,
      actor: { type: "customer", id, customerId: customer_id, roles: [], licenseId: null },
    };
    const [added] = await db.batch([
      ...insertContact(acting, {
        customer,
        all,
        contact,
        members: ["email", "name", "roles", "language", "portal"],
        and: {
          sql: "EXISTS (SELECT 1 FROM portal_invitations WHERE id = ?1 AND confirmed_at IS NULL)",
          values: [],
        },
        after: await mail.added(acting, contact, invited_by),
      }),
      db.sql(
        `UPDATE portal_invitations SET confirmed_at = ?2, email = NULL, name = NULL, hash = NULL
         WHERE id = ?1 AND confirmed_at IS NULL AND EXISTS (SELECT 1 FROM contacts WHERE id = ?1)`,
        id,
        now,
      ),
    ]);
    if (added?.meta.changes !== 0) {
      mail.sendSoon(context);
      return true;
    }
    // Another contact has the address by now, or there are too many.
    if (all.some(({ email }) => email.toLowerCase() === row.email.toLowerCase())) return false;
    if (all.length >= MAX_CONTACTS) return false;
  }
  throw overtaken(undefined);
}

/** @throws Problem NOT_FOUND also for a contact of another customer */
export async function ownContact(context: Context, id: string): Promise<Contact> {
  const found = (await ownContacts(context)).all.find((contact) => contact.id === id);
  if (!found) throw new Problem("NOT_FOUND", "You have no such contact.");
  return found;
}

/** @throws Problem CONFLICT for the contact who is signed in: somebody else decides what they may */
function assertAnother(context: Context, id: string): string {
  const { customerId, id: self } = allowOnSite(context, "contacts");
  if (id === self) throw new Problem("CONFLICT", "This is you: another contact, or we, change it.");
  return customerId;
}

/**
 * Changes another contact: what mail they get, and whether they may sign in.
 * @throws Problem NOT_FOUND, REQUEST_INVALID, PRECONDITION_FAILED
 * @throws Problem CONFLICT for oneself, and for letting in whom one named
 */
export async function changeOwnContact(
  context: Context,
  id: string,
  input: z.output<typeof OwnContactChanges>,
  ifMatch: string,
): Promise<void> {
  const customerId = assertAnother(context, id);
  const before = await ownContact(context, id);
  const letsIn = input.portal === true && before.portal === 0;
  const notNamed = sql`NOT EXISTS (SELECT 1 FROM portal_invitations WHERE id = ${id} AND invited_by = ${context.actor.id})`;
  if (letsIn && (await isNamedBy(context, id)))
    throw new Problem("CONFLICT", "You named this contact: another contact, or we, let them sign in.");
  await alterContact(context, customerId, id, input, ifMatch, letsIn ? notNamed : undefined);
}

async function isNamedBy({ db, actor }: Context, id: string): Promise<boolean> {
  const [found] = await db.batch([
    db.sql("SELECT 1 FROM portal_invitations WHERE id = ? AND invited_by = ?", id, actor.id),
  ]);
  return found?.results.length !== 0;
}

/** @throws Problem NOT_FOUND; CONFLICT for oneself, and for the customer's own address */
export async function removeOwnContact(context: Context, id: string): Promise<void> {
  const customerId = assertAnother(context, id);
  const { own } = await ownContact(context, id);
  if (own === 1)
    throw new Problem("CONFLICT", "This is the address of your company itself. Ask us to change it.");
  await dropContact(context, customerId, id);
}
