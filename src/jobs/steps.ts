// The steps of a job: each is made, whatever became of those before.

/**
 * Makes the steps one after the other.
 * @throws what the first one that failed threw, once all were made: a trigger that did not do all counts as failed
 */
export async function eachOf(steps: (() => Promise<unknown>)[]): Promise<void> {
  const failures: unknown[] = [];
  for (const step of steps) await step().catch((error: unknown) => failures.push(error));
  if (failures.length > 0) throw failures[0];
}
