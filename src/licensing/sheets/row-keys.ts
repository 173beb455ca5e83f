// The license key in a row of an import: what it says, and what the row contradicts.
import type { Context } from "../../context.ts";
import type { Claims } from "../../crypto/keyring.ts";
import { cleaned } from "../../field/pasted.ts";
import { parseInstant, SECOND } from "../../kernel/dates.ts";
import type { License } from "../../storage/schema.ts";
import type { LicenseRow } from "./import-rows.ts";

/** What the license key in a row says; null if there is none, or none that this service signed. */
export const claimsIn = async (
  { keyring, config }: Context,
  { license_key }: LicenseRow,
): Promise<Claims | null> =>
  license_key ? keyring.verify("license+jwt", config.issuers, cleaned(license_key)) : null;

/** What the key in the row contradicts. A spreadsheet turns the customer id 00042 into 42. */
export function strayKey(
  { id, customer_id }: LicenseRow,
  claims: Claims | null,
): { member: string; message: string }[] {
  if (!claims) return [];
  const [license, customer] = [claims["jti"], claims["sub"]].map(String);
  return [
    ...(id !== undefined && id !== license
      ? [{ member: "id", message: `The license key in this row is that of the license ${license}` }]
      : []),
    ...(customer_id !== customer
      ? [
          {
            member: "customer_id",
            message: `The license key in this row is that of the customer ${customer}. A spreadsheet may have changed the id: have it read the column as text`,
          },
        ]
      : []),
  ];
}

/**
 * An export has no columns for the start of a license and for the end of its updates, and without its start a license
 * would begin at once. If the row still has the key that this service signed for the license, they are in the key.
 */
export function termsInKey(
  { id }: LicenseRow,
  claims: Claims | null,
): Pick<License, "starts_at" | "updates_until"> {
  const { nbf, updates_until }: Record<string, unknown> = claims && claims["jti"] === id ? claims : {};
  return {
    starts_at: typeof nbf === "number" ? nbf * SECOND : null,
    updates_until: typeof updates_until === "string" ? parseInstant(updates_until, "end") : null,
  };
}
