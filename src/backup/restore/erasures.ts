// Erasures that were made since the backup was begun: who was forgotten must not come back with it. The bucket has each
// one, with ids only; without a bucket, only those are known that were made while the backup was read.
import type { Context } from "../../context.ts";
import { applyErasure } from "../../licensing/customers/erasure.ts";
import { type Erasure, keptErasures } from "../../licensing/customers/kept-erasures.ts";
import { Problem } from "../../problems.ts";

/** Sorts as text as erasures were made. */
const placeOf = ({ id, erased_at }: Erasure): string => `${String(erased_at).padStart(15, "0")} ${id}`;

/**
 * The erasures since then, and older ones that only the bucket knows, as far as they come after a place, in their order.
 * @throws Problem SERVICE_UNAVAILABLE if the bucket does not answer
 */
async function erasuresSince(context: Context, at: number, after: string): Promise<Erasure[]> {
  const [rows] = await context.db.batch([
    context.db.sql("SELECT id, customer_id, contact_id, erased_at FROM erasures WHERE erased_at >= ?", at),
  ]);
  const all = rows!.results as unknown as Erasure[];
  try {
    for await (const erasure of keptErasures(context)) all.push(erasure);
  } catch {
    throw new Problem("SERVICE_UNAVAILABLE", "The bucket BACKUPS does not answer.");
  }
  return all
    .filter((erasure) => placeOf(erasure) > after)
    .toSorted((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1));
}

/** What a call leaves of the queries that D1 allows. */
const LEFT = 500;

/**
 * Applies the next erasures.
 * @param after the place of the last one that was applied before. A number would not do: an old one that is applied is
 *   not found again.
 * @returns the place of the last one now, how many were applied, and whether these are all
 */
export async function applyErasures(
  asked: Context,
  since: number,
  after: string,
): Promise<{ after: string; applied: number; all: boolean }> {
  const { db, hasRoom } = asked.db.counted();
  const context: Context = { ...asked, db };
  let [place, applied] = [after, 0];
  for (const erasure of await erasuresSince(context, since, after)) {
    if (!hasRoom(LEFT)) return { after: place, applied, all: false };
    const { finished } = await applyErasure(context, erasure, { mayGoOn: () => hasRoom(LEFT) });
    if (!finished) return { after: place, applied, all: false };
    place = placeOf(erasure);
    applied++;
  }
  return { after: place, applied, all: true };
}
