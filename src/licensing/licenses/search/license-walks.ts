// How a list of licenses is walked: along the index of one filter, as SQL by hand. The others are checked row by row.
import { DAY, LAST_INSTANT } from "../../../kernel/dates.ts";
import type { Key } from "../../../kernel/pages.ts";
import type { SqlValue } from "../../../storage/database.ts";
import type { License } from "../../../storage/schema.ts";
import type { LicenseFilter } from "./license-filter.ts";
import { MAX_GRACE_DAYS } from "../terms.ts";
import { LAST_ID } from "./license-search.ts";

/** A condition of SQL, and the values for its parameters. */
type Condition = [text: string, ...values: SqlValue[]];

const both = ([text, ...values]: Condition, [other, ...others]: Condition): Condition => [
  `${text} AND ${other}`,
  ...values,
  ...others,
];

const ALL: Condition = ["true"];

const has = (column: "customer_id" | "status" | "license_type", value: string): Condition => [
  `licenses.${column} = ?`,
  value,
];

/** A walk along one index: which rows, in which order, and the position of each. */
export interface Walk {
  where: Condition;
  order: string;
  keyOf: (license: License) => Key;
  /** Whether every row matches, so that one page of rows is enough. */
  exact: boolean;
}

export const byId = (license: License): Key => [license.id];

/** Ids sort by the time of issue. With a bound start, even on the first page, each walk is an index search. */
function byIssue(after: Key | null, exact: boolean, oldestFirst: boolean, driver: Condition): Walk {
  return {
    where: both(
      driver,
      oldestFirst
        ? ["licenses.id > ?", String(after?.[0] ?? "")]
        : ["licenses.id < ?", String(after?.[0] ?? LAST_ID)],
    ),
    order: `licenses.id ${oldestFirst ? "" : "DESC"}`,
    keyOf: byId,
    exact,
  };
}

// A walk continues after its last row by one comparison of both columns. A comparison of the first column alone must
// not be added: SQLite would use that one, and each page would begin with all licenses of the same end.

const HERE = "(licenses.expires_at, licenses.id)";

/** Along the ends of licenses, from `from` to `to` or back; with a driver, only those of one customer. */
function byExpiry(
  after: Key | null,
  [from, to]: [number, number],
  lastFirst: boolean,
  driver: Condition,
): Walk {
  const [at, id] = after ?? (lastFirst ? [to, LAST_ID] : [from, ""]);
  return {
    where: both(
      driver,
      lastFirst
        ? [`licenses.expires_at >= ? AND ${HERE} < (?, ?)`, from, at!, id!]
        : [`licenses.expires_at <= ? AND ${HERE} > (?, ?)`, to, at!, id!],
    ),
    order: lastFirst ? "licenses.expires_at DESC, licenses.id DESC" : "licenses.expires_at, licenses.id",
    keyOf: (license) => [license.expires_at ?? 0, license.id],
    exact: false,
  };
}

export const isByEnd = (sort: LicenseFilter["sort"]): boolean => sort === "ending" || sort === "ending_last";

/** The range of ends of licenses that can match; null if the filter does not limit the end. */
export function endsOf(filter: LicenseFilter, now: number): [from: number, to: number] | null {
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

export function walkFor(filter: LicenseFilter, after: Key | null, now: number): Walk {
  const { customer_id, license_type, status, standing } = filter;
  const { sort, seats: _s, told: _t, last_mail: _m, ...filters } = filter;
  const alone = Object.values(filters).filter((value) => value !== undefined).length <= 1;
  const along = (exact: boolean, driver = ALL): Walk => byIssue(after, exact, sort === "oldest", driver);
  const ofCustomer = customer_id === undefined ? undefined : has("customer_id", customer_id);
  const ends = endsOf(filter, now);
  if (ends && (isByEnd(sort) || !ofCustomer))
    return byExpiry(after, ends, sort === "ending_last", ofCustomer ?? ALL);
  if (ofCustomer) return along(alone, ofCustomer);
  if (standing === "scheduled") {
    const [at, id] = after ?? [now + 1, ""];
    return {
      where: ["licenses.starts_at IS NOT NULL AND (licenses.starts_at, licenses.id) > (?, ?)", at!, id!],
      order: "licenses.starts_at, licenses.id",
      keyOf: (license) => [license.starts_at ?? 0, license.id],
      exact: false,
    };
  }
  if (standing === "suspended" || standing === "revoked") return along(alone, has("status", standing));
  if (status !== undefined) return along(alone, has("status", status));
  if (license_type !== undefined) return along(alone, has("license_type", license_type));
  return along(alone && standing === undefined);
}
