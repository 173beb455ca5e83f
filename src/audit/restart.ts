// Beginning the seals anew where the chain is broken. The break stays visible for ever: it is signed, and each check
// names it.
import { and, desc, eq, lte, sql } from "drizzle-orm";
import type { Context } from "../context.ts";
import { allow } from "../kernel/permissions.ts";
import { Problem } from "../problems.ts";
import { recordChange } from "../record/events.ts";
import { type AuditSeal, auditSeals, events } from "../storage/schema.ts";
import { GENESIS, marksOver, MAX_EVENTS, type SealClaims } from "./chain.ts";
import { presentEvent } from "./event-list.ts";
import { highestKept } from "./heads.ts";
import { keep, writeSeal } from "./seals.ts";

/**
 * Begins a new segment with a seal after the last one whose events are there. Its number is higher than any that was
 * used, so that no head which is kept elsewhere is ever replaced.
 * @param above the highest number that somebody outside knows of
 * @throws Problem CONFLICT if somebody else made a seal meanwhile
 */
export async function restartSeals(context: Context, reason: string, above = 0): Promise<AuditSeal> {
  allow(context, "seals");
  const now = context.clock.now();
  for (let again = 0; again < ATTEMPTS; again++) {
    const seal = await unusedNumber(context, above);
    await context.db.batch([
      recordChange(context, now, "record.restarted", ["record", "seals"], { reason, seal }, ALWAYS),
    ]);
    const { claims, marks } = await firstOf(context, seal);
    const token = await writeSeal(context, claims, marks, now);
    if (token === null) continue;
    await keep(context, seal, token);
    const { from_id, up_to, head } = claims;
    return { id: seal, from_id, up_to, sealed_at: now, head, marks: "", token };
  }
  throw new Problem("CONFLICT", "Another seal was made meanwhile. Read the seals and decide anew.");
}

/** A forged seal may begin where this one would: the event that the next attempt records makes another beginning. */
const ATTEMPTS = 3;

/** Above all that the database and the bucket have. */
async function unusedNumber({ db, backups }: Context, above: number): Promise<number> {
  const [{ highest } = { highest: 0 }] = await db.orm
    .select({ highest: sql<number>`coalesce(max(${auditSeals.id}), 0)`.as("highest") })
    .from(auditSeals);
  const seal = Math.max(above, highest, backups ? await highestKept(backups) : 0) + 1;
  if (Number.isSafeInteger(seal)) return seal;
  throw new Problem("CONFLICT", `There is a seal ${highest}, which this service cannot have made.`);
}

const ALWAYS = { sql: "", values: [] };

/** The first seal of the segment. It covers at least the event that tells of it, or what comes before that. */
async function firstOf({ db }: Context, seal: number): Promise<{ claims: SealClaims; marks: string[] }> {
  const { orm } = db;
  const [[last], [taken], [whole]] = await orm.batch([
    orm
      .select({ id: auditSeals.id, up_to: auditSeals.up_to, head: auditSeals.head })
      .from(auditSeals)
      .where(and(sql`${auditSeals.id} > 0`, lte(auditSeals.up_to, sql`(SELECT max(id) FROM events)`)))
      .orderBy(desc(auditSeals.id))
      .limit(1),
    orm
      .select({ id: events.id })
      .from(events)
      .where(eq(events.entity_id, "seals"))
      .orderBy(desc(events.id))
      .limit(1),
    // The first event behind the last gap among those that no seal covers: one over a gap would never be valid.
    orm
      .select({ id: sql<number | null>`max(e.id)`.as("id") })
      .from(sql`${events} AS e`)
      .where(
        sql`e.id > (SELECT coalesce(max(up_to), 0) FROM audit_seals WHERE id > 0 AND up_to <= (SELECT max(id) FROM events))
          AND NOT EXISTS (SELECT 1 FROM events WHERE id = e.id - 1)`,
      ),
  ]);
  const after = last ?? { id: 0, up_to: 0, head: GENESIS };
  const [other] = await orm
    .select({ id: auditSeals.id })
    .from(auditSeals)
    .where(eq(auditSeals.from_id, after.up_to + 1));
  // A seal whose events are gone begins there already.
  const from_id = Math.max(other ? taken!.id : after.up_to + 1, whole?.id ?? 0);
  const rows = await orm
    .select()
    .from(events)
    .where(sql`${events.id} >= ${from_id}`)
    .orderBy(events.id)
    .limit(MAX_EVENTS);
  const marks = await marksOver(rows.map(presentEvent), after.head);
  return {
    claims: {
      seal,
      from_id,
      up_to: rows.at(-1)!.id,
      previous: after.head,
      head: marks.at(-1)!,
      after: after.id,
    },
    marks,
  };
}
