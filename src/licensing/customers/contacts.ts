// Who of a customer is written to, and about what. The customer's own e-mail address is a contact, too: the database
// keeps the two the same, and the address itself is changed at the customer.
import { and, eq, sql, type SQL } from "drizzle-orm";
import * as z from "zod/mini";
import { allow } from "../../kernel/permissions.ts";
import { recordChange } from "../../record/events.ts";
import type { Context } from "../../context.ts";
import { isSameMailbox, Mailbox } from "../../field/mailboxes.ts";
import { formatInstant } from "../../kernel/dates.ts";
import { Text, unique } from "../../kernel/inputs.ts";
import { LANGUAGES } from "../../kernel/languages.ts";
import {
  assertMatch,
  changesBetween,
  columnsToSet,
  given,
  MAX_ATTEMPTS,
  overtaken,
} from "../../kernel/resources.ts";
import { invalid, Problem } from "../../problems.ts";
import { type Contact, CONTACT_ROLES, contacts, type Customer } from "../../storage/schema.ts";
import { getCustomer, replaceTerms } from "./customers.ts";

/** The most contacts of a customer. */
export const MAX_CONTACTS = 50;

const details = {
  name: z.nullish(Text(200)),
  roles: z.optional(z.array(z.enum(CONTACT_ROLES)).check(z.minLength(1), ...unique("Roles must not repeat"))),
  /** The language of mail to this contact; null: English. */
  language: z.nullish(z.enum(LANGUAGES)),
  portal: z.optional(z.boolean()),
};

export const NewContact = z.strictObject({ email: Mailbox, ...details });

export const ContactChanges = z.strictObject({ email: z.optional(Mailbox), ...details });

export type NewContact = z.output<typeof NewContact>;
export type ContactChanges = z.output<typeof ContactChanges>;

const unknownContact = (id: string): Problem =>
  new Problem("NOT_FOUND", `The customer has no contact with the id ${id}.`);

/** The contacts of a customer: its own address first, then the oldest. @throws Problem CUSTOMER_NOT_FOUND */
export async function listContacts(context: Context, customerId: string): Promise<Contact[]> {
  return (await customerWithContacts(context, customerId)).all;
}

async function customerWithContacts(
  context: Context,
  customerId: string,
): Promise<{ customer: Customer; all: Contact[] }> {
  allow(context, "read");
  const [customer, all] = await Promise.all([
    getCustomer(context, customerId),
    context.db.orm.select().from(contacts).where(eq(contacts.customer_id, customerId)),
  ]);
  return { customer, all: all.toSorted(inOrder) };
}

/** The customer's own address first, then the oldest. */
export const inOrder = (one: Contact, other: Contact): number =>
  other.own - one.own || one.created_at - other.created_at || (one.id < other.id ? -1 : 1);

/** @throws Problem CUSTOMER_NOT_FOUND, NOT_FOUND */
export async function getContact(context: Context, customerId: string, id: string): Promise<Contact> {
  return (await contactAmong(context, customerId, id)).contact;
}

/** A contact among all of its customer. @throws Problem CUSTOMER_NOT_FOUND, NOT_FOUND, PRECONDITION_FAILED */
async function contactAmong(context: Context, customerId: string, id: string, ifMatch?: string) {
  const { customer, all } = await customerWithContacts(context, customerId);
  const contact = all.find((one) => one.id === id);
  if (!contact) throw unknownContact(id);
  assertMatch(contact, ifMatch);
  return { customer, all, contact };
}

/** @throws Problem REQUEST_INVALID if another contact has the address */
function assertNew(all: readonly Contact[], email: string, except?: string): void {
  if (all.some((contact) => contact.id !== except && isSameMailbox(contact.email, email))) {
    throw invalid("email", "Is the address of another contact of this customer");
  }
}

/** That the customer is still as it was read: its search terms are written anew with those of its contacts. */
const customerIsStill = ({ id, version, created_at }: Customer): SQL =>
  sql`EXISTS (SELECT 1 FROM customers WHERE id = ${id} AND version = ${version} AND created_at = ${created_at})`;

/** What an event says of a change: the names of what was changed, never a value. */
const told = (contactId: string, members: string[]) => ({ contact_id: contactId, members });

/**
 * Adds a contact to a customer. What is left out: all roles, English, and the customer's site.
 * @throws Problem CUSTOMER_NOT_FOUND, CONFLICT, or REQUEST_INVALID if the customer has the address or too many contacts
 */
