// Webhook endpoints: who is told of which events. (What Resend tells us comes to http/webhooks.ts.)
import { and, eq, gt, isNotNull, or } from "drizzle-orm";
import * as z from "zod/mini";
import type { Context } from "../context.ts";
import { formatInstant, formatInstantOrNull } from "../kernel/dates.ts";
import { maxCharacters, Text } from "../kernel/inputs.ts";
import { openList, type Page, type PageRequest } from "../kernel/pages.ts";
import { allow } from "../kernel/permissions.ts";
import { assertMatch, changesBetween, given, MAX_ATTEMPTS, overtaken } from "../kernel/resources.ts";
import { invalid, Problem } from "../problems.ts";
import { recordChange } from "../record/events.ts";
import { type WebhookEndpoint, webhookEndpoints } from "../storage/schema.ts";
import { addressFault, MAX_URL } from "./addresses.ts";
import { noteEndpoints } from "./known.ts";
import { forgetFormer, makeSecret, OVERLAP } from "./secrets.ts";
import { Subscriptions } from "./subscriptions.ts";

/** The platform opens only a few connections at a time, and each endpoint gets each event by itself. */
const MAX_ENDPOINTS = 100;

const Url = z.string().check(z.minLength(1), ...maxCharacters(MAX_URL));

export const NewEndpoint = z.strictObject({
  url: Url,
  events: Subscriptions,
  description: z.optional(z.nullable(Text(200))),
  active: z._default(z.boolean(), true),
  /** Whether names, addresses, and what staff noted are sent, too. */
  include_personal: z._default(z.boolean(), false),
});

export const EndpointChanges = z.strictObject({
  url: z.optional(Url),
  events: z.optional(Subscriptions),
  description: z.optional(z.nullable(Text(200))),
  active: z.optional(z.boolean()),
  include_personal: z.optional(z.boolean()),
});

function checkedUrl({ config }: Context, url: string): string {
  const fault = addressFault(url, config.issuers);
  if (fault !== null) throw invalid("url", fault);
  // As it was checked: the spelling of the host that the parser found.
  return new URL(url).href;
}

/**
 * Adds an endpoint, which gets the events after its creation, and returns it with its secret. That is shown this once.
 * @throws Problem REQUEST_INVALID for an address that may not be told of events
 * @throws Problem CONFLICT if there are too many
 */
export async function createEndpoint(
  context: Context,
  input: z.output<typeof NewEndpoint>,
): Promise<{ endpoint: WebhookEndpoint; secret: string }> {
  allow(context, "webhook-endpoints");
  const { db } = context;
  const url = checkedUrl(context, input.url);
  const now = context.clock.now();
  const id = `whe_${context.ids.ulid(now)}`;
  const { secret, insert } = await makeSecret(context, now, id);
  const results = await db.batch([
    db.sql(
      `INSERT INTO webhook_endpoints (id, url, events, description, active, include_personal, cursor, created_at, updated_at)
       SELECT ?1, ?2, ?3, ?4, ?5, ?6, coalesce((SELECT max(id) FROM events), 0), ?7, ?7
       WHERE (SELECT count(*) FROM webhook_endpoints) < ${MAX_ENDPOINTS}`,
      id,
      url,
      JSON.stringify(input.events),
      input.description ?? null,
      input.active ? 1 : 0,
      input.include_personal ? 1 : 0,
      now,
    ),
    insert,
    recordChange(context, now, "webhook_endpoint.created", ["webhook_endpoint", id], {
      events: input.events,
      active: input.active,
      include_personal: input.include_personal,
    }),
    // Nobody can have given its receiver the secret yet: its own creation would be its first failure.
    db.sql("UPDATE webhook_endpoints SET cursor = (SELECT max(id) FROM events) WHERE id = ?", id),
  ]);
  noteEndpoints(context, true);
  if (results[0]?.meta.changes === 0)
    throw new Problem("CONFLICT", `There are ${MAX_ENDPOINTS} webhook endpoints already.`);
  return { endpoint: await getEndpoint(context, id), secret };
}

/** In order of creation. */
export async function listEndpoints(context: Context, request: PageRequest): Promise<Page<WebhookEndpoint>> {
  allow(context, "webhook-endpoints");
  const list = await openList(context, "webhook-endpoints", request);
  const rows = await context.db.orm
    .select()
    .from(webhookEndpoints)
    .where(gt(webhookEndpoints.id, String(list.after?.[0] ?? "")))
    .orderBy(webhookEndpoints.id)
    .limit(request.limit + 1);
  return list.page(rows, request.limit + 1, (row) => [row.id]);
}

/** Those whose last attempt failed, or that were switched off, for jobs. There are few endpoints. */
export const troubledEndpoints = async ({ db }: Pick<Context, "db">): Promise<WebhookEndpoint[]> =>
  db.orm
    .select()
    .from(webhookEndpoints)
    .where(
      or(
        and(eq(webhookEndpoints.active, 1), isNotNull(webhookEndpoints.failing_since)),
        isNotNull(webhookEndpoints.switched_off_at),
      ),
    )
    .orderBy(webhookEndpoints.id);

export const unknownEndpoint = (id: string): Problem =>
  new Problem("NOT_FOUND", `There is no webhook endpoint with the id ${id}.`);

/** @throws Problem NOT_FOUND */
export async function getEndpoint(context: Context, id: string): Promise<WebhookEndpoint> {
  allow(context, "webhook-endpoints");
  const [row] = await context.db.orm.select().from(webhookEndpoints).where(eq(webhookEndpoints.id, id));
  if (!row) throw unknownEndpoint(id);
  return row;
}

/** What staff may change, as the columns that hold it. */
const settingsOf = ({ url, events, description, active, include_personal }: WebhookEndpoint) => ({
  url,
  events,
  description,
  active,
  include_personal,
});

