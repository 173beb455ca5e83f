// The rules of notices, stated a second time and otherwise than in src/notices: night by night over a list of nights,
// with the calendar's own days. Nothing here is shared with what it checks.

export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

export interface Told {
  license: string;
  end: number;
  days: number;
  to: string;
}

export interface Person {
  email: string;
  roles: string[];
  /** The customer's own address, which is the first contact whenever it was made. */
  own: boolean;
}

export interface Sold {
  id: string;
  status: string;
  end: number | null;
  /** When the present term began. */
  began: number;
  thresholds: number[];
}

/** The night in which a threshold is planned, among the nights at 03:00 UTC of all days. */
function plannedNight(end: number, days: number): number {
  let night = Math.ceil((end - (days + 3) * DAY) / DAY) * DAY + 3 * HOUR;
  if (days === 0) {
    while (night < end) night += DAY;
    return night;
  }
  while (end - (night + DAY) >= days * DAY) night += DAY;
  return night;
}

/** Who is written to about the end of a license. */
export function payers(people: Person[]): string[] {
  const billing = people.filter(({ roles }) => roles.includes("billing"));
  const first = people.find(({ own }) => own) ?? people[0];
  const chosen = billing.length > 0 ? billing : first ? [first] : [];
  return [...new Set(chosen.map(({ email }) => email))];
}

/** What is written in this night about a license. @param before all that was written until then */
export function writtenIn(night: number, sold: Sold, people: Person[], before: readonly Told[]): Told[] {
  const { id, status, end, began, thresholds } = sold;
  if (status !== "active" || end === null) return [];
  const open = thresholds
    .filter((days) => end - days * DAY > began)
    .filter((days) => plannedNight(end, days) <= night)
    .filter((days) => (days === 0 ? night >= end : night < end))
    .toSorted((one, other) => one - other);
  const [days] = open;
  if (days === undefined || night >= end - days * DAY + 8 * DAY) return [];
  return payers(people)
    .filter(
      (to) =>
        !before.some(
          (told) => told.license === id && told.end === end && told.to === to && told.days <= days,
        ),
    )
    .map((to) => ({ license: id, end, days, to }));
}

const isoDay = (at: number): string => new Date(at).toISOString().slice(0, 10);

/** The words for an end, read on the day of `now`. */
export function words(now: number, end: number): string {
  for (let days = 0; days < 400; days++) {
    if (isoDay(now + days * DAY) === isoDay(end)) {
      return days === 0 ? "today" : days === 1 ? "tomorrow" : `in ${days} days`;
    }
  }
  return "?";
}

/** Whether a notice that waits still says what is so. */
export function stillTrue(told: Told, now: number, sold: Sold, all: readonly Told[]): boolean {
  const nearer = all.some(
    (other) => other.license === told.license && other.end === told.end && other.days < told.days,
  );
  return sold.status === "active" && sold.end === told.end && !nearer && (told.days === 0 || now < told.end);
}

/** Numbers in [0, 1), the same for the same seed. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    return state / 4_294_967_296;
  };
}
