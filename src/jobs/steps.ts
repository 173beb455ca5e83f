// The steps that both jobs have.
import { dropExpired } from "../access/expired.ts";
import { carryOnBackup, renewBackups } from "../backup/bucket.ts";
import type { Context } from "../context.ts";
import { carryOnErasures } from "../licensing/customers/erasure.ts";
import { dropPassedTurns } from "../licensing/figures/passed-turns.ts";
import { foldEvents } from "../licensing/figures/statistics.ts";
import { tellTurns } from "../licensing/licenses/time/turns.ts";
import { dropSettled } from "../licensing/licenses/pending-old.ts";
import { dropEnded } from "../licensing/seats/ended.ts";
import { forgetNewInstances } from "../licensing/seats/ids/new-instances.ts";
import { closeStatements } from "../licensing/usage/closing.ts";
import { closeMonths, foldUsage } from "../licensing/usage/folding.ts";
import { deliverMail } from "../notices/delivery.ts";
import { forgetTexts } from "../notices/outbox.ts";
import { deliverEvents } from "../webhook-endpoints/delivery.ts";
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

/** What a round of turns takes at most, with all that follows it in a run. */
const LEFT_BY_TURNS = 100;

export const turnsStep = (due: number): Step => ({
  name: "turns",
  run: ({ context, hasRoom }) => tellTurns(context, due, () => hasRoom(LEFT_BY_TURNS)),
});

/** Milliseconds. Mail may have taken nine of the fifteen minutes that a run has. */
const WEBHOOK_BUDGET = 4 * 60_000;

/** The platform allows 10 000 requests an invocation, those to D1 included. */
const WEBHOOK_REQUESTS = 8_000;

/** For writing how the run ended. */
const LEFT_BY_WEBHOOKS = 20;

/** The last step, so that the events of the run are told, and so that receivers keep nothing else waiting. */
export const webhookStep = (due: number): Step => ({
  name: "webhooks",
  async run({ context, hasRoom }) {
    const delivered = await deliverEvents(context, due, {
      time: WEBHOOK_BUDGET,
      requests: WEBHOOK_REQUESTS,
      hasRoom: (queries) => hasRoom(LEFT_BY_WEBHOOKS + queries),
    });
    return delivered > 0 ? { counts: { events_delivered: delivered } } : undefined;
  },
});

export const foldStep: Step = { name: "statistics", run: ({ context }) => foldEvents(context) };

/** Begins the week's backup, once in seven nights; the ten-minute trigger makes its pages. */
export const backupStep = (due: number): Step => ({
  name: "backup",
  run: ({ context }) => renewBackups(context, due),
});

export const backupPagesStep: Step = {
  name: "pages of the backup",
  async run({ context, hasRoom }) {
    const pages = await carryOnBackup(context, () => hasRoom(LEFT_BY_BACKUP));
    return pages > 0 ? { counts: { backup_pages: pages } } : undefined;
  },
};

/** What a page of a backup, and the steps after it, take at most. */
const LEFT_BY_BACKUP = 200;

/** What a page of old rows, and the steps after it, take at most. */
const LEFT_BY_PAGES = 40;

/** So many that no step takes all the room, and so few that check-ins, which share the database, do not wait. */
const MAX_PAGES = 30;

/** Does one page, and says whether there may be more. */
type Page = (context: Context) => Promise<boolean>;

/** Pages as long as there is work and room. What is left is as due in the next run, so the run is not unfinished. */
const pagesStep = (name: string, page: Page): Step => ({
  name,
  async run({ context, hasRoom }) {
    let pages = 0;
    for (let more = true; more && pages < MAX_PAGES && hasRoom(LEFT_BY_PAGES); pages++)
      more = await page(context);
    return pages > 1 ? { counts: { [`${name.replaceAll(" ", "_")}_pages`]: pages } } : undefined;
  },
});

/** Months of licenses with meters, 40 days after their end. */
export const statementsStep = pagesStep("statements", closeStatements);

/** What erasures leave of the queries that D1 allows, for all other steps of a night. */
const LEFT_BY_ERASURES = 700;

/** Erasures that are not finished, and those that a restored database does not know. */
export const erasureStep: Step = {
  name: "erasures",
  async run({ context, hasRoom }) {
    const complete = await carryOnErasures(context, () => hasRoom(LEFT_BY_ERASURES));
    return { unfinished: !complete };
  },
};

/** What is old takes less room, or goes. Each page is one batch, so a run that is killed leaves nothing half done. */
export const oldSteps: Step[] = [
  pagesStep("usage of old days", foldUsage),
  pagesStep("old months", closeMonths),
  pagesStep("old texts", forgetTexts),
  pagesStep("ended activations", dropEnded),
  pagesStep("settled changes", dropSettled),
  pagesStep("new instances", forgetNewInstances),
  pagesStep("passed turns", dropPassedTurns),
  pagesStep("expired sessions and keys", dropExpired),
];
