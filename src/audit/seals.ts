// Sealing the record: every night the events since the last seal are chained by hash, and the head is signed.
// Anybody who has a seal can tell whether an event before it was edited, removed or inserted later. Somebody who can
// only write to the database cannot make another seal.
import { and, desc, eq, gt, gte, lt, lte, sql } from "drizzle-orm";
import { allow } from "../kernel/permissions.ts";
import type { Context } from "../context.ts";
import { formatInstant, numericDate } from "../kernel/dates.ts";
import { openList, type Page, type PageRequest } from "../kernel/pages.ts";
import { Problem } from "../problems.ts";
import { type AuditSeal, auditSeals, events } from "../storage/schema.ts";
import { type ChainedEvent, GENESIS, hashOf, type SealClaims } from "./chain.ts";
import { presentEvent } from "./event-list.ts";

/** The most events that a seal covers: its marks, 64 bytes each, stay far below D1's limit of 2 MB per row. */
const MAX_EVENTS = 5_000;

/** The most seals that a run makes; the next run seals the rest. */
const MAX_SEALS = 200;

type Last = Pick<AuditSeal, "id" | "up_to" | "head">;

const NONE: Last = { id: 0, up_to: 0, head: GENESIS };

/** Seals the events since the last seal. Two runs at the same time make each seal only once. */
export async function sealEvents(context: Context, now: number): Promise<void> {
  for (let made = 0; made < MAX_SEALS; made++) {
    const { last, rows } = await unsealed(context);
    if (rows.length === 0) return;
    await writeSeal(context, last, rows, now);
    if (rows.length < MAX_EVENTS) return;
  }
}

async function unsealed({ db }: Context): Promise<{ last: Last; rows: ChainedEvent[] }> {
  const { orm } = db;
  const sealedUpTo = sql`(SELECT coalesce((SELECT up_to FROM audit_seals WHERE id > 0 ORDER BY id DESC LIMIT 1), 0))`;
  const [[last], rows] = await orm.batch([
    orm
      .select({ id: auditSeals.id, up_to: auditSeals.up_to, head: auditSeals.head })
      .from(auditSeals)
      .where(gt(auditSeals.id, 0))
      .orderBy(desc(auditSeals.id))
      .limit(1),
    orm
      .select()
      .from(events)
      .where(sql`${events.id} > ${sealedUpTo}`)
      .orderBy(events.id)
      .limit(MAX_EVENTS),
  ]);
  return { last: last ?? NONE, rows: rows.map(presentEvent) };
}

async function writeSeal(context: Context, last: Last, rows: ChainedEvent[], now: number): Promise<void> {
  const { db, keyring, config } = context;
  let head = last.head;
  let marks = "";
  for (const event of rows) {
    head = await hashOf(head, event);
    marks += head;
  }
  const claims: SealClaims = {
    seal: last.id + 1,
    from_id: last.up_to + 1,
    up_to: rows.at(-1)!.id,
    previous: last.head,
    head,
  };
  const token = await keyring.sign("audit-seal+jwt", {
    iss: config.issuer,
    iat: numericDate(now),
    ...claims,
  });
  await db.batch([
    db.sql(
      // If two runs make the same seal, the slower one changes nothing.
      `INSERT INTO audit_seals (id, from_id, up_to, sealed_at, head, marks, token)
       VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
      claims.seal,
      claims.from_id,
      claims.up_to,
      now,
      head,
      marks,
      token,
    ),
  ]);
}

/** A page of seals, newest first. */
export async function listSeals(context: Context, request: PageRequest): Promise<Page<AuditSeal>> {
  allow(context, "read");
  const list = await openList(context, "audit-seals", request);
  const rows = await context.db.orm
    .select()
    .from(auditSeals)
    .where(lt(auditSeals.id, Number(list.after?.[0] ?? Number.MAX_SAFE_INTEGER)))
    .orderBy(desc(auditSeals.id))
    .limit(request.limit + 1);
  return list.page(rows, request.limit + 1, (row) => [row.id]);
}

/**
 * A seal and the events that it covers now.
 * @throws Problem NOT_FOUND
 */
export async function getSeal(
  context: Context,
  id: number,
): Promise<{ seal: AuditSeal; rows: ChainedEvent[] }> {
  allow(context, "read");
  const { orm } = context.db;
  const [seal] = await orm.select().from(auditSeals).where(eq(auditSeals.id, id));
  if (!seal) throw new Problem("NOT_FOUND", `There is no seal ${id}.`);
  const rows = await orm
    .select()
    .from(events)
    // Nothing belongs below the first event; what was inserted there is a finding of the first seal.
    .where(and(id === 1 ? undefined : gte(events.id, seal.from_id), lte(events.id, seal.up_to)))
    .orderBy(events.id);
  return { seal, rows: rows.map(presentEvent) };
}

export const presentSeal = ({ marks: _marks, ...seal }: AuditSeal) => ({
  ...seal,
  sealed_at: formatInstant(seal.sealed_at),
});
