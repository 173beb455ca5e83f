// Counts what a request costs on D1: round trips, rows read, rows written. The same figures are the bill.
import type { Env } from "../../src/config.ts";
import { env } from "./env.ts";

export interface Cost {
  trips: number;
  read: number;
  written: number;
}

/** Bindings whose D1 counts into `cost`. */
export function metered(): { bindings: Env; cost: Cost } {
  const cost: Cost = { trips: 0, read: 0, written: 0 };
  const DB = {
    prepare: (sql: string) => env.DB.prepare(sql),
    async batch(statements: D1PreparedStatement[]) {
      const results = await env.DB.batch(statements);
      cost.trips += 1;
      for (const { meta } of results) {
        cost.read += meta.rows_read;
        cost.written += meta.rows_written;
      }
      return results;
    },
  } as D1Database;
  return { bindings: { ...env, DB }, cost };
}
