// Why no mail goes out at all, for staff: a fault of the configuration, or Resend that takes nothing from this sender.
import type { Context } from "../context.ts";

export interface SenderFault {
  fault: string;
  /** When Resend refused it first; null if nothing was tried. */
  since: number | null;
  /** How many messages wait. */
  waiting: number;
}

/** Counting ends here: staff need to know that there are many. */
const MAX_COUNTED = 10_000;

/** @returns null if mail goes out, or if sending is not configured at all */
export async function senderFault({ db, config }: Context): Promise<SenderFault | null> {
  const { apiKey, heldBy } = config.mail;
  if (apiKey === null && heldBy === null) return null;
  const [pace, waiting] = await db.batch([
    db.sql("SELECT fault, fault_since FROM mail_pace WHERE fault IS NOT NULL"),
    db.sql(
      `SELECT count(*) AS n FROM (SELECT 1 FROM messages WHERE status = 'pending' LIMIT ${MAX_COUNTED})`,
    ),
  ]);
  const count = Number(waiting?.results[0]?.["n"] ?? 0);
  if (heldBy !== null) return { fault: `${heldBy} cannot be used`, since: null, waiting: count };
  const { fault, fault_since: since } = pace?.results[0] ?? {};
  if (typeof fault !== "string") return null;
  return { fault: `Resend takes no mail of this service (${fault})`, since: Number(since), waiting: count };
}
