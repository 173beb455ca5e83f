// Customers: who a license is issued to.
import { and, eq, inArray, sql, type SQL } from "drizzle-orm";
import * as z from "zod/mini";
import { allow } from "../../kernel/permissions.ts";
import { recordChange } from "../../record/events.ts";
import { recordable, recordableChanges, recordableRow } from "../../record/personal.ts";
import type { Context } from "../../context.ts";
import { Problem } from "../../problems.ts";
import { type Contact, contacts, type Customer, customers, customerTerms } from "../../storage/schema.ts";
import { noted } from "./noted.ts";
import { termsOf } from "./search-terms.ts";
import { formatInstant } from "../../kernel/dates.ts";
import {
  assertMatch,
  changesBetween,
  columnsToSet,
  given,
  MAX_ATTEMPTS,
  overtaken,
} from "../../kernel/resources.ts";
import { Mailbox } from "../../field/mailboxes.ts";
import { ChosenId, Text } from "../../kernel/inputs.ts";
import { Metadata } from "../../kernel/metadata.ts";

export const CustomerId = ChosenId;

const details = {
  email: z.nullish(Mailbox),
  company: z.nullish(Text(200)),
  metadata: z.optional(Metadata),
  /** Whether its contacts may sign in to the customer's site. */
  portal: z.optional(z.boolean()),
  ...noted,
};

export const NewCustomer = z.strictObject({ id: z.optional(CustomerId), name: Text(200), ...details });

export const CustomerChanges = z.strictObject({ name: z.optional(Text(200)), ...details });

export type NewCustomer = z.output<typeof NewCustomer>;
export type CustomerChanges = z.output<typeof CustomerChanges>;

export const unknownCustomer = (id: string): Problem =>
  new Problem("CUSTOMER_NOT_FOUND", `There is no customer with the id ${id}.`);

/** Adds the search terms of a new customer if the statement before it in the batch wrote a row. */
const addTerms = ({ db }: Context, customer: Customer): D1PreparedStatement =>
  db.sql(
    `INSERT INTO customer_terms (term, customer_id) SELECT value, ?1 FROM json_each(?2) WHERE changes() > 0
     ON CONFLICT DO NOTHING`,
    customer.id,
    JSON.stringify(termsOf(customer)),
  );

/** What a customer is found by, besides the id. */
const SEARCHED = ["name", "company", "email", "metadata", "tags", "notes"] as const;

/**
 * SQL: what the contacts of customers are found by at least, from the rows: one that is added at the same time is not
 * lost.
 */
export const CONTACT_TERMS = `(
  SELECT lower(email) AS term, customer_id FROM contacts WHERE own = 0
  UNION ALL SELECT lower(substr(email, instr(email, '@') + 1)), customer_id FROM contacts WHERE own = 0
  UNION ALL SELECT lower(substr(name, 1, 100)), customer_id FROM contacts WHERE own = 0 AND name IS NOT NULL)`;

/**
 * Replaces the search terms of a customer who is still the one that was read; writes only those that differ. Goes before
 * a change of the customer and after one of its contacts, in its batch.
 * @param all its contacts as they are afterwards
 */
export function replaceTerms(
  context: Context,
  before: Customer,
  after: Customer,
  all: readonly Contact[],
): D1PreparedStatement[] {
  const { id, version, created_at } = before;
  const still = `EXISTS (SELECT 1 FROM customers WHERE (id, version, created_at) = (?1, ${version}, ${created_at}))`;
  const terms = JSON.stringify(termsOf(after, all));
  const ofContacts = `SELECT term FROM ${CONTACT_TERMS} WHERE customer_id = ?1`;
  return [
    context.db.sql(
      `DELETE FROM customer_terms WHERE customer_id = ?1 AND ${still}
         AND term NOT IN (SELECT value FROM json_each(?2) UNION ALL ${ofContacts})`,
      id,
      terms,
    ),
    context.db.sql(
      `INSERT INTO customer_terms (term, customer_id)
       SELECT term, ?1 FROM (SELECT value AS term FROM json_each(?2) UNION ${ofContacts}) WHERE ${still}
       ON CONFLICT DO NOTHING`,
      id,
      terms,
    ),
  ];
}

/** The customer that an input asks for. Pure. */
export const customerOf = (input: NewCustomer, id: string, now: number): Customer => ({
  id,
  name: input.name,
  email: input.email ?? null,
  company: input.company ?? null,
  metadata: input.metadata ?? {},
  version: 1,
  created_at: now,
  updated_at: now,
  email_status: null,
  notes: input.notes ?? null,
  tags: input.tags ?? [],
  terms_at: 1,
  portal: (input.portal ?? true) ? 1 : 0,
});

/**
 * Creates a customer; without an id one is generated.
 * @throws Problem CONFLICT if the id is taken
 */
