// Imports: customers and licenses from a file, all rows or none. Everything is checked first. Then one batch, D1's
// transaction, writes all rows with their events, so that a Worker that dies leaves nothing half done. If something
// changes between the check and the batch, the keys of the tables refuse the batch, and it is rolled back.
import { inArray, sql, type SQL } from "drizzle-orm";
import { allow } from "../../kernel/permissions.ts";
import { recordChange } from "../../record/events.ts";
import { recordableRow } from "../../record/personal.ts";
import type { Context } from "../../context.ts";
import { Problem } from "../../problems.ts";
import { chunksOf, insertChunk } from "../../storage/bulk.ts";
import { isForeignKeyFailure, isUniqueFailure } from "../../storage/failures.ts";
import {
  type Customer,
  customers,
  customerTerms,
  type License,
  licenses,
  type LicenseType,
  licenseTerms,
  licenseTypes,
} from "../../storage/schema.ts";
import { termsOf, termsOfLicense } from "../customers/search-terms.ts";
import { customerOf } from "../customers/customers.ts";
import type { Claims } from "../../crypto/keyring.ts";
import { cleaned } from "../../field/pasted.ts";
import { floorToSecond, parseInstant, SECOND } from "../../kernel/dates.ts";
import { customerRows, type LicenseRow, licenseRows, type Numbered } from "./import-rows.ts";
import { readType } from "../licenses/license-types.ts";
import { endFault, licenseOf } from "../licenses/licenses.ts";
import { Faults, type Sheet } from "./sheets.ts";

interface Imported {
  /** If true, nothing was written, and the numbers say what would have been. */
  dry_run: boolean;
  rows: number;
  created: number;
}

/** A list of ids of any length, as one parameter. */
const among = (ids: Iterable<string>): SQL =>
  sql`(SELECT value FROM json_each(${JSON.stringify([...new Set(ids)])}))`;

/**
 * Creates the customers of a file.
 * @throws Problem REQUEST_INVALID with the faults of all rows
 * @throws Problem CONFLICT if an id was taken meanwhile
 */
export async function importCustomers(context: Context, sheet: Sheet, dryRun: boolean): Promise<Imported> {
  allow(context, "imports");
  const now = context.clock.now();
  const faults = new Faults();
  const rows = customerRows(sheet, faults);
  const taken = await existingCustomers(
    context,
    rows.flatMap(({ row }) => row.id ?? []),
  );
  for (const { number, row } of rows) {
    if (row.id !== undefined && taken.has(row.id)) {
      faults.add(number, "id", "A customer with this id exists already");
    }
  }
  faults.raise();
  const created = rows.map(({ row }) => customerOf(row, row.id ?? `cus_${context.ids.ulid(now)}`, now));
  if (!dryRun) await write(context, insertCustomers(context, now, created, { left: MAX_TERMS }));
  return { dry_run: dryRun, rows: sheet.rows.length, created: created.length };
}

/**
 * Issues the licenses of a file, and restores those that have an id.
 * @throws Problem REQUEST_INVALID with the faults of all rows
 * @throws Problem CONFLICT if meanwhile an id was taken, or a customer or type was deleted
 */
export async function importLicenses(
  context: Context,
  sheet: Sheet,
  dryRun: boolean,
): Promise<Imported & { customers_created: number }> {
  allow(context, "imports");
  const now = context.clock.now();
  const faults = new Faults();
  const rows = licenseRows(sheet, faults);
  const known = await lookUp(context, rows);

  // A restored license also creates its customer, which new licenses in the file may then use.
  const missing = new Set<string>();
  for (const { row } of rows) {
    if (row.id !== undefined && !known.customers.has(row.customer_id)) missing.add(row.customer_id);
  }
  const created: License[] = [];
  for (const { number, row } of rows) {
    const type = known.types.get(row.license_type);
    if (!type) faults.add(number, "license_type", `There is no license type ${row.license_type}`);
    if (!known.customers.has(row.customer_id) && !missing.has(row.customer_id)) {
      faults.add(number, "customer_id", `There is no customer with the id ${row.customer_id}`);
    }
    if (row.id !== undefined && known.licenses.has(row.id)) {
      faults.add(number, "id", "A license with this id exists already");
    }
    if (row.issued_at !== undefined && row.issued_at > now) {
      faults.add(number, "issued_at", "Must not be in the future");
    }
    const inKey = await claimsIn(context, row);
    for (const { member, message } of strayKey(row, inKey)) faults.add(number, member, message);
    if (!type) continue;
    const license = importedLicense(context, row, inKey, type, now);
    const fault = endFault(license, row.id === undefined ? now : 0);
    if (fault !== null) faults.add(number, "expires_at", fault);
    created.push(license);
  }
  faults.raise();

  if (!dryRun) {
    const brought = [...missing].map((id) => customerOf({ name: id }, id, now));
    const budget = { left: MAX_TERMS };
    const terms = termsWithin(budget, created, termsOfLicense, (term, license_id) => ({ term, license_id }));
    await write(context, [
      ...insertCustomers(context, now, brought, budget),
      ...chunksOf(created).map((chunk) => insertChunk(context.db, licenses, chunk)),
      ...recordRows(context, now, "license", created),
      ...chunksOf(terms).map((chunk) => insertChunk(context.db, licenseTerms, chunk)),
    ]);
  }
  return {
    dry_run: dryRun,
    rows: sheet.rows.length,
    created: created.length,
    customers_created: missing.size,
  };
}

