// The steps of a job: each one runs, even if earlier ones failed.

/**
 * Runs the steps one after the other.
 * @throws the first failure, after all steps have run: if any step fails, the trigger counts as failed
 */
export async function eachOf(steps: (() => Promise<unknown>)[]): Promise<void> {
  const failures: unknown[] = [];
  for (const step of steps) await step().catch((error: unknown) => failures.push(error));
  if (failures.length > 0) throw failures[0];
}
