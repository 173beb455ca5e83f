// The figures in the rules of seats. Pure.
import { DAY } from "../../kernel/dates.ts";

/** So many stray certificates in a row make a clone. */
export const CLONE_AFTER = 2;

/** For so long after the last suspicion a seat is marked, and unproven requests are counted by the day. */
export const QUIET = 7 * DAY;

/** An unlimited license has nothing to enforce: where it has more seats than this, nobody counts them one by one. */
export const COUNTED_SEATS = 1_000;

/** How many instance ids may newly take a seat of a license on a day (UTC): no key fills the database. */
export const NEW_IDS = { least: 1_000, perSeat: 10, unlimited: 100_000 };

/** The same, for a license. */
export const newIdsOf = ({ max_instances }: { max_instances: number | null }): number =>
  max_instances === null ? NEW_IDS.unlimited : Math.max(NEW_IDS.least, NEW_IDS.perSeat * max_instances);
