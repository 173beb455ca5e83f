// How the address of a list is read: its filters, its place in the list, and whether anything narrows it.
import * as z from "zod/mini";
import { type PageRequest, PageQuery } from "../../licensing/pages.ts";
import { Entry, parsed } from "./entry.ts";
import type { Visit } from "./visit.ts";

interface ListQuery<F> {
  request: PageRequest;
  filter: F;
  /** The filters as entered, for their fields. */
  entry: Entry;
  /** The address without its empty fields, for the way to the next page. */
  query: Record<string, string>;
  isFiltered: boolean;
}

/** @throws Problem REQUEST_INVALID */
export function listQuery<S extends z.core.$ZodShape>(
  { query: given }: Visit,
  shape: S,
): ListQuery<z.output<z.ZodMiniObject<S>>> {
  const query = Object.fromEntries(Object.entries(given).filter(([, value]) => value.trim() !== ""));
  const { done: _told, ...asked } = query;
  const { limit, cursor } = parsed(PageQuery, pick(asked, PageQuery.shape));
  return {
    request: { limit, cursor },
    filter: parsed(z.object(shape), pick(asked, shape)) as z.output<z.ZodMiniObject<S>>,
    entry: new Entry(Object.entries(asked)),
    query: asked,
    isFiltered: Object.keys(shape).some((name) => asked[name] !== undefined),
  };
}

const pick = (query: Record<string, string>, shape: object): Record<string, string> =>
  Object.fromEntries(Object.entries(query).filter(([name]) => Object.hasOwn(shape, name)));

/** What stands in place of a table without rows: a page may come short and still have a next one. */
export const emptyList = (nextCursor: string | null, isFiltered: boolean, none: string): string =>
  nextCursor !== null
    ? "None among those looked at so far; the next page looks on."
    : isFiltered
      ? "Nothing is like that."
      : none;
