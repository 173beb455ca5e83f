// Finding licenses. The list walks along the index of one filter and checks the other filters row by row, for a bounded
// number of rows per page.
import { and, eq, gt, gte, isNotNull, lt, lte, sql, type SQL } from "drizzle-orm";
import * as z from "zod/mini";
import { allow } from "../../kernel/permissions.ts";
import type { Context } from "../../context.ts";
import { customerTerms, type License, licenses } from "../../storage/schema.ts";
import { CustomerId, matches } from "../customers/customers.ts";
import { DAY, LAST_INSTANT } from "../../kernel/dates.ts";
import { LicenseTypeId } from "./license-types.ts";
import { type Key, type List, MAX_SCAN, openList, type Page, type PageRequest } from "../../kernel/pages.ts";
import { refusalOf, STANDINGS, standingOf } from "./standing.ts";
import { MAX_GRACE_DAYS } from "./terms.ts";
import { SearchText, written } from "../../kernel/inputs.ts";

export const LicenseFilter = z.object({
  customer_id: z.optional(CustomerId),
  license_type: z.optional(LicenseTypeId),
  status: z.optional(z.enum(["active", "suspended", "revoked"])),
  standing: z.optional(z.enum(STANDINGS)),
  /** Lets instances run, and ends within this many days. */
  expiring_within_days: z.optional(written(z.int().check(z.minimum(0), z.maximum(36_500)))),
  /** The beginning of the license's id, or of its customer's id, name, company or e-mail. */
  q: z.optional(SearchText),
  /** newest or oldest by issue, or ending: by their end, the earliest first. `ending` leaves out perpetual licenses,
   * and ended ones unless their standing is asked for. */
  sort: z.optional(z.enum(["newest", "oldest", "ending"])),
});

export type LicenseFilter = z.output<typeof LicenseFilter>;

/** Whether a license matches the filter now. */
function belongs(license: License, filter: LicenseFilter, now: number): boolean {
  const { customer_id, license_type, status, standing, expiring_within_days } = filter;
  const is = standingOf(license, now);
  const endsInTime =
    expiring_within_days === undefined ||
    (refusalOf(is) === null &&
      license.expires_at !== null &&
      license.expires_at > now &&
      license.expires_at <= now + expiring_within_days * DAY);
  return (
    (customer_id === undefined || license.customer_id === customer_id) &&
    (license_type === undefined || license.license_type === license_type) &&
    (status === undefined || license.status === status) &&
    (standing === undefined || is === standing) &&
    endsInTime
  );
}

/** A walk along one index: which rows, in which order, and the position of each. */
interface Walk {
  where: SQL | undefined;
  order: SQL[];
  keyOf: (license: License) => Key;
  /** Whether every row matches, so that one page of rows is enough. */
  exact: boolean;
}

const byId = (license: License): Key => [license.id];

// Sorts after every id. With a bound start, even on the first page, each walk is an index search.
const LAST_ID = "~";

/** Ids sort by the time of issue. */
function byIssue(after: Key | null, exact: boolean, oldestFirst: boolean, driver?: SQL): Walk {
  return {
    where: oldestFirst
      ? and(driver, gt(licenses.id, String(after?.[0] ?? "")))
      : and(driver, lt(licenses.id, String(after?.[0] ?? LAST_ID))),
    order: [oldestFirst ? sql`${licenses.id}` : sql`${licenses.id} DESC`],
    keyOf: byId,
    exact,
  };
}

// A walk continues after its last row by one comparison of both columns. A comparison of the first column alone must
// not be added: SQLite would use that one, and each page would begin with all licenses of the same end.

/** Along the ends of licenses, from `from` to `to`; with a driver, only those of one customer. */
function byExpiry(after: Key | null, from: number, to: number, driver?: SQL): Walk {
  const [at, id] = after ?? [from, ""];
  return {
    where: and(
      driver,
      lte(licenses.expires_at, to),
      sql`(${licenses.expires_at}, ${licenses.id}) > (${at}, ${id})`,
    ),
    order: [sql`${licenses.expires_at}`, sql`${licenses.id}`],
    keyOf: (license) => [license.expires_at ?? 0, license.id],
    exact: false,
  };
}

/** The range of ends of licenses that can match; null if the filter does not limit the end. */
function endsOf(
  { standing, expiring_within_days, sort }: LicenseFilter,
  now: number,
): [from: number, to: number] | null {
  if (expiring_within_days !== undefined) return [now + 1, now + expiring_within_days * DAY];
  if (standing === "expiring") return [now + 1, now + 30 * DAY];
  if (standing === "grace") return [now - MAX_GRACE_DAYS * DAY, now];
  if (standing === "expired") return [0, now];
  return sort === "ending" ? [now + 1, LAST_INSTANT] : null;
}

