// Who is silent: instances counted one by one. The one figure that no counter can carry, because it changes by
// nothing happening; so it reads every activation, and is asked for by itself.
import * as z from "zod/mini";
import { allow } from "../../kernel/permissions.ts";
import type { Context } from "../../context.ts";
import type { Activation } from "../../storage/schema.ts";
import { DAY, formatInstant } from "../../kernel/dates.ts";
import { written } from "../../kernel/inputs.ts";

const Days = z.int().check(z.minimum(1), z.maximum(3_650));

/** Silent: holds a seat and was not seen for so many days. */
export const SilentDays = written(Days);

/** Where nobody says for how long. */
export const SILENT_DAYS = 3;

/** Who has its seat by a file, handed in by staff, has no network to be heard of through: it is never silent. */
export const isByFile = ({ actor_type }: Pick<Activation, "actor_type">): boolean => actor_type === "staff";

/** The others, in SQL. */
export const NETWORKED = "actor_type <> 'staff'";

export const CensusQuery = z.strictObject({ silent_days: written(z._default(Days, SILENT_DAYS)) });

const CENSUS = `
  SELECT
    count(*) FILTER (WHERE ended_at = 0 AND lease_expires_at > ?1 AND (last_seen_at > ?2 OR NOT ${NETWORKED})) AS live,
    count(*) FILTER (WHERE ended_at = 0 AND lease_expires_at > ?1 AND last_seen_at <= ?2 AND ${NETWORKED}) AS silent,
    count(*) FILTER (WHERE ended_at > 0 OR lease_expires_at <= ?1) AS freed
  FROM activations`;

/** How many instances hold a seat and are heard of or by file, hold one and are silent, or hold none any more. */
export async function countInstances(context: Context, { silent_days }: z.output<typeof CensusQuery>) {
  allow(context, "read");
  const db = context.db.replica("lagging");
  const now = context.clock.now();
  const [result] = await db.batch([db.sql(CENSUS, now, now - silent_days * DAY)]);
  const { live, silent, freed } = result!.results[0] as { live: number; silent: number; freed: number };
  return { live, silent, freed, silent_days, counted_at: formatInstant(now) };
}
