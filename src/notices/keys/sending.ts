// Sending keys by hand: one license, or several at once with one mail to each recipient.
import { eq } from "drizzle-orm";
import * as z from "zod/mini";
import type { Context } from "../../context.ts";
import { Mailbox } from "../../field/mailboxes.ts";
import { allow } from "../../kernel/permissions.ts";
import { Problem } from "../../problems.ts";
import { type Customer, customers, type License, licenses, type Message } from "../../storage/schema.ts";
import { sendSoon } from "../delivery.ts";
import { type Holder, oweDelivery, recipientsFor } from "./license-mail.ts";

export const SendRequest = z.strictObject({ to: z.optional(Mailbox) });

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

/** The recipients that `sendLicense` would use without a given address. @throws as `sendLicense` does */
export async function previewDelivery(context: Context, id: string): Promise<string[]> {
  allow(context, "licenses");
  const { customer } = await sendable(context, id);
  return (await recipientsFor(context, customer, "to")).map(({ address }) => address);
}

/**
 * Mails the current key of a license to its customer's contacts for licenses, or to somebody else.
 * @returns the message, or the first of several
 * @throws Problem LICENSE_NOT_FOUND
 * @throws Problem INVALID_TRANSITION if it is revoked
 * @throws Problem REQUEST_INVALID if neither the customer nor the request has an address
 */
export async function sendLicense(
  context: Context,
  id: string,
  { to }: z.output<typeof SendRequest>,
  together?: Holder,
): Promise<Message> {
  allow(context, "licenses");
  const { license, customer } = await sendable(context, id);
  const { first, statements } = await oweDelivery(context, license, customer, "to", "true", { to, together });
  await context.db.batch(statements);
  if (!together) sendSoon(context);
  return first;
}
