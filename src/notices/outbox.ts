// The outbox: mail that is to be sent, rendered and sealed once, and written in the batch of the change that causes it.
// Exactly these bytes are sent, however many attempts it takes and whatever is deployed meanwhile.
import { base64url } from "jose";
import type { Context } from "../context.ts";
import { seal, unseal } from "../crypto/sealing.ts";
import { DAY } from "../kernel/dates.ts";
import { messageIdsFrom } from "../kernel/ids.ts";
import { chunksOf } from "../storage/bulk.ts";
import { named } from "../storage/database.ts";
import type { Language } from "../kernel/languages.ts";
import type { Message } from "../storage/schema.ts";
import { sendableAddress } from "./recipients.ts";
import type { KeptNotice, Notice } from "./templates/index.ts";

const PURPOSE = "caio-licensing mail";

/** Why a mail with a replaced key is not sent. */
export const KEY_REPLACED = "The key in it is not accepted any more. Send the license anew.";

export const NOT_CONFIGURED = "RESEND_API_KEY is not set.";

/** What Resend gets, with the names of its SDK. */
export interface Email {
  /** The sender when it was written; empty if there was none. It is written anew before an attempt from another one. */
  from: string;
  to: string;
  replyTo?: string;
  subject: string;
  html: string;
  text: string;
  attachments?: { filename: string; content: string }[];
  headers: Record<string, string>;
  /** Resend returns these with the receipts. */
  tags: { name: string; value: string }[];
}

