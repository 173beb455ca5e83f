// Finding licenses. The list walks along the index of one filter and checks the other filters row by row, for a bounded
// number of rows per page.
import { and, eq, gt, gte, isNotNull, lt, lte, sql, type SQL } from "drizzle-orm";
import * as z from "zod/mini";
import { allow } from "../../kernel/permissions.ts";
import type { Context } from "../../context.ts";
import { type License, licenses, MESSAGE_STATUSES } from "../../storage/schema.ts";
import { CustomerId } from "../customers/customers.ts";
import { isNotedAs, NotedFilter, termOf } from "../customers/noted.ts";
import { DAY, LAST_INSTANT } from "../../kernel/dates.ts";
import { isFull, type LicenseInUse, usesOf } from "./search/license-uses.ts";
import { LAST_ID, licensesWith, searchLicenses } from "./search/license-search.ts";
import { LicenseTypeId } from "./license-types.ts";
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
import { refusalOf, STANDINGS, standingOf } from "./standing.ts";
import { MAX_GRACE_DAYS } from "./terms.ts";
import { EndsFrom, SearchText, Until, written } from "../../kernel/inputs.ts";

export const LicenseFilter = z.extend(NotedFilter, {
  customer_id: z.optional(CustomerId),
  license_type: z.optional(LicenseTypeId),
  status: z.optional(z.enum(["active", "suspended", "revoked"])),
  standing: z.optional(z.enum(STANDINGS)),
  /** Lets instances run, and ends within this many days. */
  expiring_within_days: z.optional(written(z.int().check(z.minimum(0), z.maximum(36_500)))),
  /** The beginning of the license's id, or of a word that staff typed about it or its customer. */
  q: z.optional(SearchText),
  /** newest or oldest by issue, or ending: by their end, the earliest first. `ending` leaves out perpetual licenses,
   * and ended ones unless their standing is asked for; ending_last is the same from its end. */
  sort: z.optional(z.enum(["newest", "oldest", "ending", "ending_last"])),
  /** Ends from this instant, or on this day, on. */
  ends_from: z.optional(EndsFrom),
  /** Ends up to this instant, or on this day. */
  ends_until: z.optional(Until),
  /** Whether a mail told the customer of its present end, or is on its way. */
  told: z.optional(z.enum(["yes", "no"])),
  /** What became of the last mail about it. */
  last_mail: z.optional(z.enum(["none", ...MESSAGE_STATUSES])),
  /** full: as many seats are taken as the license has. */
  seats: z.optional(z.enum(["full"])),
});

export type LicenseFilter = z.output<typeof LicenseFilter>;

/** Whether a license matches the filter now. */
const belongs = (license: License, filter: LicenseFilter, now: number): boolean =>
  hasTerms(license, filter, now) && isNotedAs(license, filter);

/** What a filter looks at, besides what staff noted. */
const TERMS = {
  id: licenses.id,
  customer_id: licenses.customer_id,
  license_type: licenses.license_type,
  status: licenses.status,
  starts_at: licenses.starts_at,
  expires_at: licenses.expires_at,
  grace_days: licenses.grace_days,
};

function hasTerms(license: Pick<License, keyof typeof TERMS>, filter: LicenseFilter, now: number): boolean {
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
    endsInTime &&
    isWithin(license.expires_at, filter)
  );
}

/** Perpetual licenses end in no range. */
const isWithin = (end: number | null, { ends_from: from, ends_until: until }: LicenseFilter): boolean =>
  (from === undefined || (end !== null && end >= from)) &&
  (until === undefined || (end !== null && end <= until));

/** A walk along one index: which rows, in which order, and the position of each. */
interface Walk {
  where: SQL | undefined;
  order: SQL[];
  keyOf: (license: License) => Key;
  /** Whether every row matches, so that one page of rows is enough. */
  exact: boolean;
}

const byId = (license: License): Key => [license.id];

/** Ids sort by the time of issue. With a bound start, even on the first page, each walk is an index search. */
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

/** Along the ends of licenses, from `from` to `to` or back; with a driver, only those of one customer. */
function byExpiry(after: Key | null, [from, to]: [number, number], lastFirst: boolean, driver?: SQL): Walk {
  const [at, id] = after ?? (lastFirst ? [to, LAST_ID] : [from, ""]);
  const here = sql`(${licenses.expires_at}, ${licenses.id})`;
  return {
    where: lastFirst
      ? and(driver, gte(licenses.expires_at, from), sql`${here} < (${at}, ${id})`)
      : and(driver, lte(licenses.expires_at, to), sql`${here} > (${at}, ${id})`),
    order: lastFirst
      ? [sql`${licenses.expires_at} DESC`, sql`${licenses.id} DESC`]
      : [sql`${licenses.expires_at}`, sql`${licenses.id}`],
    keyOf: (license) => [license.expires_at ?? 0, license.id],
    exact: false,
  };
}

const isByEnd = (sort: LicenseFilter["sort"]): boolean => sort === "ending" || sort === "ending_last";

/** The range of ends of licenses that can match; null if the filter does not limit the end. */
function endsOf(filter: LicenseFilter, now: number): [from: number, to: number] | null {
  const { ends_from: from, ends_until: until } = filter;
  const ends = endsByStanding(filter, now);
  if (from === undefined && until === undefined) return ends;
  const [first, last] = ends ?? [0, LAST_INSTANT];
  return [Math.max(first, from ?? 0), Math.min(last, until ?? LAST_INSTANT)];
}

