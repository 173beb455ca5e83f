// How many things of each kind wait for somebody: the counters beside the console's navigation.
import type { Context } from "../../context.ts";
import { DAY } from "../../kernel/dates.ts";
import { allow } from "../../kernel/permissions.ts";

/** Each page reads them, so the count ends here. */
export const MOST = 99;

/** What is older was seen, or is settled in its list. */
const RECENT = 7 * DAY;

export interface Waiting {
  /** Mail that bounced or failed within a week. */
  messages: number;
  /** Seats whose instance was suspected within a week to be a clone. */
  instances: number;
  /** What customers asked for and nobody answered. */
  requests: number;
}

/** In one statement along indexes; at most so many rows of each. */
export async function readWaiting(context: Context): Promise<Waiting> {
  allow(context, "read");
  const since = context.clock.now() - RECENT;
  const [found] = await context.db.batch([
    context.db.sql(
      `SELECT
         (SELECT count(*) FROM (SELECT 1 FROM messages WHERE status = 'bounced' AND updated_at > ?1 LIMIT ?2))
         + (SELECT count(*) FROM (SELECT 1 FROM messages WHERE status = 'failed' AND updated_at > ?1 LIMIT ?2))
           AS messages,
         (SELECT count(*) FROM (SELECT 1 FROM activations
           WHERE clone_suspected_at IS NOT NULL AND clone_suspected_at > ?1 AND ended_at = 0 LIMIT ?2)) AS instances,
         (SELECT count(*) FROM (SELECT 1 FROM customer_requests WHERE status = 'open' LIMIT ?2)) AS requests`,
      since,
      MOST,
    ),
  ]);
  return found?.results[0] as unknown as Waiting;
}
