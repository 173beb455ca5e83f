// Activations that ended long ago. The record tells of them for ever.
import type { Context } from "../../context.ts";
import { monthsBefore } from "../../kernel/calendar.ts";
import { named } from "../../storage/database.ts";

const PAGE = 1_000;

const DROP = named(`
  DELETE FROM activations WHERE (license_id, ended_at, instance_id) IN (
    SELECT license_id, ended_at, instance_id FROM activations
    WHERE ended_at > 0 AND ended_at < :before ORDER BY ended_at LIMIT ${PAGE})`);

/** Drops activations that ended more than RETAIN_ENDED_MONTHS ago. @returns whether there may be more */
export async function dropEnded({ db, clock, config }: Context): Promise<boolean> {
  const before = monthsBefore(clock.now(), config.retention.endedMonths);
  const [dropped] = await db.batch([db.run(DROP, { before })]);
  return dropped?.meta.changes === PAGE;
}
