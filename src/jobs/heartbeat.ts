// The call after each good night to whoever waits for it: if it stays away, somebody is told, even if everything here
// is down.
import type { Context } from "../context.ts";
import { SECOND } from "../kernel/dates.ts";

const TIMEOUT = 10 * SECOND;

/** A failure is logged, and never fails the night. The address may hold a secret, so it is not logged. */
export async function callHeartbeat(context: Context): Promise<void> {
  const { heartbeat } = context.config;
  if (heartbeat === null) return;
  const fail = (error: string): void =>
    context.log("error", { event: "heartbeat", request_id: context.requestId, error });
  if (heartbeat === "malformed") return fail("HEARTBEAT_URL is malformed.");
  try {
    const response = await fetch(heartbeat.url, { signal: AbortSignal.timeout(TIMEOUT) });
    await response.body?.cancel();
    if (!response.ok) fail(`It answered ${response.status}.`);
  } catch (error) {
    fail(error instanceof Error ? error.name : "no answer");
  }
}