function importedLicense(
  context: Context,
  row: LicenseRow,
  claims: Claims | null,
  type: LicenseType,
  now: number,
): License {
  const issuedNow = floorToSecond(now);
  if (row.id === undefined) return licenseOf(row, type, `lic_${context.ids.ulid(now)}`, issuedNow, now);
  const { starts_at, updates_until } = termsInKey(row, claims);
  return {
    ...licenseOf(row, type, row.id, row.issued_at ?? issuedNow, now),
    status: row.status ?? "active",
    revision: row.revision ?? 1,
    starts_at: row.starts_at === undefined ? starts_at : row.starts_at,
    updates_until: row.updates_until === undefined ? updates_until : row.updates_until,
  };
}

/** What the license key in a row says; null if there is none, or none that this service signed. */
const claimsIn = async ({ keyring, config }: Context, { license_key }: LicenseRow): Promise<Claims | null> =>
  license_key ? keyring.verify("license+jwt", config.issuers, cleaned(license_key)) : null;

/** What the key in the row contradicts. A spreadsheet turns the customer id 00042 into 42. */
function strayKey(
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
function termsInKey({ id }: LicenseRow, claims: Claims | null): Pick<License, "starts_at" | "updates_until"> {
  const { nbf, updates_until }: Record<string, unknown> = claims && claims["jti"] === id ? claims : {};
  return {
    starts_at: typeof nbf === "number" ? nbf * SECOND : null,
    updates_until: typeof updates_until === "string" ? parseInstant(updates_until, "end") : null,
  };
}

async function existingCustomers({ db }: Context, ids: string[]): Promise<Set<string>> {
  const found = await db.orm
    .select({ id: customers.id })
    .from(customers)
    .where(inArray(customers.id, among(ids)));
  return new Set(found.map(({ id }) => id));
}

async function lookUp({ db }: Context, rows: Numbered<LicenseRow>[]) {
  const all = rows.map(({ row }) => row);
  const [foundCustomers, foundTypes, foundLicenses] = await db.orm.batch([
    db.orm
      .select({ id: customers.id })
      .from(customers)
      .where(inArray(customers.id, among(all.map((row) => row.customer_id)))),
    db.orm
      .select()
      .from(licenseTypes)
      .where(inArray(licenseTypes.id, among(all.map((row) => row.license_type)))),
    db.orm
      .select({ id: licenses.id })
      .from(licenses)
      .where(inArray(licenses.id, among(all.flatMap((row) => row.id ?? [])))),
  ]);
  return {
    customers: new Set(foundCustomers.map(({ id }) => id)),
    types: new Map(foundTypes.map((type) => [type.id, readType(type)])),
    licenses: new Set(foundLicenses.map(({ id }) => id)),
  };
}

/** How many search terms one import writes: its batch must end in time. The ten-minute trigger writes the others. */
const MAX_TERMS = 300_000;

/** The terms of the rows, as far as the budget goes; the rows beyond it are marked as having none yet. */
function termsWithin<T extends { id: string; terms_at: number | null }, R>(
  budget: { left: number },
  rows: T[],
  termsOfRow: (row: T) => string[],
  made: (term: string, owner: string) => R,
): R[] {
  return rows.flatMap((row) => {
    const terms = budget.left > 0 ? termsOfRow(row) : [];
    if (terms.length > budget.left || budget.left <= 0) {
      budget.left = 0;
      row.terms_at = null;
      return [];
    }
    budget.left -= terms.length;
    return terms.map((term) => made(term, row.id));
  });
}

const insertCustomers = (
  context: Context,
  now: number,
  rows: Customer[],
  budget: { left: number },
): D1PreparedStatement[] => {
  const terms = termsWithin(budget, rows, termsOf, (term, customer_id) => ({ term, customer_id }));
  return [
    ...chunksOf(rows).map((chunk) => insertChunk(context.db, customers, chunk)),
    ...recordRows(context, now, "customer", rows),
    ...chunksOf(terms).map((chunk) => insertChunk(context.db, customerTerms, chunk)),
  ];
};

/** One event a row. */
const recordRows = (
  context: Context,
  now: number,
  entityType: "customer" | "license",
  rows: readonly { id: string }[],
): D1PreparedStatement[] =>
  chunksOf(rows.map((row) => ({ id: row.id, detail: recordableRow(row) }))).map((chunk) =>
    recordChange(
      context,
      now,
      `${entityType}.imported`,
      [entityType, { sql: "value ->> '$.id'", values: [] }],
      { sql: "value -> '$.detail'", values: [] },
      { sql: "FROM json_each(?)", values: [chunk] },
    ),
  );

async function write(context: Context, statements: D1PreparedStatement[]): Promise<void> {
  if (statements.length === 0) return;
  try {
    await context.db.batch(statements);
  } catch (error) {
    if (!isUniqueFailure(error) && !isForeignKeyFailure(error)) throw error;
    throw new Problem(
      "CONFLICT",
      "Nothing was imported: what the file builds on was changed by somebody else meanwhile. Import it again.",
    );
  }
}
