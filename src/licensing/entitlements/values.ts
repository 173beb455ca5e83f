// Entitlements as licenses and types have them: what an input may say, what is in force, and what is signed. Pure.
import * as z from "zod/mini";
import { formatInstant } from "../../kernel/dates.ts";
import { EndInstant, Text, withoutProto } from "../../kernel/inputs.ts";
import { type FieldError, invalid } from "../../problems.ts";
import type {
  Entitled,
  EntitlementDefinition,
  Entitlements,
  EntitlementValue,
  MeterRule,
} from "../../storage/schema.ts";

const CODE = /^[A-Za-z][A-Za-z0-9._-]{0,63}$/;

/** Words that mean something else: the limits that every license has, and what every object of JavaScript has. */
const RESERVED = new Set([
  "max_instances",
  "max_services",
  "max_requests_per_day",
  ...Object.getOwnPropertyNames(Object.prototype),
]);

/** Whether there may be an entitlement with this code. */
export const isCode = (text: string): boolean => CODE.test(text) && !RESERVED.has(text);

export const Code = z.string().check(
  z.regex(CODE, "Must be 1 to 64 letters, digits or . _ -, and begin with a letter"),
  z.refine((code) => !RESERVED.has(code), "Is a word with a meaning of its own: choose another one"),
);

/** The highest value of a limit or a meter. */
const MAX_VALUE = 1_000_000_000_000;

/** Of any kind: its definition says which. */
export const Value = z.nullable(
  z.union([z.boolean(), z.int().check(z.minimum(0), z.maximum(MAX_VALUE)), Text(200)]),
);

/**
 * Entitlements by code. In a change, a code stands for its whole entitlement, codes that are left out stay as they are,
 * and null takes an entitlement away.
 */
export const EntitlementsInput = z.pipe(
  withoutProto,
  z.record(Code, z.nullable(z.strictObject({ value: Value, until: z.optional(z.nullable(EndInstant)) }))),
);

export type EntitlementsInput = z.output<typeof EntitlementsInput>;

/** An input whose values were compared with their definitions. */
export type EntitlementsPatch = Record<string, Entitled | null>;

const MUST_BE: Record<EntitlementDefinition["kind"], [string, (value: EntitlementValue) => boolean]> = {
  flag: ["Must be true or false", (value) => typeof value === "boolean"],
  limit: ["Must be a whole number from 0, or null for unlimited", isCount],
  meter: ["Must be a whole number from 0, or null for unlimited", isCount],
  text: ["Must be a text", (value) => typeof value === "string"],
};

function isCount(value: EntitlementValue): boolean {
  return value === null || typeof value === "number";
}

/** What is wrong with a value of this kind, or null. */
export function valueFault(kind: EntitlementDefinition["kind"], value: EntitlementValue): string | null {
  const [fault, isGood] = MUST_BE[kind];
  return isGood(value) ? null : fault;
}

/** How a meter is counted; undefined for the other kinds. */
const ruleOf = ({ aggregate, period, over }: EntitlementDefinition): MeterRule | undefined =>
  aggregate && period && over ? [aggregate, period, over] : undefined;

/** The input with the rules of its meters; or its faults, by path below the input. */
export function withRules(
  input: EntitlementsInput,
  definitions: ReadonlyMap<string, EntitlementDefinition>,
): { patch: EntitlementsPatch; faults: FieldError[] } {
  const patch: EntitlementsPatch = {};
  const faults: FieldError[] = [];
  for (const [code, given] of Object.entries(input)) {
    const definition = definitions.get(code);
    if (given === null) patch[code] = null;
    else if (!definition) faults.push({ path: code, message: `There is no entitlement ${code}` });
    else {
      const { value, until } = given;
      const fault = valueFault(definition.kind, value);
      if (fault !== null) faults.push({ path: `${code}.value`, message: fault });
      const meter = ruleOf(definition);
      patch[code] = { value, ...(until == null ? {} : { until }), ...(meter ? { meter } : {}) };
    }
  }
  return { patch, faults };
}

/** The size of all entitlements in a document, in bytes of JSON. */
const MAX_BYTES = 4_096;

/** As many as a report may name. */
export const MAX_METERS = 32;

/**
 * The entitlements after a change, in the order of their codes.
 * @throws Problem REQUEST_INVALID if they are too many for the documents that hold them
 */
export function patched(present: Entitlements, patch: EntitlementsPatch, now: number): Entitlements {
  const all = Object.entries({ ...present, ...patch }).filter(
    (entry): entry is [string, Entitled] => entry[1] !== null,
  );
  const after = Object.fromEntries(all.toSorted(([a], [b]) => (a < b ? -1 : 1)));
  if (all.filter(([, { meter }]) => meter).length > MAX_METERS)
    throw invalid("entitlements", `Must have at most ${MAX_METERS} meters`);
  const { length } = new TextEncoder().encode(JSON.stringify(presentEntitlements(inForce(after, now))));
  if (length > MAX_BYTES)
    throw invalid("entitlements", `Must be at most ${MAX_BYTES} bytes of JSON; these are ${length}`);
  return after;
}

/** Whether an entitlement has not ended. */
const holds = ({ until }: Pick<Entitled, "until">, now: number): boolean =>
  until === undefined || until > now;

/** Those that have not ended. */
export const inForce = (all: Entitlements, now: number): Entitlements =>
  Object.fromEntries(Object.entries(all).filter(([, one]) => holds(one, now)));

/** As the API shows them, and as they are signed: an end is RFC 3339. */
export const presentEntitlements = (
  all: Entitlements,
): Record<string, { value: EntitlementValue; until?: string }> =>
  Object.fromEntries(
    Object.entries(all).map(([code, { value, until }]) => [
      code,
      { value, ...(until === undefined ? {} : { until: formatInstant(until) }) },
    ]),
  );

/** The claim of key and certificate; empty if nothing is in force, so that other documents stay as they were. */
export function entitlementClaims(all: Entitlements, now: number) {
  const held = inForce(all, now);
  return Object.keys(held).length === 0 ? {} : { entitlements: presentEntitlements(held) };
}

/** Whether a customer has less of anything afterwards. */
export function isLessEntitled(after: Entitlements, before: Entitlements): boolean {
  return Object.entries(before).some(([code, was]) => {
    const is = after[code];
    if (!is) return true;
    if ((is.until ?? Number.POSITIVE_INFINITY) < (was.until ?? Number.POSITIVE_INFINITY)) return true;
    if (typeof was.value === "boolean") return was.value && is.value !== true;
    if (typeof was.value === "string") return is.value !== was.value;
    const [wasUpTo, isUpTo] = [was.value, is.value].map((value) =>
      value === null ? Number.POSITIVE_INFINITY : Number(value),
    ) as [number, number];
    return isUpTo < wasUpTo;
  });
}
