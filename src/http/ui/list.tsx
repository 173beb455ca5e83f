// Reads the address of a list: its filters, its place in the list, and whether any filter is set.
import type { Child, FC } from "hono/jsx";
import * as z from "zod/mini";
import { type Page, type PageRequest, PageQuery, type Total } from "../../kernel/pages.ts";
import { byName } from "../../kernel/inputs.ts";
import { Problem } from "../../problems.ts";
import { Entry, parsed } from "./entry.ts";
import { Refusal } from "./refusal.tsx";
import type { Column } from "./show.tsx";

interface ListQuery<F> {
  /** The query; null if a filter is invalid. */
  asked: { request: PageRequest; filter: F } | null;
  /** The filters as entered, for their fields, and their faults. */
  entry: Entry;
  /** The address without its empty fields, for the link to the next page. */
  query: Record<string, string>;
  isFiltered: boolean;
}

/**
 * An invalid filter is reported at its field: the person may still be typing it.
 * @param rows how many a page has, if its address does not say: fewer where each is heavy
 */
export function listQuery<S extends z.core.$ZodShape>(
  { query: given }: { query: Record<string, string> },
  shape: S,
  rows = 50,
): ListQuery<z.output<z.ZodMiniObject<S>>> {
  const filled = Object.fromEntries(Object.entries(given).filter(([, value]) => value.trim() !== ""));
  const { done: _told, ...query } = filled;
  const entry = new Entry(Object.entries(query));
  const isFiltered = Object.keys(shape).some((name) => Object.hasOwn(byName(query), name));
  try {
    const request = parsed(PageQuery, { limit: String(rows), ...pick(query, PageQuery.shape) });
    const filter = parsed(z.object(shape), pick(query, shape)) as z.output<z.ZodMiniObject<S>>;
    return { asked: { request, filter }, entry, query, isFiltered };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { asked: null, entry: entry.refused(error), query, isFiltered };
  }
}

const pick = (query: Record<string, string>, shape: object): Record<string, unknown> =>
  Object.fromEntries(Object.entries(byName(query)).filter(([name]) => Object.hasOwn(shape, name)));

/**
 * Filters by a key, such as metadata.crm=4711, which come only from a link; the fields of the form narrow them. And
 * others that the form has no field for, such as the order of the list.
 */
export const KeptFilters: FC<{ query: Record<string, string>; names?: string[] }> = ({
  query,
  names = [],
}) => (
  <>
    {Object.entries(query)
      .filter(([name]) => name.includes(".") || names.includes(name))
      .map(([name, value]) => (
        <input type="hidden" name={name} value={value} />
      ))}
  </>
);

/** The requested page; empty if its filters are invalid. */
export const pageOf = async <F, T>(
  { asked }: ListQuery<F>,
  read: (request: PageRequest, filter: F) => Promise<Page<T>>,
): Promise<Page<T>> => (asked ? read(asked.request, asked.filter) : { data: [], next_cursor: null });

/**
 * How a column orders its list, by the values of `sort` that do so; "" is the order without one. A second click turns
 * it round.
 */
export function sorting(
  path: string,
  { cursor: _place, row: _row, sort = "", ...filters }: Record<string, string>,
  { ascending, descending }: { ascending?: string; descending?: string },
): NonNullable<Column<unknown>["sort"]> {
  const order = sort === ascending ? "ascending" : sort === descending ? "descending" : null;
  const [first = "", second = first] = [ascending, descending].filter((value) => value !== undefined);
  const next = sort === first ? second : first;
  const query = new URLSearchParams({ ...filters, ...(next === "" ? {} : { sort: next }) }).toString();
  return { href: `${path}?${query}`, order };
}

/** A first page without a next one has been counted by reading it. */
export const totalOn = <T,>(
  { query }: Pick<ListQuery<unknown>, "query">,
  { data, next_cursor }: Page<T>,
  counted: Total | null,
): Total | null =>
  next_cursor === null && query["cursor"] === undefined ? { count: data.length, isMore: false } : counted;

/** Shown in place of a table without rows: a page may be empty and still have a next one. */
export const emptyList = (
  { entry, isFiltered }: Pick<ListQuery<unknown>, "entry" | "isFiltered">,
  nextCursor: string | null,
  /** That there is nothing at all, what would change that, and the next step. */
  none: Child,
): Child => {
  if (entry.problem) return <Refusal problem={entry.problem} fields={entry.fields} />;
  if (nextCursor !== null) return "No match so far; the search continues on the next page.";
  return isFiltered ? "Nothing matches these filters." : none;
};

/** The rows with those that are of the same kind as the one before them in one group. Pure. */
export function runsOf<T>(rows: T[], kindOf: (row: T) => string): [T, ...T[]][] {
  const runs: [T, ...T[]][] = [];
  for (const row of rows) {
    const last = runs.at(-1);
    if (last && kindOf(last[0]) === kindOf(row)) last.push(row);
    else runs.push([row]);
  }
  return runs;
}
