/** The result of the work, or what is known when its time is over; the work then continues. */
export async function atMost<T>(work: Promise<T>, milliseconds: number, known: () => T): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<T>((resolve) => {
    timer = setTimeout(() => resolve(known()), milliseconds);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    // Nobody waits any more for a later failure.
    work.catch(() => undefined);
  }
}
