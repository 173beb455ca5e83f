// Finds what may be due a notice in a night: licenses, and entitlements, that recently came so near to their end. Page by
// page, along the indexes by end.
import { and, eq, lte, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { thresholdsInUse } from "../../licensing/licenses/time/thresholds.ts";
import {
  type Contact,
  type Customer,
  customers,
  entitlementUses,
  type License,
  licenses,
  licenseTypes,
} from "../../storage/schema.ts";
import { windowsOf } from "../ladder.ts";
import { contactsOf, recipientsOf } from "../recipients.ts";

/** Few large pages: D1 bounds the number of queries of a run. */
const PAGE = 500;

export interface Candidate {
  license: License;
  customer: Customer;
  /** What ends: the license, or those of its entitlements that end then. */
  what: "license" | "entitlements";
  end: number;
  /** The license's own thresholds, or its type's. */
  thresholds: number[];
  /** Who is told about the end; nobody if the customer has no address. */
  recipients: Contact[];
}

type Place = [end: number, licenseId: string];

type Found = Pick<Candidate, "license" | "customer"> & { end: number | null; ofType: number[] };

/** Those behind a place, in the order of their ends and ids. */
type Read = (context: Context, after: Place, upTo: number) => PromiseLike<Found[]>;

const endingLicenses: Read = ({ db }, [at, id], upTo) =>
  db.orm
    .select({
      license: licenses,
      customer: customers,
      ofType: licenseTypes.notice_days,
      end: licenses.expires_at,
    })
    .from(licenses)
    .innerJoin(customers, eq(customers.id, licenses.customer_id))
    .innerJoin(licenseTypes, eq(licenseTypes.id, licenses.license_type))
    .where(
      and(
        lte(licenses.expires_at, upTo),
        // Compares both columns at once; otherwise each page would begin with all licenses of the same end.
        sql`(${licenses.expires_at}, ${licenses.id}) > (${at}, ${id})`,
      ),
    )
    .orderBy(licenses.expires_at, licenses.id)
    .limit(PAGE);

const endingEntitlements: Read = ({ db }, [at, id], upTo) => {
  const due = db.orm
    .selectDistinct({ until: entitlementUses.until, id: entitlementUses.id })
    .from(entitlementUses)
    .where(
      and(
        // As it stands in the index.
        sql`${entitlementUses.holder} = 'license'`,
        lte(entitlementUses.until, upTo),
        sql`(${entitlementUses.until}, ${entitlementUses.id}) > (${at}, ${id})`,
      ),
    )
    .orderBy(entitlementUses.until, entitlementUses.id)
    .limit(PAGE)
    .as("due");
  return db.orm
    .select({ license: licenses, customer: customers, ofType: licenseTypes.notice_days, end: due.until })
    .from(due)
    .innerJoin(licenses, eq(licenses.id, due.id))
    .innerJoin(customers, eq(customers.id, licenses.customer_id))
    .innerJoin(licenseTypes, eq(licenseTypes.id, licenses.license_type))
    .orderBy(due.until, due.id);
};

async function* walk(
  context: Context,
  windows: [after: number, upTo: number][],
  what: Candidate["what"],
  read: Read,
): AsyncGenerator<Candidate[]> {
  for (const [after, upTo] of windows) {
    let place: Place = [after, "~"];
    for (;;) {
      const found = await read(context, place, upTo);
      const contacts = await contactsOf(
        context,
        found.map(({ customer }) => customer.id),
      );
      yield found.map(({ license, customer, ofType, end }) => ({
        license,
        customer,
        what,
        end: end ?? 0,
        thresholds: license.notice_days ?? ofType,
        recipients: recipientsOf(contacts.get(customer.id) ?? [], "billing"),
      }));
      const last = found.at(-1);
      if (found.length < PAGE || !last) break;
      place = [last.end ?? 0, last.license.id];
    }
  }
}

/** What may be due a notice at `now`; some of it is not. */
export async function* candidates(context: Context, now: number): AsyncGenerator<Candidate[]> {
  const thresholds = await thresholdsInUse(context);
  yield* walk(context, windowsOf(thresholds, now), "license", endingLicenses);
  // That an entitlement has ended needs no mail: its license goes on.
  const before = thresholds.filter((days) => days > 0);
  yield* walk(context, windowsOf(before, now), "entitlements", endingEntitlements);
}
