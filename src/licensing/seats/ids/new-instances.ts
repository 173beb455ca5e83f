// The instance ids that took a seat on a day. A trigger of the claim keeps and counts each of them once a day.
import type { Services } from "../../../context.ts";
import { DAY, dayOf } from "../../../kernel/dates.ts";

const PAGE = 1_000;

/** Forgets the ids of days that are over. @returns whether there may be more */
export async function forgetNewInstances({ db, clock }: Pick<Services, "db" | "clock">): Promise<boolean> {
  const [forgotten] = await db.batch([
    db.sql(
      `DELETE FROM new_instances WHERE (day, license_id, instance_id) IN (
         SELECT day, license_id, instance_id FROM new_instances WHERE day < ? ORDER BY day LIMIT ${PAGE})`,
      dayOf(clock.now() - DAY),
    ),
  ]);
  return forgotten?.meta.changes === PAGE;
}
