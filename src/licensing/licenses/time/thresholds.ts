// How many days before its end a license is told of.
import type { Context } from "../../../context.ts";
import type { Row } from "../../../storage/database.ts";

/**
 * Finds every threshold that any license may have: those of the types, and those of licenses with their own. Steps from
 * one distinct value to the next: reads as many rows as there are values, not licenses.
 */
export const selectThresholds = ({ db }: Pick<Context, "db">): D1PreparedStatement =>
  db.sql(
    `WITH RECURSIVE own(days) AS (
       SELECT min(notice_days) FROM licenses WHERE notice_days IS NOT NULL
       UNION ALL
       SELECT (SELECT min(notice_days) FROM licenses WHERE notice_days > own.days) FROM own WHERE own.days IS NOT NULL
     )
     SELECT DISTINCT value AS days FROM (
       SELECT notice_days AS list FROM license_types
       UNION ALL SELECT days FROM own WHERE days IS NOT NULL
     ), json_each(list)`,
  );

/** The thresholds that `selectThresholds` found. */
export const thresholdsIn = ({ results }: D1Result<Row>): number[] => results.map(({ days }) => Number(days));

export async function thresholdsInUse(context: Pick<Context, "db">): Promise<number[]> {
  const [found] = await context.db.batch([selectThresholds(context)]);
  return thresholdsIn(found!);
}
