// The usage of an installation by UTC day: what is kept, what is reported, and what the service has. Pure.
import { added, blank, type Counts, covers, type Figures, highest, left, metersOf } from "./meters.ts";

/** By day, YYYY-MM-DD. */
export type Usage = Readonly<Record<string, Figures>>;

/** What is kept. */
export interface Days {
  /** The days to report. */
  usage: Usage;
  /** What the service has of them. */
  acknowledged: Usage;
  /** Days of this license and instance that the service has in full. */
  settled: Usage;
}

export interface DayReport {
  date: string;
  requests: number;
  services: number;
  /** By code. */
  meters?: Record<string, number>;
}

/** As many days as the service takes at once. */
const MAX_DAYS = 400;

/** The longest report, in characters: 400 days without meters always fit, and the service takes requests of 64 KiB. */
export const MAX_REPORT = 32_768;

/** How long days are kept that the service has: a quarter, and the 40 days after which the service closes a month. */
const KEPT_DAYS = 132;

const DAY = 86_400_000;

/** The UTC day of an instant. */
export const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 10);

/** Whether a text is a day. JavaScript takes 30 February for 2 March. */
export const isDay = (text: string): boolean => {
  const midnight = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(midnight) && dayOf(midnight) === text;
};

/** Adds requests and sums, and raises services and peaks, day by day; keeps the last 400 days. */
export function addUsage(usage: Usage, counted: Readonly<Record<string, Counts>>): Usage {
  const sum: Record<string, Figures> = { ...usage };
  for (const [day, counts] of Object.entries(counted)) sum[day] = added(sum[day] ?? blank(), counts);
  return Object.fromEntries(Object.entries(sum).toSorted(byDay).slice(-MAX_DAYS));
}

/** With what was counted. Late counts go on from the figures that the service has: it takes nothing lower. */
export function withCounted({ usage, acknowledged, settled }: Days, counted: Usage): Days {
  const late = Object.entries(settled).filter(([day]) => day in counted && !(day in usage));
  if (late.length === 0) return { usage: addUsage(usage, counted), acknowledged, settled };
  const back = Object.fromEntries(late);
  return {
    usage: addUsage({ ...usage, ...back }, counted),
    acknowledged: { ...acknowledged, ...back },
    settled: Object.fromEntries(Object.entries(settled).filter(([day]) => !(day in back))),
  };
}

/** Cumulative, so that nothing counts twice if it is sent again. */
export const reportOf = (usage: Usage): DayReport[] =>
  Object.entries(usage)
    .toSorted(byDay)
    .map(([date, figures]) => {
      const told: DayReport = { date, requests: figures.requests, services: figures.services };
      const meters = metersOf(figures);
      if (meters.size > 0) told.meters = Object.fromEntries(meters);
      return told;
    });

/** As many days as fit into one report, the oldest first; the others come with the next one. */
export function portionOf(usage: Usage): Usage {
  const days = Object.entries(usage).toSorted(byDay);
  let length = 0;
  const end = days.findIndex(([day, figures]) => {
    length += JSON.stringify(reportOf({ [day]: figures })).length;
    return length > MAX_REPORT;
  });
  return Object.fromEntries(end === -1 ? days : days.slice(0, end));
}

/**
 * After an answer that took what was sent: the acknowledged figures, and the usage without the days that are over
 * (older than yesterday) and fully acknowledged, which are settled. What was counted during the request stays.
 */
export function settle({ usage, acknowledged, settled }: Days, sent: Usage, serverTime: number): Days {
  const told: Record<string, Figures> = { ...acknowledged };
  // The service ignores days that have not begun anywhere; they are reported again when they have.
  const heard = Object.entries(sent).filter(([day]) => day <= dayOf(serverTime + DAY));
  for (const [day, figures] of heard) told[day] = highest(told[day] ?? blank(), figures);
  const [yesterday, oldest] = [dayOf(serverTime - DAY), dayOf(serverTime - KEPT_DAYS * DAY)];
  const days = Object.entries(usage);
  const isOver = ([day, figures]: [string, Figures]): boolean =>
    day < yesterday && covers(told[day], figures);
  const kept = Object.fromEntries(days.filter((day) => !isOver(day)));
  const over = [...Object.entries(settled), ...days.filter(isOver)].filter(([day]) => day >= oldest);
  return {
    usage: kept,
    acknowledged: Object.fromEntries(Object.entries(told).filter(([day]) => day in kept)),
    settled: Object.fromEntries(over),
  };
}

/** The usage to report under another license, or as another instance: nothing already reported as the former one. */
export function untold(usage: Usage, acknowledged: Usage): Usage {
  const rest = Object.entries(usage).map(([day, figures]): [string, Figures] => [
    day,
    left(figures, acknowledged[day]),
  ]);
  return Object.fromEntries(rest.filter(([, figures]) => Object.values(figures).some((n) => n > 0)));
}

/** The days as told anew: under another license, or as another instance of the same one. */
export const toldAnew = ({ usage, acknowledged }: Days): Days => ({
  usage: untold(usage, acknowledged),
  acknowledged: {},
  settled: {},
});

/** Whether the service knows all of it already. */
export const isSettled = (usage: Usage, acknowledged: Usage): boolean =>
  Object.entries(usage).every(([day, figures]) => covers(acknowledged[day], figures));

const byDay = ([a]: [string, unknown], [b]: [string, unknown]): number => (a < b ? -1 : 1);
