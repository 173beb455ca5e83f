// A run of a job: its steps one after the other, and what is kept of it.
import type { Context } from "../context.ts";
import { type Counts, beginRun, endRun, isBeingRestored, type Runs } from "../health/runs.ts";
import type { Job } from "../health/rules.ts";
import type { Counted } from "../storage/database.ts";
import { logged } from "../storage/failures.ts";
import type { JobRow, StepFailure } from "../storage/schema.ts";

/** How much of an error the row keeps. */
const MAX_ERROR = 300;

export interface Run {
  /** The services of this run, with a database that counts its statements. */
  context: Context;
  /** The rows of the jobs at the start, which say how the runs before ended; empty if they could not be read. */
  before: JobRow[];
  /** How many bytes the database held at the start; 0 if that could not be read. */
  bytes: number;
  /** The steps that failed so far. */
  failures: readonly StepFailure[];
  /** Whether the run may go on and still leave so many queries. */
  hasRoom: Counted["hasRoom"];
}

export interface Step {
  name: string;
  /** Says what it did, and whether it has to be carried on by another run. */
  run: (run: Run) => Promise<{ counts?: Counts; unfinished?: boolean } | void>;
}

/**
 * Runs the steps. Each one runs, even if an earlier one failed. A failure is logged with its step; a good run is one
 * line in the log, with its counts.
 * @param due the time for which the trigger was scheduled
 * @throws Error if a step failed: then the trigger counts as failed
 */
export async function runJob(
  asked: Context,
  job: Job,
  due: number,
  steps: Step[],
): Promise<"good" | "unfinished"> {
  const { clock, requestId } = asked;
  const { db, queries, hasRoom } = asked.db.counted();
  const context: Context = { ...asked, db, actor: { type: "system", id: job } };
  const failures: StepFailure[] = [];
  const counts: Counts = {};
  let unfinished = 0;
  const attempt = async (step: string, work: () => Promise<unknown>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      const told = logged(error);
      asked.log("error", { ...told, job, step, request_id: requestId });
      failures.push({ step, error: String(told["error"]).slice(0, MAX_ERROR) });
    }
  };
  const started = clock.now();
  let begun: Runs = { runs: [], bytes: 0 };
  let isRestoring = false;
  await attempt("begin", async () => {
    if ((isRestoring = await isBeingRestored(context))) return;
    begun = await beginRun(context, job, due, started);
  });
  // Half of the data would be taken for all of it: mail would go out, and the record be sealed.
  if (isRestoring) {
    asked.log("info", { event: "job", job, outcome: "unfinished", request_id: requestId, restoring: true });
    return "unfinished";
  }
  const run: Run = { context, before: begun.runs, bytes: begun.bytes, failures, hasRoom };
  for (const step of steps) {
    await attempt(step.name, async () => {
      const done = await step.run(run);
      Object.assign(counts, done?.counts);
      if (done?.unfinished) unfinished++;
    });
  }
  counts["queries"] = queries();
  // A run that failed is carried on as well if this says so.
  if (unfinished > 0) counts["unfinished"] = unfinished;
  const outcome = unfinished > 0 ? "unfinished" : "good";
  const ended = clock.now();
  await attempt("end", () =>
    endRun(context, {
      job,
      due,
      ended,
      outcome: failures.length > 0 ? "failed" : outcome,
      counts,
      failures: [...failures],
    }),
  );
  if (failures.length > 0)
    throw new Error(
      `The job ${job} failed at ${failures.map(({ step }) => step).join(", ")} (${requestId}): ${failures.map(({ error }) => error).join("; ")}`,
    );
  asked.log("info", { event: "job", job, outcome, request_id: requestId, ms: ended - started, ...counts });
  return outcome;
}
