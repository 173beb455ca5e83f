// What the instances of a license report: cumulative by UTC day, the highest figure of each instance counts.
import { dayOf } from "../usage.ts";
import { DAY, type DrillLicense } from "./licenses.ts";

export interface Day {
  date: string;
  requests: number;
  services: number;
}

export interface Overuse {
  day: string;
  limit: "max_requests_per_day" | "max_services";
  allowed: number;
  observed: number;
}

/** The days that can be, by date, and how many cannot: in the future, or long before the license. */
export function possible(days: Day[], now: number, issuedAt: number): { days: Day[]; ignored: number } {
  const [first, last] = [dayOf(Math.max(0, issuedAt - 35 * DAY)), dayOf(now + DAY)];
  const kept = days.filter(({ date }) => date >= first && date <= last);
  return {
    days: kept.toSorted((a, b) => (a.date < b.date ? -1 : 1)),
    ignored: days.length - kept.length,
  };
}

export class Usage {
  readonly #days = new Map<string, Map<string, Day>>();

  take(instanceId: string, days: Day[]): void {
    for (const { date, requests, services } of days) {
      const instances = this.#days.get(date) ?? new Map<string, Day>();
      this.#days.set(date, instances);
      const known = instances.get(instanceId);
      instances.set(instanceId, {
        date,
        requests: Math.max(known?.requests ?? 0, requests),
        services: Math.max(known?.services ?? 0, services),
      });
    }
  }

  /** Of all instances together. */
  on(date: string): Day {
    const told = [...(this.#days.get(date)?.values() ?? [])];
    const sum = (figure: "requests" | "services"): number =>
      told.reduce((total, day) => total + day[figure], 0);
    return { date, requests: sum("requests"), services: sum("services") };
  }

  overuses({ maxRequestsPerDay, maxServices }: DrillLicense, days: Day[]): Overuse[] {
    return days.flatMap(({ date }) => {
      const { requests, services } = this.on(date);
      const limits = [
        ["max_requests_per_day", maxRequestsPerDay, requests],
        ["max_services", maxServices, services],
      ] as const;
      return limits.flatMap(([limit, allowed, observed]) =>
        allowed !== null && observed > allowed ? [{ day: date, limit, allowed, observed }] : [],
      );
    });
  }
}
