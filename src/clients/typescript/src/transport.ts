// The way to the service: one request, one answer, nothing thrown. answers.ts decides what an answer means.
import type { Answer } from "./answers.ts";
import { atMost } from "./deadline.ts";
import { reasonOf, TOO_LATE } from "./failures.ts";
import { addressFault, canonicalAddress } from "./texts.ts";

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export interface Transport {
  /** Why nothing can be asked at all; null if it can. */
  fault: string | null;
  post(path: string, body: object): Promise<Answer>;
  /** @param maxLength bytes, if the answer may be larger than usual */
  get(path: string, maxLength?: number): Promise<Answer>;
  /** The same, for requests that must end by then. @param deadline as performance.now() */
  until(deadline: number): Transport;
  /** Ends the requests that are under way, as if their time were over. */
  giveUp(): void;
}

/** Far larger than a usual answer of the service; a portal's page is not worth more memory. */
const MAX_ANSWER = 256 * 1024;

const late: Answer = { unreachable: TOO_LATE };
const OVER = new DOMException(TOO_LATE, "TimeoutError");

const aborted = (signal: AbortSignal): Promise<Answer> =>
  new Promise((resolve) => signal.addEventListener("abort", () => resolve(late), { once: true }));

/**
 * With an address that is none, asks nothing, and says so.
 * @param timeout milliseconds for each request
 */
export function createTransport(
  url: string,
  fetch: Fetch,
  timeout: number,
  deadline = Number.POSITIVE_INFINITY,
  underWay = new Set<AbortController>(),
): Transport {
  const base = canonicalAddress(url);
  const fault = addressFault(base);
  const request = async (path: string, init: RequestInit, maxLength: number): Promise<Answer> => {
    try {
      // A redirect leads to a portal, never to the service.
      const response = await fetch(`${base}${path}`, { ...init, redirect: "manual" });
      return {
        status: response.status,
        contentType: response.headers.get("Content-Type") ?? "",
        retryAfter: response.headers.get("Retry-After"),
        body: await readText(response, maxLength),
        unreachable: null,
      };
    } catch (error) {
      return { unreachable: reasonOf(error) };
    }
  };
  const ask = async (path: string, init: RequestInit, maxLength = MAX_ANSWER): Promise<Answer> => {
    if (fault !== null) return { unreachable: fault };
    const left = Math.min(timeout, Math.floor(deadline - performance.now()));
    if (left <= 0) return late;
    const controller = new AbortController();
    underWay.add(controller);
    const asked = request(path, { ...init, signal: controller.signal }, maxLength);
    try {
      // Not by the signal alone: a fetch that does not heed it must not keep the next contact waiting.
      return await atMost(Promise.race([asked, aborted(controller.signal)]), left, () => late);
    } finally {
      underWay.delete(controller);
      controller.abort(OVER);
    }
  };
  return {
    fault,
    post: (path, body) =>
      ask(path, {
        method: "POST",
        headers: { "Content-Type": "application/json", Accept: "application/json" },
        body: JSON.stringify(body),
      }),
    get: (path, maxLength) =>
      ask(path, { method: "GET", headers: { Accept: "application/json" } }, maxLength),
    until: (then) => createTransport(url, fetch, timeout, then, underWay),
    giveUp: () => underWay.forEach((controller) => controller.abort(OVER)),
  };
}

async function readText(response: Response, maxLength: number): Promise<string> {
  if (!response.body) return "";
  const decoder = new TextDecoder();
  const reader = response.body.getReader();
  let text = "";
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    length += value.length;
    if (length > maxLength) {
      await reader.cancel();
      throw new Error(`the answer has more than ${maxLength} bytes`);
    }
    text += decoder.decode(value, { stream: true });
  }
}
