// What staff should look at today: a few of each kind, at a cost that does not grow with the data.
import { and, eq, isNotNull, sql } from "drizzle-orm";
import { allow } from "../../kernel/permissions.ts";
import type { Context } from "../../context.ts";
import type { Database } from "../../storage/database.ts";
import { activations, customers, events, type License, licenses, messages } from "../../storage/schema.ts";
import { DAY, LAST_INSTANT } from "../../kernel/dates.ts";
import { readSilent } from "../instances/silence.ts";
import { failedChanges, openChanges } from "../licenses/pending-rows.ts";
import { standingOf } from "../licenses/standing.ts";
import { QUIET } from "../seats/seat-rules.ts";
import { type WaitingDay, waitingDays } from "../usage/refusing.ts";
import { MAX_GRACE_DAYS } from "../licenses/terms.ts";

/** How many of each kind are shown; the lists have all of them. */
const SHOWN = 6;

/** How many licenses are read on either side of now, whatever their status. */
const LOOKED_AT = 100;

interface Ending extends Pick<
  License,
  "id" | "customer_id" | "license_type" | "status" | "starts_at" | "expires_at" | "grace_days"
> {
  customer_name: string;
}

/** From a walk along the ends: licenses that still let instances run. Only for these, the customer's name is read. */
const ending = (range: string, order: "ASC" | "DESC"): string => `
  SELECT found.*, coalesce(c.company, c.name) AS customer_name
  FROM (
    SELECT *
    FROM (
      SELECT id, customer_id, license_type, status, starts_at, expires_at, grace_days
      FROM licenses WHERE ${range} ORDER BY expires_at ${order} LIMIT ${LOOKED_AT}
    )
    WHERE status = 'active' AND expires_at + grace_days * ${DAY} > ?1
    ORDER BY expires_at ${order} LIMIT ${SHOWN}
  ) found
  CROSS JOIN customers c ON c.id = found.customer_id
  ORDER BY found.expires_at`;

const EXPIRING = ending(`expires_at > ?1 AND expires_at <= ?1 + ${30 * DAY}`, "ASC");

const IN_GRACE = ending(`expires_at <= ?1 AND expires_at > ?1 - ${MAX_GRACE_DAYS * DAY}`, "DESC");

export async function readAttention(context: Context) {
  allow(context, "read");
  const { db } = context;
  const now = context.clock.now();
  const [silent, [inGrace, expiring, waiting], others, held, refused] = await Promise.all([
    readSilent(context, SHOWN),
    db.batch([db.sql(IN_GRACE, now), db.sql(EXPIRING, now), waitingDays(context, now, SHOWN)]),
    readOthers(context),
    openChanges(context, "held", LAST_INSTANT, SHOWN),
    failedChanges(context, now - 7 * DAY, SHOWN),
  ]);
  const [overused, clones, scattered, bounced, failed] = others;
  return {
    /** Not renewed, and either over but still in grace, or ending within 30 days. */
    ending: [...inGrace!.results, ...expiring!.results].map((found) => {
      const row = found as unknown as Ending;
      return Object.assign(row, { standing: standingOf(row, now) });
    }),
    overused: overused.filter(({ at }) => at > now - 7 * DAY),
    /** Days of usage that may be a mistake. */
    waiting: waiting!.results as unknown as WaitingDay[],
    clones: clones.filter(({ clone_suspected_at: at }) => (at ?? 0) > now - QUIET),
    /** Seats that were requested without proof from two or more addresses. */
    scattered: scattered.filter(({ scattered_at: at }) => (at ?? 0) > now - QUIET),
    silent,
    undelivered: [...bounced, ...failed],
    /** Changes to come that wait for a decision, and those of the last week that were refused when their time came. */
    stuck: [...held, ...refused],
  };
}

const readOthers = ({ db: { orm } }: Context) =>
  orm.batch([
    orm
      .select({
        at: events.at,
        license_id: sql<string>`${events.entity_id}`.as("license_id"),
        license_type: licenses.license_type,
        customer_name: sql<string>`coalesce(${customers.company}, ${customers.name})`.as("customer_name"),
      })
      .from(events)
      .innerJoin(licenses, eq(licenses.id, events.entity_id))
      .innerJoin(customers, eq(customers.id, licenses.customer_id))
      .where(
        // The index leaves out events that instances caused.
        and(eq(events.action, "license.overused"), sql`${events.actor_type} <> 'instance'`),
      )
      .orderBy(sql`${events.id} DESC`)
      .limit(SHOWN),
    orm
      .select({
        id: activations.id,
        instance_id: activations.instance_id,
        hostname: activations.hostname,
        clone_suspected_at: activations.clone_suspected_at,
      })
      .from(activations)
      .where(and(isNotNull(activations.clone_suspected_at), eq(activations.ended_at, 0)))
      .orderBy(sql`${activations.clone_suspected_at} DESC`)
      .limit(SHOWN),
    orm
      .select({
        id: activations.id,
        instance_id: activations.instance_id,
        hostname: activations.hostname,
        scattered_at: activations.scattered_at,
      })
      .from(activations)
      .where(and(isNotNull(activations.scattered_at), eq(activations.ended_at, 0)))
      .orderBy(sql`${activations.scattered_at} DESC`)
      .limit(SHOWN),
    undelivered(orm, "bounced"),
    undelivered(orm, "failed"),
  ]);

const undelivered = (orm: Database["orm"], status: "bounced" | "failed") =>
  orm
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
