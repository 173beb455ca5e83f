// Erasures that were made since the backup was begun: who was forgotten must not come back with it. The bucket has each
// one, with ids only; without a bucket, only those are known that were made while the backup was read.
import type { Context } from "../../context.ts";
import { applyErasure } from "../../licensing/customers/erasure.ts";
import { type Erasure, keptErasures } from "../../licensing/customers/kept-erasures.ts";
import { Problem } from "../../problems.ts";

/** The erasures since then, in their order. @throws Problem SERVICE_UNAVAILABLE if the bucket does not answer */
async function erasuresSince(context: Context, at: number): Promise<Erasure[]> {
  const [rows] = await context.db.batch([
    context.db.sql("SELECT id, customer_id, contact_id, erased_at FROM erasures WHERE erased_at >= ?", at),
  ]);
  const all = rows!.results as unknown as Erasure[];
  try {
    for await (const erasure of keptErasures(context)) all.push(erasure);
  } catch {
    throw new Problem("SERVICE_UNAVAILABLE", "The bucket BACKUPS does not answer.");
  }
  return all.toSorted((a, b) => a.erased_at - b.erased_at || (a.id < b.id ? -1 : 1));
}

/** What a call leaves of the queries that D1 allows. */
const LEFT = 500;

/**
 * Applies the next erasures.
 * @param done how many are applied already
 * @returns how many are applied now, and whether these are all
 */
export async function applyErasures(
  asked: Context,
  since: number,
  done: number,
): Promise<{ done: number; all: boolean }> {
  const { db, hasRoom } = asked.db.counted();
  const context: Context = { ...asked, db };
  const erasures = await erasuresSince(context, since);
  let applied = done;
  for (const erasure of erasures.slice(done)) {
    if (!hasRoom(LEFT)) return { done: applied, all: false };
    const { finished } = await applyErasure(context, erasure, { mayGoOn: () => hasRoom(LEFT) });
    if (!finished) return { done: applied, all: false };
    applied++;
  }
  return { done: applied, all: true };
}
