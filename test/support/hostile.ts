// Values that break parsers, and random requests made from JSON Schemas, some valid and some not.
import fc from "fast-check";

/** A tag that none of our pages has. If a page contains it, markup was not escaped. */
export const PROBE = "<caio-probe";

const STRINGS = [
  "",
  " ",
  "\0",
  "a\0b",
  "\ud800",
  "\udfff\ud800",
  "\u202egnp.exe",
  "\uFEFF",
  "e\u0301",
  "ﬃ",
  "İ",
  "🜁".repeat(70),
  "a".repeat(300),
  "x".repeat(5_000),
  "%",
  "%00",
  "%E0%A4%A",
  "%2e%2e%2f",
  "../../etc/passwd",
  "..\\..",
  "' OR 1=1 --",
  '"; DROP TABLE licenses; --',
  "%%%___%",
  "[a-z]*",
  `${PROBE} onload=x>`,
  `"'>${PROBE}>`,
  "{{7*7}}${7*7}",
  "\r\nSet-Cookie: a=b",
  "=cmd|' /C calc'!A0",
  "__proto__",
  "constructor",
  "toString",
  "null",
  "undefined",
  "NaN",
  "-0",
  "1e999",
  "0x10",
  "9007199254740993",
  "99999999999999999999999999",
  "true",
  "[]",
  "{}",
  "2026-02-30",
  "2026-01-01",
  "2027-01-31",
  "9999-12-31",
  "+275760-09-13T00:00:00.000Z",
  "-000001-01-01T00:00:00Z",
  "2026-06-01T00:00:00+14:00",
  "2026-06-01T24:00:00Z",
  "2016-12-31T23:59:60Z",
  // By this host, the watch over leaks knows that it was entered as free text.
  "ada@hostile.example",
  "ADA@HOSTILE.EXAMPLE",
  `${"a".repeat(300)}@hostile.example`,
];

/** Placeholders: `fill` replaces them with real ids, keys and tokens, so that a failure shows none. */
const REFERENCES = [
  "$license",
  "$customer",
  "$license_key",
  "$certificate",
  "$activation",
  "$message",
  "$token_id",
  "$license_type",
  "$instance",
] as const;

export type References = Record<(typeof REFERENCES)[number], string>;

export function fill<T>(value: T, references: References): T {
  if (typeof value === "string") {
    return (Object.hasOwn(references, value) ? references[value as keyof References] : value) as T;
  }
  if (Array.isArray(value)) return value.map((item) => fill(item as unknown, references)) as T;
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, fill(item, references)])) as T;
}

export const hostileText: fc.Arbitrary<string> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...STRINGS) },
  { weight: 2, arbitrary: fc.constantFrom(...REFERENCES) },
  { weight: 2, arbitrary: fc.string({ unit: "binary", maxLength: 40 }) },
  { weight: 1, arbitrary: fc.string({ maxLength: 20 }) },
  { weight: 1, arbitrary: fc.integer().map(String) },
);

const hostileNumber = fc.oneof(
  fc.constantFrom(0, -0, -1, 1, 0.5, 2 ** 31, 2 ** 53, -(2 ** 63), 1e21, 1e308, 36_500, 3_000_000),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);

const deep = (depth: number): unknown => {
  let value: unknown = [];
  for (let n = 0; n < depth; n++) value = n % 2 ? [value] : { a: value };
  return value;
};

const hostileJson: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 5, arbitrary: hostileText },
  { weight: 3, arbitrary: hostileNumber },
  { weight: 2, arbitrary: fc.constantFrom(null, true, false, [], {}, [null], [[]], { "": "" }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      deep(50),
      deep(1_000),
      Array.from({ length: 500 }, () => "x"),
    ),
  },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
);

export interface JsonSchema {
  type?: string;
  const?: unknown;
  enum?: unknown[];
  anyOf?: JsonSchema[];
  properties?: Record<string, JsonSchema>;
  required?: string[];
  additionalProperties?: boolean | JsonSchema;
  items?: JsonSchema;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  format?: string;
}

