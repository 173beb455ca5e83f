// Counts silent instances one by one. No counter can hold this figure, because it changes when nothing happens. So the
// count reads every activation, and is a request of its own.
import * as z from "zod/mini";
import { allow } from "../../kernel/permissions.ts";
import type { Context } from "../../context.ts";
import type { Activation } from "../../storage/schema.ts";
import { DAY, formatInstant } from "../../kernel/dates.ts";
import { written } from "../../kernel/inputs.ts";

const Days = z.int().check(z.minimum(1), z.maximum(3_650));

/** Silent: holds a seat and was not seen for this many days. */
export const SilentDays = written(Days);

/** The default number of days. */
export const SILENT_DAYS = 3;

/** An instance that has its seat by a file, handed in by staff, has no network to check in: it is never silent. */
export const isByFile = ({ actor_type }: Pick<Activation, "actor_type">): boolean => actor_type === "staff";

/** All other instances, in SQL. */
export const NETWORKED = "actor_type <> 'staff'";

export const CensusQuery = z.strictObject({ silent_days: written(z._default(Days, SILENT_DAYS)) });

const CENSUS = `
  SELECT
    count(*) FILTER (WHERE ended_at = 0 AND lease_expires_at > ?1 AND (last_seen_at > ?2 OR NOT ${NETWORKED})) AS live,
    count(*) FILTER (WHERE ended_at = 0 AND lease_expires_at > ?1 AND last_seen_at <= ?2 AND ${NETWORKED}) AS silent,
    count(*) FILTER (WHERE ended_at > 0 OR lease_expires_at <= ?1) AS freed
  FROM activations`;

/** How many instances hold a seat and check in or have a file, hold a seat and are silent, or no longer hold a seat. */
export async function countInstances(context: Context, { silent_days }: z.output<typeof CensusQuery>) {
  allow(context, "read");
  const db = context.db.replica("lagging");
  const now = context.clock.now();
  const [result] = await db.batch([db.sql(CENSUS, now, now - silent_days * DAY)]);
  const { live, silent, freed } = result!.results[0] as { live: number; silent: number; freed: number };
  return { live, silent, freed, silent_days, counted_at: formatInstant(now) };
}
