// Every ten minutes: carries out changes that are due, sends mail, adds new events and usage to the counters, looks for
// silent instances, and writes search terms that are missing. It also carries on a night that stopped half way, and
// tells of one that did not come.
import { roleNow } from "../access/credentials.ts";
import type { Context } from "../context.ts";
import { nightToCarryOn, troublesOf } from "../health/rules.ts";
import { readRuns, tellLate } from "../health/runs.ts";
import { walkForSilent } from "../licensing/instances/silence.ts";
import { addUpUsage } from "../licensing/figures/usage-days.ts";
import { carryOutDue } from "../licensing/licenses/pending-run.ts";
import { indexTerms } from "../licensing/licenses/search/index-terms.ts";
import { logged } from "../storage/failures.ts";
import { runNightly } from "./nightly.ts";
import { runJob, type Step } from "./run.ts";
import { backupPagesStep, foldStep, mailStep, oldSteps, turnsStep, webhookStep } from "./steps.ts";

const nightWatch: Step = {
  name: "watch over the night",
  async run({ context, before }) {
    const now = context.clock.now();
    const late = troublesOf(before, now).find(({ job, is }) => job === "nightly" && is === "late");
    if (late) await tellLate(context, now, late);
  },
};

/** What a change, and what a page of search terms, takes at most, with all that follows it in a run. */
const LEFT_BY_CHANGES = 200;
const LEFT_BY_TERMS = 40;

/** @param due the time for which the trigger was scheduled */
export async function runDeliveries(context: Context, due: number): Promise<void> {
  const night = await leftOver(context);
  // It sends mail, too; together they might take more queries than D1 allows.
  if (night !== null) return runNightly(context, night);
  await runJob(context, "deliveries", due, [
    // First, because it causes mail.
    { name: "changes", run: (run) => carryOutDue(run.context, roleNow, () => run.hasRoom(LEFT_BY_CHANGES)) },
    turnsStep(due),
    mailStep(due),
    foldStep,
    { name: "silent instances", run: (run) => walkForSilent(run.context, due) },
    { name: "usage", run: (run) => addUpUsage(run.context) },
    { name: "search terms", run: (run) => indexTerms(run.context, () => run.hasRoom(LEFT_BY_TERMS)) },
    ...oldSteps,
    backupPagesStep,
    nightWatch,
    webhookStep(due),
  ]);
}

async function leftOver(context: Context): Promise<number | null> {
  try {
    const { runs } = await readRuns(context);
    return nightToCarryOn(runs, context.clock.now());
  } catch (error) {
    context.log("error", {
      ...logged(error),
      job: "deliveries",
      step: "carry on",
      request_id: context.requestId,
    });
    return null;
  }
}
