// Checking one seal against the record as it is now.
import { asc, desc, eq, lt, sql } from "drizzle-orm";
import type { Context } from "../context.ts";
import { allow } from "../kernel/permissions.ts";
import { Problem } from "../problems.ts";
import { auditMarks, type AuditSeal, auditSeals, events } from "../storage/schema.ts";
import { checkSeal, type Finding, GENESIS, MAX_EVENTS_BEFORE } from "./chain.ts";
import { presentEvent } from "./event-list.ts";
import { sealClaimsOf } from "./soundness.ts";

export interface CheckedSeal {
  seal: AuditSeal;
  /** What is wrong; an empty list if each event is what was sealed. */
  findings: Finding[];
  /** The seal that it goes on from, if it begins a segment: what came between was given up by an owner. */
  begins: number | null;
}

/**
 * Whether a seal is signed by this service, follows on the one before, and covers its events as they were sealed. In
 * one round trip, with as many rows as the seal has events.
 * @throws Problem NOT_FOUND
 */
export async function verifySeal(context: Context, id: number): Promise<CheckedSeal> {
  allow(context, "read");
  const { orm } = context.db;
  const bound = (column: "from_id" | "up_to") =>
    sql`(SELECT ${sql.raw(column)} FROM ${auditSeals} WHERE id = ${id})`;
  const [[seal], [before], marked, found] = await orm.batch([
    orm.select().from(auditSeals).where(eq(auditSeals.id, id)),
    orm
      .select({ id: auditSeals.id, up_to: auditSeals.up_to, head: auditSeals.head })
      .from(auditSeals)
      .where(sql`${lt(auditSeals.id, id)} AND ${auditSeals.id} > 0`)
      .orderBy(desc(auditSeals.id))
      .limit(1),
    orm
      .select({ marks: auditMarks.marks })
      .from(auditMarks)
      .where(eq(auditMarks.seal, id))
      .orderBy(asc(auditMarks.from_id)),
    orm
      .select()
      .from(events)
      // Nothing belongs below the first event.
      .where(sql`${events.id} >= ${id === 1 ? 0 : bound("from_id")} AND ${events.id} <= ${bound("up_to")}`)
      .orderBy(asc(events.id))
      .limit(MAX_EVENTS_BEFORE + 1),
  ]);
  if (!seal) throw new Problem("NOT_FOUND", `There is no seal ${id}.`);
  const claims = await sealClaimsOf(context, seal.token);
  const is = (says: string): Finding => ({ kind: "seal", id, says: `Seal ${id} ${says}` });
  if (!claims) return { seal, findings: [is("is not signed with a key of this service.")], begins: null };
  const findings: Finding[] = [];
  const { from_id, up_to, head, previous, after } = claims;
  if (claims.seal !== id || from_id !== seal.from_id || up_to !== seal.up_to || head !== seal.head)
    findings.push(is("does not say what its token says."));
  const last = before ?? { id: 0, up_to: 0, head: GENESIS };
  if (after === undefined && (last.id !== id - 1 || last.up_to !== from_id - 1 || last.head !== previous))
    findings.push(is(`does not follow on ${last.id}.`));
  const marks = seal.marks === "" ? marked.map((row) => row.marks).join("") : seal.marks;
  findings.push(...(await checkSeal(claims, marks, found.map(presentEvent))));
  return { seal, findings, begins: after ?? null };
}
