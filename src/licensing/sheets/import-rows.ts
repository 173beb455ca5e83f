// What the columns of an import mean: a row becomes the same input as in the call for a single customer or license, and
// the same schemas check it. Pure.
import * as z from "zod/mini";
import { fieldErrors } from "../../problems.ts";
import { NewCustomer } from "../customers/customers.ts";
import { NewLicense } from "../licenses/licenses.ts";
import { isSameMailbox } from "../../field/mailboxes.ts";
import type { Faults, Sheet, SheetRow } from "./sheets.ts";
import { EndInstant, Since, StartInstant } from "../../kernel/inputs.ts";
import { CheckInHours, LeaseDays } from "../licenses/terms.ts";
import { MAX_CONTACTS, NewContact } from "../customers/contact-rows.ts";
import { NO_DAYS } from "./exported-files.ts";

/** Whether mail to the address is known not to arrive, or not to be wanted. */
const EmailStatus = z.nullable(z.enum(["bounced", "complained"]));

/** A contact as an export writes it. The customer's own address is `own`, and has no id. */
const ContactRow = z.safeExtend(NewContact, {
  id: z.optional(
    z.string().check(z.regex(/^con_[0-9A-Z]{26}$/, "Must be the id of a contact, as an export writes it")),
  ),
  own: z.optional(z.boolean()),
  email_status: z.optional(EmailStatus),
  created_at: z.optional(Since),
});

/** A customer to create, or to bring back as it was exported. */
export const CustomerRow = z.safeExtend(NewCustomer, {
  email_status: z.optional(EmailStatus),
  created_at: z.optional(Since),
  contacts: z.optional(z.array(ContactRow).check(z.maxLength(MAX_CONTACTS))),
});
export type CustomerRow = z.output<typeof CustomerRow>;

/**
 * A license to issue or, with an id, a license to restore as it was exported. The exported key and standing are derived
 * from the rest: a row may have them, but they decide nothing.
 */
export const LicenseRow = z.safeExtend(NewLicense, {
  id: z.optional(
    z.string().check(z.regex(/^lic_[0-9A-Z]{26}$/, "Must be the id of a license, as an export writes it")),
  ),
  status: z.optional(z.enum(["active", "suspended", "revoked"])),
  revision: z.optional(z.int().check(z.minimum(1), z.maximum(1_000_000_000))),
  issued_at: z.optional(StartInstant),
  lease_days: z.optional(LeaseDays),
  check_in_hours: z.optional(CheckInHours),
  signed_until: z.nullish(EndInstant),
  unproven_until: z.nullish(EndInstant),
  term_began_at: z.nullish(Since),
  suspension: z.nullish(z.string().check(z.regex(/^[0-9A-Z]{26}$/, "Must be as an export writes it"))),
  license_key: z.nullish(z.string()),
  standing: z.nullish(z.string()),
});

export type LicenseRow = z.output<typeof LicenseRow>;

/** Turns the text of a cell into the value that JSON would have. @throws CellFault */
type Reader = (cell: string) => unknown;

class CellFault extends Error {}

const asText: Reader = (cell) => cell;

const asCount: Reader = (cell) => {
  if (/^\d{1,15}$/.test(cell)) return Number(cell);
  throw new CellFault("Must be a whole number");
};

const asLimit: Reader = (cell) => {
  if (cell === "unlimited") return null;
  if (/^\d{1,15}$/.test(cell)) return Number(cell);
  throw new CellFault("Must be a whole number or the word unlimited");
};

const asList: Reader = (cell) =>
  cell
    .split(";")
    .map((item) => item.trim())
    .filter((item) => item !== "");

const asBoolean: Reader = (cell) => {
  if (cell !== "true" && cell !== "false") throw new CellFault("Must be true or false");
  return cell === "true";
};

const asJson =
  (what: "object" | "array"): Reader =>
  (cell) => {
    try {
      return JSON.parse(cell) as unknown;
    } catch {
      throw new CellFault(`Must be a JSON ${what}`);
    }
  };

const READERS = new Map<string, Reader>([
  ["features", asList],
  ["max_instances", asLimit],
  ["max_services", asLimit],
  ["max_requests_per_day", asLimit],
  ["expires_days", asCount],
  ["grace_days", asCount],
  ["lease_days", asCount],
  ["check_in_hours", asCount],
  ["unproven_lease_hours", asCount],
  ["revision", asCount],
  ["expires_at", (cell) => (cell === "never" ? null : cell)],
  ["metadata", asJson("object")],
  ["contacts", asJson("array")],
  ["entitlements", asJson("object")],
  ["tags", asList],
  ["portal", asBoolean],
  ["notice_days", (cell) => (cell === NO_DAYS ? [] : (asList(cell) as string[]).map(asCount))],
]);

