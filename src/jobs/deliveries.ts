// Every ten minutes: sends mail, adds new events and usage to the counters, and looks for silent instances. It also
// carries on a night that stopped half way, and tells of one that did not come.
import type { Context } from "../context.ts";
import { nightToCarryOn, troublesOf } from "../health/rules.ts";
import { readRuns, tellLate } from "../health/runs.ts";
import { walkForSilent } from "../licensing/instances/silence.ts";
import { addUpUsage } from "../licensing/figures/usage-days.ts";
import { forgetNewInstances } from "../licensing/seats/new-instances.ts";
import { logged } from "../storage/failures.ts";
import { runNightly } from "./nightly.ts";
import { runJob, type Step } from "./run.ts";
import { foldStep, mailStep } from "./steps.ts";

const nightWatch: Step = {
  name: "watch over the night",
  async run({ context, before }) {
    const now = context.clock.now();
    const late = troublesOf(before, now).find(({ job, is }) => job === "nightly" && is === "late");
    if (late) await tellLate(context, now, late);
  },
};

/** @param due the time for which the trigger was scheduled */
export async function runDeliveries(context: Context, due: number): Promise<void> {
  const night = await leftOver(context);
  // It sends mail, too; together they might take more queries than D1 allows.
  if (night !== null) return runNightly(context, night);
  await runJob(context, "deliveries", due, [
    mailStep(due),
    foldStep,
    { name: "silent instances", run: (run) => walkForSilent(run.context) },
    { name: "usage", run: (run) => addUpUsage(run.context) },
    { name: "new instances", run: (run) => forgetNewInstances(run.context, due) },
    nightWatch,
  ]);
}

async function leftOver(context: Context): Promise<number | null> {
  try {
    return nightToCarryOn(await readRuns(context), context.clock.now());
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
