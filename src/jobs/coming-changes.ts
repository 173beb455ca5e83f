// What the digest says about changes of licenses that were ordered for a later time.
import type { Context } from "../context.ts";
import { DAY, LAST_INSTANT } from "../kernel/dates.ts";
import { failedChanges, openChanges } from "../licensing/licenses/pending-rows.ts";
import type { DigestNote } from "../notices/templates/index.ts";
import { instantInWords } from "../notices/templates/words.ts";
import type { PendingChange } from "../storage/schema.ts";

/** Bounds the cost. The letter shows the first ones and counts them all. */
const MAX_LISTED = 1_000;

/** How long before a digest the time of a change may lie that failed since: triggers may have been missed, or it was held. */
const FAILED_WITHIN = 30 * DAY;

const ordered = ({ license_id, action, effective_at, ordered_by }: PendingChange): string =>
  `${license_id}: ${action}, ${instantInWords(effective_at)}, ordered by ${ordered_by}`;

const note = (title: string, lead: string, rows: PendingChange[], line: (row: PendingChange) => string) =>
  rows.length === 0 ? [] : [{ title, lead, lines: rows.map(line) }];

/**
 * Sections about changes that failed, wait for staff, or are carried out within a day; none if there are none.
 * @param since what failed earlier was told by an earlier digest
 */
export async function notesOnChanges(context: Context, now: number, since: number): Promise<DigestNote[]> {
  const [failed, held, coming] = await context.db.orm.batch([
    failedChanges(context, since - FAILED_WITHIN, MAX_LISTED),
    openChanges(context, "held", LAST_INSTANT, MAX_LISTED),
    openChanges(context, "pending", now + DAY, MAX_LISTED),
  ]);
  return [
    ...note(
      "Changes that failed",
      "They were refused when their time came, and are not tried again.",
      failed.filter(({ updated_at }) => updated_at > since),
      (row) => `${ordered(row)}. ${row.detail ?? ""}`,
    ),
    ...note(
      "Changes that are held",
      "They wait for you: release or cancel each.",
      held,
      (row) => `${ordered(row)}. ${row.detail ?? ""}`,
    ),
    ...note("Changes to come", "They are carried out within a day.", coming, ordered),
  ];
}
