// Ordering a change of a license for a later time, and what staff do with such orders.
import { and, asc, desc, eq, lt, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { addDuration } from "../../kernel/calendar.ts";
import { openList, type Page, type PageRequest } from "../../kernel/pages.ts";
import { allow } from "../../kernel/permissions.ts";
import { assertMatch, MAX_ATTEMPTS, overtaken } from "../../kernel/resources.ts";
import { invalid, Problem } from "../../problems.ts";
import { recordableChanges } from "../../record/personal.ts";
import { type License, licenses, type PendingChange, pendingChanges } from "../../storage/schema.ts";
import { assertAllowed, type Action, moveOf } from "./lifecycle.ts";
import { endFault, unknownLicense } from "./licenses.ts";
import { inputAsSent, recordOutcome } from "./pending-rows.ts";

/** How far ahead a change can be ordered. */
const FARTHEST = "P2Y";

/** How many changes of one license can wait at the same time. */
const MAX_OPEN = 100;

/** @throws Problem REQUEST_INVALID for an instant that is not in the future, or more than two years away */
export function assertAhead(effectiveAt: number, now: number): void {
  if (effectiveAt <= now) throw invalid("effective_at", "Must be in the future");
  if (effectiveAt > addDuration(now, FARTHEST)) throw invalid("effective_at", "Must be within two years");
}

const STATUS_AFTER = { suspend: "suspended", reinstate: "active", revoke: "revoked" } as const;

/** The license as the changes that come before it will leave it, as far as can be told: its status and its customer. */
function licenseBy(license: License, open: PendingChange[], effectiveAt: number): License {
  let { status, customer_id } = license;
  for (const { action, input, effective_at } of open) {
    if (effective_at > effectiveAt || status === "revoked") continue;
    if (action === "suspend" || action === "reinstate" || action === "revoke") status = STATUS_AFTER[action];
    if (action === "transfer") customer_id = String(input["customer_id"]);
  }
  return { ...license, status, customer_id };
}

const openOf = ({ db }: Context, id: string) =>
  db.orm
    .select()
    .from(pendingChanges)
    .where(and(eq(pendingChanges.license_id, id), sql`status IN ('pending', 'held')`))
    .orderBy(asc(pendingChanges.effective_at), asc(pendingChanges.id));

/** The license, and its open changes. */
async function readOpen(context: Context, id: string) {
  const { orm } = context.db;
  const [[license], open] = await orm.batch([
    orm.select().from(licenses).where(eq(licenses.id, id)),
    openOf(context, id),
  ]);
  if (!license) throw unknownLicense(id);
  return { license, open };
}

/**
 * Orders a change for a later time. It is decided then; what would be refused already now is refused.
 * @param ifMatch counts now only
 * @param lastOrder the last order that the caller saw, if nothing may have been ordered since
 * @throws Problem as the change itself, and REQUEST_INVALID at `effective_at`; CONFLICT if too many wait already
 */
export async function orderChange(
  context: Context,
  id: string,
  ordered: Action,
  effectiveAt: number,
  ifMatch?: string,
  lastOrder = LAST_ORDER,
): Promise<PendingChange> {
  const staff = allow(context, "licenses");
  const { db } = context;
  assertAhead(effectiveAt, context.clock.now());
  const { decide, also } = await moveOf(context, ordered);
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const { license, open } = await readOpen(context, id);
    assertMatch(license, ifMatch);
    assertSeen(open, lastOrder);
    const then = licenseBy(license, open, effectiveAt);
    assertAllowed(then, ordered.action);
    const wanted = { ...then, ...decide(then, effectiveAt) };
    const fault = endFault(wanted, 0);
    if (fault !== null) throw invalid("expires_at", fault);
    // Written then. A mail to nobody is refused now.
    await also?.(wanted, then);
    if (open.length >= MAX_OPEN) {
      throw new Problem("CONFLICT", `${MAX_OPEN} changes of this license wait already.`);
    }
    // Those of one license lie in the order in which they were ordered, also within one millisecond.
    const now = Math.max(context.clock.now(), ...open.map(({ ordered_at }) => ordered_at + 1));
    const row: PendingChange = {
      id: `chg_${context.ids.ulid(now)}`,
      license_id: id,
      action: ordered.action,
      effective_at: effectiveAt,
      input: inputAsSent(ordered.input),
      status: "pending",
      detail: null,
      ordered_by: staff.id,
      ordered_at: now,
      released_by: null,
      held_by: then.customer_id,
      overtaken_by: null,
      updated_at: now,
    };
    const [inserted] = await db.batch([
      db.sql(
        `INSERT INTO pending_changes
           (id, license_id, action, effective_at, input, status, ordered_by, ordered_at, held_by, updated_at)
         SELECT ?1, ?2, ?3, ?4, ?5, 'pending', ?6, ?7, ?8, ?7
         WHERE EXISTS (SELECT 1 FROM licenses WHERE id = ?2 AND version = ?9)
           AND (SELECT count(*) FROM pending_changes WHERE license_id = ?2 AND status IN ('pending', 'held')) < ?10
           AND NOT EXISTS (SELECT 1 FROM pending_changes
             WHERE license_id = ?2 AND id > ?11 AND status IN ('pending', 'held'))`,
        row.id,
        id,
        row.action,
        effectiveAt,
        JSON.stringify(row.input),
        staff.id,
        now,
        row.held_by,
        license.version,
        MAX_OPEN,
        lastOrder,
      ),
      recordOutcome(context, now, "ordered", row, { input: recordableChanges(row.input) }),
    ]);
    if (inserted?.meta.changes !== 0) return row;
  }
  throw overtaken(ifMatch);
}

