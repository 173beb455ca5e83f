// The append-only record of what happened. An event is a statement in the batch of the change it tells of,
// so there is never one without the other.
import type { Context } from "../context.ts";
import type { SqlValue } from "../storage/database.ts";

export interface Entity {
  type: "customer" | "license";
  id: string;
}

/** What the event waits for; `changes() > 0`: that the statement before it in the batch changed a row. */
interface Condition {
  sql: string;
  /** Bound from ?10 on. */
  values: SqlValue[];
}

const IF_CHANGED: Condition = { sql: "changes() > 0", values: [] };

export const INSERT_EVENT =
  "INSERT INTO events (at, action, entity_type, entity_id, actor_type, actor_id, request_id, ip, detail)";

/**
 * A statement that records the change made by the statement right before it in the batch, and records
 * nothing where that one changed no row (the rule it carries refused it).
 *
 * @param detail what changed; must hold no key, token or certificate
 * @param condition replaces the check for a changed row where that says too little
 */
export function recordChange(
  context: Context,
  at: number,
  action: string,
  entity: Entity,
  detail: Record<string, unknown>,
  condition: Condition = IF_CHANGED,
): D1PreparedStatement {
  const { actor } = context;
  return context.db.sql(
    `${INSERT_EVENT} SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9 WHERE ${condition.sql}`,
    at,
    action,
    entity.type,
    entity.id,
    actor.type,
    actor.id,
    context.requestId,
    context.ip,
    JSON.stringify(detail),
    ...condition.values,
  );
}