function endsByStanding(
  { standing, expiring_within_days, sort, ends_from, ends_until }: LicenseFilter,
  now: number,
): [from: number, to: number] | null {
  if (expiring_within_days !== undefined) return [now + 1, now + expiring_within_days * DAY];
  if (standing === "expiring") return [now + 1, now + 30 * DAY];
  if (standing === "grace") return [now - MAX_GRACE_DAYS * DAY, now];
  if (standing === "expired") return [0, now];
  const isOpen = ends_from === undefined && ends_until === undefined;
  return isByEnd(sort) && isOpen ? [now + 1, LAST_INSTANT] : null;
}

function walkFor(filter: LicenseFilter, after: Key | null, now: number): Walk {
  const { customer_id, license_type, status, standing } = filter;
  const { sort, seats: _s, told: _t, last_mail: _m, ...filters } = filter;
  const alone = Object.values(filters).filter((value) => value !== undefined).length <= 1;
  const along = (exact: boolean, driver?: SQL): Walk => byIssue(after, exact, sort === "oldest", driver);
  const ofCustomer = customer_id === undefined ? undefined : eq(licenses.customer_id, customer_id);
  const ends = endsOf(filter, now);
  if (ends && (isByEnd(sort) || !ofCustomer))
    return byExpiry(after, ends, sort === "ending_last", ofCustomer);
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

/** Whether what was mailed about the licenses is asked for: about their ends, or at all. */
export const asksOfMail = ({
  told,
  last_mail,
  ends_from,
  ends_until,
  standing,
  sort,
}: LicenseFilter): boolean =>
  [told, last_mail, ends_from, ends_until].some((asked) => asked !== undefined) ||
  standing === "expiring" ||
  standing === "grace" ||
  isByEnd(sort);

/** A page of licenses with their seats and customers, and with their mail if it or the filter asks. @see listLicenses */
export async function listLicensesInUse(
  context: Context,
  request: PageRequest,
  filter: LicenseFilter,
  withMail = false,
): Promise<Page<LicenseInUse>> {
  const page = await find(context, request, filter);
  const uses = await usesOf(context, page.data, withMail || asksOfMail(filter) ? "with mail" : undefined);
  const { seats, told, last_mail: last } = filter;
  return {
    ...page,
    data: uses.filter(
      (use) =>
        (seats === undefined || isFull(use)) &&
        (told === undefined || use.mail?.told === (told === "yes")) &&
        (last === undefined || (use.mail?.last?.status ?? "none") === last),
    ),
  };
}

/**
 * A page of licenses: newest first, by their end if the filter asks for that, or by customer in a search for customers.
 */
export async function listLicenses(
  context: Context,
  request: PageRequest,
  filter: LicenseFilter,
): Promise<Page<License>> {
  const { seats, told, last_mail: last } = filter;
  if (seats === undefined && told === undefined && last === undefined) return find(context, request, filter);
  const page = await listLicensesInUse(context, request, filter);
  return { ...page, data: page.data.map(({ license }) => license) };
}

async function find(context: Context, request: PageRequest, filter: LicenseFilter): Promise<Page<License>> {
  allow(context, "read");
  const now = context.clock.now();
  const list = await openList(context, "licenses", request, filter);
  const isListed = (license: License): boolean => belongs(license, filter, now);
  if (filter.q !== undefined) return searchLicenses(context, list, request.limit, filter.q, isListed);
  const term = termOf(filter);
  if (term !== null && filter.customer_id === undefined && endsOf(filter, now) === null) {
    const noted = scanFor(request.limit, MAX_NOTED);
    const found = await licensesWith(context, term, list.after, filter.sort === "oldest", noted);
    const page = await list.page(
      found,
      noted,
      ({ license }) => byId(license),
      ({ license }) => isListed(license),
    );
    return { ...page, data: page.data.map(({ license }) => license) };
  }
  const walk = walkFor(filter, list.after, now);
  const scan = walk.exact ? request.limit + 1 : scanFor(request.limit, MAX_SCAN);
  const rows = await context.db.orm
    .select()
    .from(licenses)
    .where(walk.where)
    .orderBy(...walk.order)
    .limit(scan);
  return list.page(rows, scan, walk.keyOf, isListed);
}

/** A license that is found by a term costs two rows. */
const MAX_NOTED = 80;

/**
 * How many licenses a list has. Looks at no more rows than it counts: null where a search or what staff noted chooses
 * them, or where a walk passes more rows than that.
 */
export async function countLicenses(context: Context, filter: LicenseFilter): Promise<Total | null> {
  allow(context, "read");
  const { q, seats, told, last_mail, metadata } = filter;
  const apart = [q, seats, told, last_mail, metadata];
  if (apart.some((asked) => asked !== undefined) || termOf(filter) !== null) return null;
  const now = context.clock.now();
  const walk = walkFor(filter, null, now);
  const rows = await context.db.orm
    .select(TERMS)
    .from(licenses)
    .where(walk.where)
    .orderBy(...walk.order)
    .limit(MAX_COUNTED + 1);
  if (walk.exact) return totalOf(rows.length);
  return rows.length > MAX_COUNTED ? null : totalOf(rows.filter((row) => hasTerms(row, filter, now)).length);
}
