// What jobs act with, in tests that call a verb by itself.
import type { Env } from "../../src/config.ts";
import type { Context } from "../../src/context.ts";
import { servicesOf } from "../../src/services.ts";
import { env } from "./env.ts";

/** The context of a run. */
export const asSystem = (bindings: Env = env): Context => ({
  ...servicesOf(bindings),
  actor: { type: "system", id: "nightly" },
  requestId: crypto.randomUUID(),
  ip: null,
  defer: () => undefined,
});

/** The context of a run that has sent so many queries before: D1 allows no more than a thousand. */
export function spent(bindings: Env, already: number): Context {
  const context = asSystem(bindings);
  const counted = () => {
    const { db, queries, hasRoom } = context.db.counted();
    return {
      db,
      queries: () => queries() + already,
      hasRoom: (left: number) => hasRoom(left + already),
    };
  };
  return { ...context, db: { ...context.db, counted } };
}
