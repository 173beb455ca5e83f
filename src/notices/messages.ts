// The outbox as staff see it: what was mailed to whom, whether it arrived, and sending it again.
import { and, eq, lt, sql } from "drizzle-orm";
import * as z from "zod/mini";
import { allow, allows } from "../kernel/permissions.ts";
import { recordChange } from "../record/events.ts";
import type { Context } from "../context.ts";
import { formatInstant, formatInstantOrNull } from "../kernel/dates.ts";
import { MAX_SCAN, openList, type Page, type PageRequest } from "../kernel/pages.ts";
import { SearchText } from "../kernel/inputs.ts";
import { Problem } from "../problems.ts";
import { KINDS, type Message, MESSAGE_STATUSES, messages } from "../storage/schema.ts";
import { sendSoon } from "./delivery.ts";
import { TRANSFERRED } from "./license-mail.ts";
import { type Email, KEY_REPLACED, NOT_CONFIGURED, openMessage } from "./outbox.ts";

export const MessageFilter = z.object({
  status: z.optional(z.enum(MESSAGE_STATUSES)),
  kind: z.optional(z.enum(KINDS)),
  license_id: z.optional(SearchText),
});

export type MessageFilter = z.output<typeof MessageFilter>;

// Sorts after every id, so that the first page is an index search, too.
const LAST_ID = "~";

/** Everything except the mail itself, which a list does not need. */
const SHOWN = {
  id: messages.id,
  kind: messages.kind,
  license_id: messages.license_id,
  customer_id: messages.customer_id,
  recipient: messages.recipient,
  subject: messages.subject,
  status: messages.status,
  attempts: messages.attempts,
  next_try_at: messages.next_try_at,
  provider_id: messages.provider_id,
  last_error: messages.last_error,
  created_at: messages.created_at,
  updated_at: messages.updated_at,
};

type Listed = Omit<Message, "content" | "batch_id" | "uncertain_since" | "dedupe_key" | "key_revision">;

/** A page of messages, newest first, along the index of the narrowest filter. */
export async function listMessages(
  context: Context,
  request: PageRequest,
  filter: MessageFilter,
): Promise<Page<Listed>> {
  allow(context, "read");
  const list = await openList(context, "messages", request, filter);
  const { status, kind, license_id } = filter;
  const driver =
    license_id !== undefined
      ? eq(messages.license_id, license_id)
      : status !== undefined
        ? eq(messages.status, status)
        : kind !== undefined
          ? eq(messages.kind, kind)
          : undefined;
  const exact = Object.values(filter).filter((value) => value !== undefined).length <= 1;
  const scan = exact ? request.limit + 1 : MAX_SCAN;
  const rows = await context.db.orm
    .select(SHOWN)
    .from(messages)
    .where(and(driver, lt(messages.id, String(list.after?.[0] ?? LAST_ID))))
    .orderBy(sql`${messages.id} DESC`)
    .limit(scan);
  return list.page(
    rows,
    scan,
    (row) => [row.id],
    (row) =>
      (status === undefined || row.status === status) &&
      (kind === undefined || row.kind === kind) &&
      (license_id === undefined || row.license_id === license_id),
  );
}

/**
 * A message without the mail itself.
 * @throws Problem NOT_FOUND
 */
export async function findMessage(
  context: Context,
  id: string,
): Promise<{ message: Listed; holdsKey: boolean }> {
  allow(context, "read");
  const message = await find(context, id);
  return { message, holdsKey: HOLDS_A_KEY.has(message.kind) };
}

async function find({ db }: Context, id: string): Promise<Message> {
  const [message] = await db.orm.select().from(messages).where(eq(messages.id, id));
  if (!message) throw new Problem("NOT_FOUND", `There is no message with the id ${id}.`);
  return message;
}

const HOLDS_A_KEY: ReadonlySet<Message["kind"]> = new Set(["license_delivery", "license_renewed"]);

export interface Preview {
  html: string;
  text: string;
  attachments: string[];
}

/**
 * A message, and the exact mail that was or will be sent. A mail with a license key is shown only to those who may see
 * keys, and each time is recorded.
 * @throws Problem NOT_FOUND
 */