/** What an export writes as an empty cell. In rows without an id, an empty cell leaves the member out. */
const EMPTY_IN_EXPORT = new Map<string, unknown>([
  ["features", []],
  ["max_instances", null],
  ["max_services", null],
  ["max_requests_per_day", null],
  ["expires_at", null],
  ["entitlements", {}],
]);

/** The members of a CSV row, with the values that JSON would have. */
function membersOf({ number, cells }: SheetRow, faults: Faults): Record<string, unknown> {
  const filled = (column: string): boolean => (cells[column] ?? "") !== "";
  const members: Record<string, unknown> = {};
  for (const [column, cell] of Object.entries(cells) as [string, string][]) {
    try {
      if (cell !== "") members[column] = (READERS.get(column) ?? asText)(cell);
      else if (filled("id") && EMPTY_IN_EXPORT.has(column)) members[column] = EMPTY_IN_EXPORT.get(column);
    } catch (error) {
      if (!(error instanceof CellFault)) throw error;
      faults.add(number, column, error.message);
    }
  }
  // The end is given otherwise, so the empty expires_at says nothing.
  if ((filled("expires_in") || filled("expires_days")) && !filled("expires_at")) delete members["expires_at"];
  return members;
}

function checkHeader(header: string[], known: string[], required: string[], faults: Faults): void {
  for (const name of header) {
    if (name === "") faults.add(1, name, "A column with values has no name");
    else if (!known.includes(name)) faults.add(1, name, "Unknown column");
  }
  for (const name of required) if (!header.includes(name)) faults.add(1, name, "The column is missing");
}

export interface Numbered<T> {
  number: number;
  row: T;
}

/**
 * The rows that match their schema; the others become faults.
 * @throws Problem REQUEST_INVALID if the header is wrong, because then every row would be wrong
 */
function parseRows<T>(
  schema: z.ZodMiniType<T> & { shape: object },
  required: string[],
  sheet: Sheet,
  faults: Faults,
): Numbered<T>[] {
  if (sheet.header) {
    checkHeader(sheet.header, Object.keys(schema.shape), required, faults);
    faults.raise();
  }
  const parsed: Numbered<T>[] = [];
  for (const source of sheet.rows) {
    const members = sheet.header ? membersOf(source, faults) : source.cells;
    const result = schema.safeParse(members);
    if (result.success) parsed.push({ number: source.number, row: result.data });
    else {
      for (const { path, message } of fieldErrors(result.error.issues)) {
        faults.add(source.number, path, message);
      }
    }
  }
  return parsed;
}

/** An id may appear in one row only. */
function checkRepeats(rows: Numbered<{ id?: string | undefined }>[], faults: Faults): void {
  const seen = new Set<string>();
  for (const { number, row } of rows) {
    if (row.id === undefined) continue;
    if (seen.has(row.id)) faults.add(number, "id", "The id is in the file twice");
    seen.add(row.id);
  }
}

/** What is wrong with the contacts of a row, besides what each says of itself. @param seen the ids of contacts so far */
function* contactFaults(row: CustomerRow, seen: Set<string>): Generator<[member: string, fault: string]> {
  const all = row.contacts ?? [];
  for (const [n, { id, own, email }] of all.entries()) {
    if (id !== undefined && seen.has(id)) yield [`contacts.${n}.id`, "The id is in the file twice"];
    if (id !== undefined) seen.add(id);
    if (own && (row.email == null || !isSameMailbox(row.email, email)))
      yield [`contacts.${n}.email`, "The customer's own address is the column email"];
    if (all.slice(0, n).some((earlier) => isSameMailbox(earlier.email, email)))
      yield [`contacts.${n}.email`, "Is the address of another contact of this customer"];
    if (!own && row.email != null && isSameMailbox(row.email, email))
      yield [`contacts.${n}.email`, "Is the customer's own address"];
  }
}

export function customerRows(sheet: Sheet, faults: Faults): Numbered<CustomerRow>[] {
  const rows = parseRows(CustomerRow, ["name"], sheet, faults);
  checkRepeats(rows, faults);
  const seen = new Set<string>();
  for (const { number, row } of rows) {
    for (const [at, fault] of contactFaults(row, seen)) faults.add(number, at, fault);
  }
  return rows;
}

/** What only a restored license has. */
const RESTORED = [
  "status",
  "revision",
  "issued_at",
  "signed_until",
  "unproven_until",
  "term_began_at",
  "suspension",
] as const;

export function licenseRows(sheet: Sheet, faults: Faults): Numbered<LicenseRow>[] {
  const rows = parseRows(LicenseRow, ["customer_id", "license_type"], sheet, faults);
  checkRepeats(rows, faults);
  for (const { number, row } of rows) {
    if (row.id !== undefined) continue;
    for (const member of RESTORED) {
      if (row[member] != null) faults.add(number, member, "Only a row with an id, which restores, has this");
    }
  }
  return rows;
}
