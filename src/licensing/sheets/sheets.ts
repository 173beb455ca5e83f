// Tables as files: CSV (RFC 4180) that is safe to open in a spreadsheet, or JSON. Imports read them and exports write
// them. This file does not know what the columns mean. Pure.
import Papa from "papaparse";
import { type FieldError, Problem } from "../../problems.ts";

/** The most rows of one import: its statements must end within the time that D1 allows for a batch. */
export const MAX_ROWS = 20_000;

export interface SheetRow {
  /** CSV: as a spreadsheet counts, so the header is 1 and the first row is 2. JSON: the index, from 0. */
  number: number;
  cells: Record<string, unknown>;
}

export interface Sheet {
  /** The names in the header of a CSV. JSON has no header; its cells have types. */
  header: string[] | null;
  rows: SheetRow[];
}

const MAX_LISTED = 100;
const MAX_NAME = 100;

/** What is wrong with a file. All faults are collected, so that one correction is enough. */
export class Faults {
  readonly #listed: (FieldError & { row: number })[] = [];
  #total = 0;

  /** @param member the member of the row; empty for the whole row */
  add(row: number, member: string, message: string): void {
    this.#total += 1;
    if (this.#total > MAX_LISTED) return;
    // Column names come from the file and may have any length.
    const path = member === "" ? `rows.${row}` : `rows.${row}.${member.slice(0, MAX_NAME)}`;
    this.#listed.push({ row, path, message });
  }

  /** @throws Problem REQUEST_INVALID if a fault was added */
  raise(): void {
    const errors = this.#listed
      .toSorted((a, b) => a.row - b.row)
      .map(({ path, message }): FieldError => ({ path, message }));
    const [first] = errors;
    if (!first) return;
    const more = this.#total - errors.length;
    throw new Problem(
      "REQUEST_INVALID",
      [
        `Nothing was imported: the file has ${this.#total} fault${this.#total === 1 ? "" : "s"}.`,
        `The first is ${first.path}: ${first.message}.`,
        ...(more > 0 ? [`errors lists ${MAX_LISTED} of them; there are ${more} more.`] : []),
      ].join(" "),
      { errors },
    );
  }
}

const unreadable = (message: string): Problem =>
  new Problem("REQUEST_INVALID", message, { errors: [{ path: "", message }] });

const tooLong = (): Problem => new Problem("PAYLOAD_TOO_LARGE", `A file may have at most ${MAX_ROWS} rows.`);

/**
 * A cell that a spreadsheet would treat as a formula (OWASP, "CSV Injection"). Apostrophes in front are included, so
 * that removing one always restores the original cell.
 */
const FORMULA = /^'*[=+\-@\t\r]/;
const ESCAPED_FORMULA = /^'+[=+\-@\t\r]/;

const unescape = (cell: string): string => (ESCAPED_FORMULA.test(cell) ? cell.slice(1) : cell);

/** Rows of CSV, each with its line end. An apostrophe in front stops a spreadsheet from calculating a cell. */
export function csvOf(rows: (string | number | null)[][]): string {
  if (rows.length === 0) return "";
  return `${Papa.unparse(rows, { header: false, newline: "\r\n", escapeFormulae: FORMULA })}\r\n`;
}

/** A first line that tells a spreadsheet the separator, and that it does not show. */
const SEPARATOR = /^"?sep=([,;\t|])"?[,;\t|]*(?:\r\n|\n|\r)/i;

/** Spreadsheets of many countries separate cells by semicolons, and "text" is separated by tabs. */
function separatedBy(text: string): { delimiter: string; table: string } {
  const told = SEPARATOR.exec(text);
  if (told) return { delimiter: told[1]!, table: text.slice(told[0].length) };
  return { delimiter: /^[^\r\n,;\t]*([;\t])/.exec(text)?.[1] ?? ",", table: text };
}

/** Where the last column is that has a name or a value: a spreadsheet also writes empty ones that were once in use. */
const widthOf = (cells: string[]): number => cells.findLastIndex((cell) => cell !== "") + 1;

/**
 * Reads CSV whose first row names the columns. Space around cells is removed; empty rows are skipped but counted, and
 * columns with neither a name nor a value are dropped.
 * @throws Problem REQUEST_INVALID if it is not CSV, PAYLOAD_TOO_LARGE if there are too many rows
 */
export function readCsv(text: string): Sheet {
  const { delimiter, table } = separatedBy(text);
  // With LF as the line end, the CR of a CRLF is space around the last cell.
  const newline = table.includes("\n") ? "\n" : "\r";
  const { data, errors, meta } = Papa.parse<string[]>(table, {
    delimiter,
    newline,
    // Its fast mode splits the whole text before it looks at `preview`.
    fastMode: false,
    // The header, the rows, and the empty row after the last line end.
    preview: MAX_ROWS + 2,
  });
  const [header, ...records] = data.map((cells) => cells.map((cell) => unescape(cell).trim()));
  if (!header?.some((name) => name !== ""))
    throw unreadable("The file is empty: its first row names the columns");
  if (meta.truncated) throw tooLong();

  const faults = new Faults();
  // After the first broken quote, nothing can be trusted.
  const [broken] = errors;
  if (broken) faults.add((broken.row ?? 0) + 1, "", broken.message);
  faults.raise();
  const isUsed = header.map((name) => name !== "");
  // Cell by cell, because a file may have millions of columns or thousands of rows, but not both.
  for (const cells of records) {
    for (const [at, cell] of cells.entries()) if (cell !== "") isUsed[at] = true;
  }
  const names = new Set<string>();
  for (const name of header.filter((_, at) => isUsed[at])) {
    if (names.has(name)) faults.add(1, name, "The column is there twice");
    names.add(name);
  }
  const rows: SheetRow[] = [];
  for (const [index, cells] of records.entries()) {
    const number = index + 2;
    if (cells.every((cell) => cell === "")) continue;
    // Missing cells would look like empty ones, and a file that was cut off would look complete.
    if (cells.length < header.length || widthOf(cells) > header.length) {
      faults.add(number, "", `Has ${cells.length} cells where the header has ${header.length}`);
      continue;
    }
    const named = header.map((name, at): [string, string | undefined] => [name, cells[at]]);
    rows.push({ number, cells: Object.fromEntries(named.filter((_, at) => isUsed[at])) });
  }
  faults.raise();
  if (rows.length > MAX_ROWS) throw tooLong();
  return { header: header.filter((_, at) => isUsed[at]), rows };
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * Reads an array of objects, or an object whose only member `data` is such an array.
 * @throws Problem REQUEST_INVALID if it is neither, PAYLOAD_TOO_LARGE if there are too many rows
 */
export function sheetOf(json: unknown): Sheet {
  const list = isObject(json) && Object.keys(json).join() === "data" ? json["data"] : json;
  if (!Array.isArray(list)) throw unreadable('Must be an array of objects, or {"data": […]}');
  if (list.length > MAX_ROWS) throw tooLong();
  const faults = new Faults();
  const rows: SheetRow[] = [];
  for (const [number, cells] of list.entries()) {
    if (isObject(cells)) rows.push({ number, cells });
    else faults.add(number, "", "Must be an object");
  }
  faults.raise();
  return { header: null, rows };
}
