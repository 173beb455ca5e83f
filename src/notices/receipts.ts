// What Resend reports about a message later: delivered, bounced, marked as spam. A report that comes twice or too late
// changes nothing.
import { eq } from "drizzle-orm";
import { Resend } from "resend";
import * as z from "zod/mini";
import { recordChange } from "../record/events.ts";
import type { Context } from "../context.ts";
import { Problem } from "../problems.ts";
import { named } from "../storage/database.ts";
import { type Message, messages } from "../storage/schema.ts";
import { SUPERSEDED } from "./superseded.ts";

export interface SignedReceipt {
  payload: string;
  id: string;
  timestamp: string;
  signature: string;
}

// What Resend adds to a receipt may change: whatever cannot be read is left out, and the rest counts.
const Said = z.catch(z.optional(z.string()), undefined);
const said = <Part extends z.core.$ZodLooseShape>(part: Part) =>
  z.catch(z.optional(z.object(part)), undefined);

const Receipt = z.object({
  type: z.string(),
  data: z.object({
    email_id: Said,
    // An object in current webhooks, a list of pairs in older ones.
    tags: z.catch(
      z.optional(
        z.union([
          z.record(z.string(), z.string()),
          z.array(z.object({ name: z.string(), value: z.string() })),
        ]),
      ),
      undefined,
    ),
    bounce: said({ type: Said, subType: Said, message: Said }),
    suppressed: said({ type: Said, message: Said }),
    failed: said({ reason: Said }),
  }),
});

type ReceiptData = z.output<typeof Receipt>["data"];

/** What a receipt says: how far the message is now, why, and what is known of the address. */
interface Report {
  status: "delivered" | "bounced" | "failed";
  /** The statuses of messages that it is news for. */
  from: Message["status"][];
  told: string | null;
  reason: string | null;
  bounceType: string | null;
  address: "bounced" | "complained" | null;
}

const MAX_REASON = 300;

const inWords = (...parts: (string | undefined)[]): string | null =>
  parts
    .find((part) => part !== undefined && part.trim() !== "")
    ?.trim()
    .slice(0, MAX_REASON) ?? null;

const withReason = (told: string, reason: string | null): string =>
  reason === null ? `${told}.` : `${told}: ${reason}`;

const REPORTS = {
  "email.delivered": () => ({
    status: "delivered",
    from: ["pending", "sent", "failed", "skipped"],
    told: null,
    reason: null,
    bounceType: null,
    address: null,
  }),
  "email.bounced": ({ bounce }) => {
    const reason = inWords(bounce?.message, bounce?.subType);
    return {
      status: "bounced",
      from: ["pending", "sent", "delivered", "failed", "skipped"],
      told: withReason("The mail bounced", reason),
      reason,
      bounceType: inWords(bounce?.type),
      // A full mailbox says nothing about the address.
      address: bounce?.type === "Transient" ? null : "bounced",
    };
  },
  // The mail arrived; the complaint is about the address.
  "email.complained": () => ({
    status: "delivered",
    from: ["pending", "sent", "delivered", "failed", "skipped"],
    told: "The recipient marked it as spam.",
    reason: null,
    bounceType: null,
    address: "complained",
  }),
  // Resend knows the address as one that bounced or complained before, and did not even try.
  "email.suppressed": ({ suppressed }) => {
    const reason = inWords(suppressed?.message, suppressed?.type);
    return {
      status: "failed",
      from: ["pending", "sent"],
      told: withReason("Resend sends nothing to this address", reason),
      reason: reason ?? "suppressed",
      bounceType: null,
      address: "bounced",
    };
  },
  "email.failed": ({ failed }) => {
    const reason = inWords(failed?.reason);
    return {
      status: "failed",
      from: ["pending", "sent"],
      told: withReason("Resend could not send it", reason),
      reason: reason ?? "failed",
      bounceType: null,
      address: null,
    };
  },
} satisfies Record<string, (data: ReceiptData) => Report>;

const isKnown = (type: string): type is keyof typeof REPORTS => Object.hasOwn(REPORTS, type);

/**
 * Records a receipt if it is about a message of this service.
 * @throws Problem NOT_FOUND if receipts are not configured
 * @throws Problem UNAUTHENTICATED if Resend did not sign it, or signed it too long ago
 */
