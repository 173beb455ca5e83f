// Sealing the record: every night the events since the last seal are chained by hash, and the heads are signed and kept
// outside the database, too. docs/security.md says what that proves.
import { asc, sql } from "drizzle-orm";
import type { Context } from "../context.ts";
import { numericDate } from "../kernel/dates.ts";
import { auditSeals, events } from "../storage/schema.ts";
import { GENESIS, MARK_LENGTH, marksOver, MAX_EVENTS, type SealClaims } from "./chain.ts";
import { presentEvent } from "./event-list.ts";
import { keepToken } from "./heads.ts";
import { faultOf, lastSealOf, soundnessOf } from "./soundness.ts";

/** The most seals of former releases whose marks a run moves. */
const MAX_MOVES = 20;

/** Nothing was sealed, since the chain is not what it was. Staff must look: docs/operations/broken-seals.md. */
class SealFault extends Error {
  override readonly name = "SealFault";
}

/**
 * Seals the events since the last seal, unless the chain is broken there. Two runs at the same time make each seal only
 * once. A run that breaks off leaves at most one seal whose head is not kept outside, which the next run does first.
 * @param mayGoOn asked before each seal: D1 takes so many queries, and no more
 * @returns whether all events are sealed; if not, another run goes on
 * @throws SealFault if the chain must not go on
 */
export async function sealEvents(context: Context, now: number, mayGoOn: () => boolean): Promise<boolean> {
  while (mayGoOn()) {
    const { last, rows, gone, long } = await unsealed(context);
    if ((await faultOf(context, last)) !== null) {
      const { fault, last: newest } = await soundnessOf(context);
      if (fault !== null) throw new SealFault(`Nothing was sealed. ${fault}`);
      if (newest?.id !== last?.id) continue;
    }
    if (last) await keep(context, last.id, last.token);
    if (long.length > 0) await moveMarks(context, long);
    if (gone !== null && rows.length === 0)
      throw new SealFault(`Nothing was sealed. Event ${gone}, which no seal covers yet, is gone.`);
    if (rows.length === 0) return true;
    const previous = last?.head ?? GENESIS;
    const marks = await marksOver(rows, previous);
    const claims: SealClaims = {
      seal: (last?.id ?? 0) + 1,
      from_id: (last?.up_to ?? 0) + 1,
      up_to: rows.at(-1)!.id,
      previous,
      head: marks.at(-1)!,
      ...(last && context.backups ? { kept: true } : {}),
    };
    const token = await writeSeal(context, claims, marks, now);
    if (token !== null) await keep(context, claims.seal, token);
    if (gone !== null) continue;
    if (token !== null && rows.length < MAX_EVENTS) return true;
  }
  return false;
}

/**
 * The last seal, and the events after it up to the first that is missing, `gone`. Ids have no gaps, so somebody took it
 * away, or put in what comes after it: a seal over both would never be valid.
 */
async function unsealed(context: Context) {
  const { orm } = context.db;
  const sealedUpTo = sql`(SELECT coalesce((SELECT up_to FROM audit_seals WHERE id > 0 ORDER BY id DESC LIMIT 1), 0))`;
  const [[last = null], found, long] = await orm.batch([
    lastSealOf(context),
    orm
      .select()
      .from(events)
      .where(sql`${events.id} > ${sealedUpTo}`)
      .orderBy(events.id)
      .limit(MAX_EVENTS),
    orm
      .select({ id: auditSeals.id })
      .from(auditSeals)
      .where(
        // The first half as in the index; the second leaves out what somebody else wrote there.
        sql`length(${auditSeals.marks}) > 64000
          AND length(${auditSeals.marks}) = (${auditSeals.up_to} - ${auditSeals.from_id} + 1) * ${sql.raw(String(MARK_LENGTH))}`,
      )
      .orderBy(asc(auditSeals.id))
      .limit(MAX_MOVES),
  ]);
  const from = (last?.up_to ?? 0) + 1;
  const gap = found.findIndex(({ id }, n) => id !== from + n);
  const rows = found.slice(0, gap === -1 ? MAX_EVENTS : gap).map(presentEvent);
  return { last, rows, gone: gap === -1 ? null : from + gap, long };
}

/**
 * Signs a seal and writes it with its marks.
 * @returns the token; null if somebody else made the seal with this number, or one that begins at this event
 */
export async function writeSeal(
  { db, keyring, config }: Context,
  claims: SealClaims,
  marks: string[],
  now: number,
): Promise<string | null> {
  const { seal, from_id, up_to, head } = claims;
  const token = await keyring.sign("audit-seal+jwt", {
    iss: config.issuer,
    iat: numericDate(now),
    ...claims,
  });
  const [made] = await db.batch([
    db.sql(
      `INSERT INTO audit_seals (id, from_id, up_to, sealed_at, head, marks, token)
       VALUES (?, ?, ?, ?, ?, '', ?) ON CONFLICT DO NOTHING`,
      seal,
      from_id,
      up_to,
      now,
      head,
      token,
    ),
    db.sql(
      "INSERT INTO audit_marks (seal, from_id, marks) SELECT ?, ?, ? WHERE changes() > 0 ON CONFLICT DO NOTHING",
      seal,
      from_id,
      marks.join(""),
    ),
  ]);
  return made!.meta.changes > 0 ? token : null;
}

/**
 * Keeps a head outside the database.
 * @throws SealFault if another one is kept under its number
 */
export async function keep({ backups }: Context, seal: number, token: string): Promise<void> {
  if (backups && (await keepToken(backups, seal, token)) !== token)
    throw new SealFault(`BACKUPS has another head of seal ${seal} than the database.`);
}

/**
 * Moves the marks of seals of former releases into rows of the size that a dump can bring back. Each seal is replaced by
 * itself without them, once they are all in rows: the triggers refuse an update, and no migration may take one away.
 */
async function moveMarks({ db }: Context, long: { id: number }[]): Promise<void> {
  const size = MAX_EVENTS * MARK_LENGTH;
  await db.batch(
    long.flatMap(({ id }) => [
      db.sql(
        `WITH RECURSIVE pieces(n) AS (
           SELECT 0 UNION ALL
           SELECT n + 1 FROM pieces JOIN audit_seals ON id = ?1 WHERE (n + 1) * ${size} < length(marks))
         INSERT INTO audit_marks (seal, from_id, marks)
         SELECT id, from_id + n * ${MAX_EVENTS}, substr(marks, n * ${size} + 1, ${size})
         FROM pieces JOIN audit_seals ON id = ?1 WHERE marks <> '' ON CONFLICT DO NOTHING`,
        id,
      ),
      db.sql(
        `REPLACE INTO audit_seals (id, from_id, up_to, sealed_at, head, marks, token)
         SELECT id, from_id, up_to, sealed_at, head, '', token FROM audit_seals
         WHERE id = ?1 AND marks IS (
           SELECT group_concat(marks, '') FROM (SELECT marks FROM audit_marks WHERE seal = ?1 ORDER BY from_id))`,
        id,
      ),
    ]),
    "repeatable",
  );
}
