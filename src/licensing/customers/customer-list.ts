// Finding customers: by what they are called and what staff noted.
import { and, eq, gt, sql, type SQL } from "drizzle-orm";
import type { SQLiteColumn } from "drizzle-orm/sqlite-core";
import * as z from "zod/mini";
import { allow } from "../../kernel/permissions.ts";
import type { Context } from "../../context.ts";
import { type Customer, customers, customerTerms } from "../../storage/schema.ts";
import {
  type Key,
  MAX_COUNTED,
  MAX_SCAN,
  openList,
  type Page,
  type PageRequest,
  scanFor,
  type Total,
  totalOf,
} from "../../kernel/pages.ts";
import { SearchText } from "../../kernel/inputs.ts";
import { isNotedAs, NotedFilter, termOf } from "./noted.ts";
import { displayNameOf } from "./display-name.ts";
import { formerTerm, normalizeTerm } from "./search-terms.ts";
import { readStages, type Stage } from "./stages.ts";

export const CustomerFilter = z.extend(NotedFilter, {
  /** The beginning of the id, or of a word of what staff typed. */
  q: z.optional(SearchText),
  /** none: has no e-mail address; bounced or complained: what became of mail to it. */
  email_status: z.optional(z.enum(["none", "bounced", "complained"])),
  /** Without q or tag: by id, or by the company or, where there is none, the name; name_last from the end. */
  sort: z.optional(z.enum(["id", "name", "name_last"])),
});

export type CustomerFilter = z.output<typeof CustomerFilter>;

/** A table of terms, and whose they are. */
export interface Terms {
  name: string;
  term: SQLiteColumn;
  owner: SQLiteColumn;
}

const TERMS: Terms = { name: "customer_terms", term: customerTerms.term, owner: customerTerms.customer_id };

/** The end of the range of all texts that begin with `from`. D1 limits LIKE to 50 bytes. */
const endOf = (from: string): string => `${from}\u{10FFFF}`;

/** A text to look for, and the one of which an earlier stage of the search had everything. */
export interface Search {
  from: string;
  passed?: string;
}

interface Matches {
  /** The rows that begin with the text: all of them, those after a place, or those from it on. */
  range: (place: Key | null, comparison?: ">" | ">=") => SQL;
  isFirst: SQL;
}

/**
 * Which rows of terms a search looks at, and which of them it finds: each owner by its first matching term only, and not
 * if `passed` matches, too. The others are looked at all the same, so that a page looks at a bounded number of rows.
 */
export function matches({ name, term, owner }: Terms, { from, passed }: Search): Matches {
  const earlier = sql.raw("earlier.term");
  const none = (range: SQL): SQL => sql`NOT EXISTS (
    SELECT 1 FROM ${sql.raw(name)} earlier WHERE earlier.${sql.raw(owner.name)} = ${owner} AND ${range})`;
  const first = none(sql`${earlier} >= ${from} AND ${earlier} < ${term}`);
  const neverPassed = passed && none(sql`${earlier} >= ${passed} AND ${earlier} < ${endOf(passed)}`);
  return {
    // One comparison for the start: SQLite would take that of the term alone, and each page would begin anew.
    range: (place, comparison = ">") =>
      place === null
        ? sql`${term} >= ${from} AND ${term} < ${endOf(from)}`
        : sql`(${term}, ${owner}) ${sql.raw(comparison)} (${place[0]}, ${place[1]}) AND ${term} < ${endOf(from)}`,
    isFirst: neverPassed ? sql`${first} AND ${neverPassed}` : first,
  };
}

/**
 * The searches for a text: in the form in which terms are written, and in that of earlier releases, which a customer's
 * terms have until the ten-minute trigger writes them again.
 */
export function searches(q: string): Search[] {
  const [from, former] = [normalizeTerm(q), formerTerm(q)];
  if (from === "") return [{ from: former }];
  return former.startsWith(from) ? [{ from }] : [{ from }, { from: former, passed: from }];
}

/** The terms of customers that a search looks at, and whether it finds the customer by this one. */
export const customerMatches = (search: Search): Matches => matches(TERMS, search);

interface Found {
  term: string;
  owner: string;
  /** null: found by an earlier term. */
  customer: Customer | null;
}

