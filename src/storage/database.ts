// The database: Drizzle for typed queries, and D1's batch, its only transaction, for everything that writes.
import { drizzle, type DrizzleD1Database } from "drizzle-orm/d1";

export interface Database {
  /** Typed queries; for reads. A write is compiled to a statement and goes through `batch`. */
  orm: DrizzleD1Database;
  /** A statement of hand-written SQL with ?1, ?2, … parameters. */
  sql(text: string, ...values: SqlValue[]): D1PreparedStatement;
  /** A statement of SQL with named parameters, read once by `named`. */
  run(statement: NamedStatement, values: Record<string, SqlValue>): D1PreparedStatement;
  /** A Drizzle query as a statement, so that it can share a batch with others. */
  compile(query: { toSQL(): { sql: string; params: unknown[] } }): D1PreparedStatement;
  /** All or nothing, in order, in one round trip. */
  batch(statements: D1PreparedStatement[]): Promise<D1Result<Row>[]>;
  /** The same database for reads that a replica near by may serve. Which may: docs/decisions/0012. */
  replica(freshness: Freshness): Database;
}

/**
 * What a replica's answer may lack. `lagging`: what was written in the last moments, for figures that nobody acts
 * on within seconds. `from-here`: nothing that was there at the first statement, which goes to the primary.
 */
type Freshness = "lagging" | "from-here";

const CONSTRAINTS = { lagging: "first-unconstrained", "from-here": "first-primary" } as const;

/** SQL whose :names were replaced by ?1, ?2, …, which is all that D1 knows. */
export interface NamedStatement {
  text: string;
  names: string[];
}

/** Reads SQL with :name parameters; done once, when the module is loaded. */
export function named(text: string): NamedStatement {
  const names: string[] = [];
  const numbered = text.replaceAll(/(?<![:\w']):([a-z]\w*)/g, (_, name: string) => {
    if (!names.includes(name)) names.push(name);
    return `?${names.indexOf(name) + 1}`;
  });
  return { text: numbered, names };
}

export type SqlValue = string | number | ArrayBuffer | null;
export type Row = Record<string, unknown>;

/** Statements that change nothing. What is not certain to be one is taken as a write. */
const reads = new WeakSet<D1PreparedStatement>();

const READ = /^\s*(?:SELECT\b|WITH\b(?!.*\b(?:INSERT|UPDATE|DELETE)\b))/is;

/** What a database and a session on it have in common. */
type Queryable = Pick<D1Database, "prepare" | "batch">;

export const openDatabase = (d1: D1Database): Database => open(d1, d1);

function open(d1: Queryable, whole: D1Database): Database {
  const prepare = (text: string, values: unknown[]): D1PreparedStatement => {
    const statement = d1.prepare(text).bind(...values);
    if (READ.test(text)) reads.add(statement);
    return statement;
  };
  return {
    // Drizzle, too, only prepares statements and sends batches.
    orm: drizzle(d1 as D1Database),
    sql: (text, ...values) => prepare(text, values),
    run: ({ text, names }, values) =>
      prepare(
        text,
        names.map((name) => values[name] ?? null),
      ),
    compile(query) {
      const { sql, params } = query.toSQL();
      return prepare(sql, params);
    },
    batch: (statements) => d1.batch<Row>(statements),
    replica: (freshness) => open(whole.withSession(CONSTRAINTS[freshness]), whole),
  };
}

export interface Prefixed {
  /** The database, except that its first batch that writes begins with the given statements. */
  db: Database;
  /** Whether a batch with them went through. */
  sent(): boolean;
  /** From now on batches go through as they are. */
  drop(): void;
}

/**
 * Puts `first` in front of the first batch that writes, so that both happen or neither does. They come first
 * because events look at changes(), the count of the statement right before them. Callers see only the results
 * of their own statements; batches that only read go through as they are.
 */
export function prefixed(db: Database, first: D1PreparedStatement[]): Prefixed {
  let state: "waiting" | "sending" | "sent" | "dropped" = "waiting";
  return {
    db: {
      ...db,
      async batch(statements) {
        if (state !== "waiting" || statements.every((statement) => reads.has(statement))) {
          return db.batch(statements);
        }
        state = "sending";
        try {
          const results = await db.batch([...first, ...statements]);
          state = "sent";
          return results.slice(first.length);
        } catch (error) {
          state = "waiting";
          throw error;
        }
      },
    },
    sent: () => state === "sent",
    drop() {
      state = "dropped";
    },
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
