// What staff should look at today: a few of each kind, at a cost that does not grow with what there is.
import { and, asc, desc, eq, gt, isNotNull, lte, sql } from "drizzle-orm";
import { allow } from "../access/permissions.ts";
import type { Context } from "../context.ts";
import { activations, customers, events, licenses, messages } from "../storage/schema.ts";
import { DAY } from "./dates.ts";
import { standingOf } from "./standing.ts";

/** As many of each kind; the lists have all of them. */
const SHOWN = 6;

/** An instance that holds a seat and was not heard of for so long is silent. */
export const SILENT_DAYS = 3;

/** Nothing has an index by when it was last seen: that would cost each check-in a write. So a look at some. */
const LOOKED_AT = 2_000;
const ENDED_LOOKED_AT = 100;

export async function readAttention(context: Context) {
  allow(context, "read");
  const now = context.clock.now();
  const { orm } = context.db;
  const license = {
    id: licenses.id,
    customer_id: licenses.customer_id,
    customer_name: sql<string>`${customers.name}`.as("customer_name"),
    license_type: licenses.license_type,
    status: licenses.status,
    starts_at: licenses.starts_at,
    expires_at: licenses.expires_at,
    grace_days: licenses.grace_days,
  };
  const isActive = sql`${licenses.status} || '' = 'active'`;
  const seat = {
    id: activations.id,
    license_id: activations.license_id,
    instance_id: activations.instance_id,
    hostname: activations.hostname,
    last_seen_at: activations.last_seen_at,
  };
  const some = orm.select().from(activations).limit(LOOKED_AT).as("some");
  const [expiring, ended, overused, clones, silent, bounced, failed] = await orm.batch([
    orm
      .select(license)
      .from(licenses)
      .innerJoin(customers, eq(customers.id, licenses.customer_id))
      .where(and(gt(licenses.expires_at, now), lte(licenses.expires_at, now + 30 * DAY), isActive))
      .orderBy(asc(licenses.expires_at))
      .limit(SHOWN),
    // The latest to end are the ones that may be in their grace.
    orm
      .select(license)
      .from(licenses)
      .innerJoin(customers, eq(customers.id, licenses.customer_id))
      .where(and(lte(licenses.expires_at, now), isActive))
      .orderBy(desc(licenses.expires_at))
      .limit(ENDED_LOOKED_AT),
    orm
      .select({
        at: events.at,
        license_id: sql<string>`${events.entity_id}`.as("license_id"),
        license_type: licenses.license_type,
        customer_name: customers.name,
      })
      .from(events)
      .innerJoin(licenses, eq(licenses.id, events.entity_id))
      .innerJoin(customers, eq(customers.id, licenses.customer_id))
      .where(
        // The index holds what instances did not do themselves.
        and(eq(events.action, "license.overused"), sql`${events.actor_type} <> 'instance'`),
      )
      .orderBy(sql`${events.id} DESC`)
      .limit(SHOWN),
    orm
      .select({ ...seat, clone_suspected_at: activations.clone_suspected_at })
      .from(activations)
      .where(and(isNotNull(activations.clone_suspected_at), eq(activations.ended_at, 0)))
      .orderBy(sql`${activations.clone_suspected_at} DESC`)
      .limit(SHOWN),
    orm
      .select({
        id: some.id,
        license_id: some.license_id,
        instance_id: some.instance_id,
        hostname: some.hostname,
        last_seen_at: some.last_seen_at,
      })
      .from(some)
      .where(
        and(
          eq(some.ended_at, 0),
          gt(some.lease_expires_at, now),
          lte(some.last_seen_at, now - SILENT_DAYS * DAY),
        ),
      )
      .orderBy(asc(some.last_seen_at))
      .limit(SHOWN),
    undelivered(context, "bounced"),
    undelivered(context, "failed"),
  ]);
  return {
    /** Ending within 30 days, or over and running on in their grace: not renewed, either way. */
    ending: [
      ...ended
        .filter((row) => standingOf(row, now) === "grace")
        .slice(0, SHOWN)
        .toReversed(),
      ...expiring,
    ].map((row) => Object.assign(row, { standing: standingOf(row, now) })),
    overused: overused.filter(({ at }) => at > now - 7 * DAY),
    clones,
    silent,
    undelivered: [...bounced, ...failed],
  };
}

const undelivered = ({ db }: Context, status: "bounced" | "failed") =>
  db.orm
    .select({
      id: messages.id,
      kind: messages.kind,
      status: messages.status,
      recipient: messages.recipient,
      updated_at: messages.updated_at,
    })
    .from(messages)
    .where(eq(messages.status, status))
    .orderBy(sql`${messages.id} DESC`)
    .limit(SHOWN);
