// Keyset pages: a page starts after the last key of the previous page, so rows that come and go meanwhile neither
// repeat nor hide others. A cursor is that key, encrypted, because it may contain e-mail addresses and appears in URLs.
// A cursor that was altered, or that belongs to another list or other filters, is refused.
import { base64url } from "jose";
import * as z from "zod/mini";
import type { Context } from "../context.ts";
import { isBase64url } from "../crypto/compact.ts";
import { seal, unseal } from "../crypto/sealing.ts";
import { Problem } from "../problems.ts";
import { written } from "./inputs.ts";

const MAX_LIMIT = 100;

export const PageQuery = z.strictObject({
  limit: written(z._default(z.int().check(z.minimum(1), z.maximum(MAX_LIMIT)), 50)),
  cursor: z.optional(z.string().check(z.maxLength(1_024))),
});

export type PageRequest = z.output<typeof PageQuery>;

export interface Page<T> {
  data: T[];
  next_cursor: string | null;
}

/** The position of a row in its list: the columns that the list is ordered by. */
export type Key = (string | number)[];

/**
 * The most rows that a page looks at when a filter has no index of its own. Such a page may have fewer rows than asked
 * for, and still a cursor to continue. This bounds the cost of every page.
 */
export const MAX_SCAN = 90;

/**
 * How many rows a page looks at: at most so many. A page of a file looks at as many as it may have (nobody may ask for
 * such a page), because an invocation may send only so many statements.
 */
export const scanFor = (limit: number, most: number): number => (limit > MAX_LIMIT ? limit : most);

/** How far the rows of a list are counted. */
export const MAX_COUNTED = 200;

/** How many rows a list has; the least, if there are more. */
export interface Total {
  count: number;
  isMore: boolean;
}

/** The total of as many rows as were found among the first MAX_COUNTED + 1. */
export const totalOf = (found: number): Total => ({
  count: Math.min(found, MAX_COUNTED),
  isMore: found > MAX_COUNTED,
});

const PURPOSE = "caio-licensing list cursor";

async function keyIn(context: Context, list: string, cursor: string): Promise<Key | null> {
  if (!isBase64url(cursor)) return null;
  const sealed = Uint8Array.from(base64url.decode(cursor));
  const opened = await unseal(context.config.sessionSecret, PURPOSE, list, sealed);
  return opened === null ? null : (JSON.parse(opened) as Key);
}

async function cursorOf(context: Context, list: string, key: Key): Promise<string> {
  const sealed = await seal(context.config.sessionSecret, PURPOSE, list, JSON.stringify(key));
  return base64url.encode(new Uint8Array(sealed));
}

/** One list as its cursors know it. */
export interface List {
  /** Where the page starts: after this key, or at the beginning. */
  after: Key | null;
  /**
   * Makes a page from the rows that were read, of which there are at most `scan`.
   * @param keep which rows belong to the list, if the query could not tell
   */
  page<T>(rows: T[], scan: number, keyOf: (row: T) => Key, keep?: (row: T) => boolean): Promise<Page<T>>;
}

/**
 * Opens a list at the request's cursor.
 * @param filters what the rows are chosen by; a cursor is valid for the same filters only
 * @throws Problem REQUEST_INVALID for a cursor that does not belong to this list
 */
export async function openList(
  context: Context,
  name: string,
  { limit, cursor }: PageRequest,
  filters: Record<string, unknown> = {},
): Promise<List> {
  const list = JSON.stringify([name, Object.entries(filters).filter(([, value]) => value !== undefined)]);
  let after: Key | null = null;
  if (cursor !== undefined) {
    after = await keyIn(context, list, cursor);
    if (after === null) {
      const message = "Not a cursor of this list with these filters";
      throw new Problem("REQUEST_INVALID", `cursor: ${message}`, { errors: [{ path: "cursor", message }] });
    }
  }
  return {
    after,
    async page(rows, scan, keyOf, keep = () => true) {
      const data: typeof rows = [];
      let seen = 0;
      while (seen < rows.length && data.length < limit) {
        const row = rows[seen++]!;
        if (keep(row)) data.push(row);
      }
      const last = rows[seen - 1];
      if (!last || (seen === rows.length && rows.length < scan)) return { data, next_cursor: null };
      return { data, next_cursor: await cursorOf(context, list, keyOf(last)) };
    },
  };
}
