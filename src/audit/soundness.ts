// Whether the chain may go on from its last seal: that one is genuine, its events are there, and it is the newest head
// that was kept outside the database. Otherwise a forged record would be sealed as if it were the true one.
import { between, desc, gt, sql } from "drizzle-orm";
import type { Context } from "../context.ts";
import { auditMarks, type AuditSeal, auditSeals, events } from "../storage/schema.ts";
import { marksOver, type SealClaims } from "./chain.ts";
import { presentEvent } from "./event-list.ts";
import { isKept, keptToken } from "./heads.ts";

/** The last seal without its marks, and whether the last event that it covers is there; 0 or 1. */
export type LastSeal = Omit<AuditSeal, "marks"> & { covered: number };

export const lastSealOf = ({ db }: Context) =>
  db.orm
    .select({
      id: auditSeals.id,
      from_id: auditSeals.from_id,
      up_to: auditSeals.up_to,
      sealed_at: auditSeals.sealed_at,
      head: auditSeals.head,
      token: auditSeals.token,
      covered: sql<number>`EXISTS (SELECT 1 FROM ${events} WHERE ${events.id} = ${auditSeals.up_to})`.as(
        "covered",
      ),
    })
    .from(auditSeals)
    .where(gt(auditSeals.id, 0))
    .orderBy(desc(auditSeals.id))
    .limit(1);

/** What a seal's token says; null if no key of this service signed it, or only one that was retired before. */
export async function sealClaimsOf({ keyring, config }: Context, token: string): Promise<SealClaims | null> {
  const claims = await keyring.verify("audit-seal+jwt", config.issuers, token);
  return claims as unknown as SealClaims | null;
}

/**
 * Why the chain must not go on from its last seal, in words; null if it may.
 * @throws what R2 throws if the bucket cannot be read
 */
export async function faultOf(context: Context, last: LastSeal | null): Promise<string | null> {
  const { backups } = context;
  if (last) {
    const fault = await faultOfSeal(context, last);
    if (fault !== null) return fault;
  }
  const next = (last?.id ?? 0) + 1;
  // Numbers are never used again, so a later head was made by this service from a record that is gone.
  if (backups && (await isKept(backups, next)))
    return `BACKUPS has the head of seal ${next}, and the database has lost that seal.`;
  return null;
}

async function faultOfSeal(context: Context, last: LastSeal): Promise<string | null> {
  const { backups } = context;
  const claims = await sealClaimsOf(context, last.token);
  if (!claims)
    return `Seal ${last.id}, the last one, is not signed with a key of this service, nor with one of RETIRED_KEYS whose last_seal allows it.`;
  const { seal, from_id, up_to, head } = claims;
  if (seal !== last.id || from_id !== last.from_id || up_to !== last.up_to || head !== last.head)
    return `The row of seal ${last.id}, the last one, does not say what its token says.`;
  if (last.covered !== 1) return `Event ${up_to}, the last one that is sealed, is gone.`;
  // A new event may have taken the number of one that is gone.
  if ((await headOver(context, claims)) !== head)
    return `An event of seal ${seal}, the last one, is not what was sealed.`;
  if (!backups) return null;
  const kept = await keptToken(backups, seal);
  if (kept === last.token) return null;
  if (kept !== null) return `BACKUPS has another head of seal ${seal} than the database.`;
  // A night that broke off may leave the head of its last seal to the next one, never more than that.
  if (claims.kept !== true) return null;
  const before = await keptToken(backups, seal - 1);
  if (before === null) return `BACKUPS has lost the heads of the seals up to ${seal}.`;
  return (await sealClaimsOf(context, before))?.head === claims.previous
    ? null
    : `BACKUPS has another head of seal ${seal - 1} than the one that seal ${seal} goes on from.`;
}

/** The head that a seal over these events would have. */
async function headOver({ db }: Context, { from_id, up_to, previous }: SealClaims): Promise<string> {
  const rows = await db.orm
    .select()
    .from(events)
    .where(between(events.id, from_id, up_to))
    .orderBy(events.id);
  return (await marksOver(rows.map(presentEvent), previous)).at(-1) ?? previous;
}

/** The last seal, why the chain must not go on from it, and the last event of all. */
export async function soundnessOf(
  context: Context,
): Promise<{ last: LastSeal | null; fault: string | null; lastEvent: number }> {
  for (let again = 0; ; again++) {
    const [[last = null], [newest]] = await context.db.orm.batch([
      lastSealOf(context),
      context.db.orm.select({ id: sql<number>`max(id)`.as("id") }).from(events),
    ]);
    const fault = await faultOf(context, last);
    // A night that runs meanwhile looks like a fault, until its seal is read.
    if (fault !== null && again < 3) {
      const [now] = await lastSealOf(context);
      if ((now?.id ?? 0) > (last?.id ?? 0)) continue;
    }
    return { last, fault, lastEvent: newest?.id ?? 0 };
  }
}

/** The marks of a seal: in its own row if a former release made it. */
export async function marksOf({ db }: Context, { id, marks }: AuditSeal): Promise<string> {
  if (marks !== "") return marks;
  const rows = await db.orm
    .select({ marks: auditMarks.marks })
    .from(auditMarks)
    .where(sql`${auditMarks.seal} = ${id}`)
    .orderBy(auditMarks.from_id);
  return rows.map((row) => row.marks).join("");
}
