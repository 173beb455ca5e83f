// Who of a customer gets a mail: the contacts with the role that it is for.
import { sql } from "drizzle-orm";
import type { Context } from "../context.ts";
import { asciiMailbox, isSameMailbox } from "../field/mailboxes.ts";
import { type Contact, type ContactRole, contacts } from "../storage/schema.ts";

/** The order in which contacts count: the customer's own address, then the oldest. */
const inOrder = (one: Contact, other: Contact): number =>
  other.own - one.own || one.created_at - other.created_at || (one.id < other.id ? -1 : 1);

/**
 * The contacts that a mail for this role goes to, each address once. Without a contact of the role, the first one; empty
 * only if there is none at all. Pure.
 */
export function recipientsOf(all: readonly Contact[], role: ContactRole): Contact[] {
  const sorted = all.toSorted(inOrder);
  const withRole = sorted.filter(({ roles }) => roles.includes(role));
  const chosen = withRole.length > 0 ? withRole : sorted.slice(0, 1);
  return chosen.filter(
    ({ email }, at) => !chosen.slice(0, at).some((earlier) => isSameMailbox(earlier.email, email)),
  );
}

/** The contacts of customers, by the customer's id. */
export async function contactsOf({ db }: Context, customerIds: string[]): Promise<Map<string, Contact[]>> {
  if (customerIds.length === 0) return new Map();
  const ids = JSON.stringify([...new Set(customerIds)]);
  const found = await db.orm
    .select()
    .from(contacts)
    .where(sql`${contacts.customer_id} IN (SELECT value FROM json_each(${ids}))`);
  return Map.groupBy(found, ({ customer_id }) => customer_id);
}

/** The contact with this address, if the customer has one. */
export const contactAt = (all: readonly Contact[], address: string): Contact | undefined =>
  all.toSorted(inOrder).find(({ email }) => isSameMailbox(email, address));

/** The address as mail servers take it. What is stored may be older than the rule for addresses. */
export const sendableAddress = (email: string): string => asciiMailbox(email) ?? email;
