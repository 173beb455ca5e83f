// The rows of the jobs: one each, written when a run begins and when it ends.
import { recordChange } from "../record/events.ts";
import type { Context, Services } from "../context.ts";
import { dayOf } from "../kernel/dates.ts";
import type { Row } from "../storage/database.ts";
import type { JobRow, StepFailure } from "../storage/schema.ts";
import { type Job, JOBS, type JobTrouble } from "./rules.ts";

export type Counts = Record<string, number>;

/** From now on each job is expected here, also one whose trigger never fires. */
export const expectJobs = ({ db }: Pick<Services, "db">, now: number): D1PreparedStatement =>
  db.sql(
    "INSERT INTO jobs (name, known_since) SELECT value, ? FROM json_each(?) WHERE true ON CONFLICT DO NOTHING",
    now,
    JSON.stringify(JOBS),
  );

const RUNS = `SELECT * FROM jobs WHERE name IN (${JOBS.map((job) => `'${job}'`).join(", ")})`;

export const selectRuns = ({ db }: Pick<Services, "db">): D1PreparedStatement => db.sql(RUNS);

type StoredRow = Omit<JobRow, "counts" | "failures"> & { counts: string; failures: string };

/** The rows that `selectRuns` found. */
export const runsIn = ({ results }: D1Result<Row>): JobRow[] =>
  results.map((row) => {
    const { counts, failures, ...run } = row as unknown as StoredRow;
    return {
      ...run,
      counts: JSON.parse(counts) as JobRow["counts"],
      failures: JSON.parse(failures) as JobRow["failures"],
    };
  });

/** The rows of the jobs, and how many bytes the database holds. */
export interface Runs {
  runs: JobRow[];
  bytes: number;
}

const foundIn = (found: D1Result<Row>): Runs => ({ runs: runsIn(found), bytes: found.meta.size_after });

export async function readRuns(services: Pick<Services, "db">): Promise<Runs> {
  const [found] = await services.db.batch([selectRuns(services)]);
  return foundIn(found!);
}

/** Whether a restore goes on. */
export async function isBeingRestored({ db }: Pick<Services, "db">): Promise<boolean> {
  const [found] = await db.batch([db.sql("SELECT 1 FROM restores WHERE ended_at IS NULL LIMIT 1")]);
  return found!.results.length > 0;
}

/**
 * Writes that a run begins.
 * @param due the time for which the run was triggered
 * @returns the rows, which still say how the runs before ended
 */
export async function beginRun(context: Context, job: Job, due: number, started: number): Promise<Runs> {
  const { db } = context;
  const results = await db.batch(
    [
      expectJobs(context, started),
      db.sql("UPDATE jobs SET due_at = ?, started_at = ? WHERE name = ?", due, started, job),
      selectRuns(context),
    ],
    "repeatable",
  );
  return foundIn(results.at(-1)!);
}

interface Ended {
  job: Job;
  due: number;
  ended: number;
  outcome: NonNullable<JobRow["outcome"]>;
  counts: Counts;
  failures: StepFailure[];
}

type Told = Pick<JobTrouble, "job" | "is" | "steps">;

/** Of one run of a job, or of many that fail one after the other, one event a day says so. */
const tell = (context: Context, at: number, { job, is, steps }: Told, onlyIf: string) =>
  [
    context.db.sql(
      `UPDATE jobs SET told_at = ?1 WHERE name = ?2 AND (coalesce(told_at, 0) < ?3 OR ${onlyIf})`,
      at,
      job,
      Date.parse(dayOf(at)),
    ),
    recordChange(context, at, "job.failed", ["job", job], { is, steps }),
  ] as const;

/** Writes how a run ended. A failure is also an event: the first one after a good run, then one a day. */
export async function endRun(context: Context, run: Ended): Promise<void> {
  const { db } = context;
  const { job, due, ended, outcome, counts, failures } = run;
  const isGood = outcome === "good" ? 1 : 0;
  const steps = failures.map(({ step }) => step);
  await db.batch([
    ...(failures.length > 0 ? tell(context, ended, { job, is: "failed", steps }, "outcome = 'good'") : []),
    db.sql(
      `UPDATE jobs SET ended_at = ?1, outcome = ?2, counts = ?3, failures = ?4,
         good_at = iif(?5, ?1, good_at), good_due_at = iif(?5, ?6, good_due_at)
       WHERE name = ?7`,
      ended,
      outcome,
      JSON.stringify(counts),
      JSON.stringify(failures),
      isGood,
      due,
      job,
    ),
  ]);
}

/** Records that a job is late, once a day: it was not triggered, or it fails or is killed each time. */
export async function tellLate(context: Context, now: number, { job, is, steps }: JobTrouble): Promise<void> {
  await context.db.batch([...tell(context, now, { job, is, steps }, "false")]);
}
