// Delivers what a change caused, after its answer. The ten-minute trigger delivers what is left.
import type { Context } from "../context.ts";
import { SECOND } from "../kernel/dates.ts";
import { deliverEvents } from "./delivery.ts";

/** waitUntil allows thirty seconds: the last request of it may take ten. */
const TIME = 15 * SECOND;

const REQUESTS = 200;

/** What the request that caused the event may take of the queries that D1 allows, if it does not count them. */
const OF_REQUEST = 500;

export async function deliverSoon(context: Context): Promise<void> {
  const { db, hasRoom } = context.db.counted(OF_REQUEST);
  const system: Context = { ...context, db, actor: { type: "system", id: "webhooks" }, ip: null };
  await deliverEvents(system, context.clock.now(), {
    time: TIME,
    requests: REQUESTS,
    hasRoom,
  });
}
