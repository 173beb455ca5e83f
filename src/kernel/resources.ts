// What the changeable resources have in common: versions as ETags, and what a change did.
import { Problem } from "../problems.ts";

/** A license is issued, all else created. */
export type Versioned = { version: number } & ({ created_at: number } | { issued_at: number });

const madeAt = (resource: Versioned): number =>
  "created_at" in resource ? resource.created_at : resource.issued_at;

/**
 * The strong ETag (RFC 9110 section 8.8.3) of a resource. Versions count from 1 again where one is deleted and made anew
 * under its id, so the time tells the two apart.
 */
export const etagOf = (resource: Versioned): string =>
  `"${resource.version}-${madeAt(resource).toString(36)}"`;

/**
 * @param ifMatch the If-Match header (RFC 9110 section 13.1.1), where the caller sent one
 * @throws Problem PRECONDITION_FAILED where the resource is not the one that the caller saw
 */
export function assertMatch(resource: Versioned, ifMatch: string | undefined): void {
  if (ifMatch === undefined || ifMatch.trim() === "*") return;
  const tags = ifMatch.split(",").map((tag) => tag.trim());
  if (!tags.includes(etagOf(resource))) throw new Problem("PRECONDITION_FAILED");
}

export type Changes = Record<string, { from: unknown; to: unknown }>;

/** What is different, member by member. */
export function changesBetween(before: object, after: object): Changes {
  const old = before as Record<string, unknown>;
  return Object.fromEntries(
    Object.entries(after)
      .filter(([name, to]) => JSON.stringify(old[name]) !== JSON.stringify(to))
      .map(([name, to]) => [name, { from: old[name], to }]),
  );
}

/**
 * The columns that a change writes. Never the whole row: where a key is set, even to what it is, SQLite looks through
 * all rows that refer to it, such as a customer's every license.
 */
export const columnsToSet = <T extends object>(before: T, after: T): Partial<T> =>
  Object.fromEntries(
    Object.entries(changesBetween(before, after)).map(([name, { to }]) => [name, to]),
  ) as Partial<T>;

/** How often a change is tried anew when another one came in between. */
export const MAX_ATTEMPTS = 5;

export const overtaken = (ifMatch: string | undefined): Problem =>
  ifMatch === undefined
    ? new Problem("CONFLICT", "The resource kept changing at the same time. Try again.")
    : new Problem("PRECONDITION_FAILED");

/** Drops the members that were not given, so that what is left can be spread over a row. */
export const given = <T extends object>(input: T): { [K in keyof T]: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined)) as never;
