// The sealed record after a restore: whether it is as it was sealed, and which heads were given up.
import { checkSeal, checkSeals, type SealClaims } from "../../audit/chain.ts";
import { highestKept, keepToken, keptToken } from "../../audit/heads.ts";
import { getSeal } from "../../audit/seal-list.ts";
import { sealClaimsOf } from "../../audit/soundness.ts";
import type { Context } from "../../context.ts";
import type { Found } from "./restores.ts";

/** How many seals are checked at once: each covers up to 1 000 events. */
const SEALS_AT_ONCE = 20;

const TOKENS_AT_ONCE = 1_000;

/** The report names so many findings, and so many heads. */
export const MAX_NAMED = 100;

/** What is wrong with the sequence of the seals, in words. */
export async function faultsOfChain(context: Context): Promise<string[]> {
  const chain: SealClaims[] = [];
  const findings: string[] = [];
  for (let after = 0; ;) {
    const [found] = await context.db.batch([
      context.db.sql(
        "SELECT id, token FROM audit_seals WHERE id > ? ORDER BY id LIMIT ?",
        after,
        TOKENS_AT_ONCE,
      ),
    ]);
    const seals = found!.results as { id: number; token: string }[];
    for (const { id, token } of seals) {
      const claims = await sealClaimsOf(context, token);
      if (claims) chain.push(claims);
      else findings.push(`Seal ${id} is not signed with a key of this service.`);
      after = id;
    }
    if (seals.length < TOKENS_AT_ONCE) break;
  }
  const accepted = new Set(chain.filter((claims) => claims.after !== undefined).map(({ seal }) => seal));
  return [...findings, ...checkSeals(chain, accepted).findings.map(({ says }) => says)];
}

/**
 * Checks the next seals against their events, and keeps their heads in BACKUPS, where a new bucket has none.
 * @param after the number of the last seal that was checked
 * @returns the number of the last one that was checked now; null if there are no more
 */
export async function checkNextSeals(
  context: Context,
  after: number,
  before: Pick<Found, "findings" | "seals">,
): Promise<{ last: number | null; findings: string[]; seals: number }> {
  const { db, backups } = context;
  const [listed] = await db.batch([
    db.sql("SELECT id FROM audit_seals WHERE id > ? ORDER BY id LIMIT ?", after, SEALS_AT_ONCE),
  ]);
  const ids = listed!.results.map(({ id }) => Number(id));
  const findings = [...(before.findings ?? [])];
  for (const id of ids) {
    const { seal, marks, rows } = await getSeal(context, id);
    const claims = await sealClaimsOf(context, seal.token);
    if (claims) findings.push(...(await checkSeal(claims, marks, rows)).map(({ says }) => says));
    if (backups && (await keepToken(backups, id, seal.token)) !== seal.token)
      findings.push(`BACKUPS has another head of seal ${id} than the backup.`);
  }
  return {
    last: ids.at(-1) ?? null,
    findings: findings.slice(0, MAX_NAMED),
    seals: (before.seals ?? 0) + ids.length,
  };
}

/**
 * The seals that were made after the backup, as far as somebody outside the database knows of them.
 * @param known the last seal that the caller knows of
 * @returns the heads, as far as BACKUPS has them, and the highest number
 */
export async function givenUp(
  context: Context,
  known: number,
): Promise<{ heads: { seal: number; head: string | null }[]; highest: number }> {
  const { db, backups } = context;
  const [found] = await db.batch([db.sql("SELECT coalesce(max(id), 0) AS last FROM audit_seals")]);
  const last = Number(found!.results[0]!["last"]);
  const highest = Math.max(known, backups ? await highestKept(backups) : 0);
  const heads: { seal: number; head: string | null }[] = [];
  for (let seal = last + 1; seal <= highest && heads.length < MAX_NAMED; seal++) {
    const token = backups && (await keptToken(backups, seal));
    const claims = token ? await sealClaimsOf(context, token) : null;
    heads.push({ seal, head: claims?.head ?? null });
  }
  return { heads, highest };
}
