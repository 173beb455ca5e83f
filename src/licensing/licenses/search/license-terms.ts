// Writes the terms by which a license is found, in the batch of its change.
import type { Context } from "../../../context.ts";
import type { License } from "../../../storage/schema.ts";
import { termsOfLicense } from "../../customers/search-terms.ts";

/** Adds the terms of a license on an SQL condition. Most licenses have none. */
export function addLicenseTerms({ db }: Context, license: License, condition: string): D1PreparedStatement[] {
  const terms = termsOfLicense(license);
  if (terms.length === 0) return [];
  return [
    db.sql(
      `INSERT INTO license_terms (term, license_id) SELECT value, ?1 FROM json_each(?2) WHERE ${condition}
       ON CONFLICT DO NOTHING`,
      license.id,
      JSON.stringify(terms),
    ),
  ];
}

const SEARCHED = ["metadata", "tags", "notes"] as const;

/**
 * Replaces the terms of a license if it is still the version `before`, and `after` has other terms; writes only those
 * that differ. Goes before the change, in its batch.
 */
export function replaceLicenseTerms(
  context: Context,
  before: License,
  after: License,
): D1PreparedStatement[] {
  const { id, version } = before;
  const isSame = SEARCHED.every((name) => JSON.stringify(before[name]) === JSON.stringify(after[name]));
  if (isSame && before.terms_at === version) return [];
  const still = `EXISTS (SELECT 1 FROM licenses WHERE id = ?1 AND version = ${version})`;
  return [
    context.db.sql(
      `DELETE FROM license_terms WHERE license_id = ?1 AND ${still}
         AND term NOT IN (SELECT value FROM json_each(?2))`,
      id,
      JSON.stringify(termsOfLicense(after)),
    ),
    ...addLicenseTerms(context, after, still),
  ];
}
