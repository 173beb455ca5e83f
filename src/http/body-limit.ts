// How large the body of a request may be. The endpoint checks this after it knows its caller, so that a stranger
// cannot make the Worker hold megabytes.
import { bodyLimit } from "hono/body-limit";
import type { Context } from "hono";
import { Problem } from "../problems.ts";

/** The largest body in bytes of any call except an import. */
export const MAX_BODY = 64 * 1024;

/** @throws Problem PAYLOAD_TOO_LARGE if the body is larger, by its Content-Length or as it streams */
export async function limitBody(http: Context, maxBytes: number): Promise<void> {
  const refuse = (): never => {
    throw new Problem("PAYLOAD_TOO_LARGE", `A request body may have at most ${maxBytes} bytes.`);
  };
  // No more than the announced length arrives (RFC 9112 section 6.2), so the body need not be opened as a stream,
  // which is the slowest step here.
  const announced = http.req.header("content-length");
  if (announced !== undefined && http.req.header("transfer-encoding") === undefined) {
    if (!(Number(announced) <= maxBytes)) refuse();
    return;
  }
  await bodyLimit({ maxSize: maxBytes, onError: refuse })(http, async () => {});
}