export async function takeReceipt(context: Context, signed: SignedReceipt): Promise<void> {
  const { webhookSecret } = context.config.mail;
  if (webhookSecret === null) throw new Problem("NOT_FOUND", "RESEND_WEBHOOK_SECRET is not set.");
  const receipt = Receipt.safeParse(verify(webhookSecret, signed)).data;
  if (!receipt || !isKnown(receipt.type)) return;
  const { tags, email_id } = receipt.data;
  const tagged = Array.isArray(tags)
    ? tags.find(({ name }) => name === "message_id")?.value
    : tags?.["message_id"];
  const messageId = tagged ?? (await sentAs(context, email_id));
  if (messageId === undefined) return;
  const report: Report = REPORTS[receipt.type](receipt.data);
  await context.db.batch(statementsOf(context, messageId, email_id ?? null, report));
}

/** The message that Resend knows by this id. If Resend's answer with the id was lost, only the tag can tell. */
async function sentAs({ db }: Context, providerId: string | undefined): Promise<string | undefined> {
  if (providerId === undefined) return undefined;
  const [found] = await db.orm
    .select({ id: messages.id })
    .from(messages)
    .where(eq(messages.provider_id, providerId))
    .limit(1);
  return found?.id;
}

function verify(webhookSecret: string, { payload, id, timestamp, signature }: SignedReceipt): unknown {
  try {
    // The SDK wants an API key for sending, which is not needed here.
    return new Resend("unused").webhooks.verify({
      payload,
      headers: { id, timestamp, signature },
      webhookSecret,
    });
  } catch {
    throw new Problem("UNAUTHENTICATED", "The signature of the receipt is not valid.", {
      remedy:
        "Send the event as it was signed, with the signing secret that the webhook has at Resend; no API token is needed.",
    });
  }
}

const MARK_CUSTOMER = named(`
  UPDATE customers SET email_status = :status, version = version + 1, updated_at = :now
  WHERE changes() > 0 AND email_status IS NOT :status AND email_status IS NOT 'complained'
    AND (id, lower(email)) = (SELECT customer_id, lower(recipient) FROM messages WHERE id = :id)`);

// The customer's own address follows the customer.
const MARK_CONTACT = named(`
  UPDATE contacts SET email_status = :status, version = version + 1, updated_at = :now
  WHERE own = 0 AND email_status IS NOT :status AND email_status IS NOT 'complained'
    AND (customer_id, lower(email)) = (
      SELECT customer_id, lower(recipient) FROM messages WHERE id = :id AND updated_at = :now AND status = :is)`);

// A receipt of an earlier attempt says nothing about a later one that staff started. So it is ignored if Resend has
// another id for the later one, or while certainly nothing has been sent yet.
const NEWS = named(`
  UPDATE messages SET
    status = :is, last_error = :told, reason = :reason, bounce_type = :bounce_type,
    provider_id = coalesce(provider_id, :provider), updated_at = :now
  WHERE (id = :id OR joined = :id) AND status IN (SELECT value FROM json_each(:from))
    AND (provider_id IS NULL OR :provider IS NULL OR provider_id = :provider)
    AND (status <> 'pending' OR uncertain_since IS NOT NULL)
    -- What was taken back may have been on its way.
    AND (status <> 'skipped' OR reason = '${SUPERSEDED}')
    AND (status <> :is OR last_error IS NOT :told)`);

function statementsOf(
  context: Context,
  id: string,
  provider: string | null,
  { status: is, from, told, reason, bounceType, address }: Report,
): D1PreparedStatement[] {
  const { db } = context;
  const now = context.clock.now();
  const acting: Context = { ...context, actor: { type: "system", id: "receipts" } };
  const update = db.run(NEWS, {
    from: JSON.stringify(from),
    is,
    told,
    reason,
    bounce_type: bounceType,
    provider,
    now,
    id,
  });
  if (address === null) return [update];
  const customer = { sql: "(SELECT customer_id FROM messages WHERE id = ?)", values: [id] };
  const contact = {
    sql: `json_object('message_id', ?, 'contact_id', (
      SELECT c.id FROM contacts c JOIN messages m ON m.customer_id = c.customer_id AND lower(m.recipient) = lower(c.email)
      WHERE m.id = ? AND c.own = 0))`,
    values: [id, id],
  };
  return [
    update,
    db.run(MARK_CUSTOMER, { status: address, now, id }),
    recordChange(acting, now, `customer.email_${address}`, ["customer", customer], { message_id: id }),
    db.run(MARK_CONTACT, { status: address, is, now, id }),
    recordChange(acting, now, `contact.email_${address}`, ["customer", customer], contact),
  ];
}
