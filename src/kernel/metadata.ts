// Metadata: free JSON that the vendor keeps with a customer or a license.
import * as z from "zod/mini";
import { maxCharacters, withoutProto } from "./inputs.ts";

/** Far below the depth at which SQLite (1,000) or a stack gives up. */
const MAX_DEPTH = 32;

const isWithin = (levels: number, value: unknown): boolean =>
  value === null ||
  typeof value !== "object" ||
  (levels > 0 && Object.values(value).every((item) => isWithin(levels - 1, item)));

/**
 * Whether every number can be returned unchanged. A whole number above 2^53 - 1 may have been rounded when it was read
 * (RFC 8259 section 6). A number too large for a double was read as Infinity, which is written as null.
 */
const isKept = (value: unknown): boolean =>
  typeof value === "number"
    ? Number.isFinite(value) && (Number.isSafeInteger(value) || !Number.isInteger(value))
    : value === null || typeof value !== "object" || Object.values(value).every(isKept);

/** Whether all names and texts can be written in UTF-8, which has no half of a surrogate pair. */
const isWellFormed = (value: unknown): boolean =>
  typeof value === "string"
    ? value.isWellFormed()
    : value === null ||
      typeof value !== "object" ||
      Object.entries(value).every(([name, inner]) => name.isWellFormed() && isWellFormed(inner));

const Kept = z.record(z.string().check(...maxCharacters(64)), z.unknown()).check(
  z.refine((metadata) => isWithin(MAX_DEPTH, metadata), {
    error: `Must be at most ${MAX_DEPTH} levels deep`,
    abort: true,
  }),
  z.refine(
    isKept,
    "Must hold no whole number beyond 9007199254740991, which would be rounded: write it as a text",
  ),
  z.refine(isWellFormed, "Must not have half of a surrogate pair in a text"),
  z.refine((metadata) => JSON.stringify(metadata).length <= 8_192, "Must be at most 8192 characters of JSON"),
);

/**
 * The texts, numbers and truth values in metadata, each with its key. A key within another follows after a dot; the
 * items of a list share the key of the list.
 */
export function leavesOf(metadata: unknown, key = ""): [key: string, value: string][] {
  if (metadata === null || metadata === undefined) return [];
  if (typeof metadata !== "object") return [[key, `${metadata as string | number | boolean}`]];
  if (Array.isArray(metadata)) return metadata.flatMap((item) => leavesOf(item, key));
  return Object.entries(metadata).flatMap(([name, value]) =>
    leavesOf(value, key === "" ? name : `${key}.${name}`),
  );
}

/** Free JSON for the vendor's own references; stored with the row and returned; lists are searched and filtered by its values. */
export const Metadata = z.pipe(withoutProto, Kept);
