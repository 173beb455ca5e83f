// A form that was sent after the session ended: what was entered goes through the sign-in and is offered again. It is
// sealed, so that nobody can plant values in a form that somebody else will send, and it holds no secrets and no files.
import { base64url } from "jose";
import type { Services } from "../../../context.ts";
import { seal, unseal } from "../../../crypto/sealing.ts";
import { HOUR } from "../../../kernel/dates.ts";
import { Entry } from "../../ui/entry.ts";

const PURPOSE = "kept-form";

/** As long as a session. */
const KEPT_FOR = 12 * HOUR;

/** In bytes of JSON: sealed, it has to fit into the form of the sign-in. More is a file's worth, which its owner has. */
const MAX_BYTES = 32_000;

/** What belongs to the session that is over, and what must not be in a page. */
const LEFT = /^(?:form_token|once|look|kept)$|token|secret|password|key/i;

const utf8 = new TextEncoder();

type Kept = { at: number; values: [string, string][] };

/** The entered values, sealed for the form at `path`; null if there is nothing to keep, or too much. */
export async function keepForm(
  { config, clock }: Services,
  path: string,
  entry: Entry,
): Promise<string | null> {
  const values = entry.texts().filter(([name]) => !LEFT.test(name));
  const text = JSON.stringify({ at: clock.now(), values } satisfies Kept);
  if (!values.some(([, value]) => value !== "") || utf8.encode(text).length > MAX_BYTES) return null;
  return base64url.encode(new Uint8Array(await seal(config.sessionSecret, PURPOSE, path, text)));
}

/** What was entered into the form at `path`; null if it was kept for another, too long ago, or by nobody of us. */
export async function openKept(
  { config, clock }: Services,
  path: string,
  kept: string,
): Promise<Entry | null> {
  // No length in base64url leaves one character over.
  if (!/^[A-Za-z0-9_-]{40,50000}$/.test(kept) || kept.length % 4 === 1) return null;
  const bytes = new Uint8Array(base64url.decode(kept));
  const text = await unseal(config.sessionSecret, PURPOSE, path, bytes);
  if (text === null) return null;
  const { at, values } = JSON.parse(text) as Kept;
  return clock.now() - at > KEPT_FOR ? null : new Entry(values);
}