/** Behind the id of every order. */
const LAST_ORDER = "~";

/** The order that was made last; without any, what is before all. */
export const lastOrderOf = (open: PendingChange[]): string =>
  open.map(({ id }) => id).reduce((last, id) => (id > last ? id : last), "chg_");

function assertSeen(open: PendingChange[], lastOrder: string): void {
  if (open.some(({ id }) => id > lastOrder)) throw new Problem("PRECONDITION_FAILED");
}

/** @throws Problem PRECONDITION_FAILED if something waits that was ordered after `lastOrder` */
export async function assertNothingOrdered(context: Context, id: string, lastOrder?: string): Promise<void> {
  if (lastOrder !== undefined) assertSeen(await openOf(context, id), lastOrder);
}

/** The changes ordered for a license, the last ordered first. @throws Problem LICENSE_NOT_FOUND */
export async function listPendingChanges(
  context: Context,
  id: string,
  request: PageRequest,
): Promise<Page<PendingChange>> {
  allow(context, "read");
  const { orm } = context.db;
  const list = await openList(context, "pending-changes", request, { id });
  const [[license], rows] = await orm.batch([
    orm.select({ id: licenses.id }).from(licenses).where(eq(licenses.id, id)),
    orm
      .select()
      .from(pendingChanges)
      .where(and(eq(pendingChanges.license_id, id), lt(pendingChanges.id, String(list.after?.[0] ?? "~"))))
      .orderBy(desc(pendingChanges.id))
      .limit(request.limit + 1),
  ]);
  if (!license) throw unknownLicense(id);
  return list.page(rows, request.limit + 1, (row) => [row.id]);
}

/** The changes of a license that are pending or held, all of them, in the order in which they are carried out. */
export async function listOpenChanges(context: Context, id: string): Promise<PendingChange[]> {
  allow(context, "read");
  return openOf(context, id);
}

/** @throws Problem NOT_FOUND */
export async function getPendingChange(
  context: Context,
  licenseId: string,
  id: string,
): Promise<PendingChange> {
  allow(context, "read");
  const [row] = await context.db.orm
    .select()
    .from(pendingChanges)
    .where(and(eq(pendingChanges.id, id), eq(pendingChanges.license_id, licenseId)));
  if (!row) throw new Problem("NOT_FOUND", `The license has no change ${id}.`);
  return row;
}

/** Takes a change back that is pending or held. @throws Problem NOT_FOUND, CONFLICT if it was carried out or failed */
export async function cancelChange(context: Context, licenseId: string, id: string): Promise<void> {
  allow(context, "licenses");
  const { db } = context;
  const row = await getPendingChange(context, licenseId, id);
  const now = context.clock.now();
  const [cancelled] = await db.batch([
    db.sql(
      "UPDATE pending_changes SET status = 'cancelled', updated_at = ? WHERE id = ? AND status IN ('pending', 'held')",
      now,
      id,
    ),
    recordOutcome(context, now, "cancelled", row),
  ]);
  if (cancelled?.meta.changes !== 0) return;
  const { status } = await getPendingChange(context, licenseId, id);
  if (status !== "cancelled") throw new Problem("CONFLICT", `The change is ${status}.`);
}

/**
 * Lets a change that is held go on: the next trigger carries it out, or its own time if that is later. From now on the
 * permission of whoever releases it counts, and the license as it is now.
 * @throws Problem NOT_FOUND, CONFLICT if it is not held
 */
export async function releaseChange(context: Context, licenseId: string, id: string): Promise<PendingChange> {
  const staff = allow(context, "licenses");
  const { db } = context;
  const row = await getPendingChange(context, licenseId, id);
  const now = context.clock.now();
  const [released] = await db.batch([
    db.sql(
      `UPDATE pending_changes SET status = 'pending', detail = NULL, overtaken_by = NULL, released_by = ?1,
         held_by = (SELECT customer_id FROM licenses WHERE id = license_id), updated_at = ?2
       WHERE id = ?3 AND status = 'held'`,
      staff.id,
      now,
      id,
    ),
    recordOutcome(context, now, "released", row),
  ]);
  const current = await getPendingChange(context, licenseId, id);
  if (released?.meta.changes === 0) throw new Problem("CONFLICT", `The change is ${current.status}.`);
  return current;
}