const DATES = [
  "2027-01-31",
  "2030-06-01",
  "2026-06-01T00:00:00Z",
  "2099-12-31T23:59:59.999Z",
  // The edges of the calendar.
  "1970-01-01",
  "1970-01-01T00:00:00Z",
  "9999-12-31",
  "9999-12-31T23:59:59Z",
];

/** Values for members whose schema does not say what they mean. */
const MEANINGS: [RegExp, fc.Arbitrary<unknown>][] = [
  [/^license_key$/, fc.constant("$license_key")],
  [/^certificate$|^receipt$/, fc.constant("$certificate")],
  [/^customer_id$/, fc.constant("$customer")],
  [/^license_id$/, fc.constant("$license")],
  [/^license_type$/, fc.constant("$license_type")],
  [/^instance_id$/, fc.constantFrom("$instance", "another")],
  [/_at$|^since$|^until$|^from$|^to$|^date$|_before$|_since$/, fc.constantFrom(...DATES)],
  [/^email$/, fc.constantFrom("ada@acme.example", "grace@acme.example")],
];

function strings({ pattern, format, minLength = 0, maxLength = 40 }: JsonSchema): fc.Arbitrary<unknown> {
  if (format === "email" || format === "idn-email") return fc.emailAddress();
  if (pattern !== undefined) {
    try {
      // fast-check does not know lookaheads: now and then it makes a value that one excludes, and that is refused.
      return fc.stringMatching(new RegExp(pattern.replace(/\(\?[!=][^)]*\)/, ""), "u"));
    } catch {
      // fast-check cannot make values for this pattern.
    }
  }
  return fc.string({ minLength, maxLength: Math.min(maxLength, minLength + 40) });
}

/** Whether a value is a placeholder. */
const refers = (value: unknown): boolean =>
  REFERENCES.some((reference) => JSON.stringify(value)?.includes(`"${reference}"`) ?? false);

function asSaid(schema: JsonSchema, name: string): fc.Arbitrary<unknown> {
  // Stored as it comes: a key that a caller puts there would stay, and the watch over leaks would find it.
  if (name === "metadata") return objects(schema).filter((value) => !refers(value));
  const meaning = MEANINGS.find(([pattern]) => pattern.test(name))?.[1];
  if (meaning && schema.type !== "object" && schema.type !== "array") return meaning;
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map((one) => arbitraryOf(one, name)));
  switch (schema.type) {
    case "string":
      return strings(schema);
    case "integer":
    case "number": {
      const { minimum = 0, maximum = 1_000 } = schema;
      return fc.integer({ min: Math.max(minimum, -1e6), max: Math.min(Math.max(maximum, minimum), 1e6) });
    }
    case "boolean":
      return fc.boolean();
    case "null":
      return fc.constant(null);
    case "array":
      return fc.array(arbitraryOf(schema.items ?? {}, ""), { maxLength: 4 });
    case "object":
      return objects(schema);
    default:
      return hostileJson;
  }
}

function objects({
  properties = {},
  required = [],
  additionalProperties,
}: JsonSchema): fc.Arbitrary<unknown> {
  const model = Object.fromEntries(
    Object.entries(properties).map(([name, schema]) => [name, arbitraryOf(schema, name)]),
  );
  const known = fc.oneof(
    { weight: 9, arbitrary: fc.record(model, { requiredKeys: required.filter((name) => name in model) }) },
    { weight: 1, arbitrary: fc.record(model, { requiredKeys: [] }) },
  );
  const open = typeof additionalProperties === "object" ? arbitraryOf(additionalProperties, "") : hostileJson;
  const more = fc.dictionary(hostileText, open, { maxKeys: 2, noNullPrototype: true });
  const weight = typeof additionalProperties === "object" ? 8 : 1;
  return fc.oneof(
    { weight: 8, arbitrary: known },
    {
      weight,
      arbitrary: fc.tuple(known, more).map(([members, others]) => Object.assign({}, members, others)),
    },
  );
}

/** Mostly valid by the schema; at every level about one value in twelve is hostile. */
export function arbitraryOf(schema: JsonSchema, name: string): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: 11, arbitrary: asSaid(schema, name) }, { weight: 1, arbitrary: hostileJson });
}
