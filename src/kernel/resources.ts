// What changeable resources have in common: versions as ETags, and the differences that a change makes.
import { Problem } from "../problems.ts";

/** A license is issued; everything else is created. */
export type Versioned = { version: number } & ({ created_at: number } | { issued_at: number });

const madeAt = (resource: Versioned): number =>
  "created_at" in resource ? resource.created_at : resource.issued_at;

/**
 * The strong ETag (RFC 9110 section 8.8.3) of a resource. If a resource is deleted and created again with the same id,
 * its versions restart at 1; the time of creation tells the two apart.
 */
export const etagOf = (resource: Versioned): string =>
  `"${resource.version}-${madeAt(resource).toString(36)}"`;

/**
 * @param ifMatch the If-Match header (RFC 9110 section 13.1.1), if the caller sent one
 * @throws Problem PRECONDITION_FAILED if the resource is not the one that the caller saw
 */
export function assertMatch(resource: Versioned, ifMatch: string | undefined): void {
  if (ifMatch === undefined || ifMatch.trim() === "*") return;
  // A proxy that compresses answers makes their ETags weak, although the resource is the same.
  const tags = ifMatch.split(",").map((tag) => tag.trim().replace(/^W\//, ""));
  if (!tags.includes(etagOf(resource))) throw new Problem("PRECONDITION_FAILED");
}

export type Changes = Record<string, { from: unknown; to: unknown }>;

/** The differences, member by member. */
export function changesBetween(before: object, after: object): Changes {
  const old = before as Record<string, unknown>;
  return Object.fromEntries(
    Object.entries(after)
      .filter(([name, to]) => JSON.stringify(old[name]) !== JSON.stringify(to))
      .map(([name, to]) => [name, { from: old[name], to }]),
  );
}

/**
 * The columns that a change writes. Never the whole row: if a key is set, even to the same value, SQLite looks through
 * all rows that refer to it, such as every license of a customer.
 */
export const columnsToSet = <T extends object>(before: T, after: T): Partial<T> =>
  Object.fromEntries(
    Object.entries(changesBetween(before, after)).map(([name, { to }]) => [name, to]),
  ) as Partial<T>;

/** How often a change is tried if other changes come in between. */
export const MAX_ATTEMPTS = 5;

export const overtaken = (ifMatch: string | undefined): Problem =>
  ifMatch === undefined
    ? new Problem("CONFLICT", "The resource kept changing at the same time. Try again.", { retry_after: 2 })
    : new Problem("PRECONDITION_FAILED");

/** Drops the members that were not given, so that what is left can be spread over a row. */
export const given = <T extends object>(input: T): { [K in keyof T]: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined)) as never;
