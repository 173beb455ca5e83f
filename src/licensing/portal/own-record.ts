// What happened to what is the customer's, the latest first: nothing of what staff noted or ordered for later.
import { and, desc, eq, lt, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { allowOnSite } from "../../kernel/permissions.ts";
import type { EventAction } from "../../record/catalogue.ts";
import { contacts, events } from "../../storage/schema.ts";
import { ownLicense } from "./own.ts";

/** Events on a page. */
const ON_A_PAGE = 50;

/** What a customer is told of a license, and of itself. Whatever is not here is the vendor's own business. */
export const TOLD_OF_LICENSES = [
  "activation.created",
  "activation.ended",
  "activation.freed",
  "activation.lapsed",
  "entitlement.ended",
  "instance.clone_suspected",
  "instance.key_replaced",
  "instance.silent",
  "license.changed",
  "license.expired",
  "license.expiring",
  "license.grace_started",
  "license.issued",
  "license.key_revealed",
  "license.mailed",
  "license.overused",
  "license.reinstated",
  "license.reissued",
  "license.renewed",
  "license.revoked",
  "license.suspended",
  "license.transferred",
  "seats.exhausted",
  "statement.closed",
  "usage.corrected",
] as const satisfies EventAction[];

export const TOLD_OF_CUSTOMERS = [
  "contact.changed",
  "contact.created",
  "contact.deleted",
  "contact.signed_in",
  "customer.signed_out",
  "customer_request.accepted",
  "customer_request.created",
  "customer_request.declined",
] as const satisfies EventAction[];

export interface OwnEvent {
  id: number;
  at: number;
  action: EventAction;
  actor_type: string;
  /** The contact who did it; null if it is none, or gone. */
  by: string | null;
  /** The installation that it is about. */
  instance_id: string | null;
}

/**
 * A page of what happened to the customer, or to one of its licenses.
 * @param before events before this one; 0: the latest
 * @throws Problem LICENSE_NOT_FOUND
 */
export async function ownEvents(
  context: Context,
  licenseId: string | null,
  before = 0,
): Promise<{ rows: OwnEvent[]; next: number | null }> {
  const { customerId } = allowOnSite(context, licenseId === null ? "contacts" : "seats");
  if (licenseId !== null) await ownLicense(context, licenseId);
  const told: readonly string[] = licenseId === null ? TOLD_OF_CUSTOMERS : TOLD_OF_LICENSES;
  const found = await context.db.orm
    .select({
      id: events.id,
      at: events.at,
      action: sql<EventAction>`${events.action}`.as("action"),
      actor_type: events.actor_type,
      by: sql<string | null>`(SELECT coalesce(c.name, c.email) FROM ${contacts} c
        WHERE c.id = ${events.actor_id} AND c.customer_id = ${customerId})`.as("by"),
      instance_id: sql<string | null>`${events.detail} ->> 'instance_id'`.as("instance_id"),
    })
    .from(events)
    .where(
      and(
        eq(events.entity_id, licenseId ?? customerId),
        eq(events.entity_type, licenseId === null ? "customer" : "license"),
        lt(events.id, before === 0 ? Number.MAX_SAFE_INTEGER : before),
        sql`${events.action} IN (SELECT value FROM json_each(${JSON.stringify(told)}))`,
      ),
    )
    .orderBy(desc(events.id))
    .limit(ON_A_PAGE + 1);
  const rows = found.slice(0, ON_A_PAGE);
  return { rows, next: found.length > ON_A_PAGE ? (rows.at(-1)?.id ?? null) : null };
}
