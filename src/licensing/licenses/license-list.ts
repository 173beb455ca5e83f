// Finding licenses. The list walks along the index of one filter and checks the other filters row by row, for a bounded
// number of rows per page.
import { allow } from "../../kernel/permissions.ts";
import type { Context } from "../../context.ts";
import { type License, licenses } from "../../storage/schema.ts";
import { termOf } from "../customers/noted.ts";
import type { Row } from "../../storage/database.ts";
import { rowsOf } from "../../storage/reads.ts";
import { isFull, type LicenseInUse, usesOf } from "./search/license-uses.ts";
import { belongs, DATED, type Dated, hasTerms, type LicenseFilter } from "./search/license-filter.ts";
import { licensesWith, searchLicenses } from "./search/license-search.ts";
import { byId, endsOf, isByEnd, type Walk, walkFor } from "./search/license-walks.ts";
import {
  MAX_COUNTED,
  MAX_SCAN,
  openList,
  type Page,
  type PageRequest,
  scanFor,
  type Total,
  totalOf,
} from "../../kernel/pages.ts";

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
  const mail = withMail || asksOfMail(filter);
  const page = await find(context, request, filter, mail ? undefined : "with uses");
  const uses = page.data.every(isInUse)
    ? page.data
    : await usesOf(
        context,
        page.data.map(({ license }) => license),
        mail ? "with mail" : undefined,
      );
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
  const isOfUse = [seats, told, last].some((asked) => asked !== undefined);
  const page = await (isOfUse ? listLicensesInUse : find)(context, request, filter);
  return { ...page, data: page.data.map(({ license }) => license) };
}

type Found = { license: License } & Partial<LicenseInUse>;

const isInUse = (found: Found): found is LicenseInUse => found.customer !== undefined;

const { columns: COLUMNS, rowOf } = rowsOf(licenses);

/** What `usesOf` reads, in the same trip. */
const COLUMNS_IN_USE = `${COLUMNS}, c.name AS customer_name, c.company AS customer_company,
  coalesce(kept.seated, 0) AS seated`;
const LICENSES_IN_USE = `licenses CROSS JOIN customers c ON c.id = licenses.customer_id
  LEFT JOIN license_seats kept ON kept.license_id = licenses.id`;

/** @param uses whether the seats and customers are asked for: they come along where no row is read in vain */
async function find(
  context: Context,
  request: PageRequest,
  filter: LicenseFilter,
  uses?: "with uses",
): Promise<Page<Found>> {
  allow(context, "read");
  const now = context.clock.now();
  const list = await openList(context, "licenses", request, filter);
  const isListed = (license: License): boolean => belongs(license, filter, now);
  if (filter.q !== undefined) {
    const page = await searchLicenses(context, list, request.limit, filter.q, isListed);
    return { ...page, data: page.data.map((license) => ({ license })) };
  }
  const keyed = (keyOf: Walk["keyOf"]) => (found: Found) => keyOf(found.license);
  const isFound = ({ license }: Found): boolean => isListed(license);
  const term = termOf(filter);
  if (term !== null && filter.customer_id === undefined && endsOf(filter, now) === null) {
    const noted = scanFor(request.limit, MAX_NOTED);
    const found = await licensesWith(context, term, list.after, filter.sort === "oldest", noted);
    return list.page<Found>(found, noted, keyed(byId), isFound);
  }
  const walk = walkFor(filter, list.after, now);
  const scan = walk.exact ? request.limit + 1 : scanFor(request.limit, MAX_SCAN);
  if (!uses || !walk.exact) {
    const rows = await readWalk(context, walk, COLUMNS, "licenses", scan);
    return list.page<Found>(
      rows.map((row) => ({ license: rowOf(row) })),
      scan,
      keyed(walk.keyOf),
      isFound,
    );
  }
  const rows = await readWalk(context, walk, COLUMNS_IN_USE, LICENSES_IN_USE, scan);
  const found = rows.map((row): LicenseInUse => {
    const { customer_name: name, customer_company: company, seated } = row as unknown as Use;
    return { license: rowOf(row), seated, customer: { name, company } };
  });
  return list.page<Found>(found, scan, keyed(walk.keyOf), isFound);
}

interface Use {
  customer_name: string;
  customer_company: string | null;
  seated: number;
}

async function readWalk(
  { db }: Context,
  { where: [text, ...values], order }: Walk,
  columns: string,
  from: string,
  limit: number,
): Promise<Row[]> {
  const [read] = await db.batch([
    db.sql(`SELECT ${columns} FROM ${from} WHERE ${text} ORDER BY ${order} LIMIT ?`, ...values, limit),
  ]);
  return read!.results;
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
  const most = MAX_COUNTED + 1;
  if (walk.exact) return totalOf((await readWalk(context, walk, "1", "licenses", most)).length);
  const rows = (await readWalk(context, walk, DATED, "licenses", most)) as unknown as Dated[];
  return rows.length > MAX_COUNTED ? null : totalOf(rows.filter((row) => hasTerms(row, filter, now)).length);
}
