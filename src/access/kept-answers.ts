// What the answers that are kept for a repeated request say about somebody. They are sealed, so each is opened.
import type { Context } from "../context.ts";
import { unseal } from "../crypto/sealing.ts";
import { ownerOf, PURPOSE } from "./idempotency.ts";

const PAGE = 100;

interface Kept {
  actor_id: string;
  key: string;
  answer: number[] | null;
}

export interface Naming {
  /** Whether a key, which its caller chose, names them. */
  inKey: (key: string) => boolean;
  /** Which of the answers name them. */
  inAnswers: (answers: string[]) => Promise<boolean[]>;
}

/**
 * Forgets the kept answers that name somebody. A repeated request is then told that its answer was lost. Where the key
 * itself names them, the row goes.
 */
export async function forgetAnswers({ db, config }: Context, { inKey, inAnswers }: Naming): Promise<void> {
  let [actor, key] = ["", ""];
  for (;;) {
    const [page] = await db.batch([
      db.sql(
        `SELECT actor_id, key, answer FROM idempotency_keys WHERE (actor_id, key) > (?, ?)
         ORDER BY actor_id, key LIMIT ${PAGE}`,
        actor,
        key,
      ),
    ]);
    const rows = (page?.results ?? []) as unknown as Kept[];
    if (rows.length === 0) return;
    const answers = await Promise.all(
      rows.map(async (row) => {
        if (row.answer === null) return "";
        const owner = ownerOf(row.actor_id, row.key);
        return (await unseal(config.sessionSecret, PURPOSE, owner, Uint8Array.from(row.answer))) ?? "";
      }),
    );
    const told = await inAnswers(answers);
    const idsOf = (some: Kept[]) => JSON.stringify(some.map((row) => [row.actor_id, row.key]));
    const [naming, named] = [rows.filter((_, n) => told[n]), rows.filter((row) => inKey(row.key))];
    const which = "(actor_id, key) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?))";
    if (naming.length + named.length > 0) {
      await db.batch(
        [
          db.sql(`UPDATE idempotency_keys SET answer = NULL WHERE ${which}`, idsOf(naming)),
          db.sql(`DELETE FROM idempotency_keys WHERE ${which}`, idsOf(named)),
        ],
        "repeatable",
      );
    }
    ({ actor_id: actor, key } = rows.at(-1)!);
    if (rows.length < PAGE) return;
  }
}
