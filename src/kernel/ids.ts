// Ids that begin with their time, so that an index by id is one by time, too.
import type { Services } from "../context.ts";

/** How many characters of a ULID are its time. */
const TIME = 10;

/** What sorts before the id of every message written from `at` on, and after all others. */
export const messageIdsFrom = ({ ids }: Pick<Services, "ids">, at: number): string =>
  `msg_${ids.ulid(Math.max(0, at)).slice(0, TIME)}`;