function withTerms({ db }: Context, range: SQL, isFound: SQL | undefined, limit: number) {
  const { term, customer_id } = customerTerms;
  return (
    db.orm
      // In a batch, two columns of one name would become one.
      .select({ term, owner: customer_id, customer: customers })
      .from(customerTerms)
      .leftJoin(customers, and(eq(customers.id, customer_id), isFound))
      .where(range)
      .orderBy(term, customer_id)
      .limit(limit)
  );
}

/** The rows of one term. */
const having = (term: string, place: Key | null): SQL =>
  sql`${customerTerms.term} = ${term} AND ${customerTerms.customer_id} > ${place?.[1] ?? ""}`;

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
  const stage = (after: Stage<Found>["after"]): Stage<Found> => ({
    after,
    keyOf: ({ term, owner }) => [term, owner],
    keep: ({ customer }) => customer !== null && belongs(customer, filter),
  });
  const { q } = filter;
  const term = termOf(filter);
  if (q !== undefined || term !== null) {
    const stages =
      q === undefined
        ? [stage((place, scan) => withTerms(context, having(term ?? "", place), undefined, scan))]
        : searches(q)
            .map(customerMatches)
            .map(({ range, isFirst }) =>
              stage((place, scan) => withTerms(context, range(place), isFirst, scan)),
            );
    const page = await readStages(context, list, stages, request.limit, scanFor(request.limit, MAX_FOUND));
    return { ...page, data: page.data.map(({ customer }) => customer).filter((found) => found !== null) };
  }
  const scan = filter.metadata || filter.email_status ? scanFor(request.limit, MAX_SCAN) : request.limit + 1;
  const lastFirst = filter.sort === "name_last";
  const byName = lastFirst || filter.sort === "name";
  const [from, id] = list.after ?? (lastFirst ? ["\u{10FFFF}", ""] : ["", ""]);
  const here = sql`(${DISPLAY_NAME}, ${customers.id})`;
  const after = lastFirst ? sql`${here} < (${from}, ${id})` : sql`${here} > (${from}, ${id})`;
  const rows = await context.db.orm
    .select()
    .from(customers)
    .where(byName ? after : gt(customers.id, String(from)))
    .orderBy(
      ...(lastFirst
        ? [sql`${DISPLAY_NAME} DESC`, sql`${customers.id} DESC`]
        : byName
          ? [DISPLAY_NAME, customers.id]
          : [customers.id]),
    )
    .limit(scan);
  return list.page(
    rows,
    scan,
    (row) => (byName ? [displayNameOf(row), row.id] : [row.id]),
    (row) => belongs(row, filter),
  );
}

/** How many customers there are, as far as that is counted; null where a filter chooses them. */
export async function countCustomers(context: Context, filter: CustomerFilter): Promise<Total | null> {
  allow(context, "read");
  const { sort: _order, ...others } = filter;
  if (Object.values(others).some((value) => value !== undefined)) return null;
  const rows = await context.db.orm
    .select({ id: customers.id })
    .from(customers)
    .limit(MAX_COUNTED + 1);
  return totalOf(rows.length);
}

/** The expression of the index customers_by_display_name. */
const DISPLAY_NAME = sql`coalesce(${customers.company}, ${customers.name}) COLLATE NOCASE`;

function belongs(customer: Customer, filter: CustomerFilter): boolean {
  const { email_status: status } = filter;
  const has = status === "none" ? customer.email === null : customer.email_status === status;
  return (status === undefined || has) && isNotedAs(customer, filter);
}

/** How many customers are looked at for one that exists already. */
const MAX_ALIKE = 20;

/** A few customers who have one of these names or the address already, whatever their case and accents. */
export async function listAlike(
  context: Context,
  { name, company, email }: { name: string; company: string | null; email: string | null },
): Promise<Customer[]> {
  allow(context, "read");
  const wanted = [company ?? name, email].filter((text) => text !== null).map(normalizeTerm);
  const rows = await withTerms(
    context,
    sql`${customerTerms.term} IN (SELECT value FROM json_each(${JSON.stringify(wanted)}))`,
    undefined,
    MAX_ALIKE,
  );
  const found = rows.map(({ customer }) => customer).filter((customer) => customer !== null);
  // A word within a name begins a term, too.
  const alike = found.filter((customer) =>
    [displayNameOf(customer), customer.email].some(
      (text) => text !== null && wanted.includes(normalizeTerm(text)),
    ),
  );
  return [...new Map(alike.map((customer) => [customer.id, customer])).values()];
}

/** A found customer costs a term, two rows of another look at its terms, and itself. */
const MAX_FOUND = 48;
