// The outbox as staff see it: what was mailed to whom, whether it arrived, and sending it again.
import { and, eq, lt, sql } from "drizzle-orm";
import * as z from "zod/mini";
import { allow, allows } from "../kernel/permissions.ts";
import { recordChange } from "../record/events.ts";
import type { Context } from "../context.ts";
import { formatInstant, formatInstantOrNull } from "../kernel/dates.ts";
import { MAX_SCAN, openList, type Page, type PageRequest } from "../kernel/pages.ts";
import { SearchText, Sought } from "../kernel/inputs.ts";
import { Problem } from "../problems.ts";
import { KINDS, type Message, MESSAGE_STATUSES, messages } from "../storage/schema.ts";
import { FOLLOWS } from "./joining.ts";
import { type Email, openMessage } from "./outbox.ts";

export const MessageFilter = z.object({
  status: z.optional(z.enum(MESSAGE_STATUSES)),
  kind: z.optional(z.enum(KINDS)),
  license_id: z.optional(SearchText),
  /** The whole address, in any case. */
  recipient: z.optional(Sought(254)),
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
  reason: messages.reason,
  bounce_type: messages.bounce_type,
  joined: messages.joined,
  created_at: messages.created_at,
  updated_at: messages.updated_at,
};

type Listed = Omit<
  Message,
  "content" | "batch_id" | "uncertain_since" | "dedupe_key" | "key_revision" | "told_on"
>;

/** Those of these messages that are there, as a query for a batch. */
export const messagesById = ({ db }: Pick<Context, "db">, ids: readonly string[]) =>
  db.orm
    .select(SHOWN)
    .from(messages)
    .where(sql`${messages.id} IN (SELECT value FROM json_each(${JSON.stringify(ids)}))`);

/** The latest messages to a customer about their licenses. */
export async function latestMessagesOf(
  context: Context,
  customerId: string,
  limit: number,
): Promise<Listed[]> {
  allow(context, "read");
  return (
    context.db.orm
      .select(SHOWN)
      .from(messages)
      // As the index says it.
      .where(and(eq(messages.customer_id, customerId), sql`${messages.recipient} <> ''`))
      .orderBy(sql`${messages.id} DESC`)
      .limit(limit)
  );
}

/** As the index says it. */
const isTo = (address: string) => sql`${messages.recipient} COLLATE NOCASE = ${address}`;

/** A page of messages, newest first, along the index of the narrowest filter. */
export async function listMessages(
  context: Context,
  request: PageRequest,
  filter: MessageFilter,
): Promise<Page<Listed>> {
  allow(context, "read");
  const list = await openList(context, "messages", request, filter);
  const { status, kind, license_id, recipient } = filter;
  const driver =
    license_id !== undefined
      ? eq(messages.license_id, license_id)
      : recipient !== undefined
        ? isTo(recipient)
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
      (license_id === undefined || row.license_id === license_id) &&
      (recipient === undefined || row.recipient.toLowerCase() === recipient.toLowerCase()),
  );
}

/** The latest mail to an address, or the message with this id. */
export async function findMessages(context: Context, q: string, limit: number): Promise<Listed[]> {
  allow(context, "read");
  if (!/^msg_|@/.test(q)) return [];
  const found = context.db.orm.select(SHOWN).from(messages);
  return found
    .where(q.startsWith("msg_") ? eq(messages.id, q) : isTo(q))
    .orderBy(sql`${messages.id} DESC`)
    .limit(limit);
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

/** Whom a message was for, and about which license; null where they are gone, or where it was for staff. */
export async function subjectOf(
  { db }: Context,
  id: string,
): Promise<{ name: string | null; company: string | null; license_type: string | null }> {
  const [found] = await db.batch([
    db.sql(
      `SELECT c.name, c.company, l.license_type FROM messages m
       LEFT JOIN customers c ON c.id = m.customer_id LEFT JOIN licenses l ON l.id = m.license_id WHERE m.id = ?`,
      id,
    ),
  ]);
  const row = found!.results[0] as Awaited<ReturnType<typeof subjectOf>> | undefined;
  return row ?? { name: null, company: null, license_type: null };
}

/** @throws Problem NOT_FOUND */
export async function find({ db }: Context, id: string): Promise<Message> {
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
  // A notice that is joined with others is shown as the mail that tells it.
  const told = message.joined === null ? message : await find(context, message.joined);
  const email = await openMessage(context, told);
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
    message.status === "pending" && message.next_try_at !== FOLLOWS
      ? Math.max(message.next_try_at, message.created_at)
      : null,
  ),
  provider_id: message.provider_id,
  last_error: message.last_error,
  reason: message.reason,
  bounce_type: message.bounce_type,
  joined_to: message.joined === message.id ? null : message.joined,
  created_at: formatInstant(message.created_at),
  updated_at: formatInstant(message.updated_at),
});
