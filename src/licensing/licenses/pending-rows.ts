// Changes of licenses that were agreed for a later time, as rows.
import { and, desc, eq, gt, lte, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { formatInstant } from "../../kernel/dates.ts";
import type { EntitlementsInput } from "../entitlements/values.ts";
import { recordChange } from "../../record/events.ts";
import { type License, type PendingChange, pendingChanges } from "../../storage/schema.ts";

export type Outcome = "ordered" | "done" | "failed" | "held" | "released" | "cancelled";

/** The members of an input that are instants: numbers inside, RFC 3339 outside. */
const INSTANTS = new Set(["expires_at", "starts_at", "updates_until"]);

/** An input as a request brings it, which is how it is kept and shown. */
export const inputAsSent = (input: object): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(input as Record<string, unknown>)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [
        name,
        name === "entitlements" ? entitlementsAsSent(value as EntitlementsInput) : asSent(name, value),
      ]),
  );

const entitlementsAsSent = (input: EntitlementsInput) =>
  Object.fromEntries(
    Object.entries(input).map(([code, given]) => [
      code,
      given && { ...given, ...(given.until == null ? {} : { until: formatInstant(given.until) }) },
    ]),
  );

const asSent = (name: string, value: unknown): unknown =>
  typeof value === "number" && INSTANTS.has(name) ? formatInstant(value) : value;

export const presentPendingChange = (row: PendingChange) => ({
  id: row.id,
  license_id: row.license_id,
  action: row.action,
  effective_at: formatInstant(row.effective_at),
  input: row.input,
  status: row.status,
  detail: row.detail,
  ordered_by: row.ordered_by,
  ordered_at: formatInstant(row.ordered_at),
  released_by: row.released_by,
  updated_at: formatInstant(row.updated_at),
});

/**
 * Those of all licenses that are pending or held and take effect up to an instant, in the order in which they are
 * carried out.
 */
export const openChanges = (
  { db }: Pick<Context, "db">,
  status: "pending" | "held",
  until: number,
  limit: number,
) =>
  db.orm
    .select()
    .from(pendingChanges)
    .where(and(eq(pendingChanges.status, status), lte(pendingChanges.effective_at, until)))
    .orderBy(pendingChanges.effective_at, pendingChanges.id)
    .limit(limit);

/** Those that failed and should have taken effect after an instant, the latest first. */
export const failedChanges = ({ db }: Pick<Context, "db">, after: number, limit: number) =>
  db.orm
    .select()
    .from(pendingChanges)
    .where(and(eq(pendingChanges.status, "failed"), gt(pendingChanges.effective_at, after)))
    .orderBy(desc(pendingChanges.effective_at))
    .limit(limit);

/** That the change was not cancelled or carried out meanwhile. */
export const isPending = (id: string) =>
  sql`EXISTS (SELECT 1 FROM pending_changes WHERE id = ${id} AND status = 'pending')`;

/** The event of what became of a change, if the statement before it changed a row. */
export const recordOutcome = (
  context: Context,
  now: number,
  outcome: Outcome,
  row: Pick<PendingChange, "id" | "license_id" | "action" | "effective_at">,
  more: Record<string, unknown> = {},
): D1PreparedStatement =>
  recordChange(context, now, `pending_change.${outcome}`, ["license", row.license_id], {
    pending_change_id: row.id,
    action: row.action,
    effective_at: formatInstant(row.effective_at),
    ...more,
  });

/**
 * Settles a change in the batch that carried it out, right after the license's own event. Changes that were ordered later
 * were ordered with this one in view, so they are not overtaken by it.
 */
export const settleDone = (context: Context, row: PendingChange, after: License): D1PreparedStatement[] => [
  context.db.sql(
    `UPDATE pending_changes SET
       status = iif(id = ?1, 'done', status),
       overtaken_by = iif(id = ?1, overtaken_by, NULL),
       updated_at = iif(id = ?1, ?2, updated_at)
     WHERE license_id = ?3 AND changes() > 0
       AND (id = ?1 AND status = 'pending' OR id > ?1 AND status = 'pending' AND overtaken_by = ?4)`,
    row.id,
    after.updated_at,
    row.license_id,
    after.version,
  ),
  recordOutcome(context, after.updated_at, "done", row),
];

/** Settles a change without changing its license. */
export async function settle(
  context: Context,
  row: PendingChange,
  outcome: "done" | "failed" | "held",
  detail: string | null,
): Promise<void> {
  const now = context.clock.now();
  await context.db.batch([
    context.db.sql(
      "UPDATE pending_changes SET status = ?, detail = ?, updated_at = ? WHERE id = ? AND status = 'pending'",
      outcome,
      detail,
      now,
      row.id,
    ),
    recordOutcome(context, now, outcome, row, detail === null ? {} : { reason: detail }),
  ]);
}
