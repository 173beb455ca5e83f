// What happens to a night: it is killed between two steps, or the bucket does not answer.
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

/** Bindings with which everything stops at the n-th step, done or not. */
export function killedAt(step: number, when: "before" | "after"): { bindings: Env; reached: () => boolean } {
  let steps = 0;
  let dead = false;
  const guard = async <T>(run: () => Promise<T>): Promise<T> => {
    const last = !dead && ++steps === step;
    if (dead || (last && when === "before")) {
      dead = true;
      throw new Error("killed");
    }
    const result = await run();
    if (!last) return result;
    dead = true;
    throw new Error("killed");
  };
  const wrap = (statement: D1PreparedStatement): D1PreparedStatement =>
    ({
      statement,
      bind: (...values: unknown[]) => wrap(statement.bind(...values)),
      all: () => guard(() => statement.all()),
      raw: () => guard(() => statement.raw()),
    }) as unknown as D1PreparedStatement;
  const DB = {
    prepare: (sql: string) => wrap(env.DB.prepare(sql)),
    batch: (all: { statement: D1PreparedStatement }[]) =>
      guard(() => env.DB.batch(all.map(({ statement }) => statement))),
    withSession: () => DB,
  } as unknown as D1Database;
  const BACKUPS = {
    get: (key: string) => guard(() => bucket.get(key)),
    head: (key: string) => guard(() => bucket.head(key)),
    put: (...args: Parameters<R2Bucket["put"]>) => guard(() => bucket.put(...args)),
  } as unknown as R2Bucket;
  return { bindings: { ...env, DB, BACKUPS }, reached: () => dead };
}
