// The outbox: mail that is to be sent, rendered and sealed once, and written in the batch of the change that causes it.
// Exactly these bytes are sent, however many attempts it takes and whatever is deployed meanwhile.
import { base64url } from "jose";
import type { Context } from "../context.ts";
import { seal, unseal } from "../crypto/sealing.ts";
import type { Language } from "../kernel/languages.ts";
import { chunksOf } from "../storage/bulk.ts";
import type { Message } from "../storage/schema.ts";
import { type Notice, render } from "./templates/index.ts";

const PURPOSE = "caio-licensing mail";

/** Why a mail with a replaced key is not sent. */
export const KEY_REPLACED = "The key in it is not accepted any more. Send the license anew.";

export const NOT_CONFIGURED = "RESEND_API_KEY is not set.";

/** What Resend gets, with the names of its SDK. */
export interface Email {
  from: string;
  to: string;
  replyTo?: string;
  subject: string;
  html: string;
  text: string;
  attachments?: { filename: string; content: string }[];
  /** Resend returns these with the receipts. */
  tags: { name: string; value: string }[];
}

export interface Owed {
  /** Two messages with the same key are the same message. */
  dedupeKey: string;
  recipient: string;
  licenseId: string | null;
  customerId: string | null;
  notice: Notice;
  /** The recipient's; English if it is not known. */
  language?: Language | null;
  /** Marks the subject, so that nobody takes the mail for a real one. */
  isPreview?: boolean;
  /** The revision of the license key in the mail. */
  keyRevision?: number;
}

/** Resend takes the content of an attachment as base64. */
const encoded = ({ filename, content }: { filename: string; content: string }) => ({
  filename,
  content: btoa(String.fromCharCode(...new TextEncoder().encode(content))),
});

/** Makes a row for the outbox, without writing it. */
export async function compose(context: Context, now: number, owed: Owed): Promise<Message> {
  const { from, replyTo, apiKey } = context.config.mail;
  const id = `msg_${context.ids.ulid(now)}`;
  const {
    subject: written,
    html,
    text,
    attachments,
  } = await render({
    language: owed.language ?? "en",
    brand: context.config.brand,
    input: owed.notice,
  });
  const subject = owed.isPreview ? `Preview: ${written}` : written;
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
    // Resend allows attachments only in a request with a single mail.
    batch_id: attachments.length > 0 ? id : null,
    uncertain_since: null,
    provider_id: null,
    last_error: apiKey === null ? NOT_CONFIGURED : null,
    created_at: now,
    updated_at: now,
    key_revision: owed.keyRevision ?? null,
  };
}

/** The mail of a row, or null if SESSION_SECRET has changed since. */
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
 * As few statements as possible that write the rows. A row is skipped if its dedupe_key exists already.
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
