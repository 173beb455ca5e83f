// The steps that both jobs have.
import { foldEvents } from "../licensing/figures/statistics.ts";
import { deliverMail } from "../notices/delivery.ts";
import type { Step } from "./run.ts";

/** A run normally ends before the next trigger; if not, the two share the work. */
const BUDGET = 9 * 60_000;

/** What a request to the mail service, and all that follows it in a run, takes at most. */
const LEFT = 40;

/** Sends until nothing is due, the time is up, or D1 takes no more queries; the next run sends the rest. */
export const mailStep = (due: number): Step => ({
  name: "mail",
  run: async ({ context, hasRoom }) => ({
    counts: { mails_sent: await deliverMail(context, BUDGET, due, () => hasRoom(LEFT)) },
  }),
});

export const foldStep: Step = { name: "statistics", run: ({ context }) => foldEvents(context) };
