// Mail about one license: brings its key to the customer when the license is issued, renewed or sent again.
import { eq } from "drizzle-orm";
import { recordChange } from "../../record/events.ts";
import type { Context, LicenseMail } from "../../context.ts";
import { changesBetween } from "../../kernel/resources.ts";
import { licenseKeyOf } from "../../licensing/licenses/license-keys.ts";
import { invalid } from "../../problems.ts";
import {
  type Contact,
  contacts,
  type Customer,
  customers,
  type License,
  type Message,
} from "../../storage/schema.ts";
import { sendSoon } from "../delivery.ts";
import { factsOf } from "../joining.ts";
import { oweAdded, oweAnswer } from "../portal/site-mail.ts";
import { compose, forgetMails, openMessage, writeMessages } from "../outbox.ts";
import { contactAt, contactsOf, recipientsOf } from "../recipients.ts";
import { withdrawMail, withdrawNotices } from "../superseded.ts";
import { type Notice, TOLD_CHANGES } from "../templates/notice.ts";

/** What a mail tells of a license. */
export type Told = Extract<
  Notice,
  { kind: "license_delivery" | "license_renewed" | "license_changed" }
>["licenses"][0];

/** Takes mails that wait for each other, before they are written. */
export interface Holder {
  hold(mail: Message, told: Told, contact: Contact | undefined): Message;
}

/** Whom a mail with a key goes to: its address, and the contact behind it. */
export interface Recipient {
  address: string;
  contact: Contact | undefined;
}

/**
 * @param to an address instead of the customer's contacts
 * @throws Problem REQUEST_INVALID, naming `member` of the request, if there is no address
 */
export async function recipientsFor(
  context: Context,
  { id }: Customer,
  member: "send_email" | "to",
  to?: string,
): Promise<Recipient[]> {
  const all = (await contactsOf(context, [id])).get(id) ?? [];
  if (to !== undefined) return [{ address: to, contact: contactAt(all, to) }];
  const chosen = recipientsOf(all, "license").map((contact) => ({ address: contact.email, contact }));
  if (chosen.length === 0) throw invalid(member, `The customer ${id} has no e-mail address`);
  return chosen;
}

/** A mail with a license's key, not yet written. */
const withKey = async (
  context: Context,
  now: number,
  kind: "license_delivery" | "license_renewed",
  dedupeKey: string,
  license: License,
  customer: Customer,
  { address, contact }: Recipient,
  together?: Holder,
): Promise<Message> => {
  const keyed = {
    facts: factsOf(context, license, customer, contact),
    license_key: await licenseKeyOf(context, license),
  };
  const mail = await compose(context, now, {
    dedupeKey,
    recipient: address,
    licenseId: license.id,
    customerId: customer.id,
    keyRevision: license.revision,
    language: contact?.language ?? null,
    notice: { kind, licenses: [keyed] },
  });
  return together ? together.hold(mail, keyed, contact) : mail;
};

/** The statements that write a mail with a key and record where it went. */
const writing = (context: Context, mail: Message, condition: string): D1PreparedStatement[] =>
  writeMessages(context, [mail], condition).concat(recordMailed(context, mail));

/**
 * The mails that bring a license to its customer, one to each recipient, and the statements that put them into the
 * outbox and record where the key went. Each call makes new ones.
 * @param member the member of the request that the refusal names
 * @param condition SQL that must hold for the first one to be written
 * @throws Problem REQUEST_INVALID if there is no address
 */
export async function oweDelivery(
  context: Context,
  license: License,
  customer: Customer,
  member: "send_email" | "to",
  condition: "true" | "changes() > 0",
  { to, together }: { to?: string | undefined; together?: Holder | undefined } = {},
): Promise<{ first: Message; statements: D1PreparedStatement[] }> {
  const now = context.clock.now();
  const recipients = await recipientsFor(context, customer, member, to);
  const mails = await Promise.all(
    recipients.map((recipient) => mailedKey(context, now, license, customer, recipient, together)),
  );
  return {
    first: mails[0]!,
    statements: mails.flatMap((mail) => writing(context, mail, condition)),
  };
}

/** A mail with the present key of a license, by hand. */
export const mailedKey = (
  context: Context,
  now: number,
  license: License,
  customer: Customer,
  recipient: Recipient,
  together?: Holder,
): Promise<Message> =>
  withKey(
    context,
    now,
    "license_delivery",
    `delivery:${context.ids.ulid(now)}`,
    license,
    customer,
    recipient,
    together,
  );

/** The event of a mailed key, if the statement before it wrote the mail. */
export const recordMailed = (context: Context, { id, license_id, key_revision, created_at }: Message) =>
  recordChange(context, created_at, "license.mailed", ["license", String(license_id)], {
    message_id: id,
    revision: key_revision,
  });

/** The statements that write the mail about a renewal. They go into the batch of the renewal, after its event. */
export async function oweRenewal(
  context: Context,
  license: License,
  together?: Holder,
): Promise<D1PreparedStatement[]> {
  const { orm } = context.db;
  const [[customer], all] = await orm.batch([
    orm.select().from(customers).where(eq(customers.id, license.customer_id)),
    orm.select().from(contacts).where(eq(contacts.customer_id, license.customer_id)),
  ]);
  // The customer of a suspended license would read that all is well.
  if (!customer || license.status !== "active") return [];
  const mails = await Promise.all(
    recipientsOf(all, "license").map((contact) =>
      withKey(
        context,
        license.updated_at,
        "license_renewed",
        `renewed:${license.id}:${license.version}:${contact.email}`,
        license,
        customer,
        { address: contact.email, contact },
        together,
      ),
    ),
  );
  // Each depends on the one before, the first on the renewal.
  return mails.flatMap((mail) => writing(context, mail, "changes() > 0"));
}

/**
 * The statements that tell the customer what was changed; none if it is nothing that a customer wants to know. They go
 * into the batch of the change, after its event.
 * @throws Problem REQUEST_INVALID if there is no address
 */
export async function oweChange(
  context: Context,
  before: License,
  license: License,
  together?: Holder,
): Promise<D1PreparedStatement[]> {
  const [customer] = await context.db.orm
    .select()
    .from(customers)
    .where(eq(customers.id, license.customer_id));
  if (!customer) return [];
  const recipients = await recipientsFor(context, customer, "send_email");
  const changes = changesBetween(before, license);
  if (!TOLD_CHANGES.some((name) => name in changes)) return [];
  const mails = await Promise.all(
    recipients.map(async ({ address, contact }) => {
      const told = { facts: factsOf(context, license, customer, contact), changes };
      const mail = await compose(context, license.updated_at, {
        dedupeKey: `changed:${license.id}:${license.version}:${address}`,
        recipient: address,
        licenseId: license.id,
        customerId: customer.id,
        language: contact?.language ?? null,
        notice: { kind: "license_changed", licenses: [told], at: license.updated_at },
      });
      return together ? together.hold(mail, told, contact) : mail;
    }),
  );
  return writeMessages(context, mails, "changes() > 0");
}

/** The mail that the domain asks for when a license changes. */
export const licenseMail: LicenseMail = {
  delivery: async (context, license, customer) =>
    (await oweDelivery(context, license, customer, "send_email", "changes() > 0")).statements,
  renewal: (context, license) => oweRenewal(context, license),
  change: (context, before, license) => oweChange(context, before, license),
  answer: oweAnswer,
  added: oweAdded,
  withdrawal: withdrawMail,
  withdrawalOfMany: withdrawNotices,
  forgetPage: forgetMails,
  textOf: async (context, mail) => (await openMessage(context, mail))?.text ?? null,
  sendSoon,
};
