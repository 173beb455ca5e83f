// The append-only record of what happened. An event is a statement in the batch of its change, so there is never one
// without the other.
import type { Context } from "../context.ts";
import type { SqlValue } from "../storage/database.ts";
import type { EventAction } from "./catalogue.ts";
import type { EntityType } from "./entities.ts";

/**
 * How the actions that instances cause begin. Their number grows with the number of instances, so they have no index
 * by action.
 */
const BY_INSTANCES = ["activation.", "instance."];

export const isByInstances = (action: string): boolean =>
  BY_INSTANCES.some((beginning) => action.startsWith(beginning));

/** An SQL expression and its bound values, over the rows that `occasion` names. */
interface Expression {
  sql: string;
  /** Bound to the anonymous parameters of `sql`. */
  values: SqlValue[];
}

/** The default condition of an event. */
const IF_CHANGED: Expression = { sql: "WHERE changes() > 0", values: [] };

/**
 * A statement that records the change made by the statement right before it in the batch. It records nothing if that
 * statement changed no row, because its own rule refused the change.
 *
 * @param entityId the id, or an expression
 * @param detail what changed, as JSON or an expression; must hold no key, token or certificate, and no value of a
 *   personal member (personal.ts)
 * @param occasion replaces the check for a changed row: a WHERE, or a FROM to record several rows at once
 */
export function recordChange(
  context: Context,
  at: number,
  action: EventAction,
  [entityType, entityId]: [EntityType, string | Expression],
  detail: Record<string, unknown> | Expression,
  occasion: Expression = IF_CHANGED,
): D1PreparedStatement {
  const { actor, db, requestId, ip } = context;
  const entity = typeof entityId === "string" ? { sql: "?", values: [entityId] } : entityId;
  const told = isExpression(detail) ? detail : { sql: "?", values: [JSON.stringify(detail)] };
  return db.sql(
    `INSERT INTO events (at, action, entity_type, entity_id, actor_type, actor_id, request_id, ip, detail)
     SELECT ?, ?, ?, ${entity.sql}, ?, ?, ?, ?, ${told.sql} ${occasion.sql}`,
    at,
    action,
    entityType,
    ...entity.values,
    actor.type,
    actor.id,
    requestId,
    // Where staff worked from is said; where customers' machines run is not.
    actor.type === "staff" ? ip : null,
    ...told.values,
    ...occasion.values,
  );
}

const isExpression = (detail: Record<string, unknown> | Expression): detail is Expression =>
  typeof detail["sql"] === "string" && Array.isArray(detail["values"]);