/**
 * Changes what the input names. An endpoint that is made active again, or gets another address, is tried at once, from
 * the event after the last one that it has.
 * @throws Problem NOT_FOUND, PRECONDITION_FAILED, CONFLICT, and REQUEST_INVALID as createEndpoint
 */
export async function changeEndpoint(
  context: Context,
  id: string,
  input: z.output<typeof EndpointChanges>,
  ifMatch?: string,
): Promise<WebhookEndpoint> {
  allow(context, "webhook-endpoints");
  const { db } = context;
  const { url, active, include_personal, ...rest } = given(input);
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const before = await getEndpoint(context, id);
    assertMatch(before, ifMatch);
    const after: WebhookEndpoint = {
      ...before,
      ...rest,
      ...(url === undefined ? {} : { url: checkedUrl(context, url) }),
      ...(active === undefined ? {} : { active: active ? 1 : 0 }),
      ...(include_personal === undefined ? {} : { include_personal: include_personal ? 1 : 0 }),
    };
    const members = Object.keys(changesBetween(settingsOf(before), settingsOf(after)));
    if (members.length === 0) return before;
    const now = context.clock.now();
    const isTriedAnew = after.active === 1 && (members.includes("active") || members.includes("url")) ? 1 : 0;
    const [updated] = await db.batch([
      db.sql(
        `UPDATE webhook_endpoints SET url = ?2, events = ?3, description = ?4, active = ?5, include_personal = ?6,
           failures = iif(?7, 0, failures), failing_since = iif(?7, NULL, failing_since),
           next_try_at = iif(?7, 0, next_try_at), switched_off_at = iif(?5, NULL, switched_off_at),
           version = version + 1, updated_at = ?8
         WHERE id = ?1 AND version = ?9`,
        id,
        after.url,
        JSON.stringify(after.events),
        after.description,
        after.active,
        after.include_personal,
        isTriedAnew,
        now,
        before.version,
      ),
      // Not the address: it may hold a secret.
      recordChange(context, now, "webhook_endpoint.changed", ["webhook_endpoint", id], { members }),
    ]);
    noteEndpoints(context, true);
    if (updated?.meta.changes !== 0) return getEndpoint(context, id);
  }
  throw overtaken(ifMatch);
}

/**
 * Removes an endpoint, its secrets, and what is kept of its deliveries.
 * @throws Problem NOT_FOUND
 */
export async function deleteEndpoint(context: Context, id: string): Promise<void> {
  allow(context, "webhook-endpoints");
  const { db } = context;
  const results = await db.batch([
    db.sql("DELETE FROM webhook_secrets WHERE endpoint_id = ?", id),
    db.sql("DELETE FROM webhook_deliveries WHERE endpoint_id = ?", id),
    db.sql("DELETE FROM webhook_endpoints WHERE id = ?", id),
    recordChange(context, context.clock.now(), "webhook_endpoint.deleted", ["webhook_endpoint", id], {}),
  ]);
  if (results[2]?.meta.changes === 0) throw unknownEndpoint(id);
}

/**
 * Gives an endpoint a new secret, which is shown this once. The former one signs for a day beside it, also where the
 * secret is changed again meanwhile, for example because nobody read the answer: its receiver still has the one before.
 * @throws Problem NOT_FOUND
 */
export async function rotateSecret(
  context: Context,
  id: string,
): Promise<{ endpoint: WebhookEndpoint; secret: string; until: number }> {
  allow(context, "webhook-endpoints");
  const { db } = context;
  const now = context.clock.now();
  const until = now + OVERLAP;
  const { secret, insert } = await makeSecret(context, now, id);
  const results = await db.batch([
    db.sql("UPDATE webhook_secrets SET until = ? WHERE endpoint_id = ? AND until IS NULL", until, id),
    forgetFormer(context, now, id),
    db.sql(
      "UPDATE webhook_endpoints SET next_try_at = 0, version = version + 1, updated_at = ? WHERE id = ?",
      now,
      id,
    ),
    insert,
    recordChange(context, now, "webhook_endpoint.secret_rotated", ["webhook_endpoint", id], {}),
  ]);
  if (results[2]?.meta.changes === 0) throw unknownEndpoint(id);
  return { endpoint: await getEndpoint(context, id), secret, until };
}

/** active: it gets events; failing: the last attempt failed, and it is tried again; paused: by staff; switched_off: it
 * failed for days. */
export const ENDPOINT_STATES = ["active", "failing", "paused", "switched_off"] as const;

export const stateOf = ({
  active,
  failures,
  switched_off_at,
}: WebhookEndpoint): (typeof ENDPOINT_STATES)[number] =>
  active === 1 ? (failures > 0 ? "failing" : "active") : switched_off_at === null ? "paused" : "switched_off";

/** An endpoint as the API shows it: without its secret. */
export const presentEndpoint = (endpoint: WebhookEndpoint) => ({
  id: endpoint.id,
  url: endpoint.url,
  events: endpoint.events,
  description: endpoint.description,
  active: endpoint.active === 1,
  include_personal: endpoint.include_personal === 1,
  state: stateOf(endpoint),
  last_event: endpoint.cursor,
  failures: endpoint.failures,
  failing_since: formatInstantOrNull(endpoint.failing_since),
  next_try_at: formatInstantOrNull(
    endpoint.failures > 0 && endpoint.active === 1 && endpoint.next_try_at > 0 ? endpoint.next_try_at : null,
  ),
  last_success_at: formatInstantOrNull(endpoint.last_success_at),
  switched_off_at: formatInstantOrNull(endpoint.switched_off_at),
  created_at: formatInstant(endpoint.created_at),
  updated_at: formatInstant(endpoint.updated_at),
});
