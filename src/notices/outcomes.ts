// What an answer of Resend means for the messages of a request.
import { HOUR, SECOND } from "../kernel/dates.ts";

/** The result of a request. */
export type Outcome =
  | { is: "sent"; ids: string[] }
  /** The same request may succeed later. */
  | { is: "again"; error: string; uncertain: boolean; retryAfter: number | null }
  /** Resend takes no mail at all from this sender until somebody mends that. No message is at fault. */
  | { is: "held"; error: string }
  /** The same request can never succeed; `apart` if a single one of its messages may be the cause. */
  | { is: "refused"; error: string; apart: boolean };

/**
 * Statuses that say that the request was not accepted: Resend accepts none now, or Cloudflare in front of it could not
 * reach it (refused, no route, no TLS, no name). So nothing was sent, however long this lasts.
 */
const NOT_TAKEN = new Set([429, 503, 521, 523, 525, 526, 530]);

/**
 * The configuration is at fault, not a message: the API key is wrong or may not send, the sender's domain is not
 * verified, or RESEND_BASE_URL names a place where nobody takes mail.
 */
const isSendersFault = (status: number, name: string): boolean =>
  status < 400 || [401, 403, 404, 405].includes(status) || name === "invalid_from_address";

interface ResendError {
  name: string;
  message: string;
  statusCode: number | null;
}

const MAX_ERROR = 300;

/** The longest pause that Resend can ask for. A longer one was set by a clock that ran ahead, and is ignored. */
export const LONGEST_HOLD = 2 * HOUR;

/** How long a run waits for its turn; if it takes longer, the next run sends. */
export const PATIENCE = 5 * SECOND;

/** What to do about an error, as Resend documents its errors. @param size the number of mails in the request */
export function failureOf(
  { name, message, statusCode }: ResendError,
  headers: Record<string, string> | null,
  size: number,
): Outcome {
  const error = `${statusCode ?? "no answer"}: ${message}`.slice(0, MAX_ERROR);
  if (statusCode !== null && isSendersFault(statusCode, name)) return { is: "held", error };
  if (statusCode !== null && NOT_TAKEN.has(statusCode)) {
    const seconds = Number(headers?.["retry-after"]);
    const retryAfter = seconds > 0 ? Math.min(seconds * SECOND, LONGEST_HOLD - PATIENCE) : null;
    return { is: "again", error, uncertain: false, retryAfter };
  }
  const concurrent = statusCode === 409 && name === "concurrent_idempotent_requests";
  if (statusCode === null || statusCode >= 500 || concurrent) {
    return { is: "again", error, uncertain: true, retryAfter: null };
  }
  // 409: Resend knows the idempotency key with another body, so the messages may have been sent.
  return { is: "refused", error, apart: size > 1 && statusCode !== 409 };
}

/** With the growing pauses, three days and some hours: Resend may be down over a weekend. */
export const MAX_ATTEMPTS = 48;
const FIRST_PAUSE = 30 * SECOND;
const LONGEST_PAUSE = 2 * HOUR;

/** Doubles with each attempt; the jitter spreads the retries of messages that failed together. */
export const pauseAfter = (attempts: number, random: number): number =>
  Math.round(Math.min(FIRST_PAUSE * 2 ** (attempts - 1), LONGEST_PAUSE) * (0.75 + random / 2));
