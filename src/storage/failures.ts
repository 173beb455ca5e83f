// What went wrong, judged by the messages of D1 and SQLite, because there is nothing else to go by.

/** The innermost message: Drizzle wraps D1's message and adds the parameters, which are personal data. */
export function databaseMessage(error: unknown): string {
  let inner = error;
  while (inner instanceof Error && inner.cause instanceof Error) inner = inner.cause;
  return inner instanceof Error ? inner.message : String(inner);
}

export const isForeignKeyFailure = (error: unknown): boolean =>
  databaseMessage(error).includes("FOREIGN KEY constraint failed");

export const isUniqueFailure = (error: unknown): boolean =>
  databaseMessage(error).includes("UNIQUE constraint failed");

/** Failures that D1's documentation advises to retry: https://developers.cloudflare.com/d1/best-practices/retry-queries */
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

/** Whether the same may succeed a moment later. */
export const isTransient = (error: unknown): boolean => holds(error, TRANSIENT);

/** Whether the database itself failed (overload, lost connection, restart, schema), and not the statement. */
export const isUnavailable = (error: unknown): boolean => holds(error, UNAVAILABLE);
