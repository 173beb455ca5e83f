// What happens to a night: it is killed between two writes, or the bucket does not answer.
import type { Env } from "../../src/config.ts";
import { env } from "./env.ts";
import { bucket } from "./record.ts";

/** A bucket whose n-th write fails, before or after it was done; the rest go through. */
export function failingBucket(fails: (method: string, count: number) => "before" | "after" | null): R2Bucket {
  let count = 0;
  const wrap =
    (method: "get" | "head" | "put" | "list") =>
    async (...args: never[]): Promise<unknown> => {
      const when = fails(method, ++count);
      if (when === "before") throw new Error("R2 is away");
      const result = await (bucket[method] as (...all: never[]) => Promise<unknown>)(...args);
      if (when === "after") throw new Error("R2 is away");
      return result;
    };
  return {
    get: wrap("get"),
    head: wrap("head"),
    put: wrap("put"),
    list: wrap("list"),
  } as unknown as R2Bucket;
}

/**
 * Bindings with which everything stops right before the n-th write, to the database or the bucket. Between two writes
 * nothing changes, so it is the same as right after the one before.
 */
export function killedBefore(write: number): { bindings: Env; reached: () => boolean } {
  let writes = 0;
  let dead = false;
  const guard = async <T>(isWrite: boolean, run: () => Promise<T>): Promise<T> => {
    dead ||= isWrite && ++writes === write;
    if (dead) throw new Error("killed");
    return run();
  };
  interface Wrapped {
    statement: D1PreparedStatement;
    isWrite: boolean;
  }
  const wrap = (statement: D1PreparedStatement, isWrite: boolean): object => ({
    statement,
    isWrite,
    bind: (...values: unknown[]) => wrap(statement.bind(...values), isWrite),
    all: () => guard(isWrite, () => statement.all()),
    raw: () => guard(isWrite, () => statement.raw()),
  });
  const DB = {
    prepare: (sql: string) => wrap(env.DB.prepare(sql), !/^\s*select\b/i.test(sql)),
    batch: (all: Wrapped[]) =>
      guard(
        all.some(({ isWrite }) => isWrite),
        () => env.DB.batch(all.map(({ statement }) => statement)),
      ),
    withSession: () => DB,
  } as unknown as D1Database;
  const BACKUPS = {
    get: (key: string) => guard(false, () => bucket.get(key)),
    head: (key: string) => guard(false, () => bucket.head(key)),
    put: (...args: Parameters<R2Bucket["put"]>) => guard(true, () => bucket.put(...args)),
  } as unknown as R2Bucket;
  return { bindings: { ...env, DB, BACKUPS }, reached: () => dead };
}