export async function getMessage(
  context: Context,
  id: string,
): Promise<{ message: Message; holdsKey: boolean; preview: Preview | null }> {
  allow(context, "read");
  const message = await find(context, id);
  const holdsKey = HOLDS_A_KEY.has(message.kind);
  if (holdsKey && !allows(context, "keys")) return { message, holdsKey, preview: null };
  const email = await openMessage(context, message);
  if (email !== null && holdsKey && message.license_id !== null) {
    await context.db.batch([
      recordChange(
        context,
        context.clock.now(),
        "license.key_revealed",
        ["license", message.license_id],
        { message_id: id },
        { sql: "WHERE true", values: [] },
      ),
    ]);
  }
  return { message, holdsKey, preview: email === null ? null : previewOf(email) };
}

const previewOf = ({ html, text, attachments = [] }: Email): Preview => ({
  html,
  text,
  attachments: attachments.map(({ filename }) => filename),
});

/**
 * Sends a message again if it was not sent or did not arrive.
 * @throws Problem NOT_FOUND
 * @throws Problem CONFLICT if it is on its way or has arrived, if the key in it was replaced, if it was sent together
 *   with others that are on their way, or if sending is not configured
 */
export async function retryMessage(context: Context, id: string): Promise<Message> {
  allow(context, "licenses");
  const { db, config, ids } = context;
  const before = await find(context, id);
  if (config.mail.apiKey === null) throw new Problem("CONFLICT", NOT_CONFIGURED);
  const now = context.clock.now();
  const [updated] = await db.batch([
    db.sql(
      // In its own request, under a new idempotency key: somebody decided to send it again.
      `UPDATE messages SET status = 'pending', attempts = 0, next_try_at = 0, batch_id = ?1, uncertain_since = NULL,
         provider_id = NULL, last_error = NULL, updated_at = ?2
       WHERE id = ?3 AND status IN ${AT_REST}
         AND (key_revision IS NULL OR EXISTS (
           SELECT 1 FROM licenses l
           WHERE l.id = messages.license_id AND l.status <> 'revoked' AND l.revision = messages.key_revision))
         AND ${IS_TO_HOLDER}
         AND NOT EXISTS (
           SELECT 1 FROM messages other
           WHERE other.batch_id = messages.batch_id AND other.id <> messages.id AND other.status = 'pending')`,
      `bat_${ids.ulid(now)}`,
      now,
      id,
    ),
    recordChange(context, now, "message.retried", ["message", id], { from: before.status }),
  ]);
  if (updated?.meta.changes === 0) throw await whyNot(context, id);
  sendSoon(context);
  const anew = {
    status: "pending",
    attempts: 0,
    next_try_at: 0,
    provider_id: null,
    last_error: null,
  } as const;
  return { ...before, ...anew, updated_at: now };
}

/** Why a message was not sent again. */
async function whyNot({ db }: Context, id: string): Promise<Problem> {
  const [found] = await db.batch([
    db.sql(
      `SELECT status, status IN ${AT_REST} AS at_rest, ${IS_TO_HOLDER} AS to_holder, EXISTS (
         SELECT 1 FROM messages other
         WHERE other.batch_id = messages.batch_id AND other.id <> messages.id AND other.status = 'pending') AS together
       FROM messages WHERE id = ?`,
      id,
    ),
  ]);
  const { status, at_rest, to_holder, together } = found?.results[0] ?? {};
  if (!at_rest) return new Problem("CONFLICT", `The message is ${String(status)}.`);
  if (!to_holder) return new Problem("CONFLICT", TRANSFERRED);
  // To take it out of a request that will be sent again would change the bytes by which Resend knows the request.
  return new Problem("CONFLICT", together ? `${TOGETHER} Try again when they are through.` : KEY_REPLACED);
}

/** Whether the license is still that of the customer whom the mail is for. */
const IS_TO_HOLDER = `(license_id IS NULL OR customer_id IS NULL OR EXISTS (
  SELECT 1 FROM licenses l WHERE l.id = messages.license_id AND l.customer_id = messages.customer_id))`;

const AT_REST = "('failed', 'skipped', 'bounced')";

const TOGETHER = "It went out in one request with others whose outcome is not known yet.";

export const presentMessage = (message: Listed) => ({
  id: message.id,
  kind: message.kind,
  status: message.status,
  license_id: message.license_id,
  customer_id: message.customer_id,
  recipient: message.recipient,
  subject: message.subject,
  attempts: message.attempts,
  next_try_at: formatInstantOrNull(
    message.status === "pending" ? Math.max(message.next_try_at, message.created_at) : null,
  ),
  provider_id: message.provider_id,
  last_error: message.last_error,
  created_at: formatInstant(message.created_at),
  updated_at: formatInstant(message.updated_at),
});
