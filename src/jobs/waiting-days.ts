// What the digest says about days of usage that wait for staff.
import type { Context } from "../context.ts";
import { type WaitingDay, waitingDays } from "../licensing/usage/refusing.ts";
import type { DigestNote } from "../notices/templates/index.ts";

/** Bounds the cost. The letter shows the first ones and counts them all. */
const MAX_LISTED = 200;

/** A section about them; none if there are none. */
export async function notesOnWaitingDays(context: Context, now: number): Promise<DigestNote[]> {
  const [found] = await context.db.batch([waitingDays(context, now, MAX_LISTED)]);
  const days = found!.results as unknown as WaitingDay[];
  if (days.length === 0) return [];
  return [
    {
      title: "Usage to check",
      lead: "More than ten times what is allowed may be a mistake. Such a day refuses no new instance until you correct its figures, or confirm them by a correction to the same.",
      lines: days.map(
        ({ license_id, customer_name, day, code, observed, allowed }) =>
          `${license_id} (${customer_name}): ${observed} ${code} on ${day}, ${allowed} allowed`,
      ),
    },
  ];
}
