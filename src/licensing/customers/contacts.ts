// Who of a customer is written to, and about what. The customer's own e-mail address is a contact, too: the database
// keeps the two the same, and the address itself is changed at the customer.
import { and, eq, sql, type SQL } from "drizzle-orm";
import { allow } from "../../kernel/permissions.ts";
import { recordChange } from "../../record/events.ts";
import type { Context } from "../../context.ts";
import { isSameMailbox } from "../../field/mailboxes.ts";
import { formatInstant } from "../../kernel/dates.ts";
import {
  assertMatch,
  changesBetween,
  columnsToSet,
  given,
  MAX_ATTEMPTS,
  overtaken,
} from "../../kernel/resources.ts";
import { invalid, Problem } from "../../problems.ts";
import { type Contact, contacts, type Customer, customers } from "../../storage/schema.ts";
import {
  type ContactChanges,
  contactOf,
  insertContact,
  MAX_CONTACTS,
  type NewContact,
  toldOf,
} from "./contact-rows.ts";
import { replaceTerms, unknownCustomer } from "./customers.ts";

const unknownContact = (id: string): Problem =>
  new Problem("NOT_FOUND", `The customer has no contact with the id ${id}.`);

/** The contacts of a customer: its own address first, then the oldest. @throws Problem CUSTOMER_NOT_FOUND */
export async function listContacts(context: Context, customerId: string): Promise<Contact[]> {
  allow(context, "read");
  return (await customerWithContacts(context, customerId)).all;
}

/** @throws Problem CUSTOMER_NOT_FOUND */
export async function customerWithContacts(
  context: Context,
  customerId: string,
): Promise<{ customer: Customer; all: Contact[] }> {
  const { orm } = context.db;
  const [[customer], all] = await orm.batch([
    orm.select().from(customers).where(eq(customers.id, customerId)),
    orm.select().from(contacts).where(eq(contacts.customer_id, customerId)),
  ]);
  if (!customer) throw unknownCustomer(customerId);
  return { customer, all: all.toSorted(inOrder) };
}

/** The customer's own address first, then the oldest. */
export const inOrder = (one: Contact, other: Contact): number =>
  other.own - one.own || one.created_at - other.created_at || (one.id < other.id ? -1 : 1);

/** @throws Problem CUSTOMER_NOT_FOUND, NOT_FOUND */
export async function getContact(context: Context, customerId: string, id: string): Promise<Contact> {
  allow(context, "read");
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
export function assertNew(all: readonly Contact[], email: string, except?: string): void {
  if (all.some((contact) => contact.id !== except && isSameMailbox(contact.email, email))) {
    throw invalid("email", "Is the address of another contact of this customer");
  }
}

/** That the customer is still as it was read: its search terms are written anew with those of its contacts. */
const customerIsStill = ({ id, version, created_at }: Customer): SQL =>
  sql`EXISTS (SELECT 1 FROM customers WHERE id = ${id} AND version = ${version} AND created_at = ${created_at})`;

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
    const contact = contactOf(`con_${context.ids.ulid(now)}`, customerId, input, now);
    const [inserted] = await db.batch(
      insertContact(context, { customer, all, contact, members: Object.keys(given(input)) }),
    );
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
  return alterContact(context, customerId, id, input, ifMatch);
}

/** The same for a caller who may. @param where another condition for it */
export async function alterContact(
  context: Context,
  customerId: string,
  id: string,
  input: ContactChanges,
  ifMatch?: string,
  where?: SQL,
): Promise<Contact> {
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
          .where(
            and(eq(contacts.id, id), eq(contacts.version, before.version), customerIsStill(customer), where),
          ),
      ),
      recordChange(context, now, "contact.changed", ["customer", customerId], toldOf(id, members)),
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
  return dropContact(context, customerId, id, ifMatch);
}

/** The same for a caller who may. */
export async function dropContact(
  context: Context,
  customerId: string,
  id: string,
  ifMatch?: string,
): Promise<void> {
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
      recordChange(context, context.clock.now(), "contact.deleted", ["customer", customerId], toldOf(id, [])),
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
