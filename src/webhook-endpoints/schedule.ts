// When an endpoint that failed is tried again, and when it is given up. Pure.
import { DAY, HOUR, SECOND } from "../kernel/dates.ts";

const FIRST = 60 * SECOND;

const LONGEST = 12 * HOUR;

/** Each pause is so many times the one before. */
const FACTOR = 3;

/** How long nothing is sent after so many failures in a row (1 or more): 1, 3, 9, 27, 81 min, 4 h, 12 h, 12 h, … */
export const pauseAfter = (failures: number): number => Math.min(LONGEST, FIRST * FACTOR ** (failures - 1));

/** An endpoint whose attempts all failed for so long is switched off. */
export const GIVEN_UP_AFTER = 5 * DAY;
