// Mail that did not arrive because the address was wrong: once the customer has another address, it goes there, and the
// old message is superseded. The coming night does the same for notices by itself.
import { eq } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { isSameMailbox } from "../../field/mailboxes.ts";
import { allow } from "../../kernel/permissions.ts";
import { Problem } from "../../problems.ts";
import { recordChange } from "../../record/events.ts";
import { named } from "../../storage/database.ts";
import {
  type Contact,
  type Customer,
  customers,
  type License,
  licenses,
  type Message,
} from "../../storage/schema.ts";
import { sendSoon } from "../delivery.ts";
import { namesFor, noticeAbout, type NoticeKind } from "../joining.ts";
import { compose, openMessage, sealed, writeMessages } from "../outbox.ts";
import { contactAt, contactsOf, recipientsOf, sendableAddress } from "../recipients.ts";
import { ENDS_THEN, SUPERSEDED, TRANSFERRED } from "../superseded.ts";
import { mailedKey, recordMailed } from "./license-mail.ts";

const KEYS: ReadonlySet<Message["kind"]> = new Set(["license_delivery", "license_renewed"]);

type Lost = Message & { notice_end: number | null };

// With those that the same mail told.
const LOST = named(`
  SELECT * FROM messages m
  WHERE (m.id = :id OR m.joined = (SELECT joined FROM messages WHERE id = :id))
    AND m.status IN ('bounced', 'failed') AND m.reason IS NOT '${SUPERSEDED}'
    AND m.license_id IS NOT NULL AND m.customer_id IS NOT NULL AND m.recipient <> ''
  ORDER BY m.id <> :id, m.id`);

const SUPERSEDE = named(`
  UPDATE messages AS m SET reason = '${SUPERSEDED}', updated_at = :now
  WHERE m.id = :id AND m.status IN ('bounced', 'failed') AND m.reason IS NOT '${SUPERSEDED}'
    AND EXISTS (
      SELECT 1 FROM licenses l WHERE l.id = m.license_id AND l.customer_id = m.customer_id AND l.version = :version)
    AND NOT EXISTS (
      SELECT 1 FROM contacts c WHERE c.customer_id = m.customer_id AND lower(c.email) = lower(m.recipient))`);

const STILL_TRUE = named(
  `SELECT ${ENDS_THEN(":kind", ":end")} AS is_true FROM licenses l WHERE l.id = :license`,
);

interface Replacement {
  /** Whether its address is still one of the customer's, so that nothing was corrected yet. */
  isCorrected: boolean;
  /** The contact that it went to, while it is one. */
  contact: Contact | undefined;
  /** Where it goes now. */
  recipients: Contact[];
}

/** The contacts that a mail to nobody's address goes to now: those of its role that it did not go to already. */
function replacementOf(message: Message, all: readonly Contact[], others: ReadonlySet<string>): Replacement {
  const contact = contactAt(all, message.recipient);
  const role = KEYS.has(message.kind) || message.kind === "license_changed" ? "license" : "billing";
  return {
    isCorrected: contact === undefined,
    contact,
    recipients: recipientsOf(all, role).filter(
      ({ email }) =>
        !isSameMailbox(email, message.recipient) && ![...others].some((other) => isSameMailbox(other, email)),
    ),
  };
}

// Mails of one act have one time.
const OTHERS = named(`
  SELECT o.recipient FROM messages m JOIN messages o ON o.license_id = m.license_id
  WHERE m.id = :id AND o.id <> m.id AND o.kind = m.kind AND o.reason IS NOT '${SUPERSEDED}'
    AND (o.created_at = m.created_at OR o.notice_end = m.notice_end AND o.notice_days = m.notice_days)`);

/** Where a mail that did not arrive would go instead; null for mail that is about no license, or that arrived. */
export async function previewReplacement(
  context: Context,
  message: Pick<Message, "id">,
): Promise<Replacement | null> {
  allow(context, "read");
  const { db } = context;
  const [found, others] = await db.batch([
    db.run(LOST, { id: message.id }),
    db.run(OTHERS, { id: message.id }),
  ]);
  const lost = found!.results[0] as unknown as Lost | undefined;
  if (lost?.id !== message.id || lost.customer_id === null) return null;
  const all = (await contactsOf(context, [lost.customer_id])).get(lost.customer_id) ?? [];
  return replacementOf(lost, all, new Set(others!.results.map((row) => String(row["recipient"]))));
}

const CORRECT_FIRST = "It is still an address of the customer: correct it first, or send the mail again.";

/**
 * Sends what a mail that bounced or failed said to the customer's present contacts, with the notices that the same mail
 * told: keys as they are now, notices in the words of the day. The old messages are superseded.
 * @returns the first of the new messages
 * @throws Problem NOT_FOUND
 * @throws Problem CONFLICT if it did not bounce or fail, was replaced before, or is not true any more; if its address is
 *   still the customer's, or there is no other one; or if the license went to another customer
 */
