// The headers of a delivery: Standard Webhooks 1.0, https://www.standardwebhooks.com
import { base64 } from "../crypto/base64.ts";
import { numericDate } from "../kernel/dates.ts";

const PREFIX = "whsec_";

const BYTES = 32;

/** A new secret as the receiver configures it. */
export const newSecret = (): string => PREFIX + base64.encode(crypto.getRandomValues(new Uint8Array(BYTES)));

const utf8 = new TextEncoder();

async function signature(secret: string, content: string): Promise<string> {
  const key = await crypto.subtle.importKey(
    "raw",
    base64.decode(secret.slice(PREFIX.length)),
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["sign"],
  );
  const mac = await crypto.subtle.sign("HMAC", key, utf8.encode(content));
  return `v1,${base64.encode(new Uint8Array(mac))}`;
}

/**
 * @param id of the event: the same each time that it is sent, so that the receiver knows it again
 * @param at when it is sent, by which a receiver refuses what somebody recorded and replays
 * @param secrets one, or two while the secret is being changed: the receiver has either
 */
export async function signedHeaders(
  id: number,
  at: number,
  body: string,
  secrets: readonly string[],
): Promise<Record<string, string>> {
  const timestamp = numericDate(at);
  const content = `${id}.${timestamp}.${body}`;
  const signatures = await Promise.all(secrets.map((secret) => signature(secret, content)));
  return {
    "webhook-id": String(id),
    "webhook-timestamp": String(timestamp),
    "webhook-signature": signatures.join(" "),
  };
}
