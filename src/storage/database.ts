// The database: Drizzle for typed queries, and D1's batch, its only transaction, for everything that writes.
import { drizzle, type DrizzleD1Database } from "drizzle-orm/d1";

export interface Database {
  /** Typed queries; for reads. A write is compiled to a statement and goes through `batch`. */
  orm: DrizzleD1Database;
  /** A statement of hand-written SQL with ?1, ?2, … parameters. */
  sql(text: string, ...values: SqlValue[]): D1PreparedStatement;
  /** A Drizzle query as a statement, so that it can share a batch with others. */
  compile(query: { toSQL(): { sql: string; params: unknown[] } }): D1PreparedStatement;
  /** All or nothing, in order, in one round trip. */
  batch(statements: D1PreparedStatement[]): Promise<D1Result<Row>[]>;
}

export type SqlValue = string | number | null;
export type Row = Record<string, unknown>;

export function openDatabase(d1: D1Database): Database {
  return {
    orm: drizzle(d1),
    sql: (text, ...values) => d1.prepare(text).bind(...values),
    compile(query) {
      const { sql, params } = query.toSQL();
      return d1.prepare(sql).bind(...params);
    },
    batch: (statements) => d1.batch<Row>(statements),
  };
}

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

const UNAVAILABLE = [
  "overloaded",
  "Network connection lost",
  "storage caused object to be reset",
  "reset because its code was updated",
  "internal error; reference",
  "D1 DB is",
  "exceeded timeout",
  "Cannot resolve D1 DB",
];

/** Whether D1 itself failed (overload, lost connection, restart), as opposed to our statement. */
export function isUnavailable(error: unknown): boolean {
  const message = databaseMessage(error);
  return UNAVAILABLE.some((sign) => message.includes(sign));
}

/** Whether the database answers and has its tables. */
export async function isReady(db: Database): Promise<boolean> {
  try {
    await db.batch([db.sql("SELECT 1 FROM license_types LIMIT 1")]);
    return true;
  } catch {
    return false;
  }
}
