// Reading the seals, and what is needed to check them.
import { and, desc, eq, gte, lt, lte } from "drizzle-orm";
import type { JWK } from "jose";
import type { Context } from "../context.ts";
import { formatInstant } from "../kernel/dates.ts";
import { openList, type Page, type PageRequest } from "../kernel/pages.ts";
import { allow, allows } from "../kernel/permissions.ts";
import { Problem } from "../problems.ts";
import { isAccessEntity } from "../record/entities.ts";
import { type AuditSeal, auditSeals, events } from "../storage/schema.ts";
import { GENESIS, hideEvents, MAX_EVENTS_BEFORE, type ShownEvent } from "./chain.ts";
import { presentEvent } from "./event-list.ts";
import { marksOf, sealClaimsOf, soundnessOf } from "./soundness.ts";

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

/** One more than any seal covers: a row by somebody else's hand may name any number of events. */
const MAX_SHOWN = MAX_EVENTS_BEFORE + 1;

/**
 * A seal and the events that it covers now. Who may not see events of access gets their hashes instead.
 * @throws Problem NOT_FOUND
 */
export async function getSeal(
  context: Context,
  id: number,
): Promise<{ seal: AuditSeal; marks: string; rows: ShownEvent[] }> {
  allow(context, "read");
  const { orm } = context.db;
  const [seal] = await orm.select().from(auditSeals).where(eq(auditSeals.id, id));
  if (!seal) throw new Problem("NOT_FOUND", `There is no seal ${id}.`);
  const found = await orm
    .select()
    .from(events)
    // Nothing belongs below the first event; what was inserted there is a finding of the first seal.
    .where(and(id === 1 ? undefined : gte(events.id, seal.from_id), lte(events.id, seal.up_to)))
    .orderBy(events.id)
    .limit(MAX_SHOWN);
  const rows = found.map(presentEvent);
  const marks = await marksOf(context, seal);
  if (allows(context, "access")) return { seal, marks, rows };
  const previous = await previousOf(context, seal);
  return {
    seal,
    marks,
    rows: await hideEvents({ ...seal, previous }, marks, rows, ({ entity }) => isAccessEntity(entity.type)),
  };
}

/** The hash that a seal goes on from: as it is signed, or else as the seal before has it. */
async function previousOf(context: Context, { id, token }: AuditSeal): Promise<string> {
  const claims = await sealClaimsOf(context, token);
  if (claims) return claims.previous;
  const [before] = await context.db.orm
    .select({ head: auditSeals.head })
    .from(auditSeals)
    .where(and(lt(auditSeals.id, id), gte(auditSeals.id, 1)))
    .orderBy(desc(auditSeals.id))
    .limit(1);
  return before?.head ?? GENESIS;
}

export interface SealStatus {
  /** The last event of all, also where only owners see it; 0 if there is none. */
  last_event: number;
  /** Whether the heads are also kept outside the database. */
  heads_kept: boolean;
  /** Why the next night will seal nothing, or null. */
  fault: string | null;
  /** The keys that verify seals, those of RETIRED_KEYS included. */
  keys: JWK[];
}

/** What a check needs besides the seals. */
export async function sealStatus(context: Context): Promise<SealStatus> {
  allow(context, "read");
  const { keyring, config, backups } = context;
  const { fault, lastEvent } = await soundnessOf(context);
  const { keys } = keyring.publicKeys();
  const listed = new Set(keys.map(({ kid }) => kid));
  const retired = config.retiredKeys
    .filter(({ kid }) => !listed.has(kid))
    .map(({ kty, crv, x, kid, last_seal = 0 }) => ({ kty, crv, x, kid, use: "sig", last_seal }));
  return { last_event: lastEvent, heads_kept: backups !== null, fault, keys: [...keys, ...retired] };
}

export const presentSeal = ({ marks: _marks, ...seal }: AuditSeal) => ({
  ...seal,
  sealed_at: formatInstant(seal.sealed_at),
});
