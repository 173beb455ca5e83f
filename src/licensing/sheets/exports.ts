// The export of licenses with their keys: everything that an import needs to bring them back as they are.
import { and, eq, gt, sql } from "drizzle-orm";
import { allow } from "../../kernel/permissions.ts";
import { recordChange } from "../../record/events.ts";
import type { Context } from "../../context.ts";
import { type License, licenses } from "../../storage/schema.ts";
import { formatInstant, formatInstantOrNull } from "../../kernel/dates.ts";
import { presentEntitlements } from "../entitlements/values.ts";
import { licenseKeyOf } from "../licenses/license-keys.ts";
import { listLicenses } from "../licenses/license-list.ts";
import type { LicenseFilter } from "../licenses/search/license-filter.ts";
import { standingOf } from "../licenses/standing.ts";
import { unknownCustomer } from "../customers/customers.ts";
import { type ExportedFile, exportedFile, type ExportFormat, fileOf, PAGE_SIZE } from "./exported-files.ts";

/** The columns in order; the order is part of the contract: new ones go behind. */
const exported = async (context: Context, license: License, now: number) => ({
  id: license.id,
  customer_id: license.customer_id,
  license_key: await licenseKeyOf(context, license),
  license_type: license.license_type,
  issued_at: formatInstant(license.issued_at),
  expires_at: formatInstantOrNull(license.expires_at),
  status: license.status,
  standing: standingOf(license, now),
  features: license.features,
  max_instances: license.max_instances,
  max_services: license.max_services,
  max_requests_per_day: license.max_requests_per_day,
  revision: license.revision,
  starts_at: formatInstantOrNull(license.starts_at),
  grace_days: license.grace_days,
  lease_days: license.lease_days,
  check_in_hours: license.check_in_hours,
  notice_days: license.notice_days,
  unproven_lease_hours: license.unproven_lease_hours,
  clone_policy: license.clone_policy,
  updates_until: formatInstantOrNull(license.updates_until),
  metadata: license.metadata,
  tags: license.tags,
  notes: license.notes,
  signed_until: formatInstantOrNull(license.signed_until),
  unproven_until: formatInstantOrNull(license.unproven_until),
  term_began_at: formatInstantOrNull(license.term_began_at),
  suspension: license.suspension,
  entitlements: presentEntitlements(license.entitlements),
});

type Exported = Awaited<ReturnType<typeof exported>>;

const COLUMNS = [
  "id",
  "customer_id",
  "license_key",
  "license_type",
  "issued_at",
  "expires_at",
  "status",
  "standing",
  "features",
  "max_instances",
  "max_services",
  "max_requests_per_day",
  "revision",
  "starts_at",
  "grace_days",
  "lease_days",
  "check_in_hours",
  "notice_days",
  "unproven_lease_hours",
  "clone_policy",
  "updates_until",
  "metadata",
  "tags",
  "notes",
  "signed_until",
  "unproven_until",
  "term_began_at",
  "suspension",
  "entitlements",
] as const satisfies (keyof Exported)[];

/** The licenses of a customer, or only these, or those that filters find; if none is given, all. */
interface Choice {
  customer_id?: string | undefined;
  license_ids?: string[] | undefined;
  filter?: LicenseFilter | undefined;
}

export interface ExportRequest extends Choice {
  format: ExportFormat;
}

/**
 * The chosen licenses by id, with their current standing. The export is recorded before the first license is read,
 * because it includes the keys.
 * @returns the file's name and its bytes; if a page cannot be read, the bytes end with an error, never just early
 * @throws Problem CUSTOMER_NOT_FOUND
 */
export async function exportLicenses(
  caller: Context,
  { format, ...choice }: ExportRequest,
): Promise<ExportedFile> {
  allow(caller, "keys");
  // The record is written first, on the primary; a replica that serves the pages has everything up to it.
  const context: Context = { ...caller, db: caller.db.replica("from-here") };
  const now = context.clock.now();
  const { customer_id: customerId, license_ids: licenseIds, filter } = choice;
  const detail = {
    format,
    ...(licenseIds === undefined ? {} : { license_ids: licenseIds }),
    // Not what for: somebody may have searched for a name.
    ...(filter === undefined ? {} : { filters: Object.keys(filter).join(" ") }),
  };
  await recordExport(context, "licenses", detail, customerId);
  if (filter !== undefined)
    return fileOf(
      context,
      "licenses",
      format,
      COLUMNS,
      found(context, { ...filter, customer_id: customerId }, now),
    );
  return exportedFile(context, "licenses", format, COLUMNS, {
    read: (after) => readPage(context, choice, after),
    present: (license) => exported(context, license, now),
  });
}

/** What filters find, in the order of the list. */
async function* found(context: Context, filter: LicenseFilter, now: number) {
  let cursor: string | undefined;
  do {
    const page = await listLicenses(context, { limit: PAGE_SIZE, cursor }, filter);
    yield await Promise.all(page.data.map((license) => exported(context, license, now)));
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
}

/** Records that a file was made, under the customer if it is about one. @throws Problem CUSTOMER_NOT_FOUND */
export async function recordExport(
  context: Context,
  what: "licenses" | "customers" | "instances",
  detail: Record<string, unknown>,
  customerId: string | undefined,
): Promise<void> {
  const isAll = customerId === undefined;
  const [recorded] = await context.db.batch([
    recordChange(
      context,
      context.clock.now(),
      `${what}.exported`,
      isAll ? ["export", what] : ["customer", customerId],
      detail,
      isAll
        ? { sql: "", values: [] }
        : { sql: "WHERE EXISTS (SELECT 1 FROM customers WHERE id = ?)", values: [customerId] },
    ),
  ]);
  if (!isAll && recorded?.meta.changes === 0) throw unknownCustomer(customerId);
}

async function readPage(
  { db }: Context,
  { customer_id: customerId, license_ids: ids }: Choice,
  after: string | undefined,
): Promise<License[]> {
  const [rows] = await db.orm.batch([
    db.orm
      .select()
      .from(licenses)
      .where(
        and(
          customerId === undefined ? undefined : eq(licenses.customer_id, customerId),
          ids && sql`${licenses.id} IN (SELECT value FROM json_each(${JSON.stringify(ids)}))`,
          after === undefined ? undefined : gt(licenses.id, after),
        ),
      )
      .orderBy(licenses.id)
      .limit(PAGE_SIZE),
  ]);
  return rows;
}
