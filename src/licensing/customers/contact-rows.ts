// What a contact is made of, and the statements that add one.
import * as z from "zod/mini";
import type { Context } from "../../context.ts";
import { Mailbox } from "../../field/mailboxes.ts";
import { Text, unique } from "../../kernel/inputs.ts";
import { LANGUAGES } from "../../kernel/languages.ts";
import { recordChange } from "../../record/events.ts";
import { type Contact, CONTACT_ROLES, type Customer } from "../../storage/schema.ts";
import { replaceTerms } from "./customers.ts";

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

/** What an event says of a change: the names of what was changed, never a value. */
export const toldOf = (contactId: string, members: string[]) => ({ contact_id: contactId, members });

/** The contact that an input asks for. Pure. */
export const contactOf = (id: string, customerId: string, input: NewContact, now: number): Contact => ({
  id,
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
});

/**
 * The statements that add a contact to a customer as it was read: the first one writes it, if its rule allows that.
 * @param and what else must hold; its parameters begin with ?11
 */
export function insertContact(
  context: Context,
  {
    customer,
    all,
    contact,
    members,
    and: condition = { sql: "TRUE", values: [] },
    after = [],
  }: {
    customer: Customer;
    all: readonly Contact[];
    contact: Contact;
    members: string[];
    and?: { sql: string; values: (string | number)[] };
    /** Statements right after the event. */
    after?: D1PreparedStatement[];
  },
): D1PreparedStatement[] {
  const { db } = context;
  return [
    db.sql(
      `INSERT INTO contacts (id, customer_id, email, name, roles, language, portal, own, created_at, updated_at)
       SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?8, ?8
       WHERE EXISTS (SELECT 1 FROM customers WHERE id = ?2 AND version = ?9 AND created_at = ?10)
         AND NOT EXISTS (SELECT 1 FROM contacts WHERE customer_id = ?2 AND lower(email) = lower(?3))
         AND (SELECT count(*) FROM contacts WHERE customer_id = ?2) < ${MAX_CONTACTS} AND ${condition.sql}`,
      contact.id,
      customer.id,
      contact.email,
      contact.name,
      JSON.stringify(contact.roles),
      contact.language,
      contact.portal,
      contact.created_at,
      customer.version,
      customer.created_at,
      ...condition.values,
    ),
    recordChange(
      context,
      contact.created_at,
      "contact.created",
      ["customer", customer.id],
      toldOf(contact.id, members),
    ),
    ...after,
    ...replaceTerms(context, customer, customer, [...all, contact]),
  ];
}