function walkFor(filter: LicenseFilter, after: Key | null, now: number): Walk {
  const { customer_id, license_type, status, standing, q } = filter;
  const { sort, ...filters } = filter;
  const alone = Object.values(filters).filter((value) => value !== undefined).length <= 1;
  const along = (exact: boolean, driver?: SQL): Walk => byIssue(after, exact, sort === "oldest", driver);
  if (q !== undefined) {
    const from = q.slice(0, 4).toLowerCase() + q.slice(4).toUpperCase();
    return along(alone, and(gte(licenses.id, from), lt(licenses.id, `${from}~`)));
  }
  const ofCustomer = customer_id === undefined ? undefined : eq(licenses.customer_id, customer_id);
  const ends = endsOf(filter, now);
  if (ends && (sort === "ending" || !ofCustomer)) return byExpiry(after, ...ends, ofCustomer);
  if (ofCustomer) return along(alone, ofCustomer);
  if (standing === "scheduled") {
    const [at, id] = after ?? [now + 1, ""];
    return {
      where: and(
        isNotNull(licenses.starts_at),
        sql`(${licenses.starts_at}, ${licenses.id}) > (${at}, ${id})`,
      ),
      order: [sql`${licenses.starts_at}`, sql`${licenses.id}`],
      keyOf: (license) => [license.starts_at ?? 0, license.id],
      exact: false,
    };
  }
  if (standing === "suspended" || standing === "revoked") return along(alone, eq(licenses.status, standing));
  if (status !== undefined) return along(alone, eq(licenses.status, status));
  if (license_type !== undefined) return along(alone, eq(licenses.license_type, license_type));
  return along(alone && standing === undefined);
}

/** The beginning of an id, which has a ULID in it: the first of its 26 characters carries only three bits. */
const BEGINS_ID = /^lic_(?:[0-7][0-9A-HJKMNP-TV-Z]{0,25})?$/i;

/** Lower than MAX_SCAN, because here a license costs more to read: its customer's terms come with it. */
const MAX_FOUND = 45;

/** The licenses of the customers that a search finds, customer by customer. */
async function searchByCustomer(
  { db }: Context,
  list: List,
  request: PageRequest,
  filter: LicenseFilter & { q: string },
  now: number,
): Promise<Page<License>> {
  const [term, customer, license] = list.after ?? ["", "", ""];
  const here = sql`(${customerTerms.term}, ${customerTerms.customer_id})`;
  const scan = Math.min(request.limit + 1, MAX_FOUND);
  // A customer without (more) licenses gives a row without a license, so that the walk gets past it.
  const rows = await db.orm
    .select({ term: customerTerms.term, customer_id: customerTerms.customer_id, license: licenses })
    .from(customerTerms)
    .leftJoin(
      licenses,
      and(
        eq(licenses.customer_id, customerTerms.customer_id),
        sql`${licenses.id} > iif(${here} = (${term}, ${customer}), ${license}, '')`,
      ),
    )
    .where(and(matches(filter.q), sql`${here} >= (${term}, ${customer})`))
    .orderBy(customerTerms.term, customerTerms.customer_id, licenses.id)
    .limit(scan);
  const page = await list.page(
    rows,
    scan,
    (row) => [row.term, row.customer_id, row.license?.id ?? LAST_ID],
    (row) => row.license !== null && belongs(row.license, filter, now),
  );
  return { ...page, data: page.data.map((row) => row.license).filter((found) => found !== null) };
}

/**
 * A page of licenses: newest first, by their end if the filter asks for that, or by customer in a search for customers.
 */
export async function listLicenses(
  context: Context,
  request: PageRequest,
  filter: LicenseFilter,
): Promise<Page<License>> {
  allow(context, "read");
  const now = context.clock.now();
  const list = await openList(context, "licenses", request, filter);
  const { q } = filter;
  // A later page continues in the same walk as the first: a position among customers has more parts than an id.
  const byCustomer = (): Promise<Page<License>> =>
    searchByCustomer(context, list, request, { ...filter, q: q ?? "" }, now);
  if (q !== undefined && (!BEGINS_ID.test(q) || (list.after?.length ?? 0) > 1)) return byCustomer();
  const walk = walkFor(filter, list.after, now);
  const scan = walk.exact ? request.limit + 1 : MAX_SCAN;
  const rows = await context.db.orm
    .select()
    .from(licenses)
    .where(walk.where)
    .orderBy(...walk.order)
    .limit(scan);
  // No license id begins like this, so search for customers.
  if (q !== undefined && rows.length === 0 && list.after === null) return byCustomer();
  return list.page(rows, scan, walk.keyOf, (license) => belongs(license, filter, now));
}
