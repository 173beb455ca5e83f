// License types: the templates that a license takes its terms from when it is issued.
import { eq, gt } from "drizzle-orm";
import { allow } from "../access/permissions.ts";
import type { Context } from "../context.ts";
import { Problem } from "../problems.ts";
import { type LicenseType, licenseTypes } from "../storage/schema.ts";
import { formatInstant } from "./dates.ts";
import { type Page, type PageRequest, pageOf } from "./pages.ts";

/** @throws Problem NOT_FOUND */
export async function getLicenseType(context: Context, id: string): Promise<LicenseType> {
  allow(context, "read");
  const [type] = await context.db.orm.select().from(licenseTypes).where(eq(licenseTypes.id, id));
  if (!type) throw new Problem("NOT_FOUND", `There is no license type ${id}.`);
  return type;
}

/** License types by id. */
export async function listLicenseTypes(context: Context, page: PageRequest): Promise<Page<LicenseType>> {
  allow(context, "read");
  const rows = await context.db.orm
    .select()
    .from(licenseTypes)
    .where(page.cursor === undefined ? undefined : gt(licenseTypes.id, page.cursor))
    .orderBy(licenseTypes.id)
    .limit(page.limit + 1);
  return pageOf(rows, page.limit, (row) => row.id);
}

export const presentLicenseType = ({ version: _etag, ...type }: LicenseType) => ({
  ...type,
  created_at: formatInstant(type.created_at),
  updated_at: formatInstant(type.updated_at),
});
