// What the digest says about webhook endpoints that take nothing.
import type { Context } from "../context.ts";
import type { DigestNote } from "../notices/templates/index.ts";
import { instantInWords } from "../notices/templates/words.ts";
import type { WebhookEndpoint } from "../storage/schema.ts";
import { troubledEndpoints } from "../webhook-endpoints/endpoints.ts";

/** Never the whole address: it may hold a secret. */
const named = ({ id, url, description }: WebhookEndpoint): string =>
  `${id} (${description ?? new URL(url).hostname})`;

const note = (title: string, lead: string, lines: string[]): DigestNote[] =>
  lines.length === 0 ? [] : [{ title, lead, lines }];

/**
 * Sections about endpoints that were switched off, or fail; none if there are none.
 * @param since what was switched off earlier was told by an earlier digest
 */
export async function notesOnEndpoints(context: Context, since: number): Promise<DigestNote[]> {
  const troubled = await troubledEndpoints(context);
  const off = troubled.filter(({ switched_off_at }) => (switched_off_at ?? 0) > since);
  const failing = troubled.filter(({ active }) => active === 1);
  return [
    ...note(
      "Webhook endpoints that were switched off",
      "Nothing that was sent to them succeeded for five days. Once they are mended, switch them on: they get what they missed.",
      off.map((endpoint) => `${named(endpoint)}, since ${instantInWords(endpoint.switched_off_at!)}`),
    ),
    ...note(
      "Webhook endpoints that fail",
      "They are tried again, and switched off after five days.",
      failing.map(
        (endpoint) =>
          `${named(endpoint)}: ${endpoint.failures} attempts since ${instantInWords(endpoint.failing_since!)}`,
      ),
    ),
  ];
}
