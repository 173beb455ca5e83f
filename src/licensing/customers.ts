// Customers: who a license is issued to.
import { eq, gt } from "drizzle-orm";
import * as z from "zod/mini";
import type { Context } from "../context.ts";
import { allow } from "../access/permissions.ts";
import { recordChange } from "../audit/events.ts";
import { Problem } from "../problems.ts";
import { type Customer, customers } from "../storage/schema.ts";
import { formatInstant } from "./dates.ts";
import { type Page, type PageRequest, pageOf } from "./pages.ts";
import { Metadata, Text } from "./terms.ts";

export const CustomerId = z.string().check(z.regex(/^[A-Za-z0-9._-]{1,64}$/));

export const NewCustomer = z.strictObject({
  id: z.optional(CustomerId),
  name: Text(200),
  email: z.nullish(z.email().check(z.maxLength(254))),
  company: z.nullish(Text(200)),
  metadata: z.optional(Metadata),
});

export type NewCustomer = z.output<typeof NewCustomer>;

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
});

/**
 * Creates a customer; without an id one is generated.
 * @throws Problem CONFLICT where the id is taken
 */
export async function createCustomer(context: Context, input: NewCustomer): Promise<Customer> {
  allow(context, "customers");
  const now = context.clock.now();
  const customer = customerOf(input, input.id ?? `cus_${context.ids.ulid(now)}`, now);
  const [inserted] = await context.db.batch([
    context.db.compile(context.db.orm.insert(customers).values(customer).onConflictDoNothing()),
    recordChange(context, now, "customer.created", ["customer", customer.id], { after: customer }),
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
  if (!customer) throw new Problem("CUSTOMER_NOT_FOUND", `There is no customer with the id ${id}.`);
  return customer;
}

/** Customers by id. */
export async function listCustomers(context: Context, page: PageRequest): Promise<Page<Customer>> {
  allow(context, "read");
  const rows = await context.db.orm
    .select()
    .from(customers)
    .where(page.cursor === undefined ? undefined : gt(customers.id, page.cursor))
    .orderBy(customers.id)
    .limit(page.limit + 1);
  return pageOf(rows, page.limit, (row) => row.id);
}

export const presentCustomer = ({ version: _etag, ...customer }: Customer) => ({
  ...customer,
  created_at: formatInstant(customer.created_at),
  updated_at: formatInstant(customer.updated_at),
});
