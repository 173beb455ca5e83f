// Searching for licenses: by the beginning of their ids, then of what staff noted about them, then of what their
// customers are found by.
import { and, eq, gt, gte, lt, sql } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import { type Key, type List, type Page, scanFor } from "../../../kernel/pages.ts";
import { customerTerms, type License, licenses, licenseTerms } from "../../../storage/schema.ts";
import {
  customerMatches,
  matches,
  type Search,
  searches,
  type Terms,
} from "../../customers/customer-list.ts";
import { normalizeTerm, termsOfLicense } from "../../customers/search-terms.ts";
import { readStages, type Stage } from "../../customers/stages.ts";

/** Sorts after every id. */
export const LAST_ID = "~";

const TERMS: Terms = { name: "license_terms", term: licenseTerms.term, owner: licenseTerms.license_id };

/** The beginning of an id, which has a ULID in it: the first of its 26 characters carries only three bits. */
const BEGINS_ID = /^lic_(?:[0-7][0-9A-HJKMNP-TV-Z]{0,25})?$/i;

/** The range of ids that a search begins; null if it begins none. */
const idsOf = (q: string): string | null =>
  BEGINS_ID.test(q) ? q.slice(0, 4).toLowerCase() + q.slice(4).toUpperCase() : null;

/** A license costs up to four rows: a term, another look at the terms, itself, and at times its customer. */
const MAX_FOUND = 48;

interface Found {
  term: string;
  owner: string;
  /** null: a customer without (more) licenses, or found by an earlier term; so the walk gets past it. */
  license: License | null;
}

/** @param belongs whether a license matches the other filters */
export async function searchLicenses(
  context: Context,
  list: List,
  limit: number,
  q: string,
  belongs: (license: License) => boolean,
): Promise<Page<License>> {
  const ids = idsOf(q);
  const from = normalizeTerm(q);
  const hasId = ({ id }: License): boolean => ids !== null && id.startsWith(ids);
  const isNoted = (license: License): boolean =>
    from !== "" && termsOfLicense(license).some((term) => term.startsWith(from));
  // Where the terms of a license are not written yet, only its customer leads to it.
  const isFoundBefore = (license: License): boolean =>
    hasId(license) || (license.terms_at === license.version && isNoted(license));

  const byId: Stage<Found>[] =
    ids === null
      ? []
      : [
          {
            after: (position, scan) => idsAfter(context, ids, position, scan),
            keyOf: ({ owner }) => [owner],
            keep: ({ license }) => license !== null && belongs(license),
          },
        ];
  const byNotes: Stage<Found>[] =
    from === ""
      ? []
      : [
          {
            after: (position, scan) => notedAfter(context, from, position, scan),
            keyOf: ({ term, owner }) => [term, owner],
            keep: ({ license }) =>
              license !== null && !hasId(license) && isNoted(license) && belongs(license),
          },
        ];
  const byCustomer = searches(q).map((search): Stage<Found> => ({
    after: (position, scan) => ofCustomersAfter(context, search, position, scan),
    keyOf: ({ term, owner, license }) => [term, owner, license?.id ?? LAST_ID],
    keep: ({ license }) => license !== null && !isFoundBefore(license) && belongs(license),
  }));
  const page = await readStages(
    context,
    list,
    [...byId, ...byNotes, ...byCustomer],
    limit,
    scanFor(limit, MAX_FOUND),
  );
  return { ...page, data: page.data.map(({ license }) => license).filter((found) => found !== null) };
}

// In a batch, two columns of one name would become one: those of the terms have names of their own.

function idsAfter({ db }: Context, ids: string, position: Key | null, scan: number) {
  const id = sql<string>`${licenses.id}`;
  return db.orm
    .select({ term: sql<string>`''`.as("found_term"), owner: id.as("found_owner"), license: licenses })
    .from(licenses)
    .where(and(gte(licenses.id, ids), lt(licenses.id, String(position?.[0] ?? `${ids}${LAST_ID}`))))
    .orderBy(sql`${licenses.id} DESC`)
    .limit(scan);
}

function notedAfter({ db }: Context, from: string, position: Key | null, scan: number) {
  const { range, isFirst } = matches(TERMS, { from });
  return db.orm
    .select({
      term: sql<string>`${licenseTerms.term}`.as("found_term"),
      owner: sql<string>`${licenseTerms.license_id}`.as("found_owner"),
      license: licenses,
    })
    .from(licenseTerms)
    .leftJoin(licenses, and(eq(licenses.id, licenseTerms.license_id), isFirst))
    .where(range(position))
    .orderBy(licenseTerms.term, licenseTerms.license_id)
    .limit(scan);
}

/** The licenses of the customers that a search finds, customer by customer. */
function ofCustomersAfter({ db }: Context, search: Search, position: Key | null, scan: number) {
  const [term, customer, license] = position ?? ["", "", ""];
  const { range, isFirst } = customerMatches(search);
  const here = sql`(${customerTerms.term}, ${customerTerms.customer_id})`;
  return (
    db.orm
      .select({
        term: sql<string>`${customerTerms.term}`.as("found_term"),
        owner: sql<string>`${customerTerms.customer_id}`.as("found_owner"),
        license: licenses,
      })
      .from(customerTerms)
      .leftJoin(
        licenses,
        and(
          eq(licenses.customer_id, customerTerms.customer_id),
          isFirst,
          sql`${licenses.id} > iif(${here} = (${term}, ${customer}), ${license}, '')`,
        ),
      )
      // The last customer may have more licenses.
      .where(range(position, ">="))
      .orderBy(customerTerms.term, customerTerms.customer_id, licenses.id)
      .limit(scan)
  );
}

/** The licenses that have a term, by their ids: a filter looks at them one by one. */
export function licensesWith(
  { db }: Context,
  term: string,
  after: Key | null,
  oldestFirst: boolean,
  scan: number,
) {
  const id = licenseTerms.license_id;
  const from = after?.[0];
  return db.orm
    .select({ license: licenses })
    .from(licenseTerms)
    .innerJoin(licenses, eq(licenses.id, id))
    .where(
      and(
        eq(licenseTerms.term, term),
        oldestFirst ? gt(id, String(from ?? "")) : lt(id, String(from ?? LAST_ID)),
      ),
    )
    .orderBy(oldestFirst ? sql`${id}` : sql`${id} DESC`)
    .limit(scan);
}
