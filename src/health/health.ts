// How the service does: its jobs, its mail, its database. No customer is named in it.
import type { Context } from "../context.ts";
import { allow } from "../kernel/permissions.ts";
import { DAY, formatInstantOrNull } from "../kernel/dates.ts";
import { messageIdsFrom } from "../kernel/ids.ts";
import { logged } from "../storage/failures.ts";
import type { JobRow } from "../storage/schema.ts";
import { type Figures, type Job, judge, lateFrom, troublesOf } from "./rules.ts";
import { expectJobs, runsIn, selectRuns } from "./runs.ts";

/** For how long a mail that failed counts. */
const LATELY = 7 * DAY;

/** Bytes: several pages of SQLite, so that there must be room for it. */
const FILLING = 20_000;

/** Writes and takes it back: a full database answers every question and fails here. */
async function takesWrites(context: Context, now: number): Promise<boolean> {
  const { db, requestId } = context;
  try {
    await db.batch(
      [
        expectJobs(context, now),
        db.sql(
          "INSERT OR REPLACE INTO write_probe (only, filling) VALUES (1, hex(zeroblob(?)))",
          FILLING / 2,
        ),
        db.sql("DELETE FROM write_probe"),
      ],
      "repeatable",
    );
    return true;
  } catch (error) {
    context.log("error", { ...logged(error), request_id: requestId, work: "write probe" });
    return false;
  }
}

const ENDPOINTS = `
  SELECT count(iif(active = 1, 1, NULL)) AS active, count(iif(active = 1 AND failures > 0, 1, NULL)) AS failing,
    count(iif(active = 0 AND switched_off_at IS NOT NULL, 1, NULL)) AS switched_off,
    (SELECT at FROM events WHERE id > (SELECT min(cursor) FROM webhook_endpoints WHERE active = 1)
     ORDER BY id LIMIT 1) AS oldest_at
  FROM webhook_endpoints`;

/** @throws if the database does not answer */
export async function readFigures(context: Context): Promise<Figures> {
  allow(context, "health");
  const { db, clock, config } = context;
  const now = clock.now();
  const writes = await takesWrites(context, now);
  const [runs, waiting, oldest, failed, backup, endpoints] = await db.batch([
    selectRuns(context),
    db.sql("SELECT count(*) AS n FROM messages WHERE status = 'pending'"),
    db.sql("SELECT created_at FROM messages WHERE status = 'pending' ORDER BY id LIMIT 1"),
    // The index by status and id counts only the last days.
    db.sql(
      "SELECT count(*) AS n FROM messages WHERE status = 'failed' AND id >= ?",
      messageIdsFrom(context, now - LATELY),
    ),
    db.sql(
      "SELECT begun_at FROM backups WHERE stored = 1 AND ended_at IS NOT NULL ORDER BY begun_at DESC LIMIT 1",
    ),
    db.sql(ENDPOINTS),
  ]);
  return {
    jobs: runsIn(runs!),
    mail: {
      waiting: Number(waiting!.results[0]!["n"]),
      oldest_at: (oldest!.results[0]?.["created_at"] as number | undefined) ?? null,
      failed: Number(failed!.results[0]!["n"]),
    },
    webhookEndpoints: endpoints!.results[0] as unknown as Figures["webhookEndpoints"],
    database: {
      bytes: runs!.meta.size_after,
      of: config.databaseMaxBytes,
      takesWrites: writes,
    },
    backedUpAt: context.backups ? ((backup!.results[0]?.["begun_at"] as number | undefined) ?? null) : null,
  };
}

/** A job as the API shows it. */
export const presentJob = (row: JobRow, now: number) => ({
  last_start_at: formatInstantOrNull(row.started_at),
  last_end_at: formatInstantOrNull(row.ended_at),
  last_good_at: formatInstantOrNull(row.good_at),
  outcome: row.outcome,
  counts: row.counts,
  failures: row.failures,
  late: lateFrom(row.name as Job, row) < now,
});

/** What is no fault, but worth knowing. */
function notesOf({ config, backups }: Context, { jobs, backedUpAt }: Figures): string[] {
  return [
    ...(backups
      ? []
      : [
          "No bucket BACKUPS is bound: there are no weekly backups, and the heads of the record are kept in certificates and digests alone.",
        ]),
    ...(backups && backedUpAt === null
      ? ["The bucket BACKUPS has no whole backup of this database yet."]
      : []),
    ...(config.heartbeat === "malformed" ? ["HEARTBEAT_URL is malformed and is not called."] : []),
    ...(jobs.every(({ started_at }) => started_at === null)
      ? ["No job ever ran here: is this a service without cron triggers?"]
      : []),
  ];
}

/** The health as a document. `failing` if somebody has to act now. */
export async function readHealth(context: Context) {
  const figures = await readFigures(context);
  const now = context.clock.now();
  const { failing, problems } = judge(figures, now);
  const runOf = (job: Job) => {
    const row = figures.jobs.find(({ name }) => name === job);
    return row ? presentJob(row, now) : null;
  };
  const { mail, webhookEndpoints, database } = figures;
  return {
    failing,
    document: {
      problems,
      notes: notesOf(context, figures),
      jobs: { nightly: runOf("nightly"), deliveries: runOf("deliveries") },
      mail: {
        configured: context.config.mail.apiKey !== null,
        waiting: mail.waiting,
        oldest_at: formatInstantOrNull(mail.oldest_at),
        failed: mail.failed,
      },
      webhook_endpoints: {
        ...webhookEndpoints,
        oldest_at: formatInstantOrNull(webhookEndpoints.oldest_at),
      },
      database: { bytes: database.bytes, of: database.of, takes_writes: database.takesWrites },
      backups: {
        bound: context.backups !== null,
        last_at: formatInstantOrNull(figures.backedUpAt),
      },
    },
  };
}

/**
 * Whether the service can do its work: `degraded` if a job failed or is late, which installations do not notice.
 * @throws if the database does not answer, or lacks the newest migration
 */
export async function readiness(context: Context): Promise<"ok" | "degraded" | "takes no writes"> {
  const { db, clock } = context;
  const [runs] = await db.batch([
    selectRuns({ db }),
    // A table of the last migration, because a Worker may be deployed before its migrations run.
    db.sql("SELECT day FROM version_days LIMIT 1"),
  ]);
  const fault = db.writeFault();
  // Full is full until a write succeeds. Anything else may have been over in a moment, so it is tried again.
  if (fault === "full" || (fault === "broken" && !(await takesWrites(context, clock.now()))))
    return "takes no writes";
  return troublesOf(runsIn(runs!), clock.now()).length > 0 ? "degraded" : "ok";
}