export async function createContact(
  context: Context,
  customerId: string,
  input: NewContact,
): Promise<Contact> {
  allow(context, "customers");
  const { db } = context;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const { customer, all } = await customerWithContacts(context, customerId);
    assertNew(all, input.email);
    if (all.length >= MAX_CONTACTS) throw invalid("email", `A customer has at most ${MAX_CONTACTS} contacts`);
    const now = context.clock.now();
    const contact: Contact = {
      id: `con_${context.ids.ulid(now)}`,
      customer_id: customerId,
      email: input.email,
      name: input.name ?? null,
      roles: input.roles ?? [...CONTACT_ROLES],
      language: input.language ?? null,
      portal: (input.portal ?? true) ? 1 : 0,
      own: 0,
      email_status: null,
      version: 1,
      created_at: now,
      updated_at: now,
    };
    const [inserted] = await db.batch([
      db.sql(
        `INSERT INTO contacts (id, customer_id, email, name, roles, language, portal, own, created_at, updated_at)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?8, ?8
         WHERE EXISTS (SELECT 1 FROM customers WHERE id = ?2 AND version = ?9 AND created_at = ?10)
           AND NOT EXISTS (SELECT 1 FROM contacts WHERE customer_id = ?2 AND lower(email) = lower(?3))
           AND (SELECT count(*) FROM contacts WHERE customer_id = ?2) < ${MAX_CONTACTS}`,
        contact.id,
        customerId,
        contact.email,
        contact.name,
        JSON.stringify(contact.roles),
        contact.language,
        contact.portal,
        now,
        customer.version,
        customer.created_at,
      ),
      recordChange(
        context,
        now,
        "contact.created",
        ["customer", customerId],
        told(contact.id, Object.keys(given(input))),
      ),
      ...replaceTerms(context, customer, customer, [...all, contact]),
    ]);
    if (inserted?.meta.changes !== 0) return contact;
  }
  throw overtaken(undefined);
}

const OWN = "This is the customer's own address";

/**
 * Changes what the input names.
 * @throws Problem CUSTOMER_NOT_FOUND, NOT_FOUND, PRECONDITION_FAILED, REQUEST_INVALID
 * @throws Problem CONFLICT if it would change the customer's own address, which is changed at the customer
 */
export async function changeContact(
  context: Context,
  customerId: string,
  id: string,
  input: ContactChanges,
  ifMatch?: string,
): Promise<Contact> {
  allow(context, "customers");
  const { db } = context;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const { customer, all, contact: before } = await contactAmong(context, customerId, id, ifMatch);
    const { portal, ...rest } = given(input);
    const wanted: Contact = {
      ...before,
      ...rest,
      ...(portal === undefined ? {} : { portal: portal ? 1 : 0 }),
    };
    if (wanted.email !== before.email) {
      if (before.own === 1) throw new Problem("CONFLICT", `${OWN}: change the e-mail of the customer.`);
      assertNew(all, wanted.email, id);
      // What is known of an address says nothing about another one.
      wanted.email_status = null;
    }
    const members = Object.keys(changesBetween(before, wanted)).filter((name) => name !== "email_status");
    if (members.length === 0) return before;
    const now = context.clock.now();
    const after: Contact = { ...wanted, version: before.version + 1, updated_at: now };
    const [updated] = await db.batch([
      db.compile(
        db.orm
          .update(contacts)
          .set(columnsToSet(before, after))
          .where(and(eq(contacts.id, id), eq(contacts.version, before.version), customerIsStill(customer))),
      ),
      recordChange(context, now, "contact.changed", ["customer", customerId], told(id, members)),
      ...(members.includes("email") || members.includes("name")
        ? replaceTerms(context, customer, customer, all.with(all.indexOf(before), after))
        : []),
    ]);
    if (updated?.meta.changes !== 0) return after;
  }
  throw overtaken(ifMatch);
}

/**
 * Removes a contact.
 * @throws Problem CUSTOMER_NOT_FOUND, NOT_FOUND, PRECONDITION_FAILED
 * @throws Problem CONFLICT if it is the customer's own address, which is removed at the customer
 */
export async function deleteContact(
  context: Context,
  customerId: string,
  id: string,
  ifMatch?: string,
): Promise<void> {
  allow(context, "customers");
  const { db } = context;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const { customer, all, contact: before } = await contactAmong(context, customerId, id, ifMatch);
    if (before.own === 1) throw new Problem("CONFLICT", `${OWN}: take it away from the customer.`);
    const [deleted] = await db.batch([
      db.compile(
        db.orm
          .delete(contacts)
          .where(and(eq(contacts.id, id), eq(contacts.version, before.version), customerIsStill(customer))),
      ),
      recordChange(context, context.clock.now(), "contact.deleted", ["customer", customerId], told(id, [])),
      ...replaceTerms(
        context,
        customer,
        customer,
        all.filter((contact) => contact.id !== id),
      ),
    ]);
    if (deleted?.meta.changes !== 0) return;
  }
  throw overtaken(ifMatch);
}

export const presentContact = ({ version: _etag, ...contact }: Contact) => ({
  ...contact,
  portal: contact.portal === 1,
  own: contact.own === 1,
  created_at: formatInstant(contact.created_at),
  updated_at: formatInstant(contact.updated_at),
});
