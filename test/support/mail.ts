// Resend as the Worker sees it, without a network: records the requests, and gives the answers that a test chooses.
import { createExecutionContext, createScheduledController, waitOnExecutionContext } from "cloudflare:test";
import { vi } from "vitest";
import type { Env } from "../../src/config.ts";
import worker from "../../src/worker.ts";
import { env } from "./env.ts";
import { admin, type Answer, rows } from "./service.ts";

export const NIGHTLY = "0 3 * * *";
export const DELIVERIES = "*/10 * * * *";

/** Removes waiting mail and pauses: each test would find what another one left. */
export async function emptyOutbox(): Promise<void> {
  await rows("UPDATE messages SET status = 'skipped' WHERE status = 'pending'");
  await rows("UPDATE mail_pace SET next_at = 0");
}

/** Bindings of a service that sends mail. */
export const mailing = (more: Partial<Env> = {}): Env => ({
  ...env,
  RESEND_API_KEY: "re_test",
  RESEND_RATE_PER_SECOND: "1000",
  ...more,
});

export async function fire(cron: string, bindings: Env, scheduledTime = Date.now()): Promise<void> {
  const execution = createExecutionContext();
  await worker.scheduled(createScheduledController({ cron, scheduledTime }), bindings, execution);
  await waitOnExecutionContext(execution);
}

export interface Sent {
  to: string;
  subject: string;
  html: string;
  text: string;
  from: string;
  attachments?: { filename: string; content: string }[];
  tags: { name: string; value: string }[];
}

export interface ResendRequest {
  path: string;
  key: string;
  /** The bytes, as text. */
  body: string;
  emails: Sent[];
}

type Reply = (request: ResendRequest) => Response | Promise<Response> | null;

/** Ends when the caller aborts, as a fetch does. */
const givenUp = (signal: AbortSignal | null | undefined): Promise<never> =>
  new Promise((_, reject) => {
    signal?.addEventListener("abort", () => reject(signal.reason as Error));
  });

/** A Resend that remembers idempotency keys, as the real one does. */
export class FakeResend {
  readonly requests: ResendRequest[] = [];
  /** All accepted mail. */
  readonly inbox: Sent[] = [];
  readonly #known = new Map<string, { body: string; answer: unknown }>();
  /** A fault instead of Resend's answer; null if there is none. */
  fault: Reply = () => null;
  /** Accepts the mail, but its answer is lost. */
  loseAnswer: (request: ResendRequest) => boolean = () => false;

  constructor() {
    vi.stubGlobal("fetch", async (input: string | URL, init?: RequestInit) => {
      const url = new URL(input);
      if (url.origin !== "https://api.resend.com") throw new Error(`unplanned request to ${url.href}`);
      return this.#answer(url.pathname, init);
    });
  }

  async #answer(path: string, init: RequestInit | undefined): Promise<Response> {
    const body = init?.body as string;
    const parsed = JSON.parse(body) as Sent | Sent[];
    const emails = Array.isArray(parsed) ? parsed : [parsed];
    const key = new Headers(init?.headers).get("Idempotency-Key") ?? "";
    const request = { path, key, body, emails };
    this.requests.push(request);
    const fault = await Promise.race([this.fault(request), givenUp(init?.signal)]);
    if (fault) return fault;
    const known = this.#known.get(key);
    if (known && known.body !== body) return refusal(409, "invalid_idempotent_request");
    const ids = emails.map(() => ({ id: crypto.randomUUID() }));
    const answer = known?.answer ?? (path === "/emails" ? ids[0] : { data: ids });
    if (!known) {
      this.#known.set(key, { body, answer });
      this.inbox.push(...emails);
    }
    if (this.loseAnswer(request)) throw new TypeError("Network connection lost.");
    return Response.json(answer);
  }

  to(recipient: string): Sent[] {
    return this.inbox.filter(({ to }) => to === recipient);
  }
}

export const refusal = (statusCode: number, name: string, headers: Record<string, string> = {}): Response =>
  Response.json({ statusCode, name, message: `refused: ${name}` }, { status: statusCode, headers });

export const messagesOf = async (licenseId: string): Promise<Answer["body"][]> =>
  (await admin(`/messages?license_id=${licenseId}`)).body.data;
