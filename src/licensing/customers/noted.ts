// What staff note about a customer or a license: tags to filter by, and notes for nobody but themselves.
import * as z from "zod/mini";
import { maxCharacters, unique } from "../../kernel/inputs.ts";
import { leavesOf } from "../../kernel/metadata.ts";
import type { Metadata } from "../../storage/schema.ts";
import { normalizeTerm } from "./search-terms.ts";

const MAX_NOTES = 4_000;
const MAX_VALUE = 200;

const CONTROL = /(?![\t\n])\p{Cc}/u;

const Tag = z
  .string()
  .check(
    z.regex(
      /^[a-z0-9][a-z0-9._-]{0,31}$/,
      "Must be 1 to 32 lower-case letters, digits, dots, hyphens or underscores, and begin with a letter or digit",
    ),
  );

const Notes = z.string().check(
  // Forms send CRLF: what they showed and nobody changed must stay the same.
  z.overwrite((text) => text.replaceAll(/\r\n?/g, "\n")),
  z.trim(),
  z.minLength(1, { abort: true }),
  ...maxCharacters(MAX_NOTES),
  z.refine(
    (text) => text.isWellFormed() && !CONTROL.test(text),
    "Must be text without control characters, except line ends and tabs",
  ),
);

/** The members of an input. Notes may have several lines; null clears them. */
export const noted = {
  notes: z.nullish(Notes),
  tags: z.optional(z.array(Tag).check(z.maxLength(20), ...unique("Tags must not repeat"))),
};

/** Values by their keys, in an address: metadata.crm=4711. */
export const ByKey = z.record(
  z.string().check(z.minLength(1), ...maxCharacters(MAX_VALUE)),
  z.string().check(...maxCharacters(MAX_VALUE)),
);

export const NotedFilter = z.object({
  tag: z.optional(Tag),
  metadata: z.optional(ByKey),
});

type NotedFilter = z.output<typeof NotedFilter>;

/** Whether a row has the tag and all values of the metadata that are asked for. Values are compared as they are. */
export function isNotedAs(
  row: { tags: string[]; metadata: Metadata },
  { tag, metadata }: NotedFilter,
): boolean {
  if (tag !== undefined && !row.tags.includes(tag)) return false;
  const wanted = Object.entries(metadata ?? {});
  if (wanted.length === 0) return true;
  const leaves = leavesOf(row.metadata);
  return wanted.every(([key, value]) => leaves.some((leaf) => leaf[0] === key && leaf[1] === value));
}

/** A term that every row has for which the filter asks, or null if it has none to look for. */
export function termOf({ tag, metadata }: NotedFilter): string | null {
  if (tag !== undefined) return tag;
  return (
    Object.values(metadata ?? {})
      .map(normalizeTerm)
      .find((term) => term !== "") ?? null
  );
}
