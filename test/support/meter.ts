// Counts what a request costs on D1: round trips, rows read, rows written. D1 bills the same figures.
import type { Env } from "../../src/config.ts";
import { env } from "./env.ts";

export interface Cost {
  trips: number;
  read: number;
  written: number;
}

/** Bindings whose D1 counts into `cost`, in total and per trip; a test can add other bindings. */
export function metered(others: Partial<Env> = {}): { bindings: Env; cost: Cost; trips: Cost[] } {
  const cost: Cost = { trips: 0, read: 0, written: 0 };
  const trips: Cost[] = [];
  const DB: D1Database = {
    withSession: () => DB,
    prepare: (sql: string) => env.DB.prepare(sql),
    async batch(statements: D1PreparedStatement[]) {
      const results = await env.DB.batch(statements);
      const trip = { trips: 1, read: 0, written: 0 };
      for (const { meta } of results) {
        trip.read += meta.rows_read;
        trip.written += meta.rows_written;
      }
      trips.push(trip);
      cost.trips += 1;
      cost.read += trip.read;
      cost.written += trip.written;
      return results;
    },
  } as unknown as D1Database;
  return { bindings: { ...env, ...others, DB }, cost, trips };
}

interface Recorded {
  statement: D1PreparedStatement;
  sql: string;
  values: unknown[];
}

/** Bindings whose D1 remembers each statement and its cost, no matter how it is run. */
export function recorded() {
  const cost = { trips: 0, read: 0, written: 0 };
  const statements: { sql: string; values: unknown[] }[] = [];
  const count = (result: D1Result): void => {
    cost.read += result.meta.rows_read;
    cost.written += result.meta.rows_written;
  };
  const wrap = (sql: string, statement: D1PreparedStatement, values: unknown[] = []): D1PreparedStatement =>
    ({
      statement,
      sql,
      values,
      bind: (...bound: unknown[]) => wrap(sql, statement.bind(...bound), bound),
      async all() {
        cost.trips++;
        statements.push({ sql, values });
        const result = await statement.all();
        count(result);
        return result;
      },
      // With rows as arrays D1 gives no figures, so the statement runs once more for them.
      async raw() {
        cost.trips++;
        statements.push({ sql, values });
        count(await statement.all());
        return statement.raw();
      },
    }) as unknown as D1PreparedStatement;
  const DB: D1Database = {
    withSession: () => DB,
    prepare: (sql: string) => wrap(sql, env.DB.prepare(sql)),
    async batch(wrapped: Recorded[]) {
      cost.trips++;
      statements.push(...wrapped);
      const results = await env.DB.batch(wrapped.map(({ statement }) => statement));
      results.forEach(count);
      return results;
    },
  } as unknown as D1Database;
  return { bindings: { ...env, DB }, cost, statements };
}

// SQLite also calls these a scan, but they read no table: our own input, a constant row, a step of a recursion, a page of
// rows that was found by a key. Of webhook endpoints there are a hundred at most, and of dates the 31 days of a month.
const HARMLESS =
  /VIRTUAL TABLE|CONSTANT ROW|^SCAN (halves|\(|seats|granted|due\b|old\b|dates\b|webhook_endpoints\b)/;

/** SQLite's plan of the statements: a line for each table or index, with the statement after it. */
export async function plansOf(statements: { sql: string; values: unknown[] }[]): Promise<string[]> {
  const plans: string[] = [];
  for (const { sql, values } of statements) {
    const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .bind(...values)
      .all<{ detail: string }>();
    plans.push(...results.map(({ detail }) => `${detail}: ${sql}`));
  }
  return plans;
}

/** The tables and indexes that statements scan completely. */
export const scansOf = async (statements: { sql: string; values: unknown[] }[]): Promise<string[]> =>
  (await plansOf(statements)).filter((plan) => plan.startsWith("SCAN ") && !HARMLESS.test(plan));

// What a refusal may change: it may delete old sessions and idempotency claims, record a token's use, and be kept.
const HOUSEKEEPING = /\b(?:sessions|idempotency_keys|license_refusals)\b|^UPDATE api_tokens SET last_used_at/;

/** Bindings whose D1 records the SQL of every statement that changed a row, except housekeeping. */
export function watched(more: Partial<Env> = {}): { bindings: Env; writes: string[] } {
  const writes: string[] = [];
  const texts = new WeakMap<object, string>();
  const DB: D1Database = {
    withSession: () => DB,
    prepare(sql: string) {
      const statement = env.DB.prepare(sql);
      return {
        bind(...values: unknown[]) {
          const bound = statement.bind(...values);
          texts.set(bound, sql);
          return bound;
        },
      };
    },
    async batch(statements: D1PreparedStatement[]) {
      const results = await env.DB.batch(statements);
      results.forEach(({ meta }, n) => {
        const sql = texts.get(statements[n]!) ?? "";
        if (meta.rows_written > 0 && !HOUSEKEEPING.test(sql.trim())) writes.push(sql);
      });
      return results;
    },
  } as unknown as D1Database;
  return { bindings: { ...env, ...more, DB }, writes };
}
