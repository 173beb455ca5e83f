// Every ten minutes: carries out changes that are due, sends mail, adds new events and usage to the counters, looks for
// silent instances, and writes search terms that are missing.
import { roleNow } from "../access/credentials.ts";
import type { Context } from "../context.ts";
import { walkForSilent } from "../licensing/instances/silence.ts";
import { foldEvents } from "../licensing/figures/statistics.ts";
import { addUpUsage } from "../licensing/figures/usage-days.ts";
import { indexTerms } from "../licensing/licenses/search/index-terms.ts";
import { forgetNewInstances } from "../licensing/seats/new-instances.ts";
import { carryOutDue } from "../licensing/licenses/pending-run.ts";
import { deliverMail } from "../notices/delivery.ts";
import { eachOf } from "./steps.ts";

/** A run normally ends before the next trigger; if not, the two share the work. */
const BUDGET = 9 * 60_000;

/** @param now the time for which the trigger was scheduled */
export const runDeliveries = (context: Context, now: number): Promise<void> =>
  eachOf([
    // First, because they cause mail.
    () => carryOutDue(context, roleNow),
    () => deliver(context, now),
    () => walkForSilent(context),
    () => addUpUsage(context),
    () => forgetNewInstances(context, now),
    () => indexTerms(context),
  ]);

export const deliver = (context: Context, now: number): Promise<void> =>
  eachOf([() => deliverMail(context, BUDGET, now), () => foldEvents(context)]);
