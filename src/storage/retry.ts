// Asking D1 again. D1 loses a connection or moves a database now and then, and a moment later all is well.
//
// A failure does not say whether the batch was applied: its answer may be what got lost. So only what reads is
// asked again, and writes that leave the same behind when they are done twice. D1 repeats reads by itself, too;
// but not on the way to it.
import { isTransient } from "./failures.ts";

export interface Patience {
  /** Milliseconds, as of any moment. */
  now: () => number;
  pause: (milliseconds: number) => Promise<void>;
  /** A number in [0, 1). */
  random: () => number;
}

export const PATIENCE: Patience = {
  now: () => Date.now(),
  pause: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
  random: () => Math.random(),
};

/** The longest pause before each further try, in milliseconds; half of it is the shortest. */
const PAUSES = [60, 240];

/** What took this long has a caller who will ask again before we do. */
const TOO_LATE = 2_000;

/** @throws the last failure; at once what does not pass by itself, overload included: more requests make it worse */
export async function retrying<T>(work: () => Promise<T>, { now, pause, random }: Patience): Promise<T> {
  const until = now() + TOO_LATE;
  for (const longest of PAUSES) {
    try {
      return await work();
    } catch (error) {
      if (!isTransient(error) || now() >= until) throw error;
    }
    await pause(longest * (0.5 + random() / 2));
  }
  return work();
}
