// Activations that ended. Of those that ended long ago only the record tells.
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

/** Whether the instance's last activation ended with its lease. If so, it may take a seat again, if one is free. */
export async function leaseRanOut({ db }: Context, licenseId: string, instanceId: string): Promise<boolean> {
  const [result] = await db.batch([
    db.sql(
      `SELECT ended_by FROM activations WHERE license_id = ? AND instance_id = ? AND ended_at > 0
       ORDER BY ended_at DESC LIMIT 1`,
      licenseId,
      instanceId,
    ),
  ]);
  return result?.results[0]?.["ended_by"] === "lease";
}
