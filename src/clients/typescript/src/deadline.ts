/** What the work comes to, or what is known when the time for it is over; the work goes on then. */
export async function atMost<T>(work: Promise<T>, milliseconds: number, known: () => T): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<T>((resolve) => {
    timer = setTimeout(() => resolve(known()), milliseconds);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    // Nobody waits any more for what may still go wrong.
    work.catch(() => undefined);
  }
}
