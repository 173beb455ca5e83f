// Imports: customers and licenses from a file, all rows or none. Everything is checked first. Then one batch, D1's
// transaction, writes all rows with their events, so that a Worker that dies leaves nothing half done. If something
// changes between the check and the batch, the keys of the tables refuse the batch, and it is rolled back.
import { inArray } from "drizzle-orm";
import { allow } from "../../kernel/permissions.ts";
import type { Context } from "../../context.ts";
import { chunksOf, insertChunk } from "../../storage/bulk.ts";
import {
  CONTACT_ROLES,
  contacts,
  type Customer,
  customers,
  type License,
  licenses,
  type LicenseType,
  licenseTerms,
  licenseTypes,
} from "../../storage/schema.ts";
import { termsOfLicense } from "../customers/search-terms.ts";
import { customerOf } from "../customers/customers.ts";
import type { Claims } from "../../crypto/keyring.ts";
import { Problem } from "../../problems.ts";
import { floorToSecond } from "../../kernel/dates.ts";
import { given } from "../../kernel/resources.ts";
import {
  type CustomerRow,
  customerRows,
  type LicenseRow,
  licenseRows,
  type Numbered,
} from "./import-rows.ts";
import {
  among,
  type Brought,
  insertCustomers,
  MAX_TERMS,
  recordRows,
  termsWithin,
  write,
} from "./import-writes.ts";
import { definitionsOf } from "../entitlements/inputs.ts";
import { type EntitlementsPatch, withRules } from "../entitlements/values.ts";
import { readType } from "../licenses/license-types.ts";
import { endFault, licenseOf } from "../licenses/licenses.ts";
import { claimsIn, strayKey, termsInKey } from "./row-keys.ts";
import { Faults, type Sheet } from "./sheets.ts";

interface Imported {
  /** If true, nothing was written, and the numbers say what would have been. */
  dry_run: boolean;
  rows: number;
  created: number;
}

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
  const { db } = context;
  const [foundCustomers, foundContacts] = await db.orm.batch([
    db.orm
      .select({ id: customers.id })
      .from(customers)
      .where(inArray(customers.id, among(rows.flatMap(({ row }) => row.id ?? [])))),
    db.orm
      .select({ id: contacts.id })
      .from(contacts)
      .where(
        inArray(
          contacts.id,
          among(rows.flatMap(({ row }) => (row.contacts ?? []).map(({ id }) => id ?? ""))),
        ),
      ),
  ]);
  const taken = new Set([...foundCustomers, ...foundContacts].map(({ id }) => id));
  for (const { number, row } of rows) {
    if (row.id !== undefined && taken.has(row.id)) {
      faults.add(number, "id", "A customer with this id exists already");
    }
    for (const [n, { id }] of (row.contacts ?? []).entries()) {
      if (id !== undefined && taken.has(id)) {
        faults.add(number, `contacts.${n}.id`, "A contact with this id exists already");
      }
    }
    if (row.created_at !== undefined && row.created_at > now) {
      faults.add(number, "created_at", "Must not be in the future");
    }
  }
  faults.raise();
  const created = rows.map(({ row }) => importedCustomer(context, row, now));
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
    const entitled = row.entitlements && withRules(row.entitlements, known.definitions);
    for (const { path, message } of entitled?.faults ?? [])
      faults.add(number, `entitlements.${path}`, message);
    if (!type || (entitled && entitled.faults.length > 0)) continue;
    try {
      const license = importedLicense(context, row, inKey, type, entitled?.patch, now);
      const fault = endFault(license, row.id === undefined ? now : 0);
      if (fault !== null) faults.add(number, "expires_at", fault);
      created.push(license);
    } catch (error) {
      // Too many entitlements for a document.
      if (!(error instanceof Problem)) throw error;
      for (const { path, message } of error.extras.errors ?? []) faults.add(number, path, message);
    }
  }
  faults.raise();

  if (!dryRun) {
    const brought = [...missing].map((id) => ({ customer: customerOf({ name: id }, id, now), contacts: [] }));
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

function importedCustomer(context: Context, row: CustomerRow, now: number): Brought {
  const made = customerOf(row, row.id ?? `cus_${context.ids.ulid(now)}`, now);
  const created_at = row.created_at ?? now;
  const customer: Customer = { ...made, created_at, email_status: row.email_status ?? null };
  return {
    customer,
    contacts: (row.contacts ?? []).map((contact) => ({
      id: contact.own ? `con_${customer.id}` : (contact.id ?? `con_${context.ids.ulid(now)}`),
      customer_id: customer.id,
      email: contact.email,
      name: contact.name ?? null,
      roles: contact.roles ?? [...CONTACT_ROLES],
      language: contact.language ?? null,
      portal: (contact.portal ?? !contact.own) ? 1 : 0,
      own: contact.own ? 1 : 0,
      email_status: contact.email_status ?? null,
      version: 1,
      created_at: contact.created_at ?? now,
      updated_at: now,
    })),
  };
}

function importedLicense(
  context: Context,
  row: LicenseRow,
  claims: Claims | null,
  type: LicenseType,
  entitled: EntitlementsPatch | undefined,
  now: number,
): License {
  const issuedNow = floorToSecond(now);
  const own = { ...type, ...given({ lease_days: row.lease_days, check_in_hours: row.check_in_hours }) };
  if (row.id === undefined)
    return licenseOf(row, own, entitled, `lic_${context.ids.ulid(now)}`, issuedNow, now);
  const { starts_at, updates_until } = termsInKey(row, claims);
  // What is restored has what the row says, and nothing of its type besides.
  const base = entitled ? { ...own, entitlements: {} } : own;
  return {
    ...licenseOf(row, base, entitled, row.id, row.issued_at ?? issuedNow, now),
    status: row.status ?? "active",
    revision: row.revision ?? 1,
    signed_until: row.signed_until ?? null,
    unproven_until: row.unproven_until ?? null,
    term_began_at: row.term_began_at ?? null,
    suspension: row.suspension ?? null,
    starts_at: row.starts_at === undefined ? starts_at : row.starts_at,
    updates_until: row.updates_until === undefined ? updates_until : row.updates_until,
  };
}

async function lookUp(context: Context, rows: Numbered<LicenseRow>[]) {
  const { db } = context;
  const all = rows.map(({ row }) => row);
  const definitions = await definitionsOf(
    context,
    all.flatMap(({ entitlements }) => Object.keys(entitlements ?? {})),
  );
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
    definitions,
  };
}
