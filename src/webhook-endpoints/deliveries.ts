// What was sent to an endpoint lately, sending it again, and trying it out.
import { desc, eq, sql } from "drizzle-orm";
import * as z from "zod/mini";
import type { Context } from "../context.ts";
import { formatInstant } from "../kernel/dates.ts";
import { allow } from "../kernel/permissions.ts";
import { invalid } from "../problems.ts";
import { recordChange } from "../record/events.ts";
import {
  type Event,
  events,
  type WebhookDelivery,
  webhookDeliveries,
  type WebhookEndpoint,
} from "../storage/schema.ts";
import { attempt } from "./attempt.ts";
import { getEndpoint, unknownEndpoint } from "./endpoints.ts";
import { noteAttempts } from "./lease.ts";
import { readObjects } from "./objects.ts";
import { secretsIn, selectSecrets } from "./secrets.ts";

/**
 * The last attempts, at most 100, the latest first.
 * @throws Problem NOT_FOUND
 */
export async function listDeliveries(context: Context, id: string): Promise<WebhookDelivery[]> {
  await getEndpoint(context, id);
  return context.db.orm
    .select()
    .from(webhookDeliveries)
    .where(eq(webhookDeliveries.endpoint_id, id))
    .orderBy(desc(webhookDeliveries.number));
}

export const presentDelivery = ({
  endpoint_id: _its,
  number: _order,
  action,
  at,
  error,
  ...delivery
}: WebhookDelivery) => ({
  ...delivery,
  type: action,
  at: formatInstant(at),
  delivered: error === null,
  error,
});

export const ReplayRequest = z.strictObject({ from_event: z.int().check(z.minimum(1)) });

/**
 * Sends the events from this one on, again or for the first time. One above the last event skips all that waits.
 * @throws Problem NOT_FOUND, and REQUEST_INVALID for an event that does not exist yet
 */
export async function replay(
  context: Context,
  id: string,
  { from_event }: z.output<typeof ReplayRequest>,
): Promise<WebhookEndpoint> {
  allow(context, "webhook-endpoints");
  const { db } = context;
  const now = context.clock.now();
  const [, moved, last] = await db.batch([
    recordChange(
      context,
      now,
      "webhook_endpoint.replayed",
      ["webhook_endpoint", id],
      { sql: "json_object('from_event', ?, 'was_at', cursor)", values: [from_event] },
      {
        sql: "FROM webhook_endpoints WHERE id = ? AND ? <= (SELECT coalesce(max(id), 0) + 1 FROM events)",
        values: [id, from_event],
      },
    ),
    db.sql(
      `UPDATE webhook_endpoints SET cursor = ?, failures = 0, failing_since = NULL, next_try_at = 0,
         version = version + 1, updated_at = ?
       WHERE id = ? AND changes() > 0`,
      from_event - 1,
      now,
      id,
    ),
    db.sql("SELECT coalesce(max(id), 0) AS id FROM events"),
  ]);
  if (moved?.meta.changes === 0) {
    await getEndpoint(context, id);
    throw invalid("from_event", `The last event is ${String(last?.results[0]?.["id"])}`);
  }
  return getEndpoint(context, id);
}

/**
 * Sends one event now, whatever the endpoint is subscribed to: the one that records the test. A success ends the pause
 * after failures.
 * @throws Problem NOT_FOUND
 */
export async function testEndpoint(context: Context, id: string): Promise<WebhookDelivery> {
  allow(context, "webhook-endpoints");
  const { db } = context;
  const now = context.clock.now();
  const [, secrets] = await db.batch([
    recordChange(
      context,
      now,
      "webhook_endpoint.tested",
      ["webhook_endpoint", id],
      {},
      { sql: "WHERE EXISTS (SELECT 1 FROM webhook_endpoints WHERE id = ?)", values: [id] },
    ),
    selectSecrets(context, id, now),
  ]);
  const endpoint = await getEndpoint(context, id);
  const event = await recordedTest(context, id);
  const made = await attempt(
    context,
    endpoint,
    await secretsIn(context, secrets!),
    event,
    await readObjects(context, [event]),
  );
  await db.batch([
    db.sql(
      "UPDATE webhook_endpoints SET next_try_at = 0, last_success_at = ? WHERE id = ? AND ? IS NULL",
      made.at,
      id,
      made.error,
    ),
    ...noteAttempts(context, id, [made]),
  ]);
  const { event: _sent, ...told } = made;
  return { endpoint_id: id, number: 0, event_id: event.id, action: event.action, ...told };
}

async function recordedTest({ db, requestId }: Context, id: string): Promise<Event> {
  const [event] = await db.orm
    .select()
    .from(events)
    .where(
      sql`${events.entity_id} = ${id} AND ${events.request_id} = ${requestId} AND ${events.action} = 'webhook_endpoint.tested'`,
    )
    .orderBy(desc(events.id))
    .limit(1);
  if (!event) throw unknownEndpoint(id);
  return event;
}
