// Reading the record, newest first.
import { and, eq, getTableColumns, lt, ne, sql, type SQL } from "drizzle-orm";
import * as z from "zod/mini";
import { allow, allows } from "../kernel/permissions.ts";
import type { Context } from "../context.ts";
import { instanceIdOf } from "../field/pasted.ts";
import { Since, Sought, Until } from "../kernel/inputs.ts";
import { formatInstant, SECOND } from "../kernel/dates.ts";
import { MAX_SCAN, openList, type Page, type PageRequest } from "../kernel/pages.ts";
import { apiTokens, contacts, type Event, events } from "../storage/schema.ts";
import { ACCESS_ENTITIES, isAccessEntity, isOfAccess } from "../record/entities.ts";
import { isByInstances } from "../record/events.ts";
import { EventTypes } from "./event-types.ts";

/** As long as the longest id, an e-mail address. */
const Id = Sought(254);

export const EventFilter = z.object({
  /** The id of what was changed: a license, a customer, … */
  entity: z.optional(Id),
  /** Who did it: ADMIN_TOKEN, a token's id, a person's e-mail address, an instance's id. */
  actor: z.optional(Id),
  /** A type, or a family of types: license.* */
  action: z.optional(EventTypes),
  /** Only what staff, instances, or the system did. */
  by: z.optional(z.enum(["staff", "instance", "system"])),
  /** From this instant on. */
  since: z.optional(Since),
  /** Up to but not including this instant. */
  until: z.optional(Until),
});

export type EventFilter = z.output<typeof EventFilter>;

/**
 * How far out of the order of time an event may be: clocks differ a little, and a request that waits for the database
 * keeps the time of its arrival.
 */
const DISORDER = 60 * SECOND;

/** The first event at or after an instant. Found by bisection, because ids have no gaps and time grows with them. */
const firstSince = (at: number): SQL => sql`(
  WITH RECURSIVE halves(low, high) AS (
    SELECT 1, coalesce((SELECT max(id) FROM events), 0) + 1
    UNION ALL
    SELECT iif(e.at < ${at}, e.id + 1, low), iif(e.at < ${at}, high, e.id)
    FROM halves JOIN events e ON e.id = (low + high) / 2 WHERE low < high
  )
  SELECT low FROM halves WHERE low >= high)`;

/** The condition for the best index for the filter; undefined if only a walk through the record can tell. */
function driverOf({ entity, actor, action }: EventFilter, staffOnly: boolean): SQL | undefined {
  if (entity !== undefined) return eq(events.entity_id, entity);
  if (actor !== undefined && staffOnly) return and(eq(events.actor_id, actor), notByInstance);
  if (action !== undefined && !isFamily(action) && !isByInstances(action))
    return and(eq(events.action, action), notByInstance);
  return undefined;
}

const notByInstance = ne(events.actor_type, sql.raw("'instance'"));

/**
 * Whether the index of what staff did can find an actor. Instances choose their own ids and may choose one that looks
 * like an e-mail address, so it counts as staff only if the index has it. Instances have no such index, because it
 * would cost each activation a write.
 */
async function isStaff({ db }: Context, actor: string, visible: SQL | undefined): Promise<boolean> {
  if (/^ADMIN_TOKEN$|^tok_[0-9A-HJKMNP-TV-Z]{26}$/.test(actor)) return true;
  if (!actor.includes("@")) return false;
  const known = db.orm.select({ id: events.id }).from(events);
  const found = await known.where(and(eq(events.actor_id, actor), notByInstance, visible)).limit(1);
  return found.length > 0;
}

/** What everybody may see: all events except those of access. */
const NOT_OF_ACCESS = sql`${events.entity_type} NOT IN ${ACCESS_ENTITIES}`;

/** Whether the actor may see events of this action. */
export const isShown = (context: Context, action: string): boolean =>
  allows(context, "access") || !isOfAccess(action);

/** All types with the same beginning: license.* */
const isFamily = (action: string): boolean => action.endsWith(".*");

