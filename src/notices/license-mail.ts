// Mail about one license: brings its key to the customer when the license is issued, renewed or sent again.
import { eq } from "drizzle-orm";
import * as z from "zod/mini";
import { allow } from "../kernel/permissions.ts";
import { recordChange } from "../record/events.ts";
import type { Context, LicenseMail, Services } from "../context.ts";
import { licenseKeyOf } from "../licensing/licenses/license-keys.ts";
import { graceUntil } from "../licensing/licenses/standing.ts";
import { invalid, Problem } from "../problems.ts";
import { named } from "../storage/database.ts";
import { type Customer, customers, type License, licenses, type Message } from "../storage/schema.ts";
import { sendSoon } from "./delivery.ts";
import { compose, KEY_REPLACED, writeMessages } from "./outbox.ts";
import type { LicenseFacts } from "./templates/index.ts";

/** What a notice says about a license. */
export const factsOf = (
  { config }: Services,
  license: License,
  customer: Pick<Customer, "name" | "company">,
): LicenseFacts => ({
  product: config.productName,
  customer_name: customer.name,
  company: customer.company,
  license_id: license.id,
  license_type: license.license_type,
  expires_at: license.expires_at,
  grace_until: graceUntil(license),
  features: license.features,
  max_instances: license.max_instances,
  max_services: license.max_services,
  max_requests_per_day: license.max_requests_per_day,
  contact: config.mail.replyTo ?? /<([^<>]+)>$/.exec(config.mail.from)?.[1] ?? config.mail.from,
});

/** @throws Problem REQUEST_INVALID, naming `member` of the request, if there is no address */
function recipientOf({ id, email }: Customer, member: "send_email" | "to", to?: string): string {
  const recipient = to ?? email;
  if (recipient === null) throw invalid(member, `The customer ${id} has no e-mail address`);
  return recipient;
}

/**
 * The mail that brings a license to its customer, and the statements that put it into the outbox and record where the
 * key went. Each call makes a new mail.
 * @param member the member of the request that the refusal names
 * @throws Problem REQUEST_INVALID if there is no address
 */
async function oweDelivery(
  context: Context,
  license: License,
  customer: Customer,
  member: "send_email" | "to",
  to?: string,
): Promise<{ message: Message; statements: D1PreparedStatement[] }> {
  const recipient = recipientOf(customer, member, to);
  const now = context.clock.now();
  const message = await compose(context, now, {
    dedupeKey: `delivery:${context.ids.ulid(now)}`,
    recipient,
    licenseId: license.id,
    customerId: customer.id,
    keyRevision: license.revision,
    notice: {
      kind: "license_delivery",
      facts: factsOf(context, license, customer),
      license_key: await licenseKeyOf(context, license),
    },
  });
  return {
    message,
    statements: [...writeMessages(context, [message], "true"), recordMailed(context, message)],
  };
}

/** The event of a mailed key, if the statement before it wrote the mail. */
const recordMailed = (context: Context, { id, license_id, recipient, key_revision, created_at }: Message) =>
  recordChange(context, created_at, "license.mailed", ["license", String(license_id)], {
    message_id: id,
    to: recipient,
    revision: key_revision,
  });

/** The statements that write the mail about a renewal. They go into the batch of the renewal, after its event. */
async function oweRenewal(context: Context, license: License): Promise<D1PreparedStatement[]> {
  const [customer] = await context.db.orm
    .select()
    .from(customers)
    .where(eq(customers.id, license.customer_id));
  // The customer of a suspended license would read that all is well.
  if (!customer || customer.email === null || license.status !== "active") return [];
  const message = await compose(context, license.updated_at, {
    dedupeKey: `renewed:${license.id}:${license.version}`,
    recipient: customer.email,
    licenseId: license.id,
    customerId: customer.id,
    keyRevision: license.revision,
    notice: {
      kind: "license_renewed",
      facts: factsOf(context, license, customer),
      license_key: await licenseKeyOf(context, license),
    },
  });
  return [...writeMessages(context, [message], "changes() > 0"), recordMailed(context, message)];
}

// By kind, not by the revision of the key, because the previous release writes no revision.
const NOTICES = "'expiry_warning', 'license_expired'";

