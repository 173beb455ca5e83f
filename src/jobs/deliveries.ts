// Every ten minutes: mail that is still to be sent, events that no counter holds yet, and a look for silence.
import type { Context } from "../context.ts";
import { walkForSilent } from "../licensing/silence.ts";
import { foldEvents } from "../licensing/statistics.ts";
import { deliverMail } from "../notices/delivery.ts";

/** Done before the next trigger, as a rule; a run that is not shares the work with the next one. */
const BUDGET = 9 * 60_000;

/** @param now the time for which the trigger was scheduled */
export async function runDeliveries(context: Context, now: number): Promise<void> {
  await deliver(context, now);
  await walkForSilent(context);
}

export async function deliver(context: Context, now: number): Promise<void> {
  await foldEvents(context);
  await deliverMail(context, BUDGET, now);
}
