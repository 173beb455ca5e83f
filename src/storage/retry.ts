// Retrying. Now and then D1 loses a connection or moves a database, and works again a moment later.
//
// A failure does not tell whether the batch was applied: perhaps only its answer was lost. So only reads are retried,
// and writes that have the same effect when they are done twice. D1 also retries reads itself, but not a connection to
// it that fails.
import { isTransient } from "./failures.ts";

export interface Patience {
  /** Milliseconds since any fixed moment. */
  now: () => number;
  pause: (milliseconds: number) => Promise<void>;
  /** A number in [0, 1). */
  random: () => number;
}

export const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** The longest pause before each retry, in milliseconds; the shortest is half of it. */
const PAUSES = [60, 240];

/** After this long, the caller will ask again before a retry could help. */
const TOO_LATE = 2_000;

/** @throws the last failure; a failure that is not transient, at once: with an overload, retries make it worse */
export async function retrying<T>(work: () => Promise<T>, patience: Patience): Promise<T> {
  const { now, random } = patience;
  const until = now() + TOO_LATE;
  for (const longest of PAUSES) {
    try {
      return await work();
    } catch (error) {
      if (!isTransient(error) || now() >= until) throw error;
    }
    await patience.pause(longest * (0.5 + random() / 2));
  }
  return work();
}
