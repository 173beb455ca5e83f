// Once a night: the notices that are due, the digest for staff, and the seal over new events.
import { sealEvents } from "../audit/seals.ts";
import type { Context } from "../context.ts";
import { digestSince, writeDigest } from "../notices/digest.ts";
import { writeNotices } from "../notices/expiry.ts";
import { notesOnChanges } from "./coming-changes.ts";
import { deliver } from "./deliveries.ts";
import { eachOf } from "./steps.ts";

/** @param now the time for which the trigger was scheduled: running again for the same time does nothing new */
export const runNightly = (context: Context, now: number): Promise<void> =>
  eachOf([() => writeOwed(context, now), () => deliver(context, now), () => sealEvents(context, now)]);

/** The digest comes last: if a step before it fails, the next digest includes what is missing. */
async function writeOwed(context: Context, now: number): Promise<void> {
  const since = await digestSince(context, now);
  const unreachable = await writeNotices(context, now, since);
  // What the night's other jobs and the seal have to say goes here, as further sections.
  await writeDigest(context, now, since, unreachable, await notesOnChanges(context, now));
}
