// Callers wait as long as they said, and no longer.
import { TOO_LATE } from "./failures.ts";
import { LicenseError } from "./vocabulary.ts";

/**
 * The result of the work, or what is known when its time is over; the work then continues.
 * @throws what the work, or `known`, throws
 */
export async function atMost<T>(work: Promise<T>, milliseconds: number, known: () => T): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  }).then(known);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    // Nobody waits any more for a later failure.
    work.catch(() => undefined);
  }
}

/** @throws LicenseError SERVICE_UNAVAILABLE */
export function failForTime(): never {
  throw new LicenseError("SERVICE_UNAVAILABLE", `The license service was not reached: ${TOO_LATE}`);
}
