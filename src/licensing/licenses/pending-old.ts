// Changes to come that were settled long ago. The record tells what became of them.
import type { Context } from "../../context.ts";
import { monthsBefore } from "../../kernel/calendar.ts";
import { named } from "../../storage/database.ts";

const PAGE = 1_000;

const DROP = named(`
  DELETE FROM pending_changes WHERE id IN (
    SELECT id FROM pending_changes
    WHERE status IN ('done', 'failed', 'cancelled') AND effective_at < :before LIMIT ${PAGE})`);

/** Drops settled changes whose time was more than RETAIN_ENDED_MONTHS ago. @returns whether there may be more */
export async function dropSettled({ db, clock, config }: Context): Promise<boolean> {
  const before = monthsBefore(clock.now(), config.retention.endedMonths);
  const [dropped] = await db.batch([db.run(DROP, { before })]);
  return dropped?.meta.changes === PAGE;
}
