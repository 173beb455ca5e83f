// The export of customers with their contacts: everything that an import needs to bring them back as they are.
import { and, eq, gt, inArray, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { formatInstant } from "../../kernel/dates.ts";
import { allow } from "../../kernel/permissions.ts";
import { invalid } from "../../problems.ts";
import { type Contact, contacts, type Customer, customers } from "../../storage/schema.ts";
import { inOrder } from "../customers/contacts.ts";
import { type CustomerFilter, listCustomers } from "../customers/customer-list.ts";
import { type ExportedFile, exportedFile, type ExportFormat, fileOf, PAGE_SIZE } from "./exported-files.ts";
import { recordExport } from "./exports.ts";

/** The id of the customer's own contact follows from the customer. */
const exportedContact = ({
  id,
  email,
  name,
  roles,
  language,
  portal,
  own,
  email_status,
  created_at,
}: Contact) => ({
  ...(own === 1 ? { own: true } : { id }),
  email,
  name,
  roles,
  language,
  portal: portal === 1,
  email_status,
  created_at: formatInstant(created_at),
});

/** The columns in order; the order is part of the contract: new ones go behind. */
const exported = (customer: Customer, all: Contact[]) => ({
  id: customer.id,
  name: customer.name,
  email: customer.email,
  company: customer.company,
  metadata: customer.metadata,
  tags: customer.tags,
  notes: customer.notes,
  email_status: customer.email_status,
  created_at: formatInstant(customer.created_at),
  contacts: all.toSorted(inOrder).map(exportedContact),
  portal: customer.portal === 1,
});

const COLUMNS = [
  "id",
  "name",
  "email",
  "company",
  "metadata",
  "tags",
  "notes",
  "email_status",
  "created_at",
  "contacts",
  "portal",
] as const satisfies (keyof ReturnType<typeof exported>)[];

interface Choice {
  format: ExportFormat;
  customer_id?: string | undefined;
  filter?: CustomerFilter | undefined;
}

/**
 * All customers by id, or one, or those that filters find. The export is recorded first.
 * @throws Problem CUSTOMER_NOT_FOUND; REQUEST_INVALID for one customer and filters
 */
export async function exportCustomers(
  caller: Context,
  { format, customer_id: only, filter }: Choice,
): Promise<ExportedFile> {
  allow(caller, "customers");
  if (only !== undefined && filter !== undefined)
    throw invalid("customer_id", "Names one customer: leave out the filters");
  const context: Context = { ...caller, db: caller.db.replica("from-here") };
  // Not what for: somebody may have searched for a name.
  const detail = filter === undefined ? { format } : { format, filters: Object.keys(filter).join(" ") };
  await recordExport(context, "customers", detail, only);
  if (filter !== undefined) return fileOf(context, "customers", format, COLUMNS, found(context, filter));
  return exportedFile(context, "customers", format, COLUMNS, {
    read: (after) => readPage(context, only, after),
    present: ({ customer, theirs }) => exported(customer, theirs),
  });
}

/** What filters find, in the order of the list. */
async function* found(context: Context, filter: CustomerFilter) {
  let cursor: string | undefined;
  do {
    const page = await listCustomers(context, { limit: PAGE_SIZE, cursor }, filter);
    const ids = JSON.stringify(page.data.map(({ id }) => id));
    const theirs = await context.db.orm
      .select()
      .from(contacts)
      .where(sql`${contacts.customer_id} IN (SELECT value FROM json_each(${ids}))`);
    const byCustomer = Map.groupBy(theirs, ({ customer_id }) => customer_id);
    yield page.data.map((customer) => exported(customer, byCustomer.get(customer.id) ?? []));
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
}

/** Customers with their contacts. */
async function readPage({ db: { orm } }: Context, only: string | undefined, after: string | undefined) {
  const chosen = and(
    only === undefined ? undefined : eq(customers.id, only),
    after === undefined ? undefined : gt(customers.id, after),
  );
  const ids = orm
    .select({ id: customers.id })
    .from(customers)
    .where(chosen)
    .orderBy(customers.id)
    .limit(PAGE_SIZE);
  const [page, theirs] = await orm.batch([
    orm.select().from(customers).where(chosen).orderBy(customers.id).limit(PAGE_SIZE),
    orm
      .select()
      .from(contacts)
      .where(inArray(contacts.customer_id, sql`(${ids})`)),
  ]);
  const byCustomer = Map.groupBy(theirs, ({ customer_id }) => customer_id);
  return page.map((customer) => ({
    id: customer.id,
    customer,
    theirs: byCustomer.get(customer.id) ?? [],
  }));
}
