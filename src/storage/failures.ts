// What went wrong, judged by the messages of D1 and SQLite, because there is nothing else to go by. D1's are listed at
// https://developers.cloudflare.com/d1/observability/debug-d1/#error-list; SQLite's end with the name of their code.

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

/** Why the database cannot answer: `lost` may be over in a moment, `full` lasts until somebody acts. */
type Reason = "lost" | "full" | "busy" | "broken" | "schema";

const SIGNS: Record<Reason, string[]> = {
  // D1's documentation advises to retry these.
  lost: [
    "Network connection lost",
    "storage caused object to be reset",
    "reset because its code was updated",
    "due to transient issue on remote node",
    "client disconnected",
  ],
  full: [
    "Exceeded maximum DB size",
    "Exceeded maximum account storage",
    "database or disk is full",
    "SQLITE_FULL",
    // On the free plan, until midnight.
    "daily row write limit",
  ],
  busy: [
    "overloaded",
    "exceeded timeout",
    "exceeded its memory limit",
    "exceeded its CPU time limit",
    // An export, or an import.
    "Currently processing a long-running",
    // A restore of ours.
    "the database is being restored",
    "daily row read limit",
    "database is locked",
    "table is locked",
    "SQLITE_BUSY",
    "SQLITE_LOCKED",
    "SQLITE_PROTOCOL",
    "SQLITE_INTERRUPT",
    "SQLITE_NOMEM",
  ],
  broken: [
    "internal error; reference",
    "D1 DB is",
    "Cannot resolve D1 DB",
    "SQLITE_IOERR",
    "SQLITE_READONLY",
    "SQLITE_CANTOPEN",
    "SQLITE_CORRUPT",
    "SQLITE_NOTADB",
  ],
  // A new Worker on a database that is not migrated yet.
  schema: ["no such table", "no such column", "has no column named"],
};

const REASONS = Object.keys(SIGNS) as Reason[];

/** Why the database itself failed; null if the statement did, or something else. */
export function reasonOf(error: unknown): Reason | null {
  const message = databaseMessage(error);
  return REASONS.find((reason) => SIGNS[reason].some((sign) => message.includes(sign))) ?? null;
}

/** Whether the same may succeed a moment later. */
export const isTransient = (error: unknown): boolean => reasonOf(error) === "lost";

export const isUnavailable = (error: unknown): boolean => reasonOf(error) !== null;

/** An error as the log has it. The runbooks search for the event and the reason. */
export function logged(error: unknown): Record<string, unknown> {
  const reason = reasonOf(error);
  return {
    ...(reason === null ? { event: "unexpected" } : { event: "database unavailable", reason }),
    error: databaseMessage(error),
    // Drizzle's stack begins with the statement and its parameters.
    stack: error instanceof Error && !error.cause ? error.stack : undefined,
  };
}
