// The steps that both jobs have.
import { foldEvents } from "../licensing/figures/statistics.ts";
import { deliverMail } from "../notices/delivery.ts";
import type { Step } from "./run.ts";

/** A run normally ends before the next trigger; if not, the two share the work. */
const BUDGET = 9 * 60_000;

/** What a request to the mail service or a page of joined notices takes at most, with all that follows it in a run. */
const LEFT = 60;

/** Sends until nothing is due, the time is up, or D1 takes no more queries; the next run sends the rest. */
export const mailStep = (due: number): Step => ({
  name: "mail",
  run: async ({ context, hasRoom }) => ({
    counts: { mails_sent: await deliverMail(context, BUDGET, due, () => hasRoom(LEFT)) },
  }),
});

export const foldStep: Step = { name: "statistics", run: ({ context }) => foldEvents(context) };
