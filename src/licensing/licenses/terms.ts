// The pieces that license types, licenses and their inputs are made of: limits, features, dates, metadata.
import * as z from "zod/mini";
import { ceilToSecond, floorToSecond, parseInstant } from "../../kernel/dates.ts";

/**
 * At most so many characters, as JSON Schema (RFC 8259), SQLite and Python count them. The length of a JavaScript
 * string counts the halves of an emoji, and would refuse what the published schema allows.
 */
export const maxCharacters = (max: number) => [
  z.refine<string>(
    (text) => text.length <= max || Array.from(text).length <= max,
    `Must have at most ${max} characters`,
  ),
  z.meta({ maxLength: max }),
];

/** The plain text that people read: no control characters, not blank. */
export const Text = (max: number) =>
  z.string().check(
    z.trim(),
    // The pattern says so, too, for who reads the published schema alone; one fault, one message.
    z.minLength(1, { abort: true }),
    ...maxCharacters(max),
    z.regex(/^(?=\s*\S)[^\p{Cc}\p{Cs}]*$/u, "Must be one line without control characters"),
  );

/** An id that people choose. Not "." or "..", which the path of an address cannot end in (RFC 3986 section 5.2.4). */
export const ChosenId = z
  .string()
  .check(
    z.regex(
      /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,64}$/,
      "Must be 1 to 64 letters, digits, dots, hyphens or underscores, and not only a dot or two",
    ),
  );

const MAX_COUNT = 1_000_000_000;

/** A limit: a count from 1, or null for unlimited. */
export const Limit = z.nullable(z.int().check(z.minimum(1), z.maximum(MAX_COUNT)));

/** A number in an address: decimal digits, and nothing else that JavaScript takes for a number. */
export const written = <S extends z.core.$ZodType>(number: S) =>
  z.pipe(
    z.transform((text: unknown) =>
      typeof text === "string" && /^\d{1,16}$/.test(text) ? Number(text) : text,
    ),
    number,
  );

export const Days = z.int().check(z.minimum(1), z.maximum(36_500));

/** Ten years: the longest that an ended license can let things run. */
export const MAX_GRACE_DAYS = 3_650;

export const GraceDays = z.int().check(z.minimum(0), z.maximum(MAX_GRACE_DAYS));

export const LeaseDays = z.int().check(z.minimum(1), z.maximum(3_650));

export const CheckInHours = z.int().check(z.minimum(1), z.maximum(8_760));

/** A list in which nothing is twice. */
const unique = (message: string) => [
  z.refine<unknown[]>((items) => new Set(items).size === items.length, message),
  z.meta({ uniqueItems: true }),
];

/** How many days before the end a notice is due; none where it is empty. */
export const NoticeDays = z
  .array(z.int().check(z.minimum(0), z.maximum(365)))
  .check(z.maxLength(20), ...unique("Days must not repeat"));

/** Why somebody did it; kept in the record. */
export const Reason = Text(500);

/** What a list is searched for. */
export const SearchText = Text(100);

const Feature = z
  .string()
  .check(
    z.regex(
      /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}$/,
      "Must be 1 to 64 letters, digits or . _ : / -, and begin with a letter or digit",
    ),
  );

export const Features = z.array(Feature).check(z.maxLength(100), ...unique("Features must not repeat"));

/** Far from the depth at which SQLite (1 000) or a stack gives up. */
const MAX_DEPTH = 32;

const isWithin = (levels: number, value: unknown): boolean =>
  value === null ||
  typeof value !== "object" ||
  (levels > 0 && Object.values(value).every((item) => isWithin(levels - 1, item)));

/**
 * Whether every number can be given back. A whole one above 2^53 - 1 may have been rounded when it was read (RFC 8259
 * section 6), and one too large for a double was read as Infinity, which is written as null.
 */
const isKept = (value: unknown): boolean =>
  typeof value === "number"
    ? Number.isFinite(value) && (Number.isSafeInteger(value) || !Number.isInteger(value))
    : value === null || typeof value !== "object" || Object.values(value).every(isKept);

/** What a record drops without a word, because in JavaScript it is no member like others. */
const PROTO = "__proto__";

const withoutProto = z.transform((value: unknown, context) => {
  if (typeof value === "object" && value !== null && Object.hasOwn(value, PROTO)) {
    context.issues.push({ code: "custom", path: [PROTO], message: "Must have another name", input: value });
  }
  return value;
});

const Kept = z.record(z.string().check(...maxCharacters(64)), z.unknown()).check(
  z.refine((metadata) => isWithin(MAX_DEPTH, metadata), {
    error: `Must be at most ${MAX_DEPTH} levels deep`,
    abort: true,
  }),
  z.refine(
    isKept,
    "Must hold no whole number beyond 9007199254740991, which would be rounded: write it as a text",
  ),
  z.refine((metadata) => JSON.stringify(metadata).length <= 8_192, "Must be at most 8192 characters of JSON"),
);

/** Free JSON for the vendor's own references; kept with the row and given back, never interpreted. */
export const Metadata = z.pipe(withoutProto, Kept);

const instantFrom = (role: "start" | "end", round: (at: number) => number = (at) => at) =>
  z.pipe(
    z.string().check(
      z.meta({
        anyOf: [
          { type: "string", format: "date-time" },
          { type: "string", format: "date" },
        ],
      }),
    ),
    z.transform((text, context) => {
      const at = parseInstant(text, role);
      if (at !== null) return round(at);
      context.issues.push({
        code: "custom",
        message:
          "Must be an RFC 3339 instant (2027-01-31T12:00:00Z) or a date (2027-01-31) from 1970 to 9999",
        input: text,
      });
      return z.NEVER;
    }),
  );

/** When something begins; a bare date is its first moment anywhere on Earth. */
export const StartInstant = instantFrom("start", floorToSecond);

/** The first moment after something; a bare date lasts until it is over everywhere on Earth. */
export const EndInstant = instantFrom("end", ceilToSecond);

// From when and up to when a list is asked for. Nothing of it is signed, so it is as exact as what it is compared with.
export const Since = instantFrom("start");
export const Until = instantFrom("end");