const isOfType = (event: Event, action: string): boolean =>
  isFamily(action) ? event.action.startsWith(action.slice(0, -1)) : event.action === action;

/** How many events a page looks at for those of staff: instances may have caused nearly all. */
const MAX_WALK = 400;

/** How many tokens of one name are looked for: the present one and those that it followed. */
const MAX_NAMED = 5;

/** The tokens with this name or this beginning, the latest first. For owners. */
async function tokensNamed({ db }: Context, text: string): Promise<string[]> {
  const found = await db.orm
    .select({ id: apiTokens.id })
    .from(apiTokens)
    .where(sql`${apiTokens.name} = ${text} COLLATE NOCASE OR ${apiTokens.prefix} = ${text.replace(/…$/, "")}`)
    .orderBy(sql`${apiTokens.id} DESC`)
    .limit(MAX_NAMED);
  return found.map(({ id }) => id);
}

/** The events of several actors of staff, before an event: of each no more than a page looks at. */
const ofActors = (ids: string[], before: number, scan: number): SQL => {
  const each = ids.map(
    (id) => sql`SELECT id FROM (
      SELECT id FROM events WHERE actor_id = ${id} AND actor_type <> 'instance' AND id < ${before}
      ORDER BY id DESC LIMIT ${scan})`,
  );
  return sql`${events.id} IN (${sql.join(each, sql` UNION ALL `)})`;
};

function belongs(event: Event, { entity, actor, action, by, since, until }: EventFilter): boolean {
  return (
    (entity === undefined || event.entity_id === entity) &&
    // Instance ids were once stored exactly as they were sent.
    (actor === undefined ||
      event.actor_id === actor ||
      instanceIdOf(event.actor_id) === instanceIdOf(actor)) &&
    (action === undefined || isOfType(event, action)) &&
    (by === undefined || event.actor_type === by) &&
    (since === undefined || event.at >= since) &&
    (until === undefined || event.at < until)
  );
}

/** An event and what its actor is called: null where the id says it, or nobody is there any more. */
export interface NamedEvent extends Event {
  actor_name: string | null;
}

// Contacts have ids of ours, and tokens have names that owners may see; revoked tokens stay in their table. This costs
// one more row for each of their events, but no round trip.
const CONTACT_NAME = sql`WHEN 'customer' THEN
  (SELECT coalesce(name, email) FROM ${contacts} WHERE id = ${events.actor_id})`;
const TOKEN_NAME = sql`WHEN 'staff' THEN iif(${events.actor_id} LIKE 'tok\\_%' ESCAPE '\\',
  (SELECT name FROM ${apiTokens} WHERE id = ${events.actor_id}), NULL)`;

const namesFor = (context: Context) =>
  sql<string | null>`CASE ${events.actor_type} ${CONTACT_NAME}
    ${allows(context, "access") ? TOKEN_NAME : sql``} END`.as("actor_name");

const NO_NAME = sql<string | null>`NULL`.as("actor_name");

/**
 * A page of events. Looks at a bounded number of rows, so a page may be short and still have a next one. Events of
 * access and the names of tokens are shown to owners only: for others, a filter by them finds nothing.
 * @param names whether to read the names of tokens, too; then `actor` may be the name or the beginning of a token
 */
