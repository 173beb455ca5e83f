// The numbers in the rules of seats. Pure.
import { DAY } from "../../kernel/dates.ts";

/** This many stray certificates in a row make a clone. */
export const CLONE_AFTER = 2;

/** For how long a seat stays marked after the last suspicion, and unproven requests are kept by the day. */
export const QUIET = 7 * DAY;

/** How many new instance ids may take a seat of a license on a day (UTC), so that no key can fill the database. */
export const NEW_IDS = { least: 1_000, perSeat: 10, unlimited: 100_000 };

/** The same number for one license. */
export const newIdsOf = ({ max_instances }: { max_instances: number | null }): number =>
  max_instances === null ? NEW_IDS.unlimited : Math.max(NEW_IDS.least, NEW_IDS.perSeat * max_instances);
