// What a list of licenses can be filtered by, and whether a license matches. Pure.
import * as z from "zod/mini";
import { DAY } from "../../../kernel/dates.ts";
import { EndsFrom, SearchText, Until, written } from "../../../kernel/inputs.ts";
import { type License, MESSAGE_STATUSES } from "../../../storage/schema.ts";
import { CustomerId } from "../../customers/customers.ts";
import { isNotedAs, NotedFilter } from "../../customers/noted.ts";
import { LicenseTypeId } from "../license-types.ts";
import { refusalOf, STANDINGS, standingOf } from "../standing.ts";

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
export const belongs = (license: License, filter: LicenseFilter, now: number): boolean =>
  hasTerms(license, filter, now) && isNotedAs(license, filter);

/** What a filter looks at, besides what staff noted. */
export type Dated = Pick<
  License,
  "id" | "customer_id" | "license_type" | "status" | "starts_at" | "expires_at" | "grace_days"
>;

export const DATED = "id, customer_id, license_type, status, starts_at, expires_at, grace_days";

export function hasTerms(license: Dated, filter: LicenseFilter, now: number): boolean {
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