// Mail that Resend may have accepted stays: nobody can call it back.
const WITHDRAW = named(`
  UPDATE messages SET
    status = iif(kind IN (${NOTICES}), 'skipped', 'failed'),
    -- A notice that is due again is another message.
    dedupe_key = iif(kind IN (${NOTICES}), dedupe_key || ':' || id, dedupe_key),
    last_error = iif(kind IN (${NOTICES}), 'The license changed before this was sent.', '${KEY_REPLACED}'),
    batch_id = NULL, updated_at = :now
  WHERE license_id = :license AND status = 'pending' AND uncertain_since IS NULL
    AND iif(kind IN (${NOTICES}), :ends, key_revision < :revision OR :revoked)
    AND EXISTS (SELECT 1 FROM licenses WHERE id = :license AND version = :version)`);

/**
 * Withdraws unsent mail that would no longer be true: notices about another end or a stopped license, and keys that
 * were replaced. The statements go into the batch of the change, before it.
 */
function withdrawMail(
  { db }: Context,
  { version, ...before }: License,
  after: License,
): D1PreparedStatement[] {
  const ends = before.expires_at !== after.expires_at || before.status !== after.status;
  if (!ends && before.revision === after.revision) return [];
  const revoked = after.status === "revoked";
  return [
    db.run(WITHDRAW, {
      now: after.updated_at,
      license: after.id,
      version,
      revision: after.revision,
      ends: ends ? 1 : 0,
      revoked: revoked ? 1 : 0,
    }),
  ];
}

/** The same for notices about many licenses of a customer, whose status changes and nothing else. */
const withdrawNotices = (
  { db }: Context,
  now: number,
  { customerId, which }: { customerId: string; which: string },
): D1PreparedStatement =>
  db.sql(
    `UPDATE messages SET status = 'skipped', dedupe_key = dedupe_key || ':' || id,
       last_error = 'The license changed before this was sent.', batch_id = NULL, updated_at = ?1
     WHERE license_id IN (SELECT id FROM licenses WHERE customer_id = ?2 AND ${which})
       AND kind IN (${NOTICES}) AND status = 'pending' AND uncertain_since IS NULL`,
    now,
    customerId,
  );

/** The mail that the domain asks for when a license changes. */
export const licenseMail: LicenseMail = {
  delivery: async (context, license, customer) =>
    (await oweDelivery(context, license, customer, "send_email")).statements,
  renewal: oweRenewal,
  withdrawal: withdrawMail,
  withdrawalOfMany: withdrawNotices,
  sendSoon,
};

export const SendRequest = z.strictObject({ to: z.optional(z.email().check(z.maxLength(254))) });

/**
 * A license whose key may be sent, and its customer.
 * @throws Problem LICENSE_NOT_FOUND
 * @throws Problem INVALID_TRANSITION if it is revoked
 */
async function sendable({ db }: Context, id: string): Promise<{ license: License; customer: Customer }> {
  const [found] = await db.orm
    .select({ license: licenses, customer: customers })
    .from(licenses)
    .innerJoin(customers, eq(customers.id, licenses.customer_id))
    .where(eq(licenses.id, id));
  if (!found) throw new Problem("LICENSE_NOT_FOUND", `There is no license with the id ${id}.`);
  if (found.license.status === "revoked") {
    throw new Problem("INVALID_TRANSITION", "The license is revoked: its key is of no use to anybody.", {
      allowed_transitions: [],
    });
  }
  return found;
}

/** The recipient that `sendLicense` would use without a given address. @throws as `sendLicense` does */
export async function previewDelivery(context: Context, id: string): Promise<string> {
  allow(context, "licenses");
  return recipientOf((await sendable(context, id)).customer, "to");
}

/**
 * Mails the current key of a license to its customer, or to somebody else.
 * @throws Problem LICENSE_NOT_FOUND
 * @throws Problem INVALID_TRANSITION if it is revoked
 * @throws Problem REQUEST_INVALID if neither the customer nor the request has an address
 */
export async function sendLicense(
  context: Context,
  id: string,
  { to }: z.output<typeof SendRequest>,
): Promise<Message> {
  allow(context, "licenses");
  const { license, customer } = await sendable(context, id);
  const { message, statements } = await oweDelivery(context, license, customer, "to", to);
  await context.db.batch(statements);
  sendSoon(context);
  return message;
}