export async function listEvents(
  context: Context,
  request: PageRequest,
  filter: EventFilter,
  names?: "with names",
): Promise<Page<NamedEvent>> {
  allow(context, "read");
  const all = allows(context, "access");
  const list = await openList(context, "events", request, filter);
  if (filter.action !== undefined && !isShown(context, filter.action)) return NOTHING;
  // With an index, the query leaves them out, so that not even a cursor reveals them; without one, the walk skips them.
  const visible = all ? undefined : NOT_OF_ACCESS;
  const { actor } = filter;
  const isName = names && all && actor !== undefined && !/^ADMIN_TOKEN$|^tok_|@/.test(actor);
  const named = isName ? await tokensNamed(context, actor) : [];
  const byStaff =
    named.length === 0 && filter.actor !== undefined && (await isStaff(context, filter.actor, visible));
  const before = Number(list.after?.[0] ?? Number.MAX_SAFE_INTEGER);
  const { since, until } = filter;
  const isNamed = named.length > 0;
  // Enough for a whole page where all rows match, or where not too many in between are hidden.
  const walk = Math.max(filter.by ? MAX_WALK : MAX_SCAN, request.limit + (all ? 1 : MAX_SCAN));
  const driver = isNamed ? ofActors(named, before, walk) : driverOf(filter, byStaff);
  const filters = Object.values(filter).filter((value) => value !== undefined).length;
  // If the query returns only matching rows, one page of rows is enough.
  const exact = filters === (driver ? 1 : 0) && (all || driver !== undefined);
  const scan = exact ? request.limit + 1 : walk;
  const rows = await context.db.orm
    .select({ ...getTableColumns(events), actor_name: names ? namesFor(context) : NO_NAME })
    .from(events)
    .where(
      and(
        driver,
        driver && visible,
        lt(events.id, before),
        driver || since === undefined ? undefined : sql`${events.id} >= ${firstSince(since - DISORDER)}`,
        driver || until === undefined ? undefined : sql`${events.id} < ${firstSince(until + DISORDER)}`,
      ),
    )
    .orderBy(sql`${events.id} DESC`)
    .limit(scan);
  return list.page(
    rows,
    scan,
    (row) => [row.id],
    (row) =>
      (all || !isAccessEntity(row.entity_type)) &&
      belongs(row, isNamed ? { ...filter, actor: undefined } : filter) &&
      (!isNamed || named.includes(row.actor_id)),
  );
}

const REQUEST_ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** An event with the customer that it is about. */
export interface TitledEvent extends NamedEvent {
  customer_name: string | null;
}

const CUSTOMER_NAME = sql<string | null>`CASE ${events.entity_type}
  WHEN 'license' THEN (SELECT coalesce(c.company, c.name) FROM licenses l JOIN customers c ON c.id = l.customer_id
    WHERE l.id = ${events.entity_id})
  WHEN 'customer' THEN (SELECT coalesce(company, name) FROM customers WHERE id = ${events.entity_id}) END`.as(
  "customer_name",
);

/** The latest events that everybody may see, among so many, with all names; in one statement. */
export async function latestEvents(context: Context, among: number, limit: number): Promise<TitledEvent[]> {
  allow(context, "read");
  return context.db.orm
    .select({
      ...getTableColumns(events),
      actor_name: namesFor(context),
      customer_name: CUSTOMER_NAME,
    })
    .from(events)
    .where(and(sql`${events.id} > (SELECT coalesce(max(id), 0) - ${among} FROM events)`, NOT_OF_ACCESS))
    .orderBy(sql`${events.id} DESC`)
    .limit(limit);
}

/** Among how many of the latest events a request is looked for: an index would cost each change a write. */
const RECENT = 5_000;

/** What a request did, lately, by the id that its answer and its log line have. */
export async function eventsOfRequest(context: Context, id: string, limit: number): Promise<NamedEvent[]> {
  allow(context, "read");
  if (!REQUEST_ID.test(id)) return [];
  const all = allows(context, "access");
  return context.db.orm
    .select({ ...getTableColumns(events), actor_name: namesFor(context) })
    .from(events)
    .where(
      and(
        sql`${events.id} > (SELECT coalesce(max(id), 0) - ${RECENT} FROM events)`,
        eq(events.request_id, id.toLowerCase()),
        all ? undefined : NOT_OF_ACCESS,
      ),
    )
    .orderBy(sql`${events.id} DESC`)
    .limit(limit);
}

const NOTHING: Page<never> = { data: [], next_cursor: null };

/** An event as the API shows it, and as it is sealed. */
export const presentEvent = ({
  actor_type,
  actor_id,
  actor_name: _forPeople,
  entity_type,
  entity_id,
  ...event
}: Event & Partial<NamedEvent>) => ({
  ...event,
  at: formatInstant(event.at),
  actor: { type: actor_type, id: actor_id },
  entity: { type: entity_type, id: entity_id },
});
