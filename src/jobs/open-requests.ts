// What the digest says about requests of customers that wait for an answer.
import type { Context } from "../context.ts";
import { openRequests } from "../licensing/portal/requests.ts";
import type { DigestNote } from "../notices/templates/index.ts";
import { instantInWords } from "../notices/templates/words.ts";

/** Bounds the cost. The letter shows the first ones and counts them all. */
const MAX_LISTED = 1_000;

/** A section about requests that wait; none if there are none. */
export async function notesOnRequests(context: Context): Promise<DigestNote[]> {
  const open = await openRequests(context, MAX_LISTED);
  if (open.length === 0) return [];
  return [
    {
      title: "Requests of customers",
      lead: "They wait for an answer.",
      lines: open.map(
        ({ id, kind, seats, customer_name, created_at }) =>
          `${id}: ${customer_name} asks for ${kind}${seats === null ? "" : ` (${seats} in all)`}, ${instantInWords(created_at)}`,
      ),
    },
  ];
}
