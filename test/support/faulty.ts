// A D1 that fails at its n-th request: before it did anything, in the middle of the batch, or after it did everything,
// when only the answer is lost.
import type { Env } from "../../src/config.ts";
import { expect } from "vitest";
import { env } from "./env.ts";
import type { Answer } from "./service.ts";

export const LOST = "D1_ERROR: Network connection lost.";
export const OVERLOADED = "D1_ERROR: D1 DB is overloaded. Requests queued for too long.";

export const MOMENTS = ["before", "amid", "after"] as const;

export interface Fault {
  moment: (typeof MOMENTS)[number];
  message: string;
}

/** Bindings whose D1 asks before each request whether it fails; `calls` counts them. */
export function faulty(
  faultOf: (call: number) => Fault | null | Promise<null>,
  more: Partial<Env> = {},
): { bindings: Env; calls: () => number } {
  let calls = 0;
  async function pass<T>(run: () => Promise<T>, torn: () => Promise<unknown> = run): Promise<T> {
    const fault = await faultOf(++calls);
    if (!fault) return run();
    if (fault.moment === "amid") await torn().catch(() => undefined);
    if (fault.moment === "after") await run();
    throw new Error(fault.message);
  }
  const prepare = (sql: string) => ({
    bind(...values: unknown[]) {
      const statement = env.DB.prepare(sql).bind(...values);
      const [all, raw] = [statement.all.bind(statement), statement.raw.bind(statement)];
      return Object.assign(statement, { all: () => pass(() => all()), raw: () => pass(() => raw()) });
    },
  });
  const batch = (statements: D1PreparedStatement[]) => {
    const half = Math.ceil(statements.length / 2);
    // Nothing can switch D1 off, so the batch contains a statement that SQLite refuses.
    const poison = env.DB.prepare("SELECT json('{')");
    return pass(
      () => env.DB.batch(statements),
      () => env.DB.batch([...statements.slice(0, half), poison, ...statements.slice(half)]),
    );
  };
  const DB = { prepare, batch, withSession: () => DB } as unknown as D1Database;
  return { bindings: { ...env, ...more, DB }, calls: () => calls };
}

type Batch = () => Promise<D1Result[]>;

/**
 * Bindings whose batches go through `pass`.
 * @param matches SQL; `isHit` says whether a batch has a statement like that
 */
export function passing(
  matches: RegExp,
  pass: (run: Batch, isHit: boolean) => Promise<D1Result[]>,
  bindings: Env = env,
): Env {
  const hits = new WeakSet<object>();
  const DB = {
    withSession: () => DB,
    prepare: (sql: string) => ({
      bind(...values: unknown[]) {
        const statement = bindings.DB.prepare(sql).bind(...values);
        if (matches.test(sql)) hits.add(statement);
        return statement;
      },
    }),
    batch: (statements: D1PreparedStatement[]) =>
      pass(
        () => bindings.DB.batch(statements),
        statements.some((statement) => hits.has(statement)),
      ),
  } as unknown as D1Database;
  return { ...bindings, DB };
}

/** Bindings whose D1 fails at each batch with a statement like this. */
export const failing = (matches: RegExp, bindings: Env = env, message = OVERLOADED): Env =>
  passing(
    matches,
    async (run, isHit) => {
      if (isHit) throw new Error(message);
      return run();
    },
    bindings,
  );

/** Judges answers, and counts them. */
export function judge() {
  const figures = { "failures of D1": 0, "answered all the same": 0, "503 with Retry-After": 0 };
  return {
    figures,
    /** Correct, or a 503 that says when to try again. */
    expectHonest: (answer: Answer, wanted: number): void => {
      figures["failures of D1"]++;
      if (answer.status === 503) {
        figures["503 with Retry-After"]++;
        // The console answers with a page.
        if (answer.body) expect(answer.body).toMatchObject({ code: "SERVICE_UNAVAILABLE", retryable: true });
        expect(Number(answer.headers.get("Retry-After"))).toBeGreaterThan(0);
      } else {
        figures["answered all the same"]++;
        expect(answer.status, answer.text).toBe(wanted);
      }
    },
  };
}
