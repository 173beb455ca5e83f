// What names somebody who is forgotten, in texts that have no columns.
import { eq } from "drizzle-orm";
import type { Naming } from "../../access/kept-answers.ts";
import type { Context } from "../../context.ts";
import { contacts, customers } from "../../storage/schema.ts";
import type { Erasure } from "./kept-erasures.ts";

/** What tells the person in a text: the ids, and what the rows say. */
export async function wordsOf({ db }: Context, { customer_id, contact_id }: Erasure): Promise<string[]> {
  const { orm } = db;
  const [[customer], all] = await orm.batch([
    orm.select().from(customers).where(eq(customers.id, customer_id)),
    orm.select().from(contacts).where(eq(contacts.customer_id, customer_id)),
  ]);
  const gone = all.filter(({ id }) => contact_id === null || id === contact_id);
  const words = [
    ...(contact_id === null
      ? [customer_id, customer?.name, customer?.email, customer?.company]
      : [contact_id]),
    ...gone.flatMap(({ id, email, name }) => [id, email, name]),
  ];
  return words.filter((word) => typeof word === "string");
}

/** How long a part of a name is at least that tells somebody. */
const TELLING = 4;

/** Finds the answers and keys that name the erased; for a customer, also its licenses. */
export const namesIn = ({ db }: Context, { customer_id, contact_id }: Erasure, words: string[]): Naming => {
  // As JSON has them, since answers are JSON.
  const wanted = words.map((word) => JSON.stringify(word).slice(1, -1));
  const parts = words
    .flatMap((word) =>
      word
        .replace(/@.*/, "")
        .toLowerCase()
        .split(/[^\p{L}\p{N}]+/u),
    )
    .filter((part) => part.length >= TELLING);
  return {
    inKey: (key) => parts.some((part) => key.toLowerCase().includes(part)),
    async inAnswers(answers) {
      const found = answers.map((text) => wanted.some((word) => text.includes(word)));
      if (contact_id !== null) return found;
      const ids = answers.map((text) => text.match(/\blic_[0-9A-Z]{26}\b/g) ?? []);
      const [own] = await db.batch([
        db.sql(
          "SELECT l.id FROM json_each(?) one CROSS JOIN licenses l ON l.id = one.value WHERE l.customer_id = ?",
          JSON.stringify([...new Set(ids.flat())]),
          customer_id,
        ),
      ]);
      const theirs = new Set((own?.results ?? []).map(({ id }) => String(id)));
      return found.map((is, n) => is || ids[n]!.some((id) => theirs.has(id)));
    },
  };
};
