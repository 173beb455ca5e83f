// The database: Drizzle for typed queries, and D1's batch, its only transaction, for everything that writes.
import { drizzle, type DrizzleD1Database } from "drizzle-orm/d1";
import { reasonOf } from "./failures.ts";
import { gather } from "./gathering.ts";
import { type Patience, retrying } from "./retry.ts";

export interface Database {
  /** Typed queries; for reads. A write is compiled to a statement and goes through `batch`. */
  orm: DrizzleD1Database;
  /** A statement of hand-written SQL with ?1, ?2, … parameters. */
  sql(text: string, ...values: SqlValue[]): D1PreparedStatement;
  /** A statement with named parameters, made once by `named`. */
  run(statement: NamedStatement, values: Record<string, SqlValue>): D1PreparedStatement;
  /** A Drizzle query as a statement, so that it can share a batch with others. */
  compile(query: { toSQL(): { sql: string; params: unknown[] } }): D1PreparedStatement;
  /**
   * All or nothing, in order, in one round trip. After a transient failure a batch is sent again if it only reads, or
   * if the caller says `repeatable`: sending it twice has the same effect and result as sending it once. A change that
   * makes itself impossible (it moves a version on) is not repeatable: the second answer would say that nothing
   * happened.
   */
  batch(statements: D1PreparedStatement[], again?: "repeatable"): Promise<D1Result<Row>[]>;
  /** The same database, for reads that a nearby replica may serve; docs/decisions/0012 says which reads may. */
  replica(freshness: Freshness): Database;
  /**
   * The same database for one request, with its reads gathered: what several verbs read at the same time becomes one
   * batch. A write is sent at once and by itself.
   */
  gathering(): Database;
  /**
   * The same database for one piece of work that may take many statements: D1 bounds their number.
   * @param others what the rest of the invocation may take, if nobody counts it
   */
  counted(others?: number): Counted;
  /** Why the last write of this isolate failed, if it did for a reason that may last. */
  writeFault(): WriteFault;
}

/** D1 allows so many queries an invocation, and each statement of a batch is one. */
const MAX_QUERIES = 1_000;

export interface Counted {
  db: Database;
  /** How many statements were sent. */
  queries: () => number;
  /** Whether more may be sent, and still leave so many for what comes after. */
  hasRoom: (left: number) => boolean;
}

/**
 * How fresh a replica's answer must be. `lagging`: the last moments may be missing; for figures that nobody acts on
 * within seconds. `from-here`: it has everything that was there at the first statement, which goes to the primary.
 */
type Freshness = "lagging" | "from-here";

const CONSTRAINTS = { lagging: "first-unconstrained", "from-here": "first-primary" } as const;

/** SQL with its :names replaced by ?1, ?2, …, because D1 supports no others. */
export interface NamedStatement {
  text: string;
  names: string[];
  /** Whether it changes nothing. Computed once, because searching a long statement takes longer than preparing it. */
  isRead: boolean;
}

const READ = /^\s*(?:SELECT\b|WITH\b(?!.*\b(?:INSERT|UPDATE|DELETE)\b))/is;

