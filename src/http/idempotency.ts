// The header Idempotency-Key: a POST that is sent again gets its first answer.
import { type Answer, type Look, once } from "../access/idempotency.ts";
import type { Context } from "../context.ts";
import { sha256 } from "../crypto/digests.ts";
import { invalid } from "../problems.ts";
import type { Http } from "./http.ts";

const HEADER = "Idempotency-Key";

const REPLAYED = "Idempotent-Replayed";

const KEY = /^[\x20-\x7e]{1,255}$/;

/** The header as the OpenAPI document describes it. */
export const IDEMPOTENCY_PARAMETER = {
  name: HEADER,
  in: "header",
  required: false,
  description:
    "Makes it safe to send the request again: for 24 hours the same request under the same key gets the first answer again, with the header Idempotent-Replayed, and is not carried out again.",
  schema: { type: "string", minLength: 1, maxLength: 255, pattern: KEY.source },
  example: "0b3a1c9e-7a55-4c55-9b8e-6f7f3a0d4c11",
};

/** The caller's key, or null if there is none. @throws Problem REQUEST_INVALID */
export function idempotencyKeyOf(http: Http): string | null {
  const key = http.req.header(HEADER);
  if (key === undefined) return null;
  if (!KEY.test(key)) throw invalid(HEADER, "Must be 1 to 255 printable ASCII characters");
  return key;
}

/** Answers by `handle`, or with the earlier answer to the same request. */
export async function answerOnce(
  http: Http,
  context: Context,
  key: string,
  body: ArrayBuffer,
  handle: (context: Context) => Promise<Response>,
): Promise<Response> {
  const request = { key, hash: await hashOf(http, body) };
  const { answer, replayed } = await once(context, request, async (claiming) => kept(await handle(claiming)));
  // This answer and later replays are made from the same record.
  return http.newResponse(answer.body === "" ? null : answer.body, answer.status as never, {
    ...answer.headers,
    ...(replayed ? { [REPLAYED]: "true" } : {}),
  });
}

/** A hash of everything that decides what a request does: method, path, query, media type and the exact body. */
async function hashOf(http: Http, body: ArrayBuffer): Promise<string> {
  const { pathname, search } = new URL(http.req.url);
  const type = http.req.header("content-type") ?? "";
  const line = new TextEncoder().encode(`${JSON.stringify([http.req.method, pathname, search, type])}\n`);
  const whole = new Uint8Array(line.length + body.byteLength);
  whole.set(line);
  whole.set(new Uint8Array(body), line.length);
  return sha256(whole);
}

/** Every answer of the admin API is text. Only the request id differs between answers. */
async function kept(response: Response): Promise<Answer> {
  const body = await response.text();
  return {
    status: response.status,
    headers: Object.fromEntries([...response.headers].filter(([name]) => name !== "x-request-id")),
    body,
    look: lookAt(body),
  };
}

interface Shown {
  license_key?: string;
  license?: { id: string };
  license_id?: string;
  token?: string;
  api_token?: { id: string };
  secret?: string;
  webhook_endpoint?: { id: string };
}

/** Recognized by the names of secret members, so that no new call can forget to declare it. */
function lookAt(body: string): Look | undefined {
  if (!/"(?:license_key|token|secret)":/.test(body)) return undefined;
  const { license_key, license, license_id, token, api_token, secret, webhook_endpoint } = JSON.parse(
    body,
  ) as Shown;
  const id = license?.id ?? license_id;
  if (license_key !== undefined && id !== undefined)
    return { action: "license.key_revealed", entity: ["license", id] };
  if (token !== undefined && api_token)
    return { action: "api_token.revealed", entity: ["api_token", api_token.id] };
  if (secret !== undefined && webhook_endpoint)
    return { action: "webhook_endpoint.secret_revealed", entity: ["webhook_endpoint", webhook_endpoint.id] };
  return undefined;
}
