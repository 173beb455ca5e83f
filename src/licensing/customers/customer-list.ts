// Finding customers: by what they are called and what staff noted.
import { and, eq, gt, sql, type SQL } from "drizzle-orm";
import type { SQLiteColumn } from "drizzle-orm/sqlite-core";
import * as z from "zod/mini";
import { allow } from "../../kernel/permissions.ts";
import type { Context } from "../../context.ts";
import { type Customer, customers, customerTerms } from "../../storage/schema.ts";
import { type Key, MAX_SCAN, openList, type Page, type PageRequest } from "../../kernel/pages.ts";
import { SearchText } from "../../kernel/inputs.ts";
import { isNotedAs, NotedFilter, termOf } from "./noted.ts";
import { formerTerm, normalizeTerm } from "./search-terms.ts";
import { readStages, type Stage } from "./stages.ts";

export const CustomerFilter = z.extend(NotedFilter, {
  /** The beginning of the id, or of a word of what staff typed. */
  q: z.optional(SearchText),
});

export type CustomerFilter = z.output<typeof CustomerFilter>;

/** A table of terms, and whose they are. */
export interface Terms {
  name: string;
  term: SQLiteColumn;
  owner: SQLiteColumn;
}

const TERMS: Terms = { name: "customer_terms", term: customerTerms.term, owner: customerTerms.customer_id };

/** All texts that begin with `from`. D1 limits LIKE to 50 bytes. */
const beginning = (term: SQL | SQLiteColumn, from: string): SQL =>
  sql`${term} >= ${from} AND ${term} < ${`${from}\u{10FFFF}`}`;

/** Which rows of terms a search finds: each owner by its first matching term only, and not if `passed` matches, too. */
export function matches({ name, term, owner }: Terms, from: string, passed?: string): SQL {
  const earlier = sql.raw("earlier.term");
  const of = (range: SQL): SQL => sql`NOT EXISTS (
    SELECT 1 FROM ${sql.raw(name)} earlier WHERE earlier.${sql.raw(owner.name)} = ${owner} AND ${range})`;
  return sql.join(
    [
      beginning(term, from),
      of(sql`${earlier} >= ${from} AND ${earlier} < ${term}`),
      ...(passed === undefined ? [] : [of(beginning(earlier, passed))]),
    ],
    sql` AND `,
  );
}

/**
 * The searches for a text: in the form in which terms are written, and in that of earlier releases, which a customer's
 * terms have until the ten-minute trigger writes them again.
 */
export function searches(q: string): { from: string; passed?: string }[] {
  const [from, former] = [normalizeTerm(q), formerTerm(q)];
  if (from === "") return [{ from: former }];
  return former.startsWith(from) ? [{ from }] : [{ from }, { from: former, passed: from }];
}

/** The condition that a search finds a customer's terms. */
export const customerMatches = (search: { from: string; passed?: string }): SQL =>
  matches(TERMS, search.from, search.passed);

interface Found {
  term: string;
  customer: Customer;
}

const withTerms = ({ db }: Context, condition: SQL, position: Key | null, limit: number) => {
  const [term, id] = position ?? ["", ""];
  return db.orm
    .select({ term: customerTerms.term, customer: customers })
    .from(customerTerms)
    .innerJoin(customers, eq(customers.id, customerTerms.customer_id))
    .where(and(condition, sql`(${customerTerms.term}, ${customerTerms.customer_id}) > (${term}, ${id})`))
    .orderBy(customerTerms.term, customerTerms.customer_id)
    .limit(limit);
};

/**
 * Customers by id. With `q`: those with an id, or a word of what staff typed, that it begins, by the matching term.
 * A page may have fewer rows than asked for, and still a next one.
 */
export async function listCustomers(
  context: Context,
  request: PageRequest,
  filter: CustomerFilter,
): Promise<Page<Customer>> {
  allow(context, "read");
  const list = await openList(context, "customers", request, filter);
  const stage = (condition: SQL): Stage<Found> => ({
    after: (position, limit) => withTerms(context, condition, position, limit),
    keyOf: ({ term, customer }) => [term, customer.id],
    keep: ({ customer }) => isNotedAs(customer, filter),
  });
  const { q } = filter;
  const term = termOf(filter);
  if (q !== undefined || term !== null) {
    const stages =
      q === undefined
        ? [stage(sql`${customerTerms.term} = ${term}`)]
        : searches(q).map((search) => stage(customerMatches(search)));
    const page = await readStages(
      context,
      list,
      stages,
      isNarrowed(filter) ? MAX_SCAN : request.limit,
      MAX_FOUND,
    );
    return { ...page, data: page.data.map(({ customer }) => customer) };
  }
  const scan = filter.metadata ? MAX_SCAN : request.limit + 1;
  const rows = await context.db.orm
    .select()
    .from(customers)
    .where(gt(customers.id, String(list.after?.[0] ?? "")))
    .orderBy(customers.id)
    .limit(scan);
  return list.page(
    rows,
    scan,
    (row) => [row.id],
    (row) => isNotedAs(row, filter),
  );
}

/** A found customer costs a term and another look at its terms. */
const MAX_FOUND = 66;

const isNarrowed = ({ tag, metadata }: CustomerFilter): boolean =>
  tag !== undefined || metadata !== undefined;
