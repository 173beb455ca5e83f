// The service with a meter on its database: the same code, answered with what the request cost on D1.
import { base64url } from "jose";
import type { Env } from "../../../src/config.ts";
import worker from "../../../src/worker.ts";
import { type Blob, COST_HEADER, type Cost, NO_COST, type Sent } from "../cost.ts";

class Meter {
  readonly cost: Cost = { ...NO_COST };
  /** Every trip, as the statements that it took. */
  readonly trips: Sent[][] = [];

  wrap(d1: Pick<D1Database, "prepare" | "batch">, whole?: D1Database): D1Database {
    return {
      prepare: (text: string) => this.#statement(text, d1.prepare(text)),
      batch: async (statements: Metered[]) => {
        this.#trip(statements);
        const results = await d1.batch(statements.map(({ real }) => real));
        results.forEach((result) => this.#count(result));
        return results;
      },
      withSession: (constraint?: string) => this.wrap(whole!.withSession(constraint)),
    } as unknown as D1Database;
  }

  #statement(text: string, real: D1PreparedStatement, values: unknown[] = []): Metered {
    return {
      text,
      values,
      real,
      bind: (...bound: unknown[]) => this.#statement(text, real.bind(...bound), bound),
      all: async () => {
        this.#trip([{ text, values }]);
        return this.#count(await real.all());
      },
      // Rows as arrays come without figures: the statement, a read, is run once more for them.
      raw: async () => {
        this.#trip([{ text, values }]);
        this.#count(await real.all());
        return real.raw();
      },
    };
  }

  #trip(statements: Sent[]): void {
    this.cost.trips++;
    this.trips.push(statements.map(({ text, values }) => ({ text, values: values.map(asJson) })));
  }

  #count<R extends D1Result>(result: R): R {
    this.cost.read += result.meta.rows_read;
    this.cost.written += result.meta.rows_written;
    return result;
  }
}

const asJson = (value: unknown): unknown =>
  value instanceof ArrayBuffer
    ? ({ base64url: base64url.encode(new Uint8Array(value)) } satisfies Blob)
    : value;

interface Metered extends Sent {
  real: D1PreparedStatement;
  bind(...bound: unknown[]): Metered;
  all(): Promise<D1Result>;
  raw(): Promise<unknown>;
}

let last: Meter["trips"] = [];

/** Runs a job with a meter on it, until everything that it left for later is done, too. */
async function metered<T>(
  env: Env,
  job: (bindings: Env, execution: ExecutionContext) => Promise<T>,
): Promise<{ outcome: T; cost: Cost; trips: Sent[][]; deferred: Cost }> {
  const meter = new Meter();
  const later: Promise<unknown>[] = [];
  const execution = {
    waitUntil: (work: Promise<unknown>) => later.push(work),
  } as unknown as ExecutionContext;
  const outcome = await job({ ...env, DB: meter.wrap(env.DB, env.DB) }, execution);
  const cost = { ...meter.cost };
  const trips = [...meter.trips];
  while (later.length > 0) await later.shift();
  const { trips: all, read, written } = meter.cost;
  const deferred = { trips: all - cost.trips, read: read - cost.read, written: written - cost.written };
  return { outcome, cost, trips, deferred };
}

const BODILESS = new Set([204, 304]);

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const url = new URL(request.url);
    if (url.pathname === "/bench/statements") return Response.json(last);
    if (url.pathname === "/bench/scheduled") {
      const controller = {
        cron: url.searchParams.get("cron") ?? "",
        scheduledTime: Date.now(),
        noRetry() {},
      };
      const job = await metered(env, (bindings, execution) =>
        worker.scheduled(controller as ScheduledController, bindings, execution),
      );
      return Response.json(job.cost);
    }
    const { outcome, cost, trips, deferred } = await metered(env, async (bindings, execution) => {
      const response = await worker.fetch(request, bindings, execution);
      return { response, bytes: await response.arrayBuffer() };
    });
    last = trips;
    const headers = new Headers(outcome.response.headers);
    headers.set(COST_HEADER, JSON.stringify({ cost, deferred }));
    const { status } = outcome.response;
    return new Response(BODILESS.has(status) ? null : outcome.bytes, { status, headers });
  },
} satisfies ExportedHandler<Env>;
