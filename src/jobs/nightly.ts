// Once a night: the notices that are due, the digest for staff, and the seal over what happened.
import { sealEvents } from "../audit/seals.ts";
import type { Context } from "../context.ts";
import { writeDigest } from "../notices/digest.ts";
import { writeNotices } from "../notices/expiry.ts";
import { deliver } from "./deliveries.ts";

/** @param now the time for which the trigger was scheduled: a run made again for it does nothing new */
export async function runNightly(context: Context, now: number): Promise<void> {
  const unreachable = await writeNotices(context, now);
  await writeDigest(context, now, unreachable);
  await deliver(context, now);
  await sealEvents(context, now);
}