/** Parses SQL with :name parameters. Called once, when the module is loaded. */
export function named(sql: string): NamedStatement {
  const names: string[] = [];
  const numbered = sql.replaceAll(/(?<![:\w']):([a-z]\w*)/g, (_, name: string) => {
    if (!names.includes(name)) names.push(name);
    return `?${names.indexOf(name) + 1}`;
  });
  const text = keptPrepared(numbered);
  return { text, names, isRead: READ.test(text) };
}

export type SqlValue = string | number | ArrayBuffer | null;
export type Row = Record<string, unknown>;

/** Statements that change nothing. A statement that may not be one counts as a write. */
const reads = new WeakSet<D1PreparedStatement>();

/**
 * SQLite treats an unknown "name" as a text: on a database that is not migrated yet, Drizzle would read the name of a
 * column instead of its value. A `name` in backticks is always a name.
 */
const quoted = (text: string): string => text.replaceAll('"', "`");

/**
 * SQLite plans by the value bound to `LIMIT ?` and, in a join or an ordered list, to `column = ?`. So it would prepare
 * the statement again on each run, which took a third of the time of a claim. It does not do so after a plus sign.
 */
const keptPrepared = (text: string): string => text.replaceAll(/(?:=|\blimit) (?=\?)/gi, "$&+");

/** The common part of a database and a session on it. */
type Queryable = Pick<D1Database, "prepare" | "batch">;

export const openDatabase = (d1: D1Database, patience: Patience): Database =>
  open(d1, { whole: d1, patience, writes: { fault: null }, count: () => undefined, spent: null });

/** A local D1 on a full disk does not say that it is full: it is `broken`. */
type WriteFault = "full" | "broken" | null;

/** What all views of one database share. */
interface Shared {
  whole: D1Database;
  patience: Patience;
  writes: { fault: WriteFault };
  /** Gets the number of statements of each request to D1. */
  count: (statements: number) => void;
  /** How many were sent by the piece of work that this one is a part of; null if nobody counts them. */
  spent: (() => number) | null;
}

function open(d1: Queryable, shared: Shared): Database {
  const { whole, patience, writes, count, spent } = shared;
  const prepare: Prepare = (text, values, isRead = READ.test(text)) => {
    const statement = d1.prepare(text).bind(...values);
    if (isRead) reads.add(statement);
    return statement;
  };
  const batch: Database["batch"] = (statements, again) => {
    const send = async () => {
      count(statements.length);
      return d1.batch<Row>(statements);
    };
    const isRead = statements.every((statement) => reads.has(statement));
    const sent = again || isRead ? retrying(send, patience) : send();
    return isRead ? sent : watchWrite(sent, writes);
  };
  const counting = <T>(ask: () => Promise<T>): Promise<T> => {
    count(1);
    return ask();
  };
  const patient: Ask = (statement) => {
    const [all, raw] = [statement.all.bind(statement), statement.raw.bind(statement)];
    return {
      all: () => retrying(() => counting(() => all()), patience),
      raw: () => retrying(() => counting<unknown[][]>(() => raw()), patience),
    };
  };
  const db: Database = {
    orm: typed(prepare, () => patient, batch),
    sql: (text, ...values) => prepare(keptPrepared(text), values),
    run: ({ text, names, isRead }, values) =>
      prepare(
        text,
        names.map((name) => values[name] ?? null),
        isRead,
      ),
    compile(query) {
      const { sql, params } = query.toSQL();
      return prepare(keptPrepared(quoted(sql)), params);
    },
    batch,
    replica: (freshness) => open(whole.withSession(CONSTRAINTS[freshness]), shared),
    counted(others = 0) {
      let queries = 0;
      const all = spent ?? (() => queries + others);
      const tell = (statements: number): void => {
        queries += statements;
        count(statements);
      };
      const own = open(d1, { ...shared, count: tell, spent: all });
      return { db: own, queries: () => queries, hasRoom: (left) => all() + left <= MAX_QUERIES };
    },
    writeFault: () => writes.fault,
    gathering() {
      const { read, flush } = gather(batch);
      const gathered: Database["batch"] = (statements, again) => {
        if (statements.every((statement) => reads.has(statement))) return read(statements);
        flush();
        return batch(statements, again);
      };
      const ask: Ask = (statement) => {
        const all = async () => (await read([statement]))[0]!;
        return { all, raw: async () => (await all()).results.map((row) => Object.values(row)) };
      };
      const together: Database = {
        ...db,
        // A row of a batch is an object, and two columns with the same name would become one: a join goes by itself.
        orm: typed(prepare, (text) => (text.includes(" join ") ? patient : ask), gathered),
        batch: gathered,
        // What may lag may also be as fresh as the rest, and then needs no round trip of its own.
        replica: (freshness) => (freshness === "lagging" ? together : db.replica(freshness).gathering()),
      };
      return together;
    },
  };
  return db;
}

async function watchWrite<T>(sent: Promise<T>, writes: Shared["writes"]): Promise<T> {
  try {
    const results = await sent;
    writes.fault = null;
    return results;
  } catch (error) {
    const reason = reasonOf(error);
    writes.fault = reason === "full" || reason === "broken" ? reason : null;
    throw error;
  }
}

type Prepare = (text: string, values: unknown[], isRead?: boolean) => D1PreparedStatement;

/** How to run a single reading statement: it gives rows as objects or as lists. */
type Ask = (statement: D1PreparedStatement) => { all(): Promise<D1Result>; raw(): Promise<unknown[][]> };

/** Drizzle only binds values, asks for rows in one of two ways, and sends batches. */
const typed = (prepare: Prepare, askOf: (text: string) => Ask, batch: Database["batch"]): DrizzleD1Database =>
  drizzle({
    prepare: (text: string) => ({
      bind(...values: unknown[]) {
        const statement = prepare(keptPrepared(quoted(text)), values);
        return reads.has(statement) ? Object.assign(statement, askOf(text)(statement)) : statement;
      },
    }),
    batch,
  } as never);

export interface Prefixed {
  /** The database; its first batch that writes begins with the given statements. */
  db: Database;
  /** Whether a batch with these statements went through. */
  sent(): boolean;
  /** From now on, batches go through unchanged. */
  drop(): void;
}

/**
 * Puts the statements `first` before the first batch that writes, so that both happen or neither does. They come first
 * because events use changes(), the count of the statement right before them. Callers see only the results of their
 * own statements; batches that only read go through unchanged.
 */
export function prefixed(db: Database, first: D1PreparedStatement[]): Prefixed {
  let state: "waiting" | "sending" | "sent" | "dropped" = "waiting";
  return {
    db: {
      ...db,
      async batch(statements, again) {
        if (state !== "waiting" || statements.every((statement) => reads.has(statement))) {
          return db.batch(statements, again);
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
