// What Resend reports about a message later: delivered, bounced, marked as spam. A report that comes twice or too late
// changes nothing.
import { eq } from "drizzle-orm";
import { Resend } from "resend";
import * as z from "zod/mini";
import { recordChange } from "../record/events.ts";
import type { Context } from "../context.ts";
import { Problem } from "../problems.ts";
import { named } from "../storage/database.ts";
import { messages } from "../storage/schema.ts";

export interface SignedReceipt {
  payload: string;
  id: string;
  timestamp: string;
  signature: string;
}

const Receipt = z.object({
  type: z.string(),
  data: z.object({
    email_id: z.optional(z.string()),
    // An object in current webhooks, a list of pairs in older ones.
    tags: z.optional(
      z.union([z.record(z.string(), z.string()), z.array(z.object({ name: z.string(), value: z.string() }))]),
    ),
  }),
});

const OUTCOMES = {
  "email.delivered": {
    status: "delivered",
    from: "('pending', 'sent', 'failed')",
    told: null,
    address: null,
  },
  "email.bounced": {
    status: "bounced",
    from: "('pending', 'sent', 'delivered', 'failed')",
    told: "The mail bounced.",
    address: "bounced",
  },
  // The mail arrived; the complaint is about the address.
  "email.complained": {
    status: "delivered",
    from: "('pending', 'sent', 'delivered', 'failed')",
    told: "The recipient marked it as spam.",
    address: "complained",
  },
} as const;

const isKnown = (type: string): type is keyof typeof OUTCOMES => Object.hasOwn(OUTCOMES, type);

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
  await context.db.batch(statementsOf(context, messageId, email_id ?? null, receipt.type));
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
    throw new Problem("UNAUTHENTICATED", "The signature of the receipt is not valid.");
  }
}

const MARK_ADDRESS = named(`
  UPDATE customers SET email_status = :status, version = version + 1, updated_at = :now
  WHERE changes() > 0 AND email_status IS NOT :status AND email_status IS NOT 'complained'
    AND (id, lower(email)) = (SELECT customer_id, lower(recipient) FROM messages WHERE id = :id)`);

function statementsOf(
  context: Context,
  id: string,
  providerId: string | null,
  type: keyof typeof OUTCOMES,
): D1PreparedStatement[] {
  const { db } = context;
  const now = context.clock.now();
  const { status, from, told, address } = OUTCOMES[type];
  const acting: Context = { ...context, actor: { type: "system", id: "receipts" } };
  const update = db.sql(
    // A receipt of an earlier attempt says nothing about a later one that staff started. So it is ignored if Resend
    // has another id for the later one, or while certainly nothing has been sent yet.
    `UPDATE messages SET status = ?1, last_error = ?2, provider_id = coalesce(provider_id, ?3), updated_at = ?4
     WHERE id = ?5 AND status IN ${from} AND (provider_id IS NULL OR ?3 IS NULL OR provider_id = ?3)
       AND (status <> 'pending' OR uncertain_since IS NOT NULL) AND (status <> ?1 OR last_error IS NOT ?2)`,
    status,
    told,
    providerId,
    now,
    id,
  );
  if (address === null) return [update];
  const customer = { sql: "(SELECT customer_id FROM messages WHERE id = ?)", values: [id] };
  return [
    update,
    db.run(MARK_ADDRESS, { status: address, now, id }),
    recordChange(acting, now, `customer.email_${address}`, ["customer", customer], { message_id: id }),
  ];
}
