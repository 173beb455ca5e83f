// Staff correct a day: figures that an instance reported by mistake, or somebody else in its name, never go down by
// themselves.
import * as z from "zod/mini";
import { instanceIdOf } from "../../field/pasted.ts";
import { allow } from "../../kernel/permissions.ts";
import { DAY, dayOf, formatInstant } from "../../kernel/dates.ts";
import { Reason } from "../../kernel/inputs.ts";
import type { Context } from "../../context.ts";
import { invalid, Problem } from "../../problems.ts";
import { recordChange } from "../../record/events.ts";
import { unknownLicense } from "../licenses/licenses.ts";
import type { Meters } from "../../storage/schema.ts";
import { Code, MAX_METERS } from "../entitlements/values.ts";
import { firstDay } from "./months.ts";
import { Day, MAX_FIGURE } from "./usage.ts";

const Figure = z.int().check(z.minimum(0), z.maximum(MAX_FIGURE));

export const UsageCorrection = z.strictObject({
  requests: Figure,
  services: Figure,
  /** By code; those that are left out stay as they are. */
  meters: z.optional(
    z
      .record(Code, Figure)
      .check(z.refine((meters) => Object.keys(meters).length <= MAX_METERS, `At most ${MAX_METERS} meters`)),
  ),
  reason: Reason,
});

export type UsageCorrection = z.output<typeof UsageCorrection>;

/** A day of one instance of a license. */
export interface InstanceDay {
  id: string;
  date: string;
  instance_id: string;
}

/** The figures of the day as they are now; corrected_at is an RFC 3339 instant. */
interface CorrectedUsage extends Omit<InstanceDay, "id"> {
  license_id: string;
  requests: number;
  services: number;
  meters?: Meters;
  corrected_at: string;
}

export const CorrectedDay = Day.check(z.refine((date) => date >= "1970-01-01", "Must not be before 1970"));

/**
 * Sets the figures of an instance for a day, even if the instance reported nothing for it. The sums follow, and later
 * reports no longer change the day. The same figures again change nothing. The id counts as it is written if an
 * instance is stored under that, as before ids were canonical, and otherwise in canonical form.
 * @throws Problem LICENSE_NOT_FOUND, NOT_FOUND for an instance that the license never had, REQUEST_INVALID for a day in
 *   the future, or one that is not kept any more
 */
export async function correctUsage(
  context: Context,
  { id, date, instance_id }: InstanceDay,
  correction: UsageCorrection,
): Promise<CorrectedUsage> {
  allow(context, "licenses");
  const { requests, services, reason } = correction;
  const { db, clock } = context;
  const meters = correction.meters === undefined ? null : JSON.stringify(correction.meters);
  const now = clock.now();
  if (date > dayOf(now + DAY)) throw invalid("date", "Must not be later than tomorrow");
  const first = firstDay(now);
  if (date < first) throw invalid("date", `Must not be before ${first}: older days are not kept`);
  const day = [id, date, instance_id] as const;
  const changing = `FROM licenses
    LEFT JOIN usage ON usage.license_id = licenses.id AND usage.day = ? AND usage.instance_id = ?
    WHERE licenses.id = ?
      AND (usage.day IS NOT NULL OR EXISTS (SELECT 1 FROM activations WHERE license_id = ? AND instance_id = ?))
      AND NOT (usage.corrected_at IS NOT NULL AND usage.requests = ? AND usage.services = ?
        AND json_patch(coalesce(usage.meters, '{}'), coalesce(?, '{}')) = coalesce(usage.meters, '{}'))`;
  const bound = [date, instance_id, id, id, instance_id, requests, services, meters];
  const results = await db.batch([
    // Takes the day out of its month, if it lies there already: a trigger gives it its figures.
    db.sql(
      `INSERT INTO usage (license_id, day, instance_id, requests, services)
       SELECT license_id, ?2, instance_id, 0, 0 FROM usage_months
       WHERE month = substr(?2, 1, 7) AND license_id = ?1 AND instance_id = ?3 AND days -> substr(?2, 9) IS NOT NULL`,
      ...day,
    ),
    recordChange(
      context,
      now,
      "usage.corrected",
      ["license", id],
      {
        sql: `json_object('date', ?, 'instance_id', ?,
          'from', iif(usage.day IS NULL, NULL, json_patch(
            json_object('requests', usage.requests, 'services', usage.services),
            iif(usage.meters IS NULL, '{}', json_object('meters', json(usage.meters))))),
          'to', json(?), 'reason', ?)`,
        values: [
          date,
          instance_id,
          JSON.stringify({ requests, services, meters: correction.meters }),
          reason,
        ],
      },
      { sql: changing, values: bound },
    ),
    db.sql(
      `INSERT INTO usage (license_id, day, instance_id, requests, services, corrected_at, meters, told)
       SELECT ?, ?, ?, ?, ?, ?, ?, ? ${changing}
       ON CONFLICT DO UPDATE SET
         requests = excluded.requests, services = excluded.services, corrected_at = excluded.corrected_at,
         meters = nullif(json_patch(coalesce(meters, '{}'), coalesce(excluded.meters, '{}')), '{}'),
         told = coalesce(excluded.told, told)`,
      ...day,
      requests,
      services,
      now,
      meters,
      correction.meters === undefined ? null : JSON.stringify(Object.keys(correction.meters)),
      ...bound,
    ),
    // The activation shows the figures of the last day that the instance reported.
    db.sql(
      `UPDATE activations SET usage_day = ?2, requests = ?4, services = ?5, usage_corrected = 1
       WHERE license_id = ?1 AND ended_at = 0 AND instance_id = ?3 AND coalesce(usage_day, '') <= ?2
         AND EXISTS (SELECT 1 FROM usage WHERE license_id = ?1 AND day = ?2 AND instance_id = ?3)`,
      ...day,
      requests,
      services,
    ),
    db.sql(
      `SELECT usage.corrected_at, usage.meters FROM licenses LEFT JOIN usage
         ON usage.license_id = licenses.id AND usage.day = ? AND usage.instance_id = ?
       WHERE licenses.id = ?`,
      date,
      instance_id,
      id,
    ),
  ]);
  const found = results.at(-1)?.results[0] as
    | { corrected_at: number | null; meters: string | null }
    | undefined;
  if (!found) throw unknownLicense(id);
  if (found.corrected_at === null) {
    const canonical = instanceIdOf(instance_id);
    if (canonical !== instance_id)
      return correctUsage(context, { id, date, instance_id: canonical }, correction);
    throw new Problem("NOT_FOUND", `The license has no instance ${instance_id}, and never had one.`);
  }
  return {
    license_id: id,
    date,
    instance_id,
    requests,
    services,
    ...(found.meters === null ? {} : { meters: JSON.parse(found.meters) as Meters }),
    corrected_at: formatInstant(found.corrected_at),
  };
}