export async function replaceMessage(context: Context, id: string): Promise<Message> {
  allow(context, "licenses");
  const { db, clock } = context;
  const now = clock.now();
  const [found, there] = await db.batch([
    db.run(LOST, { id }),
    db.sql("SELECT status, reason FROM messages WHERE id = ?", id),
  ]);
  const all = found!.results as unknown as Lost[];
  const row = there!.results[0] as Pick<Message, "status" | "reason"> | undefined;
  if (!row) throw new Problem("NOT_FOUND", `There is no message with the id ${id}.`);
  if (all[0]?.id !== id) {
    throw new Problem(
      "CONFLICT",
      row.reason === SUPERSEDED
        ? "It was replaced or taken back before."
        : `Only mail about a license that bounced or failed is replaced; this one is ${row.status}.`,
    );
  }
  const written: Message[] = [];
  const statements: D1PreparedStatement[] = [];
  for (const message of all) {
    const mails = await rewritten(context, now, message, message.id === id);
    if (mails === null) continue;
    written.push(...mails.map(({ mail }) => mail));
    statements.push(db.run(SUPERSEDE, { id: message.id, now, version: mails[0]!.license.version }));
    for (const { mail } of mails) {
      statements.push(
        ...writeMessages(context, [mail], "changes() > 0"),
        ...(KEYS.has(mail.kind) ? [recordMailed(context, mail)] : []),
      );
    }
    statements.push(
      recordChange(context, now, "message.replaced", ["message", message.id], {
        message_id: mails[0]!.mail.id,
      }),
    );
  }
  const [first] = await db.batch(statements);
  if (first?.meta.changes !== 1) throw new Problem("CONFLICT", "It was changed meanwhile. Look at it again.");
  sendSoon(context);
  return written[0]!;
}

interface Rewritten {
  mail: Message;
  license: License;
}

/** @returns null if another one of the same mail cannot be replaced */
async function rewritten(
  context: Context,
  now: number,
  message: Lost,
  isAskedFor: boolean,
): Promise<Rewritten[] | null> {
  try {
    return await write(context, now, message);
  } catch (error) {
    if (isAskedFor || !(error instanceof Problem)) throw error;
    return null;
  }
}

async function write(context: Context, now: number, message: Lost): Promise<Rewritten[]> {
  const [about] = await context.db.orm
    .select({ license: licenses, customer: customers })
    .from(licenses)
    .innerJoin(customers, eq(customers.id, licenses.customer_id))
    .where(eq(licenses.id, String(message.license_id)));
  if (about?.license.customer_id !== message.customer_id) throw new Problem("CONFLICT", TRANSFERRED);
  const instead = await previewReplacement(context, message);
  if (!instead?.isCorrected) throw new Problem("CONFLICT", CORRECT_FIRST);
  if (instead.recipients.length === 0)
    throw new Problem("CONFLICT", "The customer has no other address that it did not go to.");
  return Promise.all(
    instead.recipients.map(async (contact) => ({
      mail: await mailTo(context, now, message, about, contact),
      license: about.license,
    })),
  );
}

async function mailTo(
  context: Context,
  now: number,
  message: Lost,
  { license, customer }: { license: License; customer: Customer },
  contact: Contact,
): Promise<Message> {
  if (KEYS.has(message.kind)) {
    if (license.status === "revoked")
      throw new Problem("CONFLICT", "The license is revoked: its key is of no use.");
    return mailedKey(context, now, license, customer, { address: contact.email, contact });
  }
  if (message.notice_end !== null) return noticeTo(context, now, message, { license, customer }, contact);
  const email = await openMessage(context, message);
  if (email === null) throw new Problem("CONFLICT", "Its text is not kept any more.");
  const id = `msg_${context.ids.ulid(now)}`;
  const { notice_end: _end, ...columns } = message;
  const tags = [{ name: "message_id", value: id }];
  return {
    ...columns,
    ...UNSENT,
    id,
    dedupe_key: `${message.dedupe_key}:${id}`,
    recipient: contact.email,
    content: await sealed(context, id, { ...email, to: sendableAddress(contact.email), tags }),
    created_at: now,
    updated_at: now,
  };
}

const UNSENT = {
  status: "pending",
  attempts: 0,
  next_try_at: 0,
  batch_id: null,
  uncertain_since: null,
  provider_id: null,
  last_error: null,
  joined: null,
  told_on: null,
  reason: null,
  bounce_type: null,
} as const;

async function noticeTo(
  context: Context,
  now: number,
  message: Lost,
  { license, customer }: { license: License; customer: Customer },
  contact: Contact,
): Promise<Message> {
  const end = message.notice_end ?? 0;
  const { db } = context;
  const [still] = await db.batch([db.run(STILL_TRUE, { kind: message.kind, end, license: license.id })]);
  if (still!.results[0]?.["is_true"] !== 1)
    throw new Problem("CONFLICT", "What it says is not true any more: the license changed or ended.");
  const names = await namesFor(context, [license]);
  const subject = { license, customer, contact, end };
  return compose(context, now, {
    // As the night would write it, so that it does not write it again.
    dedupeKey: message.dedupe_key.slice(0, -message.recipient.length) + contact.email,
    recipient: contact.email,
    licenseId: license.id,
    customerId: customer.id,
    language: contact.language,
    notice: noticeAbout(context, now, message.kind as NoticeKind, [subject], names),
  });
}
