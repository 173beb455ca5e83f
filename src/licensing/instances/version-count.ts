// Counts once a day which versions run, page by page along the walk that looks for silent instances. There is no counter
// by version, because it would cost each activation a write. Pure, but for the statements.

/** So many versions are kept of a day; the others are one figure. */
const KEPT = 20;

/** So many are counted apart in a round: an installation may call its version anything. */
const APART = 200;

/** How far the walk has come. */
type Place = [license_id: string, ended_at: number, instance_id: string];

/** What a round has counted so far. */
export interface Counted {
  day: string;
  /** Where the next page begins: a release that does not count may move the walk on. */
  at: Place;
  /** The versions that most instances run, with null for none. */
  versions: [version: string | null, instances: number][];
  others: number;
}

/** The versions of a page of activations, with how many seated instances of the page run any. @param page SQL of its rows */
export const versionsOf = (page: string, now: string): string => `
  SELECT app_version AS version, n, sum(n) OVER () AS total FROM (
    SELECT app_version, count(*) AS n FROM (${page})
    WHERE ended_at = 0 AND lease_expires_at > ${now} GROUP BY app_version)
  ORDER BY n DESC, version LIMIT ${APART}`;

export interface PageVersion {
  version: string | null;
  n: number;
  total: number;
}

const isSame = (one: Place, other: Place): boolean => JSON.stringify(one) === JSON.stringify(other);

/**
 * The count that a page belongs to: the one that came up to here, or, where a round begins on a day that is not counted
 * yet, a new one. null: nothing is counted.
 */
export function countAt(
  stored: string,
  place: Place,
  isBeginning: boolean,
  day: string | null,
): Counted | null {
  if (isBeginning) return day === null ? null : { day, at: place, versions: [], others: 0 };
  const { at, ...counted } = JSON.parse(stored) as Partial<Counted>;
  return at && isSame(at, place) ? ({ at, ...counted } as Counted) : null;
}

/** With one page more. */
export function withPage(counted: Counted, page: PageVersion[], next: Place): Counted {
  const all = new Map(counted.versions);
  for (const { version, n } of page) all.set(version, (all.get(version) ?? 0) + n);
  const sorted = [...all].toSorted(([, a], [, b]) => b - a);
  const apart = page.reduce((sum, { n }) => sum + n, 0);
  return {
    day: counted.day,
    at: next,
    versions: sorted.slice(0, APART),
    others: counted.others + ((page[0]?.total ?? 0) - apart) + sumOf(sorted.slice(APART)),
  };
}

const sumOf = (versions: [unknown, number][]): number => versions.reduce((sum, [, n]) => sum + n, 0);

/** What a whole round keeps of its day. */
export const dayOfCount = ({ day, versions, others }: Counted) => ({
  day,
  versions: JSON.stringify(versions.slice(0, KEPT)),
  others: others + sumOf(versions.slice(KEPT)),
});
