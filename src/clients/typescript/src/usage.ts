// The usage of an installation: figures per UTC day that only grow, so that a day reported twice counts once. Pure.

export interface Figures {
  requests: number;
  /** The most at one time on that day. */
  services: number;
}

/** @throws RangeError where they are no figures */
export function countable(figures: Figures): Figures {
  for (const n of [figures.requests, figures.services])
    if (!Number.isSafeInteger(n) || n < 0) throw new RangeError(`${n} is not a number of things.`);
  return figures;
}

/** By day, YYYY-MM-DD. */
export type Usage = Readonly<Record<string, Figures>>;

export interface DayReport extends Figures {
  date: string;
}

/** As many days as the service takes at once. */
const MAX_DAYS = 400;

/** The largest figure that the service takes. */
export const MAX_FIGURE = 1_000_000_000_000;

const DAY = 86_400_000;

/** The UTC day of an instant. */
export const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 10);

/** Adds requests and raises services, day by day; keeps the last 400 days. */
export function addUsage(usage: Usage, counted: Usage): Usage {
  const sum: Record<string, Figures> = { ...usage };
  for (const [day, { requests, services }] of Object.entries(counted)) {
    const known = sum[day] ?? { requests: 0, services: 0 };
    sum[day] = {
      requests: Math.min(known.requests + requests, MAX_FIGURE),
      services: Math.min(Math.max(known.services, services), MAX_FIGURE),
    };
  }
  return Object.fromEntries(Object.entries(sum).toSorted(byDay).slice(-MAX_DAYS));
}

export const reportOf = (usage: Usage): DayReport[] =>
  Object.entries(usage)
    .toSorted(byDay)
    .map(([date, { requests, services }]) => ({ date, requests, services }));

/** The larger figures of both. */
const highest = (a: Figures | undefined, b: Figures): Figures => ({
  requests: Math.max(a?.requests ?? 0, b.requests),
  services: Math.max(a?.services ?? 0, b.services),
});

/**
 * After an answer that accepted `report`: the acknowledged figures, and the usage without the days that are over
 * (older than yesterday) and fully acknowledged. What was counted during the request stays.
 */
export function settle(
  usage: Usage,
  acknowledged: Usage,
  report: readonly DayReport[],
  serverTime: number,
): { usage: Usage; acknowledged: Usage } {
  const told: Record<string, Figures> = { ...acknowledged };
  // The service ignores days that have not begun anywhere; they are reported again when they have.
  const heard = report.filter(({ date }) => date <= dayOf(serverTime + DAY));
  for (const { date, ...figures } of heard) told[date] = highest(told[date], figures);
  const yesterday = dayOf(serverTime - DAY);
  const kept = Object.entries(usage).filter(
    ([day, figures]) => day >= yesterday || !covers(told[day], figures),
  );
  const days = new Set(kept.map(([day]) => day));
  return {
    usage: Object.fromEntries(kept),
    acknowledged: Object.fromEntries(Object.entries(told).filter(([day]) => days.has(day))),
  };
}

/** The usage to report under another license: nothing already reported under the former one. */
export function untold(usage: Usage, acknowledged: Usage): Usage {
  const left = Object.entries(usage).map(([day, { requests, services }]): [string, Figures] => {
    const told = acknowledged[day] ?? { requests: 0, services: 0 };
    return [
      day,
      {
        requests: Math.max(0, requests - told.requests),
        // Services do not add up: a reported daily maximum is not reported again.
        services: services > told.services ? services : 0,
      },
    ];
  });
  return Object.fromEntries(left.filter(([, { requests, services }]) => requests > 0 || services > 0));
}

/** Whether the service knows all of it already. */
export const isSettled = (usage: Usage, acknowledged: Usage): boolean =>
  Object.entries(usage).every(([day, figures]) => covers(acknowledged[day], figures));

const covers = (told: Figures | undefined, { requests, services }: Figures): boolean =>
  told !== undefined && told.requests >= requests && told.services >= services;

const byDay = ([a]: [string, unknown], [b]: [string, unknown]): number => (a < b ? -1 : 1);
