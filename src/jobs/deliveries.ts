// Every ten minutes: mail that is still to be sent.
import type { Context } from "../context.ts";
import { deliverMail } from "../notices/delivery.ts";

/** Done before the next trigger, as a rule; a run that is not shares the work with the next one. */
const BUDGET = 9 * 60_000;

export const runDeliveries = (context: Context): Promise<void> => deliverMail(context, BUDGET);
