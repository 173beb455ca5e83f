// What went wrong, as D1 and SQLite tell it: by their messages, which is all there is.

/** The innermost message: Drizzle wraps D1's and puts the parameters, personal data, into its own. */
export function databaseMessage(error: unknown): string {
  let inner = error;
  while (inner instanceof Error && inner.cause instanceof Error) inner = inner.cause;
  return inner instanceof Error ? inner.message : String(inner);
}

export const isForeignKeyFailure = (error: unknown): boolean =>
  databaseMessage(error).includes("FOREIGN KEY constraint failed");

export const isUniqueFailure = (error: unknown): boolean =>
  databaseMessage(error).includes("UNIQUE constraint failed");

/** What D1's documentation advises to try again: https://developers.cloudflare.com/d1/best-practices/retry-queries */
const TRANSIENT = [
  "Network connection lost",
  "storage caused object to be reset",
  "reset because its code was updated",
];

const UNAVAILABLE = [
  ...TRANSIENT,
  "overloaded",
  "internal error; reference",
  "D1 DB is",
  "exceeded timeout",
  "Cannot resolve D1 DB",
  // A new Worker on a database that is not migrated yet.
  "no such table",
  "no such column",
  "has no column named",
];

const holds = (error: unknown, signs: string[]): boolean => {
  const message = databaseMessage(error);
  return signs.some((sign) => message.includes(sign));
};

/** Whether a moment later all may be well. */
export const isTransient = (error: unknown): boolean => holds(error, TRANSIENT);

/** Whether the database itself failed (overload, lost connection, restart, schema), as opposed to our statement. */
export const isUnavailable = (error: unknown): boolean => holds(error, UNAVAILABLE);
