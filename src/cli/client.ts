// The client of the service: requests with retries, the pages of a list, streams.
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { EXIT, Failure, failureOf } from "./failures.ts";
import type { Connection } from "./profiles.ts";
import type { ProblemDocument } from "./shapes.ts";

const ATTEMPTS = 4;
const FIRST_PAUSE = 250;
/** If the service asks for a longer pause, the command does not wait. */
const LONGEST_PAUSE = 30_000;
const TIMEOUT = 60_000;
const PAGE = 100;

export type Query = Record<string, string | number | boolean | undefined>;

export interface Upload {
  bytes: Uint8Array;
  type: string;
  onProgress?: (sent: number) => void;
}

export interface Request {
  method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  path: string;
  query?: Query;
  body?: unknown;
  upload?: Upload;
}

const RETRIED = new Set([502, 503, 504]);

const CHUNK = 64 * 1024;

function streamOf({ bytes, onProgress }: Upload): ReadableStream<Uint8Array> {
  let sent = 0;
  return new ReadableStream({
    pull(controller) {
      if (sent >= bytes.length) return controller.close();
      controller.enqueue(bytes.subarray(sent, sent + CHUNK));
      sent = Math.min(sent + CHUNK, bytes.length);
      onProgress?.(sent);
    },
  });
}

/** Why a request got no answer, in a word. */
function reasonOf(error: unknown): string {
  const { name, message, cause } = error as Error & { cause?: { code?: string; message?: string } };
  if (name === "TimeoutError") return `no answer within ${TIMEOUT / 1000} seconds`;
  return cause?.code ?? cause?.message ?? message;
}

/** How long to wait before the next attempt; null: no further attempt. */
function pauseAfter(attempt: number, response: Response | null): number | null {
  if (attempt >= ATTEMPTS || (response !== null && !RETRIED.has(response.status))) return null;
  const asked = Number(response?.headers.get("retry-after") ?? Number.NaN) * 1000;
  const pause = Number.isFinite(asked) ? asked : FIRST_PAUSE * 2 ** (attempt - 1) * (1 + Math.random() / 4);
  return pause > LONGEST_PAUSE ? null : pause;
}

async function refusalOf(response: Response, url: string): Promise<Failure> {
  const requestId = response.headers.get("x-request-id") ?? "none";
  const text = await response.text().catch(() => "");
  const location = response.headers.get("location");
  if (response.status >= 300 && response.status < 400) {
    return new Failure(EXIT.unexpected, `${url} answers with a redirect to ${location ?? "nowhere"}.`, [
      "remedy: sign in with the address of the service itself.",
    ]);
  }
  let problem: Partial<ProblemDocument> = {};
  if (/\bjson\b/.test(response.headers.get("content-type") ?? "")) {
    try {
      problem = JSON.parse(text) as Partial<ProblemDocument>;
    } catch {
      // A proxy answered in place of the service.
    }
  }
  return failureOf(problem, response.status, requestId);
}

export class Client {
  readonly url: string;
  readonly #token: string | null;

  /** @param connection has no token for public calls */
  constructor({ url, token }: { url: string; token: Connection["token"] | null }) {
    this.url = url;
    this.#token = token;
  }

  /** The answer of the service, unchanged. @throws Failure for anything but success */
  send(request: Request): Promise<string> {
    return this.#attempt(request, (response) => response.text());
  }

  /** The answer as a stream. A failure after it began cannot be retried: the stream breaks off. */
  stream(request: Request): Promise<ReadableStream<Uint8Array>> {
    return this.#attempt(request, (response) => response.body!);
  }

  /**
   * Rows of a list, page by page, up to a limit. A page may be short and not the last.
   * @returns whether there are more
   */
  async *rows<T>(path: string, query: Query, most: number): AsyncGenerator<T, boolean> {
    let cursor: string | undefined;
    for (let left = most; left > 0;) {
      const limit = Math.min(PAGE, left);
      const answer = await this.send({ path, query: { ...query, limit, cursor } });
      const page = JSON.parse(answer) as { data: T[]; next_cursor: string | null };
      yield* page.data;
      left -= page.data.length;
      if (page.next_cursor === null) return false;
      cursor = page.next_cursor;
    }
    return true;
  }

  /**
   * Retries a request without an answer, and one that the service asks to send again later. Each attempt of a POST
   * has the same Idempotency-Key, so that it is not carried out twice if an answer was lost.
   */
  async #attempt<T>(request: Request, read: (response: Response) => T | Promise<T>): Promise<T> {
    const { method = "GET", path, query = {}, body, upload } = request;
    const url = new URL(path, this.url);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    const headers: Record<string, string> = {
      ...(this.#token === null ? {} : { Authorization: `Bearer ${this.#token}` }),
      ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      ...(upload === undefined ? {} : { "Content-Type": upload.type }),
      ...(method === "POST" ? { "Idempotency-Key": randomUUID() } : {}),
    };
    for (let attempt = 1; ; attempt++) {
      const timeout = new AbortController();
      const timer = setTimeout(() => timeout.abort(new DOMException("", "TimeoutError")), TIMEOUT);
      let response: Response | null = null;
      let reason = "";
      try {
        response = await fetch(url, {
          method,
          headers,
          // A redirect would take the token and the body to an address that nobody chose.
          redirect: "manual",
          signal: timeout.signal,
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
          ...(upload === undefined ? {} : { body: streamOf(upload), duplex: "half" }),
        });
        if (response.ok) return await read(response);
      } catch (error) {
        response = null;
        reason = reasonOf(error);
      } finally {
        clearTimeout(timer);
      }
      const pause = pauseAfter(attempt, response);
      if (pause === null) {
        if (response === null) throw this.#unreachable(reason);
        // If the answer to a deletion was lost, the second attempt finds nothing to delete.
        if (method === "DELETE" && attempt > 1 && response.status === 404) return read(response);
        throw await refusalOf(response, this.url);
      }
      await response?.body?.cancel();
      await sleep(pause);
    }
  }

  #unreachable(reason: string): Failure {
    return new Failure(EXIT.unavailable, `${this.url} cannot be reached: ${reason}.`, [
      "remedy: check the network and the URL of the profile (caio-license whoami), then try again.",
      "code: UNREACHABLE",
      "request: none",
    ]);
  }
}
