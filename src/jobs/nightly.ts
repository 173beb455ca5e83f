// Once a night: the notices that are due, the seal over new events, and the digest for staff.
import { sealEvents } from "../audit/seals.ts";
import type { Context } from "../context.ts";
import { type JobTrouble, runbookFor, spaceTrouble, troublesOf } from "../health/rules.ts";
import { digestSince, writeDigest } from "../notices/digest.ts";
import { writeNotices } from "../notices/expiry.ts";
import { MISSED } from "../notices/ladder.ts";
import type { DigestJob, DigestNote } from "../notices/templates/index.ts";
import { notesOnChanges } from "./coming-changes.ts";
import { notesOnEndpoints } from "./failing-endpoints.ts";
import { callHeartbeat } from "./heartbeat.ts";
import { notesOnRequests } from "./open-requests.ts";
import { type Run, runJob } from "./run.ts";
import {
  backupStep,
  erasureStep,
  foldStep,
  mailStep,
  oldSteps,
  statementsStep,
  turnsStep,
  webhookStep,
} from "./steps.ts";
import { notesOnWaitingDays } from "./waiting-days.ts";

/** What the notices leave of the queries that D1 allows, for the seals, the digest, and the first mail. */
const LEFT_BY_NOTICES = 250;

/** What the seals leave: each takes six. */
const LEFT_BY_SEALS = 120;

/**
 * Running again for the same time does nothing new.
 * @param due the time for which the trigger was scheduled
 */
export async function runNightly(context: Context, due: number): Promise<void> {
  let notices: Awaited<ReturnType<typeof writeNotices>> | null = null;
  let since = due;
  const outcome = await runJob(context, "nightly", due, [
    // First, so that nobody who was erased gets mail.
    erasureStep,
    {
      name: "notices",
      async run(run) {
        const { context: acting, hasRoom } = run;
        since = await digestPeriod(run, due);
        notices = await writeNotices(acting, due, since, () => hasRoom(LEFT_BY_NOTICES));
        return { counts: { notices_written: notices.written }, unfinished: !notices.complete };
      },
    },
    {
      name: "seal",
      async run({ context: acting, hasRoom }) {
        const complete = await sealEvents(acting, due, () => hasRoom(LEFT_BY_SEALS));
        return { unfinished: !complete };
      },
    },
    {
      name: "digest",
      async run(run) {
        // The run that carries this one on writes it.
        if (notices?.complete === false) return;
        await writeDigest(run.context, due, since, notices?.unreachable ?? [], jobNews(run), async () => [
          ...noteOnSpace(run),
          ...(await notesOnRequests(run.context)),
          ...(await notesOnChanges(run.context, due, since)),
          ...(await notesOnWaitingDays(run.context, due)),
          ...(await notesOnEndpoints(run.context, since)),
        ]);
      },
    },
    mailStep(due),
    foldStep,
    // Before days move into their months.
    statementsStep,
    ...oldSteps,
    backupStep(due),
    turnsStep(due),
    webhookStep(due),
  ]);
  if (outcome === "good") await callHeartbeat(context);
}

/** The start of the period of the digest. A night that was not good may have told too little: the last good one. */
async function digestPeriod({ context, before }: Run, due: number): Promise<number> {
  const since = await digestSince(context, due);
  const good = before.find(({ name }) => name === "nightly")?.good_due_at ?? since;
  return Math.max(Math.min(since, good), due - MISSED);
}

/** What the digest tells about the jobs: this night so far, and what went wrong before. */
function jobNews({ context, before, failures }: Run): DigestJob[] {
  const now = context.clock.now();
  const steps = failures.map(({ step }) => step);
  const tonight: JobTrouble[] =
    failures.length === 0 ? [] : [{ job: "nightly", is: "failed", at: now, steps, why: failures[0]!.error }];
  const earlier = troublesOf(before, now).filter(
    ({ job, is }) => tonight.length === 0 || job !== "nightly" || is !== "failed",
  );
  return [...tonight, ...earlier].map((trouble) => Object.assign({ runbook: runbookFor(trouble) }, trouble));
}

function noteOnSpace({ context, bytes }: Run): DigestNote[] {
  const trouble = spaceTrouble({ bytes, of: context.config.databaseMaxBytes });
  if (trouble === null) return [];
  const { what, runbook } = trouble;
  return [
    {
      title: "Database nearly full",
      lead: `When it is full it takes no writes. What to do: ${runbook}.`,
      lines: [what],
    },
  ];
}
