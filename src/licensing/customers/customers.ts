// Customers: who a license is issued to.
import { and, eq, gt, inArray, sql, type SQL } from "drizzle-orm";
import * as z from "zod/mini";
import { allow } from "../../kernel/permissions.ts";
import { recordChange } from "../../record/events.ts";
import type { Context } from "../../context.ts";
import { Problem } from "../../problems.ts";
import { type Customer, customers, customerTerms } from "../../storage/schema.ts";
import { normalizeTerm, termsOf } from "./search-terms.ts";
import { formatInstant } from "../../kernel/dates.ts";
import { openList, type Page, type PageRequest } from "../../kernel/pages.ts";
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
};

export const NewCustomer = z.strictObject({ id: z.optional(CustomerId), name: Text(200), ...details });

export const CustomerChanges = z.strictObject({ name: z.optional(Text(200)), ...details });

export type NewCustomer = z.output<typeof NewCustomer>;
export type CustomerChanges = z.output<typeof CustomerChanges>;

export const unknownCustomer = (id: string): Problem =>
  new Problem("CUSTOMER_NOT_FOUND", `There is no customer with the id ${id}.`);

/** Adds the search terms of a customer if the statement before it in the batch changed a row. */
const addTerms = ({ db }: Context, customer: Customer): D1PreparedStatement =>
  db.sql(
    "INSERT INTO customer_terms (term, customer_id) SELECT value, ?1 FROM json_each(?2) WHERE changes() > 0",
    customer.id,
    JSON.stringify(termsOf(customer)),
  );

/** What a customer is found by, besides the id. */
const SEARCHED = ["name", "company", "email"] as const;

// From the rows themselves: what others change at the same time is not lost.
const CONTACT_TERMS = `
  INSERT OR IGNORE INTO customer_terms (term, customer_id)
  SELECT term, ?1 FROM (
    SELECT lower(email) AS term FROM contacts WHERE customer_id = ?1
    UNION SELECT lower(substr(email, instr(email, '@') + 1)) FROM contacts WHERE customer_id = ?1)
  WHERE changes() > 0`;

/**
 * Replaces the search terms of a customer and its contacts if the statement before it changed a row. An own address has
 * changed by then.
 */
export const replaceTerms = (context: Context, customer: Customer): D1PreparedStatement[] => [
  context.db.sql("DELETE FROM customer_terms WHERE customer_id = ? AND changes() > 0", customer.id),
  addTerms(context, customer),
  context.db.sql(CONTACT_TERMS, customer.id),
];

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
    recordChange(context, now, "customer.created", ["customer", customer.id], { after: customer }),
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
export async function customerNames(context: Context, ids: string[]): Promise<Map<string, string>> {
  allow(context, "read");
  if (ids.length === 0) return new Map();
  const { db } = context;
  const [found] = await db.batch([
    db.sql(
      "SELECT c.id, c.name FROM json_each(?) one CROSS JOIN customers c WHERE c.id = one.value",
      JSON.stringify([...new Set(ids)]),
    ),
  ]);
  return new Map((found!.results as { id: string; name: string }[]).map(({ id, name }) => [id, name]));
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
    const wanted = { ...before, ...given(input) };
    // The status of an address says nothing about another address.
    if (wanted.email !== before.email) wanted.email_status = null;
    const changes = changesBetween(before, wanted);
    if (Object.keys(changes).length === 0) return before;
    const now = context.clock.now();
    const after: Customer = { ...wanted, version: before.version + 1, updated_at: now };
    const [updated] = await db.batch([
      db.compile(db.orm.update(customers).set(columnsToSet(before, after)).where(isStill(before))),
      recordChange(context, now, "customer.changed", ["customer", id], { changes }),
      ...(SEARCHED.some((name) => name in changes) ? replaceTerms(context, after) : []),
    ]);
    if (updated?.meta.changes !== 0) return after;
  }
  throw overtaken(ifMatch);
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
      recordChange(context, context.clock.now(), "customer.deleted", ["customer", id], { before }),
      db.sql("SELECT 1 FROM licenses WHERE customer_id = ? LIMIT 1", id),
    ]);
    if (deleted?.meta.changes !== 0) return;
    if (licensed?.results.length !== 0) throw new Problem("CONFLICT", `The customer ${id} has licenses.`);
  }
  throw overtaken(ifMatch);
}

export interface CustomerFilter {
  q?: string | undefined;
}

/** Customers by id. With `q`: those with an id, name, company or e-mail that it begins, by the matching term. */
export async function listCustomers(
  context: Context,
  request: PageRequest,
  filter: CustomerFilter,
): Promise<Page<Customer>> {
  allow(context, "read");
  const { orm } = context.db;
  const list = await openList(context, "customers", request, { q: filter.q });
  const scan = request.limit + 1;
  if (filter.q === undefined) {
    const after = String(list.after?.[0] ?? "");
    const rows = await orm
      .select()
      .from(customers)
      .where(gt(customers.id, after))
      .orderBy(customers.id)
      .limit(scan);
    return list.page(rows, scan, (row) => [row.id]);
  }
  const [term, id] = list.after ?? ["", ""];
  const rows = await orm
    .select({ term: customerTerms.term, customer: customers })
    .from(customerTerms)
    .innerJoin(customers, eq(customers.id, customerTerms.customer_id))
    .where(
      and(matches(filter.q), sql`(${customerTerms.term}, ${customerTerms.customer_id}) > (${term}, ${id})`),
    )
    .orderBy(customerTerms.term, customerTerms.customer_id)
    .limit(scan);
  const page = await list.page(rows, scan, (row) => [row.term, row.customer.id]);
  return { ...page, data: page.data.map((row) => row.customer) };
}

/** Which rows of customer_terms a search finds: each customer by its first matching term only. */
export function matches(q: string): SQL {
  const from = normalizeTerm(q);
  // The end of the range of all texts that begin with `from`; D1 limits LIKE to 50 bytes.
  const to = `${from}\u{10FFFF}`;
  return sql`${customerTerms.term} >= ${from} AND ${customerTerms.term} < ${to}
    AND NOT EXISTS (
      SELECT 1 FROM customer_terms earlier
      WHERE earlier.customer_id = ${customerTerms.customer_id}
        AND earlier.term >= ${from} AND earlier.term < ${customerTerms.term})`;
}

export const presentCustomer = ({ version: _etag, ...customer }: Customer) => ({
  ...customer,
  created_at: formatInstant(customer.created_at),
  updated_at: formatInstant(customer.updated_at),
});
