// What the digest says about changes of licenses that were ordered for a later time.
import type { Context } from "../context.ts";
import { DAY, LAST_INSTANT } from "../kernel/dates.ts";
import { openChanges } from "../licensing/licenses/pending-rows.ts";
import type { DigestNote } from "../notices/templates/index.ts";
import { instantInWords } from "../notices/templates/words.ts";
import type { PendingChange } from "../storage/schema.ts";

/** Bounds the cost. The letter shows the first ones and counts them all. */
const MAX_LISTED = 1_000;

const ordered = ({ license_id, action, effective_at, ordered_by }: PendingChange): string =>
  `${license_id}: ${action}, ${instantInWords(effective_at)}, ordered by ${ordered_by}`;

const note = (title: string, lead: string, rows: PendingChange[], line: (row: PendingChange) => string) =>
  rows.length === 0 ? [] : [{ title, lead, lines: rows.map(line) }];

/** Sections about changes that are carried out within a day, and about those that wait for staff; none if there are none. */
export async function notesOnChanges(context: Context, now: number): Promise<DigestNote[]> {
  const [held, coming] = await context.db.orm.batch([
    openChanges(context, "held", LAST_INSTANT, MAX_LISTED),
    openChanges(context, "pending", now + DAY, MAX_LISTED),
  ]);
  return [
    ...note(
      "Changes that are held",
      "They wait for you: release or cancel each.",
      held,
      (row) => `${ordered(row)}. ${row.detail ?? ""}`,
    ),
    ...note("Changes to come", "They are carried out within a day.", coming, ordered),
  ];
}
