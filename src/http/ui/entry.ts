// What a person entered into a form, and what is wrong with it.
import type * as z from "zod/mini";
import { sha256 } from "../../crypto/digests.ts";
import { fieldErrors, Problem, requestInvalid } from "../../problems.ts";
import type { Http } from "../http.ts";
import type { Fields } from "./refusal.tsx";
import { wordsFor } from "./terms.ts";

const FORM_TYPE = /^(?:application\/x-www-form-urlencoded|multipart\/form-data)\s*(?:;|$)/i;

type Value = string | File;

/** The values of a form by field name, and the refusal if the form is shown again. */
export class Entry {
  readonly #values: readonly (readonly [string, Value])[];
  readonly problem: Problem | null;
  /** The fields of the form rendered so far: a refusal calls them by their labels. */
  readonly fields: Fields;

  constructor(
    values: Iterable<readonly [string, Value]> = [],
    problem: Problem | null = null,
    fields: Fields = new Map(),
  ) {
    this.#values = [...values];
    this.problem = problem;
    this.fields = fields;
  }

  refused(problem: Problem): Entry {
    return new Entry(this.#values, problem);
  }

  /** The same, with one more field. */
  with(name: string, value: string): Entry {
    return new Entry([...this.#values, [name, value]], this.problem, this.fields);
  }

  /** The same without some fields. */
  without(names: readonly string[]): Entry {
    return new Entry(
      this.#values.filter(([name]) => !names.includes(name)),
      this.problem,
      this.fields,
    );
  }

  has(name: string): boolean {
    return this.#values.some(([known]) => known === name);
  }

  /** The trimmed text of a field; undefined if it is empty or absent. */
  text(name: string): string | undefined {
    const found = this.#values.find(([known]) => known === name)?.[1];
    const text = typeof found === "string" ? found.trim() : "";
    return text === "" ? undefined : text;
  }

  /** All values but files, as they were entered. */
  texts(): [string, string][] {
    return this.#values.flatMap(([name, value]): [string, string][] =>
      typeof value === "string" ? [[name, value]] : [],
    );
  }

  /** Every value of a field that may be there more than once. */
  all(name: string): string[] {
    return this.#values.flatMap(([known, value]) =>
      known === name && typeof value === "string" ? [value] : [],
    );
  }

  /** All texts, by the names of their fields. */
  entries(): [name: string, text: string][] {
    return this.#values.flatMap(([name, value]) => (typeof value === "string" ? [[name, value]] : []));
  }

  /** The chosen file; undefined if none was chosen. */
  file(name: string): File | undefined {
    const found = this.#values.find(([known]) => known === name)?.[1];
    return found instanceof File && (found.size > 0 || found.name !== "") ? found : undefined;
  }

  /** A whole number; NaN, which no schema takes, for anything else. */
  number(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    return /^-?\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  }

  /** A limit: if the form had the field and it is empty, that means unlimited. */
  limit(name: string): number | null | undefined {
    return this.number(name) ?? (this.has(name) ? null : undefined);
  }

  /** The words of a field, separated by commas, blanks or line breaks. */
  words(name: string): string[] {
    return (this.text(name) ?? "").split(/[\s,]+/).filter((word) => word !== "");
  }

  /** What is wrong with a field or a part of it, as the verb reports it. */
  fault(name: string): string | undefined {
    for (const { path, message } of this.problem?.extras.errors ?? []) {
      if (path === name) return message;
      if (path.startsWith(`${name}.`)) return `${wordsFor(path.slice(name.length + 1))}: ${message}`;
    }
    return undefined;
  }

  /** A hash of all entered values, to tell whether two submissions are the same. A file counts by its content. */
  async digest(): Promise<string> {
    const parts = await Promise.all(
      this.#values.map(async ([name, value]) => [
        name,
        typeof value === "string" ? value : await sha256(new Uint8Array(await value.arrayBuffer())),
      ]),
    );
    return sha256(JSON.stringify(parts));
  }
}

/** @throws Problem UNSUPPORTED_MEDIA_TYPE, REQUEST_INVALID for a body that is not a form */
export async function readEntry(http: Http): Promise<Entry> {
  if (!FORM_TYPE.test(http.req.header("content-type") ?? "")) {
    throw new Problem(
      "UNSUPPORTED_MEDIA_TYPE",
      "A form is application/x-www-form-urlencoded or multipart/form-data.",
    );
  }
  try {
    return new Entry(await http.req.raw.formData());
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw requestInvalid([{ path: "", message: "The form cannot be read" }]);
  }
}

/**
 * The input of a verb, as the API would take it from a request's body. Members that are undefined are left out.
 * @throws Problem REQUEST_INVALID naming each fault by its field
 */
export function parsed<S extends z.core.$ZodType>(schema: S, input: Record<string, unknown>): z.output<S> {
  const given = Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined));
  const result = (schema as unknown as z.ZodMiniType).safeParse(given);
  if (result.success) return result.data as z.output<S>;
  throw requestInvalid(fieldErrors(result.error.issues));
}
