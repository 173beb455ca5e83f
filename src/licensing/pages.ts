// Keyset pages: a page starts after the last key of the one before it, so rows that come and go meanwhile
// neither repeat nor hide others. The cursor is that key, opaque to callers.
import * as z from "zod/mini";

const PREFIX = "v1:";

const encode = (key: string): string => btoa(PREFIX + encodeURIComponent(key)).replace(/=+$/, "");

function decode(cursor: string): string | null {
  try {
    const text = atob(cursor);
    return text.startsWith(PREFIX) ? decodeURIComponent(text.slice(PREFIX.length)) : null;
  } catch {
    return null;
  }
}

export const PageQuery = z.strictObject({
  limit: z._default(z.coerce.number().check(z.int(), z.minimum(1), z.maximum(100)), 50),
  cursor: z.optional(
    z.pipe(
      z.string().check(z.maxLength(512)),
      z.transform((cursor, context) => {
        const key = decode(cursor);
        if (key !== null) return key;
        context.issues.push({ code: "custom", message: "Not a cursor of this list", input: cursor });
        return z.NEVER;
      }),
    ),
  ),
});

/** Parsed: how many rows, and as `cursor` the key after which the page starts. */
export type PageRequest = z.output<typeof PageQuery>;

export interface Page<T> {
  data: T[];
  next_cursor: string | null;
}

/** Makes a page of rows read with `limit + 1`: the extra row says that there is a next page. */
export function pageOf<T>(rows: T[], limit: number, keyOf: (row: T) => string): Page<T> {
  const data = rows.slice(0, limit);
  const last = data.at(-1);
  return { data, next_cursor: rows.length > limit && last ? encode(keyOf(last)) : null };
}
