// When the service needs somebody. Pure.
import { DAY, formatInstant, HOUR } from "../kernel/dates.ts";
import type { JobRow } from "../storage/schema.ts";

/** The jobs of the cron triggers, and how long after its last good run each one is late. */
const LATE_AFTER = { nightly: 26 * HOUR, deliveries: HOUR };

export type Job = keyof typeof LATE_AFTER;

export const JOBS = Object.keys(LATE_AFTER) as Job[];

/** The part of its greatest size from which a database is nearly full. */
const NEARLY_FULL = 0.9;

/** Mail that has waited this long is more than one outage of a minute. */
const MAIL_BACKS_UP = 6 * HOUR;

/** From when on a job counts as late. A run that fails, or is killed, does not put that off. */
export const lateFrom = (
  job: Job,
  { good_at, known_since }: Pick<JobRow, "good_at" | "known_since">,
): number => Math.max(good_at ?? 0, known_since) + LATE_AFTER[job];

export interface JobTrouble {
  job: Job;
  is: "late" | "failed";
  /** When it failed, or was good last; null if it never was. */
  at: number | null;
  /** The steps that failed. */
  steps: string[];
  /** What the first of them said. */
  why: string | null;
}

/** Where it stands what to do, in the repository. */
const runbook = (name: string): string => `docs/operations/${name}.md`;

/** The runbook about a job that does not do its work. */
export const runbookFor = ({ steps }: Pick<JobTrouble, "steps">): string =>
  runbook(steps.length === 1 && steps[0] === "seal" ? "broken-seals" : "night-did-not-run");

/** What is wrong with the jobs: each one at most once, being late before having failed. */
export function troublesOf(rows: JobRow[], now: number): JobTrouble[] {
  return JOBS.flatMap((job): JobTrouble[] => {
    const row = rows.find(({ name }) => name === job);
    if (!row) return [];
    const failures = row.outcome === "failed" ? row.failures : [];
    const what = { job, steps: failures.map(({ step }) => step), why: failures[0]?.error ?? null };
    if (lateFrom(job, row) < now) return [{ ...what, is: "late", at: row.good_at }];
    return row.outcome === "failed" ? [{ ...what, is: "failed", at: row.ended_at }] : [];
  });
}

/** In a sentence, for people. */
function troubleInWords({ job, is, at, steps }: JobTrouble): string {
  const where = steps.length > 0 ? ` at ${steps.join(", ")}` : "";
  if (is === "failed") return `The job ${job} failed${where}, ${formatInstant(at ?? 0)}.`;
  const last = at === null ? "It has had no good run yet" : `Its last good run ended ${formatInstant(at)}`;
  return `The job ${job} is late. ${last}${where && `; it fails${where}`}.`;
}

/** How the service does, as numbers. */
export interface Figures {
  jobs: JobRow[];
  mail: { waiting: number; oldest_at: number | null; failed: number };
  /** `oldest_at`: when the first event was recorded that an active endpoint still has to come to. */
  webhookEndpoints: { active: number; failing: number; switched_off: number; oldest_at: number | null };
  database: { bytes: number; of: number; takesWrites: boolean };
  /** When the last whole backup in the bucket was begun; null if there is none. */
  backedUpAt: number | null;
}

/** What is wrong with the room in the database, and where it stands what to do; null if there is enough. */
export const spaceTrouble = ({ bytes, of }: { bytes: number; of: number }): SpaceTrouble | null =>
  bytes < of * NEARLY_FULL
    ? null
    : { what: `The database holds ${bytes} of ${of} bytes.`, runbook: runbook("database-full") };

export interface SpaceTrouble {
  what: string;
  runbook: string;
}

/** A backup is due each week. Nights may fail, and a large one takes hours. */
const BACKUP_LATE_AFTER = 9 * DAY;

interface Verdict {
  /** Whether somebody has to act now: a health check fails. */
  failing: boolean;
  /** What is wrong, a sentence each. */
  problems: string[];
}

export function judge({ jobs, mail, database, backedUpAt }: Figures, now: number): Verdict {
  const troubles = troublesOf(jobs, now);
  const waits = mail.oldest_at !== null && mail.oldest_at < now - MAIL_BACKS_UP;
  const full = spaceTrouble(database);
  return {
    failing: !database.takesWrites || troubles.some(({ job, is }) => job === "nightly" && is === "late"),
    problems: [
      ...(database.takesWrites ? [] : ["The database takes no writes."]),
      ...troubles.map(troubleInWords),
      ...(waits ? [`Mail has been waiting since ${formatInstant(mail.oldest_at!)}.`] : []),
      ...(full ? [full.what] : []),
      ...(backedUpAt !== null && backedUpAt < now - BACKUP_LATE_AFTER
        ? [`The last backup in the bucket is of ${formatInstant(backedUpAt)}.`]
        : []),
    ],
  };
}

/** For how long a night that did not end is begun again by the ten-minute trigger. */
const CARRIED_ON = DAY / 4;

/** The longest that a run of a cron trigger can take is 15 minutes: what began before must have been killed. */
const LONGEST_RUN = HOUR / 3;

/** Whether the last run left something to do. One that also failed has the outcome `failed`. */
const isUnfinished = ({ outcome, counts }: JobRow): boolean =>
  outcome === "unfinished" || (counts["unfinished"] ?? 0) > 0;

/** The time for which a night was triggered that stopped half way, by itself or killed; null if none did lately. */
export function nightToCarryOn(rows: JobRow[], now: number): number | null {
  const night = rows.find(({ name }) => name === ("nightly" satisfies Job));
  if (!night || night.due_at === null || night.started_at === null) return null;
  const killed = night.started_at > (night.ended_at ?? 0);
  const stopped = killed ? night.started_at < now - LONGEST_RUN : isUnfinished(night);
  return stopped && night.due_at > now - CARRIED_ON ? night.due_at : null;
}
