// Which versions ran, day by day, as the walk through the instances counted them.
import type { Context } from "../../context.ts";
import { dayOf } from "../../kernel/dates.ts";
import { allow } from "../../kernel/permissions.ts";
import type { Period } from "../../kernel/periods.ts";
import { byVersion } from "../instances/by-version.ts";

interface VersionDay {
  day: string;
  /** In their order; null: those that name none. */
  versions: { version: string | null; count: number }[];
  /** How many run a version that is not among the 20 that most run. */
  others: number;
}

const DAYS = "SELECT day, versions, others FROM version_days WHERE day >= ?1 AND day <= ?2 ORDER BY day";

interface DayRow {
  day: string;
  versions: string;
  others: number;
}

/** The days of a period that were counted, at most a row each. */
export async function readVersions(context: Context, { from, to }: Period): Promise<VersionDay[]> {
  allow(context, "read");
  const db = context.db.replica("lagging");
  const last = dayOf(context.clock.now());
  const [found] = await db.batch([db.sql(DAYS, from, to < last ? to : last)]);
  return (found!.results as unknown as DayRow[]).map(({ day, versions, others }) => ({
    day,
    versions: (JSON.parse(versions) as [string | null, number][])
      .map(([version, count]) => ({ version, count }))
      .toSorted((a, b) => byVersion(a.version, b.version)),
    others,
  }));
}

/** A version, or all others, and how many ran it on each day. */
interface Series {
  name: string;
  counts: number[];
}

const OTHERS = "others";

const nameOf = (version: string | null): string => version ?? "not said";

/**
 * The versions that most instances ran on these days, in their order, and all others together.
 * @param most how many versions by themselves
 */
export function seriesOf(days: VersionDay[], most: number): Series[] {
  const sums = new Map<string | null, number>();
  for (const { version, count } of days.flatMap(({ versions }) => versions))
    sums.set(version, (sums.get(version) ?? 0) + count);
  const chosen = [...sums]
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, most)
    .map(([version]) => version)
    .toSorted(byVersion);
  const countOn = ({ versions }: VersionDay, version: string | null): number =>
    versions.find((one) => one.version === version)?.count ?? 0;
  const restOn = (day: VersionDay): number =>
    day.others +
    day.versions.reduce((sum, { version, count }) => sum + (chosen.includes(version) ? 0 : count), 0);
  const series = chosen.map((version) => ({
    name: nameOf(version),
    counts: days.map((day) => countOn(day, version)),
  }));
  const rest = days.map(restOn);
  return rest.some((count) => count > 0) ? [...series, { name: OTHERS, counts: rest }] : series;
}
