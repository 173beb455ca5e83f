// The outbox: mail that is owed, rendered once and sealed, written in the batch of what owes it. The very bytes
// that are written here are sent, however often it takes and whatever is deployed meanwhile.
import { base64url } from "jose";
import type { Context } from "../context.ts";
import { seal, unseal } from "../crypto/sealing.ts";
import { chunksOf } from "../storage/bulk.ts";
import type { Message } from "../storage/schema.ts";
import { type Notice, render } from "./templates/index.ts";

const PURPOSE = "caio-licensing mail";

/** Why a mail with a key that was replaced is not sent. */
export const KEY_REPLACED = "The key in it is not accepted any more. Send the license anew.";

export const NOT_CONFIGURED = "RESEND_API_KEY is not set.";

/** What is handed to Resend, in the names of its SDK. */
export interface Email {
  from: string;
  to: string;
  replyTo?: string;
  subject: string;
  html: string;
  text: string;
  attachments?: { filename: string; content: string }[];
  /** Come back with the receipts. */
  tags: { name: string; value: string }[];
}

export interface Owed {
  /** Two messages with the same one are the same. */
  dedupeKey: string;
  recipient: string;
  licenseId: string | null;
  customerId: string | null;
  notice: Notice;
  /** Of the key that it brings. */
  keyRevision?: number;
}

/** Resend takes the content of an attachment as base64. */
const encoded = ({ filename, content }: { filename: string; content: string }) => ({
  filename,
  content: btoa(String.fromCharCode(...new TextEncoder().encode(content))),
});

/** A row for the outbox, not written yet. */
export async function compose(context: Context, now: number, owed: Owed): Promise<Message> {
  const { from, replyTo, apiKey } = context.config.mail;
  const id = `msg_${context.ids.ulid(now)}`;
  const { subject, html, text, attachments } = await render(owed.notice);
  const email: Email = {
    from,
    to: owed.recipient,
    ...(replyTo === null ? {} : { replyTo }),
    subject,
    html,
    text,
    ...(attachments.length > 0 ? { attachments: attachments.map(encoded) } : {}),
    tags: [{ name: "message_id", value: id }],
  };
  const sealed = await seal(context.config.sessionSecret, PURPOSE, id, JSON.stringify(email));
  return {
    id,
    dedupe_key: owed.dedupeKey,
    kind: owed.notice.kind,
    license_id: owed.licenseId,
    customer_id: owed.customerId,
    recipient: owed.recipient,
    subject,
    content: base64url.encode(new Uint8Array(sealed)),
    status: apiKey === null ? "skipped" : "pending",
    attempts: 0,
    next_try_at: 0,
    // Resend takes attachments in requests of a single mail only.
    batch_id: attachments.length > 0 ? id : null,
    uncertain_since: null,
    provider_id: null,
    last_error: apiKey === null ? NOT_CONFIGURED : null,
    created_at: now,
    updated_at: now,
    key_revision: owed.keyRevision ?? null,
  };
}

/** The mail of a row, or null where SESSION_SECRET has changed since. */
export async function openMessage(
  context: Context,
  { id, content }: Pick<Message, "id" | "content">,
): Promise<Email | null> {
  const sealed = Uint8Array.from(base64url.decode(content));
  const opened = await unseal(context.config.sessionSecret, PURPOSE, id, sealed);
  return opened === null ? null : (JSON.parse(opened) as Email);
}

const COLUMNS = [
  "id",
  "dedupe_key",
  "kind",
  "license_id",
  "customer_id",
  "recipient",
  "subject",
  "content",
  "status",
  "attempts",
  "next_try_at",
  "batch_id",
  "uncertain_since",
  "provider_id",
  "last_error",
  "created_at",
  "updated_at",
  "key_revision",
] as const satisfies (keyof Message)[];

/**
 * Statements that write the rows, all in as few as possible. A row whose dedupe_key is there already is left out.
 * @param condition SQL that must hold for a row (`value`, its JSON) to be written
 */
export const writeMessages = ({ db }: Context, rows: object[], condition: string): D1PreparedStatement[] =>
  chunksOf(rows).map((chunk) =>
    db.sql(
      `INSERT INTO messages (${COLUMNS.join(", ")})
       SELECT ${COLUMNS.map((name) => `value ->> '$.${name}'`).join(", ")} FROM json_each(?)
       WHERE ${condition} ON CONFLICT (dedupe_key) DO NOTHING`,
      chunk,
    ),
  );
