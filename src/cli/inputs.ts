// Turns what people type into what the API takes. Only the service can judge dates and features: they pass unchanged.
import { closeSync, openSync, readSync } from "node:fs";
import { InvalidArgumentError } from "commander";
import { NotText, textIn } from "../field/files.ts";
import { type Failure, usage } from "./failures.ts";

const whole =
  (least: number) =>
  (text: string): number => {
    const number = Number(text);
    if (text.trim() === "" || !Number.isSafeInteger(number) || number < least)
      throw new InvalidArgumentError(`Must be a whole number of at least ${least}.`);
    return number;
  };

export const positive = whole(1);
export const notNegative = whole(0);

/** Stands for the API's null, which commander would take for an option without a value. */
const NULL = Symbol("null");

export type OrNull<T> = T | typeof NULL;

/** A limit of a license; null is unlimited. */
export const limitOf = (text: string): OrNull<number> => (text === "unlimited" ? NULL : positive(text));

/** The help of the options that take a duration, which the service judges. */
export const FOR = "P1Y, P6M, P2W or P30D, on the calendar";

/** An end; null is perpetual. */
export const endOf = (text: string): OrNull<string> => (text === "never" ? NULL : text);

const partsOf = (text: string): string[] =>
  text === "none"
    ? []
    : text
        .split(",")
        .map((part) => part.trim())
        .filter((part) => part !== "");

/** Features or tags, separated by commas. */
export const listOf = partsOf;

/** Days before the end; null: those of the license type. */
export const noticeDaysOf = (text: string): OrNull<number[]> =>
  text === "type" ? NULL : partsOf(text).map(notNegative);

const pairOf = (text: string, example: string): [key: string, value: string] => {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError(`Must be a key and a value, such as ${example}.`);
  return [text.slice(0, at), text.slice(at + 1)];
};

/** KEY=value pairs of an option that can be repeated, as parameters of the API: metadata.KEY. */
export const keyedAs =
  (name: string) =>
  (text: string, before: Record<string, string> = {}): Record<string, string> => {
    const [key, value] = pairOf(text, "crm=4711");
    return { ...before, [`${name}.${key}`]: value };
  };

/** NAME=value pairs of an option that can be repeated: parameters as the API names them. */
export function namedParameter(text: string, before: Record<string, string> = {}): Record<string, string> {
  const [name, value] = pairOf(text, "standing=grace");
  return { ...before, [name]: value };
}

/** A value of an entitlement: true, false, a whole number, unlimited, or a text, which may stand in double quotes. */
export function valueOf(text: string): OrNull<boolean | number | string> {
  if (text === "true" || text === "false") return text === "true";
  if (text === "unlimited") return NULL;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  return /^".*"$/s.test(text) ? text.slice(1, -1) : text;
}

type Entitled = { value: unknown; until?: string } | null;

/** What the options --set and --unset come to. */
export interface EntitlementOptions {
  set?: Record<string, Entitled>;
  unset?: Record<string, Entitled>;
}

/** CODE=VALUE or CODE=VALUE,until=DATE, of an option that can be repeated. */
export function entitlementOf(text: string, before: Record<string, Entitled> = {}): Record<string, Entitled> {
  // A text in quotes may hold whatever stands for something outside them.
  const [, code, value, until] = /^([^=]+)=(".*"|.*?)(?:,until=([^,]*))?$/s.exec(text) ?? [];
  if (code === undefined || value === undefined || value === "")
    throw new InvalidArgumentError(
      "Must be a code and a value, such as gpus=8 or sso=true,until=2027-06-30.",
    );
  const meant = valueOf(value);
  return {
    ...before,
    [code]: { value: meant === NULL ? null : meant, ...(until === undefined ? {} : { until }) },
  };
}

/** The code of an entitlement that is taken away, of an option that can be repeated. */
export const withoutEntitlement = (
  code: string,
  before: Record<string, Entitled> = {},
): Record<string, Entitled> => ({ ...before, [code]: null });

/** What --set and --unset say together. @throws Failure if a code is in both */
export function entitlementsOf({ set, unset }: EntitlementOptions): Record<string, Entitled> | undefined {
  const both = Object.keys(set ?? {}).find((code) => Object.hasOwn(unset ?? {}, code));
  if (both !== undefined) throw usage(`${both} cannot be set and taken away at once.`);
  return set || unset ? { ...set, ...unset } : undefined;
}

/** CODE=COUNT, of an option that can be repeated. */
export function meterOf(text: string, before: Record<string, number> = {}): Record<string, number> {
  const [, code, count] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (code === undefined || count === undefined)
    throw new InvalidArgumentError("Must be a code and a count, such as tokens=120.");
  return { ...before, [code]: notNegative(count) };
}

export function objectOf(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>;
  } catch {
    // Reported below.
  }
  throw new InvalidArgumentError(`Must be a JSON object, such as '{"crm": "4711"}'.`);
}

/** A mailbox with years of digests has less. An endless device in a file's place would take all memory. Bytes. */
const LONGEST = 64 * 1024 * 1024;

/** Parts put together. */
class Content {
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  /** @throws NotText if there are too many */
  add(part: Uint8Array): void {
    this.#length += part.length;
    if (this.#length > LONGEST) throw new NotText("is longer than 64 MiB");
    this.#parts.push(part);
  }

  get bytes(): Uint8Array {
    return Buffer.concat(this.#parts);
  }
}

function* partsOfFile(file: string): Generator<Uint8Array> {
  const buffer = Buffer.allocUnsafe(1024 * 1024);
  const fd = openSync(file, "r");
  try {
    // Of a pipe there may be more after each part.
    for (let read = readSync(fd, buffer); read > 0; read = readSync(fd, buffer))
      yield Uint8Array.from(buffer.subarray(0, read));
  } finally {
    closeSync(fd);
  }
}

const notRead = (name: string, error: unknown): Failure =>
  usage(
    error instanceof NotText
      ? `${name} ${error.message}.`
      : `${name} cannot be read (${(error as NodeJS.ErrnoException).code}).`,
  );

/** The text of a file, without a byte order mark. @throws Failure if it cannot be read, is too long, or not in UTF-8 */
export function readTextFile(file: string): string {
  const content = new Content();
  try {
    for (const part of partsOfFile(file)) content.add(part);
    return textIn(content.bytes);
  } catch (error) {
    throw notRead(file, error);
  }
}

/** The same for stdin. @throws Failure */
export async function readStdin(): Promise<string> {
  const content = new Content();
  try {
    for await (const part of process.stdin) content.add(part as Uint8Array);
    return textIn(content.bytes);
  } catch (error) {
    throw notRead("The input on stdin", error);
  }
}

/** A file, or stdin for `-`. @throws Failure */
export const readInput = async (file: string): Promise<string> =>
  file === "-" ? readStdin() : readTextFile(file);

/** @throws Failure if it is not JSON */
export async function readJson(file: string): Promise<unknown> {
  const content = await readInput(file);
  try {
    return JSON.parse(content);
  } catch {
    throw usage(`${file} is not JSON.`);
  }
}

/** The help of the option that orders something for later. */
export const ON = "takes effect on this date or RFC 3339 instant, within two years; left out: now";

/** What an option such as --no-notes empties: commander says false, the API takes null. */
export const emptied = (value: string | false | undefined): string | null | undefined =>
  value === false ? null : value;

/** The body of a request: only the options given, since the API leaves a missing member unchanged. */
export const given = (members: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(members)
      .filter(([, member]) => member !== undefined)
      .map(([name, member]) => [name, member === NULL ? null : member]),
  );
