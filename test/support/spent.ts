// A run that is near the number of queries that D1 allows.
import type { Env } from "../../src/config.ts";
import type { Context } from "../../src/context.ts";
import { servicesOf } from "../../src/services.ts";

/** The context of a run that has sent so many queries before. */
export function spent(bindings: Env, already: number): Context {
  const services = servicesOf(bindings);
  const counted = () => {
    const { db, queries, hasRoom } = services.db.counted();
    return {
      db,
      queries: () => queries() + already,
      hasRoom: (left: number) => hasRoom(left + already),
    };
  };
  return {
    ...services,
    db: { ...services.db, counted },
    actor: { type: "system", id: "nightly" },
    requestId: crypto.randomUUID(),
    ip: null,
    defer: () => undefined,
  };
}