export interface Owed {
  /** Two messages with the same key are the same message. */
  dedupeKey: string;
  recipient: string;
  licenseId: string | null;
  customerId: string | null;
  notice: KeptNotice;
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

// RFC 3834: nobody's absence notice answers it.
const HEADERS = { "Auto-Submitted": "auto-generated" };

/** The mail of a notice, as Resend gets it. */
export async function emailOf(
  { config }: Context,
  id: string,
  {
    recipient,
    notice,
    language,
    isPreview,
  }: Pick<Owed, "recipient" | "language" | "isPreview"> & {
    notice: Notice;
  },
): Promise<Email> {
  const { from, replyTo } = config.mail;
  // Templates and languages are loaded when the first mail is written.
  const { render } = await import("./templates/index.ts");
  const { subject, html, text, attachments } = await render({
    language: language ?? "en",
    brand: config.brand,
    input: notice,
  });
  return {
    from: from ?? "",
    to: sendableAddress(recipient),
    ...(replyTo === null ? {} : { replyTo }),
    subject: isPreview ? `Preview: ${subject}` : subject,
    html,
    text,
    ...(attachments.length > 0 ? { attachments: attachments.map(encoded) } : {}),
    headers: HEADERS,
    tags: [{ name: "message_id", value: id }],
  };
}

/** A mail as it is kept. */
export const sealed = async ({ config }: Context, id: string, email: Email): Promise<string> =>
  base64url.encode(new Uint8Array(await seal(config.sessionSecret, PURPOSE, id, JSON.stringify(email))));

/** Makes a row for the outbox, without writing it. */
export async function compose(context: Context, now: number, owed: Owed): Promise<Message> {
  const { apiKey, heldBy } = context.config.mail;
  const id = `msg_${context.ids.ulid(now)}`;
  const email = await emailOf(context, id, owed);
  // With a faulty key it waits: the fault will be mended.
  const isUnsent = apiKey === null && heldBy === null;
  return {
    id,
    dedupe_key: owed.dedupeKey,
    kind: owed.notice.kind,
    license_id: owed.licenseId,
    customer_id: owed.customerId,
    recipient: owed.recipient,
    subject: email.subject,
    content: await sealed(context, id, email),
    status: isUnsent ? "skipped" : "pending",
    attempts: 0,
    next_try_at: 0,
    // Resend allows attachments only in a request with a single mail.
    batch_id: email.attachments ? id : null,
    uncertain_since: null,
    provider_id: null,
    last_error: isUnsent ? NOT_CONFIGURED : null,
    created_at: now,
    updated_at: now,
    key_revision: owed.keyRevision ?? null,
    joined: null,
    told_on: null,
    reason: isUnsent ? "not_configured" : null,
    bounce_type: null,
  };
}

/** The mail of a row; null if its text is not kept any more, or SESSION_SECRET has changed since. */
export async function openMessage(
  context: Context,
  { id, content }: Pick<Message, "id" | "content">,
): Promise<Email | null> {
  if (content === "") return null;
  const bytes = Uint8Array.from(base64url.decode(content));
  const opened = await unseal(context.config.sessionSecret, PURPOSE, id, bytes);
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
  "joined",
  "told_on",
  "reason",
  "bounce_type",
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

// The texts are the largest part of the database. After a while nobody needs them: the row says to whom a mail went, what
// about, and what became of it.

/** How many texts go at once. */
const PAGE = 500;

/** The next messages in the order of their ids, up to the first that is still to be sent, or goes out with one. */
const OLD = `
  SELECT id FROM messages
  WHERE id > (SELECT id FROM message_walk WHERE only = 1) AND id < coalesce((
    SELECT min(min(waiting.id, coalesce(other.id, waiting.id)))
    FROM messages waiting LEFT JOIN messages other ON other.batch_id = waiting.batch_id
    WHERE waiting.status = 'pending' AND waiting.id < :end), :end)
  ORDER BY id LIMIT ${PAGE}`;

const FORGET = named(`UPDATE messages SET content = '' WHERE id IN (${OLD})`);

const GO_ON = named(
  `UPDATE message_walk SET id = (SELECT max(id) FROM (${OLD})) WHERE only = 1 AND EXISTS (${OLD})`,
);

/** Removes the texts of mails that are older than RETAIN_MAIL_DAYS. @returns whether there may be more */
export async function forgetTexts(context: Context): Promise<boolean> {
  const { db, clock, config } = context;
  const end = messageIdsFrom(context, clock.now() - config.retention.mailDays * DAY);
  const [forgotten] = await db.batch([db.run(FORGET, { end }), db.run(GO_ON, { end })]);
  return forgotten?.meta.changes === PAGE;
}

// Mails of people who are forgotten. The row stays, with what became of it: neither to whom it went, nor what it said.

/** The `reason` of a mail whose recipient is forgotten. */
const ERASED = "erased";

/** What waits is not sent. A notice keeps what it is about, so that no night writes it again. */
const FORGOTTEN = `
  content = '', subject = '', last_error = NULL, reason = '${ERASED}',
  status = iif(status = 'pending', 'skipped', status), updated_at = :now`;

const MAILS = named(`
  UPDATE messages SET
    recipient = '', ${FORGOTTEN}, joined = NULL,
    dedupe_key = iif(notice_end IS NULL, 'erased:' || id,
      'notice:' || license_id || ':' || notice_end || ':' || notice_days || ':' || id)
  WHERE id IN (
    SELECT m.id FROM messages m WHERE m.customer_id = :customer AND m.recipient <> '' AND NOT EXISTS (
      SELECT 1 FROM contacts c WHERE c.customer_id = m.customer_id AND lower(c.email) = lower(m.recipient))
    ORDER BY m.id LIMIT ${PAGE})`);

/** Digests name customers, and nothing in their rows says which: they lose their texts. They went to staff. */
const DIGESTS = named(`
  UPDATE messages SET ${FORGOTTEN}
  WHERE id IN (SELECT id FROM messages WHERE kind = 'admin_digest' AND content <> '' LIMIT ${PAGE})`);

/** As `LicenseMail.forgetPage` says. */
export async function forgetMails({ db }: Context, now: number, customer: string): Promise<boolean> {
  const pages = await db.batch([db.run(MAILS, { now, customer }), db.run(DIGESTS, { now })], "repeatable");
  return pages.some((page) => page.meta.changes === PAGE);
}
