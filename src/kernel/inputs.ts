// The parts of all inputs: text, ids, numbers in an address, instants.
import * as z from "zod/mini";
import { trimmed } from "../field/pasted.ts";
import { ceilToSecond, DAY, floorToSecond, parseInstant } from "./dates.ts";

/**
 * At most `max` characters, as JSON Schema (RFC 8259), SQLite and Python count them. The length of a JavaScript string
 * counts an emoji as two, and would refuse what the published schema allows.
 */
export const maxCharacters = (max: number) => [
  z.refine<string>(
    (text) => text.length <= max || Array.from(text).length <= max,
    `Must have at most ${max} characters`,
  ),
  z.meta({ maxLength: max }),
];

const LineOf = (max: number, trim: z.core.$ZodCheck<string>) =>
  z.string().check(
    trim,
    // The pattern says so, too, for readers of the published schema; `abort` keeps it to one message per fault.
    z.minLength(1, { abort: true }),
    ...maxCharacters(max),
    z.regex(/^(?=\s*\S)[^\p{Cc}\p{Cs}]*$/u, "Must be one line without control characters"),
    // As it is published: without \p{…}, which Python and regular expressions without flags do not know, and with the
    // white space at the ends that is removed before.
    z.meta({ pattern: "^(?=\\s*\\S)[\\s\\u0085]*[^\\u0000-\\u001f\\u007f-\\u009f]*[\\s\\u0085]*$" }),
  );

/** Plain text for people: no control characters, not blank. */
export const Text = (max: number) => LineOf(max, z.trim());

/** A text to search for. It may be pasted from anywhere, so invisible characters at its ends are removed, too. */
export const Sought = (max: number) => LineOf(max, z.overwrite(trimmed));

/** Without control characters, and with U+FFFD for half of a surrogate pair, which UTF-8 cannot hold. */
const storable = (text: string): string => text.toWellFormed().replaceAll(/\p{Cc}/gu, "");

/**
 * A text in which a program in the field describes itself to staff. What cannot be stored or shown is taken out and not
 * refused: an odd host name must not cost an installation its lease.
 */
export const Described = (max: number) => z.string().check(z.overwrite(storable), ...maxCharacters(max));

/** A text that is returned as it came; not stored. */
export const Echoed = (max: number) =>
  z.string().check(
    ...maxCharacters(max),
    z.refine((text) => text.isWellFormed(), "Must not have half of a surrogate pair"),
  );

/** An id that people choose. Not "." or "..", because no URL path can end in them (RFC 3986 section 5.2.4). */
export const ChosenId = z
  .string()
  .check(
    z.regex(
      /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,64}$/,
      "Must be 1 to 64 letters, digits, dots, hyphens or underscores, and not only a dot or two",
    ),
  );

/** A number in an address: decimal digits only, and nothing else that JavaScript accepts as a number. */
export const written = <S extends z.core.$ZodType>(number: S) =>
  z.pipe(
    z.transform((text: unknown) =>
      typeof text === "string" && /^\d{1,16}$/.test(text) ? Number(text) : text,
    ),
    number,
  );

/** The parameters of an address, those named NAME.KEY together under NAME: metadata.crm=4711. */
export function byName(query: Record<string, string>): Record<string, unknown> {
  const plain: [string, unknown][] = [];
  const keyed = new Map<string, [string, string][]>();
  for (const [name, value] of Object.entries(query)) {
    const dot = name.indexOf(".");
    // A record would drop __proto__ silently: under its whole name it is refused.
    if (dot < 1 || name.endsWith(".__proto__")) plain.push([name, value]);
    else
      keyed.set(name.slice(0, dot), [...(keyed.get(name.slice(0, dot)) ?? []), [name.slice(dot + 1), value]]);
  }
  // A plain value beside keyed ones is refused: it is no object.
  return Object.fromEntries([
    ...[...keyed].map(([name, values]): [string, unknown] => [name, Object.fromEntries(values)]),
    ...plain,
  ]);
}

/** A record would drop this name silently, because it is special in JavaScript. */
const PROTO = "__proto__";

/** Goes before a record, in a pipe. */
export const withoutProto = z.transform((value: unknown, context) => {
  if (typeof value === "object" && value !== null && Object.hasOwn(value, PROTO)) {
    context.issues.push({ code: "custom", path: [PROTO], message: "Must have another name", input: value });
  }
  return value;
});

/** A list without duplicates. */
export const unique = (message: string) => [
  z.refine<unknown[]>((items) => new Set(items).size === items.length, message),
  z.meta({ uniqueItems: true }),
];

/** Why somebody made a change; kept in the record. */
export const Reason = Text(500);

/** The search text of a list. */
export const SearchText = Sought(100);

const instantFrom = (role: "start" | "end", round: (at: number, isDate: boolean) => number = (at) => at) =>
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
      if (at !== null) return round(at, !text.includes(":"));
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

/** The first moment after the end; a bare date lasts until it is over everywhere on Earth. */
export const EndInstant = instantFrom("end", ceilToSecond);

// The range of time of a list. It is not signed, so it is as exact as the instants that it is compared with.
export const Since = instantFrom("start");
export const Until = instantFrom("end");

/** The first of the ends of a list. Who asks from a date on does not mean what ended with the day before it. */
export const EndsFrom = instantFrom("end", (at, isDate) => (isDate ? at - DAY + 1 : at));
