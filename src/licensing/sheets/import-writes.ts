// The rows of an import as statements of one batch, each with its event.
import { sql, type SQL } from "drizzle-orm";
import { recordChange } from "../../record/events.ts";
import { recordableRow } from "../../record/personal.ts";
import type { Context } from "../../context.ts";
import { Problem } from "../../problems.ts";
import { chunksOf, insertChunk } from "../../storage/bulk.ts";
import { isForeignKeyFailure, isUniqueFailure } from "../../storage/failures.ts";
import { type Contact, contacts, type Customer, customers, customerTerms } from "../../storage/schema.ts";
import { termsOf } from "../customers/search-terms.ts";

/** A list of ids of any length, as one parameter. */
export const among = (ids: Iterable<string>): SQL =>
  sql`(SELECT value FROM json_each(${JSON.stringify([...new Set(ids)])}))`;

/** How many search terms one import writes: its batch must end in time. The ten-minute trigger writes the others. */
export const MAX_TERMS = 300_000;

/** The terms of the rows, as far as the budget goes; the rows beyond it are marked as having none yet. */
export function termsWithin<T extends { id: string; terms_at: number | null }, R>(
  budget: { left: number },
  rows: T[],
  termsOfRow: (row: T) => string[],
  made: (term: string, owner: string) => R,
): R[] {
  return rows.flatMap((row) => {
    const terms = budget.left > 0 ? termsOfRow(row) : [];
    if (terms.length > budget.left || budget.left <= 0) {
      budget.left = 0;
      row.terms_at = null;
      return [];
    }
    budget.left -= terms.length;
    return terms.map((term) => made(term, row.id));
  });
}

/** A customer of a file, and its contacts. */
export interface Brought {
  customer: Customer;
  contacts: Contact[];
}

/** The database makes the customer's own contact by itself: a file says what is noted of it. */
const noteOwn = (context: Context, chunk: string): D1PreparedStatement =>
  context.db.sql(
    `UPDATE contacts SET
       name = own.value ->> '$.name', roles = own.value -> '$.roles', language = own.value ->> '$.language',
       portal = own.value ->> '$.portal', email_status = own.value ->> '$.email_status',
       created_at = own.value ->> '$.created_at'
     FROM json_each(?) own WHERE contacts.id = own.value ->> '$.id' AND contacts.own = 1`,
    chunk,
  );

export const insertCustomers = (
  context: Context,
  now: number,
  brought: Brought[],
  budget: { left: number },
): D1PreparedStatement[] => {
  const rows = brought.map(({ customer }) => customer);
  const contactsOf = new Map(brought.map(({ customer, contacts: all }) => [customer.id, all]));
  const all = brought.flatMap((one) => one.contacts);
  const [own, others] = [
    all.filter((contact) => contact.own === 1),
    all.filter((contact) => contact.own === 0),
  ];
  const terms = termsWithin(
    budget,
    rows,
    (customer) => termsOf(customer, contactsOf.get(customer.id)),
    (term, customer_id) => ({ term, customer_id }),
  );
  return [
    ...chunksOf(rows).map((chunk) => insertChunk(context.db, customers, chunk)),
    ...recordRows(context, now, "customer", rows),
    ...chunksOf(own).map((chunk) => noteOwn(context, chunk)),
    ...chunksOf(others).map((chunk) => insertChunk(context.db, contacts, chunk)),
    ...chunksOf(terms).map((chunk) => insertChunk(context.db, customerTerms, chunk)),
  ];
};

/** One event a row. */
export const recordRows = (
  context: Context,
  now: number,
  entityType: "customer" | "license",
  rows: readonly { id: string }[],
): D1PreparedStatement[] =>
  chunksOf(rows.map((row) => ({ id: row.id, detail: recordableRow(row) }))).map((chunk) =>
    recordChange(
      context,
      now,
      `${entityType}.imported`,
      [entityType, { sql: "value ->> '$.id'", values: [] }],
      { sql: "value -> '$.detail'", values: [] },
      { sql: "FROM json_each(?)", values: [chunk] },
    ),
  );

export async function write(context: Context, statements: D1PreparedStatement[]): Promise<void> {
  if (statements.length === 0) return;
  try {
    await context.db.batch(statements);
  } catch (error) {
    if (!isUniqueFailure(error) && !isForeignKeyFailure(error)) throw error;
    throw new Problem(
      "CONFLICT",
      "Nothing was imported: what the file builds on was changed by somebody else meanwhile. Import it again.",
    );
  }
}
