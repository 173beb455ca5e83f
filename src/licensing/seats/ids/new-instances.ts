// How many new instance ids take a seat on a day. They are counted after the answer, to spare the claim another row. So
// claims in flight may exceed the limit a little.
import type { Context, Services } from "../../../context.ts";
import { DAY, dayOf } from "../../../kernel/dates.ts";

/** Counts an instance that took a seat and had none before; each id once a day. */
export async function countNewInstance(
  { db }: Context,
  now: number,
  licenseId: string,
  instanceId: string,
): Promise<void> {
  const today = dayOf(now);
  await db.batch([
    db.sql(
      "INSERT INTO new_instances (day, license_id, instance_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
      today,
      licenseId,
      instanceId,
    ),
    db.sql(
      `UPDATE license_seats SET new_ids = iif(new_day = ?1, new_ids, 0) + 1, new_day = ?1
       WHERE license_id = ?2 AND changes() > 0`,
      today,
      licenseId,
    ),
  ]);
}

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
