// Two times: the wall clock, which people set, and confirmed time, which only the service and a monotonic
// clock advance. Deadlines use confirmed time, so that a clock that jumps ahead ends nothing, and one that is set
// back extends nothing.
import type { State } from "./state.ts";

export interface Clocks {
  /** The wall clock, milliseconds since the epoch. */
  clock: number;
  /** Confirmed time, milliseconds since the epoch. */
  confirmed: number;
}

/** Clocks always differ a little. */
export const CLOCK_TOLERANCE = 300_000;

/** How often confirmed time is written, so that a kill loses no more of it. */
const WRITTEN_EVERY = 600_000;

/** How far the wall clock is ahead of the service; zero after it was set back behind its reading at that time. */
export const clockAhead = (ahead: State["clock_ahead"], clock: number): number =>
  ahead !== null && clock >= Date.parse(ahead.at) - CLOCK_TOLERANCE ? ahead.by_ms : 0;

/** Whether the wall clock is behind signed documents or the installation's own records. */
export function isSetBack(
  facts: {
    highWater: number;
    lastSeenAt: string | null;
    lastAttemptAt: string | null;
  },
  clock: number,
): boolean {
  const { highWater, lastSeenAt, lastAttemptAt } = facts;
  const latest = Math.max(highWater * 1000, parseOrNull(lastSeenAt) ?? 0, parseOrNull(lastAttemptAt) ?? 0);
  return clock < latest - CLOCK_TOLERANCE;
}

/** Confirmed time in this process: that of the state, plus the time that has passed since. */
export class ConfirmedTime {
  readonly #clock: () => number;
  readonly #monotonic: () => number;
  #base: number | null = null;
  #since = 0;

  constructor(clock: () => number, monotonic: () => number) {
    this.#clock = clock;
    this.#monotonic = monotonic;
  }

  /** Milliseconds since the epoch. */
  now(): number {
    if (this.#base === null) this.#start(this.#clock());
    return this.#base! + Math.max(0, this.#monotonic() - this.#since);
  }

  /** Takes over the time of a state: another process, or the service, may be further ahead. */
  follow({ confirmed_at, high_water }: State): void {
    const told = Math.max(parseOrNull(confirmed_at) ?? -Infinity, parseOrNull(high_water) ?? -Infinity);
    // The wall clock counts only at the very start, when nothing else is known.
    if (this.#base === null) this.#start(confirmed_at === null ? Math.max(told, this.#clock()) : told);
    else if (told > this.now()) this.#start(told);
  }

  /** Whether enough time has passed to write it. */
  isDue({ confirmed_at }: State): boolean {
    return confirmed_at === null || this.now() - Date.parse(confirmed_at) >= WRITTEN_EVERY;
  }

  /** The state with the time in it. */
  stamp(state: State): State {
    this.follow(state);
    const now = instantOf(this.now())!;
    const seen = Math.max(this.#clock(), parseOrNull(state.last_seen_at) ?? 0);
    return {
      ...state,
      confirmed_at: now,
      last_seen_at: instantOf(seen),
      bounded_since: state.bounded_since ?? now,
      key_seen_at: state.license_key === null ? null : (state.key_seen_at ?? now),
    };
  }

  #start(base: number): void {
    this.#base = base;
    this.#since = this.#monotonic();
  }
}

export const parseOrNull = (instant: string | null): number | null =>
  instant === null ? null : Date.parse(instant);

/** RFC 3339, UTC, with milliseconds. */
export const instantOf = (at: number | null): string | null =>
  at === null ? null : new Date(at).toISOString();
