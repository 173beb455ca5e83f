// One request to a receiver, bounded in time and in what it reads.
import type { Context } from "../context.ts";
import { presentEvent } from "../audit/event-list.ts";
import { formatInstant, SECOND } from "../kernel/dates.ts";
import type { Event, WebhookEndpoint } from "../storage/schema.ts";
import { addressFault } from "./addresses.ts";
import { impersonal, impersonalEvent } from "./personal.ts";
import { keyOf, type Objects } from "./objects.ts";
import { signedHeaders } from "./signing.ts";

/** From the start of the request to the end of what is read of the answer. */
export const TIMEOUT = 10 * SECOND;

/** So much of the answer is kept. */
const KEPT_BYTES = 200;

/** How long the answer's text may take once its status is known: the status alone decides. */
const PATIENCE_FOR_TEXT = 2 * SECOND;

export interface Attempt {
  event: Event;
  at: number;
  ms: number;
  status: number | null;
  /** Why it counts as failed, or null. */
  error: string | null;
  answer: string;
}

/** The exact bytes that are signed and sent, as text. */
function bodyOf(
  event: Event,
  objects: Objects,
  { include_personal }: Pick<WebhookEndpoint, "include_personal">,
): string {
  const shown = presentEvent(event);
  const object = objects.get(keyOf(event)) ?? null;
  return JSON.stringify({
    id: event.id,
    type: event.action,
    timestamp: formatInstant(event.at),
    data:
      include_personal === 1
        ? { event: shown, object }
        : { event: impersonalEvent(shown), object: object && impersonal(event.entity_type, object) },
  });
}

/** Sends an event. Never throws: each way to fail is an answer, too. */
export async function attempt(
  context: Context,
  endpoint: WebhookEndpoint,
  secrets: readonly string[],
  event: Event,
  objects: Objects,
): Promise<Attempt> {
  const at = context.clock.now();
  const started = performance.now();
  const ended = (result: Pick<Attempt, "status" | "error" | "answer">): Attempt => ({
    event,
    at,
    ms: Math.round(performance.now() - started),
    ...result,
  });
  const failed = (error: string): Attempt => ended({ status: null, error, answer: "" });
  // The address of this service may have changed since it was checked.
  const fault = addressFault(endpoint.url, context.config.issuers);
  if (fault !== null) return failed(`The address may not be called: ${fault}.`);
  if (secrets.length === 0)
    return failed(
      "There is no secret to sign with: SESSION_SECRET was changed, or a backup was restored. Rotate the secret.",
    );
  const body = bodyOf(event, objects, endpoint);
  const headers = await signedHeaders(event.id, at, body, secrets);
  const giveUp = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    // Not AbortSignal.timeout: it goes on after the answer, and a run may make thousands of requests.
    timer = setTimeout(() => giveUp.abort(), TIMEOUT);
    const response = await fetch(endpoint.url, {
      method: "POST",
      // Another place was not checked, and is not what the secret was given to.
      redirect: "manual",
      headers: { ...headers, "Content-Type": "application/json", "User-Agent": "CAIO-Licensing-Webhooks" },
      body,
      signal: giveUp.signal,
    });
    const answer = await beginningOf(response);
    return ended({ status: response.status, error: faultOf(response.status), answer });
  } catch (error) {
    return failed(reasonOf(error, giveUp.signal));
  } finally {
    clearTimeout(timer);
  }
}

function faultOf(status: number): string | null {
  if (status >= 200 && status < 300) return null;
  return status >= 300 && status < 400
    ? `It answered ${status}; redirects are not followed.`
    : `It answered ${status}.`;
}

function reasonOf(error: unknown, signal: AbortSignal): string {
  if (signal.aborted) return `It did not answer within ${TIMEOUT / SECOND} seconds.`;
  const said = (error instanceof Error ? error.message : String(error)).slice(0, 200);
  // What the runtime says where it does not say what is wrong, of certificates above all.
  return said.startsWith("internal error")
    ? `No connection could be made. Check its name and its certificate. (${said})`
    : `It could not be reached: ${said}`;
}

/** The first bytes of the text; what there is of them, if the rest does not come soon. */
async function beginningOf({ body }: { body: ReadableStream | null }): Promise<string> {
  if (body === null) return "";
  const reader = (body as ReadableStream<Uint8Array>).getReader();
  const bytes: number[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), PATIENCE_FOR_TEXT);
  });
  try {
    while (bytes.length < KEPT_BYTES) {
      const next = await Promise.race([reader.read(), late]);
      if (next === null || next.done) break;
      bytes.push(...next.value.subarray(0, KEPT_BYTES - bytes.length));
    }
  } catch {
    // It broke off. What it said before is what there is.
  } finally {
    clearTimeout(timer);
  }
  // The rest is not wanted. A connection that is broken already says so here.
  await reader.cancel().catch(() => undefined);
  // Nothing that a terminal obeys, or that turns the text beside it around.
  return new TextDecoder()
    .decode(new Uint8Array(bytes))
    .replaceAll(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]+/gu, " ");
}
