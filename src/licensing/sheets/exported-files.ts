// What the files of exports look like, whatever their rows are: columns in order, CSV or JSON, in pages.
import type { Context } from "../../context.ts";
import { formatInstant } from "../../kernel/dates.ts";
import { streamed } from "./streamed.ts";
import { csvOf } from "./sheets.ts";

export const EXPORT_FORMATS = ["csv", "json"] as const;

export type ExportFormat = (typeof EXPORT_FORMATS)[number];

export interface ExportedFile {
  name: string;
  bytes: ReadableStream<Uint8Array>;
}

/** An invocation of a Worker may send 1,000 statements to D1: with two for a page, a million rows fit into one file. */
export const PAGE_SIZE = 2_500;

/** Columns that hold a list of words. */
const LISTS = new Set(["features", "tags"]);

/** What an empty list of days is called: an empty cell is none of its own. */
export const NO_DAYS = "none";

/** A value as a cell that the import reads again. */
export function cellOf(name: string, value: unknown): string | number | null {
  if (value === null || typeof value === "string" || typeof value === "number") return value;
  if (LISTS.has(name)) return (value as string[]).join(";");
  if (name === "notice_days") return (value as number[]).join(";") || NO_DAYS;
  return JSON.stringify(value);
}

type Row = Record<string, unknown>;

/** The beginning, a page and the end of a file in one format. */
interface Writer {
  head: (columns: readonly string[]) => string;
  page: (rows: Record<string, unknown>[], columns: readonly string[], isFirst: boolean) => string;
  tail: string;
}

const WRITERS: Record<ExportFormat, Writer> = {
  csv: {
    head: (columns) => csvOf([[...columns]]),
    page: (rows, columns) => csvOf(rows.map((row) => columns.map((name) => cellOf(name, row[name])))),
    tail: "",
  },
  json: {
    head: () => "[",
    page: (rows, _, isFirst) =>
      rows.map((row, n) => `${isFirst && n === 0 ? "" : ","}\n${JSON.stringify(row)}`).join(""),
    tail: "\n]\n",
  },
};

interface Source<R extends { id: string }> {
  /** The rows after an id, at most PAGE_SIZE of them. */
  read: (after: string | undefined) => Promise<R[]>;
  /** A row with the columns as its members, in order. */
  present: (row: R) => Record<string, unknown> | Promise<Record<string, unknown>>;
}

/** A file of rows with ids, in their order. While a page is made, the next one is read. */
export function exportedFile<R extends { id: string }>(
  context: Context,
  what: string,
  format: ExportFormat,
  columns: readonly string[],
  { read, present }: Source<R>,
): ExportedFile {
  async function* pages(): AsyncGenerator<Row[], void> {
    let coming: Promise<R[]> | null = read(undefined);
    while (coming) {
      const rows: R[] = await coming;
      coming = rows.length < PAGE_SIZE ? null : read(rows.at(-1)?.id);
      // Its failure is thrown where it is awaited, after this page.
      coming?.catch(() => undefined);
      yield Promise.all(rows.map(async (row) => present(row)));
    }
  }
  return fileOf(context, what, format, columns, pages());
}

/** Rows as CSV, page by page. */
export function streamedCsv(
  context: Context,
  pages: AsyncIterable<(string | number | null)[][]>,
): ReadableStream<Uint8Array> {
  async function* written(): AsyncGenerator<string, void> {
    for await (const rows of pages) if (rows.length > 0) yield csvOf(rows);
  }
  return streamed(context, written());
}

/** A file of the rows that come page by page; each has the columns as its members, in order. */
export function fileOf(
  context: Context,
  what: string,
  format: ExportFormat,
  columns: readonly string[],
  pages: AsyncIterable<Row[]>,
): ExportedFile {
  const { head, page, tail } = WRITERS[format];
  async function* written(): AsyncGenerator<string, void> {
    let isFirst = true;
    let text = head(columns);
    for await (const rows of pages) {
      text += page(rows, columns, isFirst);
      isFirst &&= rows.length === 0;
      if (text !== "") yield text;
      text = "";
    }
    if (text + tail !== "") yield text + tail;
  }
  const day = formatInstant(context.clock.now()).slice(0, 10);
  return { name: `${what}-${day}.${format}`, bytes: streamed(context, written()) };
}