export async function createCustomer(context: Context, input: NewCustomer): Promise<Customer> {
  allow(context, "customers");
  const { db } = context;
  const now = context.clock.now();
  const customer = customerOf(input, input.id ?? `cus_${context.ids.ulid(now)}`, now);
  const [inserted] = await db.batch([
    db.compile(db.orm.insert(customers).values(customer).onConflictDoNothing()),
    recordChange(context, now, "customer.created", ["customer", customer.id], recordableRow(customer)),
    addTerms(context, customer),
  ]);
  if (inserted?.meta.changes === 0) {
    throw new Problem("CONFLICT", `A customer with the id ${customer.id} exists already.`);
  }
  return customer;
}

/** @throws Problem CUSTOMER_NOT_FOUND */
export async function getCustomer(context: Context, id: string): Promise<Customer> {
  allow(context, "read");
  const [customer] = await context.db.orm.select().from(customers).where(eq(customers.id, id));
  if (!customer) throw unknownCustomer(id);
  return customer;
}

/** The names of customers by their ids, for a list that has the ids. */
export async function customerNames(
  context: Context,
  ids: string[],
): Promise<Map<string, Pick<Customer, "name" | "company">>> {
  allow(context, "read");
  if (ids.length === 0) return new Map();
  const { db } = context;
  const [found] = await db.batch([
    db.sql(
      "SELECT c.id, c.name, c.company FROM json_each(?) one CROSS JOIN customers c WHERE c.id = one.value",
      JSON.stringify([...new Set(ids)]),
    ),
  ]);
  const rows = found!.results as Pick<Customer, "id" | "name" | "company">[];
  return new Map(rows.map(({ id, ...names }) => [id, names]));
}

/**
 * Changes what the input names.
 * @throws Problem CUSTOMER_NOT_FOUND, PRECONDITION_FAILED, CONFLICT
 */
export async function changeCustomer(
  context: Context,
  id: string,
  input: CustomerChanges,
  ifMatch?: string,
): Promise<Customer> {
  allow(context, "customers");
  const { db } = context;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const before = await getCustomer(context, id);
    assertMatch(before, ifMatch);
    const { portal, ...rest } = given(input);
    const wanted: Customer = {
      ...before,
      ...rest,
      ...(portal === undefined ? {} : { portal: portal ? 1 : 0 }),
    };
    // The status of an address says nothing about another address.
    if (wanted.email !== before.email) wanted.email_status = null;
    const changes = changesBetween(before, wanted);
    if (Object.keys(changes).length === 0) return before;
    const now = context.clock.now();
    const isReworded = before.terms_at !== before.version || SEARCHED.some((name) => name in changes);
    const version = before.version + 1;
    const after: Customer = { ...wanted, version, terms_at: version, updated_at: now };
    const first = isReworded ? replaceTerms(context, before, after, await contactsOf(context, after)) : [];
    const results = await db.batch([
      ...first,
      db.compile(db.orm.update(customers).set(columnsToSet(before, after)).where(isStill(before))),
      recordChange(context, now, "customer.changed", ["customer", id], {
        changes: recordableChanges(changes),
      }),
    ]);
    if (results[first.length]?.meta.changes !== 0) return after;
  }
  throw overtaken(ifMatch);
}

/** The contacts of a customer. Its own one goes with its address. */
async function contactsOf({ db }: Context, { id, email }: Customer): Promise<Contact[]> {
  const all = await db.orm.select().from(contacts).where(eq(contacts.customer_id, id));
  return email === null ? all.filter(({ own }) => own === 0) : all;
}

/** Exactly the customer that was read: not another one with this id, nor another version. */
const isStill = ({ id, version, created_at }: Customer): SQL | undefined =>
  and(eq(customers.id, id), eq(customers.version, version), eq(customers.created_at, created_at));

/**
 * Deletes a customer who has no licenses.
 * @throws Problem CUSTOMER_NOT_FOUND, PRECONDITION_FAILED, CONFLICT while there are licenses
 */
export async function deleteCustomer(context: Context, id: string, ifMatch?: string): Promise<void> {
  allow(context, "customers");
  const { db } = context;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const before = await getCustomer(context, id);
    assertMatch(before, ifMatch);
    const deletable = db.orm
      .select({ id: customers.id })
      .from(customers)
      .where(
        and(isStill(before), sql`NOT EXISTS (SELECT 1 FROM licenses WHERE licenses.customer_id = ${id})`),
      );
    const [, deleted, , licensed] = await db.batch([
      db.compile(db.orm.delete(customerTerms).where(inArray(customerTerms.customer_id, deletable))),
      db.compile(db.orm.delete(customers).where(inArray(customers.id, deletable))),
      recordChange(context, context.clock.now(), "customer.deleted", ["customer", id], {
        before: recordable(before),
      }),
      db.sql("SELECT 1 FROM licenses WHERE customer_id = ? LIMIT 1", id),
    ]);
    if (deleted?.meta.changes !== 0) return;
    if (licensed?.results.length !== 0) throw new Problem("CONFLICT", `The customer ${id} has licenses.`);
  }
  throw overtaken(ifMatch);
}

export const presentCustomer = ({ version: _etag, terms_at: _own, ...customer }: Customer) => ({
  ...customer,
  portal: customer.portal === 1,
  created_at: formatInstant(customer.created_at),
  updated_at: formatInstant(customer.updated_at),
});
