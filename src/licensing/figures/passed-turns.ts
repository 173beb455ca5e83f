// Turns that passed long ago. What is asked of a month that is over is its number, which the row of the month has; the
// rows of its days, hours, minutes and seconds would be most of the table.
import type { Context } from "../../context.ts";
import { monthsBefore } from "../../kernel/calendar.ts";
import { dayOf } from "../../kernel/dates.ts";
import { named } from "../../storage/database.ts";

const PAGE = 2_000;

const DROP = named(`
  DELETE FROM license_turns WHERE (turn, size, prefix) IN (
    SELECT turn, size, prefix FROM license_turns
    WHERE turn IN ('starts', 'expiring', 'expires', 'ends') AND size IN (10, 13, 16, 19) AND prefix < :month
    LIMIT ${PAGE})`);

/**
 * Drops what is finer than months of all months before the last one: a replica that lags still counts with it. What a
 * license that changes takes out of a row that is gone is missed by nobody.
 * @returns whether there may be more
 */
export async function dropPassedTurns({ db, clock }: Context): Promise<boolean> {
  const month = dayOf(monthsBefore(clock.now(), 1)).slice(0, 7);
  const [dropped] = await db.batch([db.run(DROP, { month })]);
  return dropped?.meta.changes === PAGE;
}
