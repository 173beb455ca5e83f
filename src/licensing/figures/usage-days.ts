// Daily usage of all instances, for the statistics. It is added up every ten minutes from the sums of the licenses,
// because one row that every check-in writes would slow them all down.
import type { Services } from "../../context.ts";
import { DAY, dayOf } from "../../kernel/dates.ts";

/** How many days the statistics show. */
export const SHOWN_DAYS = 90;

/** About how many rows each run reads for days that are over: with few licenses, all days that are shown. */
const STEP = 50_000;

const ADD_UP = `
  INSERT INTO usage_days (day, requests, services)
  SELECT day, sum(requests), sum(services) FROM license_usage WHERE day >= ?1 AND day < ?2 GROUP BY day
  ON CONFLICT DO UPDATE SET requests = excluded.requests, services = excluded.services
  WHERE requests <> excluded.requests OR services <> excluded.services`;

/**
 * Adds up yesterday, today and tomorrow, and some earlier days, because couriers bring figures late. Run by run, it
 * goes back through all days that are shown and then starts again. Two runs at the same time write the same.
 */
export async function addUpUsage({ db, clock }: Pick<Services, "db" | "clock">): Promise<void> {
  const now = clock.now();
  const [yesterday, end] = [dayOf(now - DAY), dayOf(now + 2 * DAY)];
  const [walk, counted] = await db.batch([
    db.sql("SELECT day FROM usage_walk WHERE only = 1"),
    db.sql("SELECT count(*) AS n FROM license_usage WHERE day = ?", yesterday),
  ]);
  const { day: known } = walk!.results[0] as { day: string };
  const first = dayOf(now - SHOWN_DAYS * DAY);
  const before = known > first && known < yesterday ? known : yesterday;
  const step = Math.max(1, Math.floor(STEP / Math.max(1, Number(counted?.results[0]?.["n"]))));
  const from = dayOf(Math.max(Date.parse(first), Date.parse(before) - step * DAY));
  await db.batch([
    db.sql(ADD_UP, yesterday, end),
    db.sql(ADD_UP, from, before),
    db.sql("UPDATE usage_walk SET day = ? WHERE only = 1 AND day = ?", from, known),
  ]);
}
