// What the outbox mails for the customer's site: answers to requests, and that a contact was added.
import { eq } from "drizzle-orm";
import type { Context } from "../../context.ts";
import {
  type Contact,
  contacts,
  type Customer,
  customers,
  type CustomerRequest,
  type Message,
} from "../../storage/schema.ts";
import { contactIn } from "../contact.ts";
import { compose, writeMessages } from "../outbox.ts";
import { recipientsOf } from "../recipients.ts";

async function customerAnd(
  { db: { orm } }: Context,
  id: string,
): Promise<{ customer: Customer | undefined; all: Contact[] }> {
  const [[customer], all] = await orm.batch([
    orm.select().from(customers).where(eq(customers.id, id)),
    orm.select().from(contacts).where(eq(contacts.customer_id, id)),
  ]);
  return { customer, all };
}

const nameOf = (contact: Contact, customer: Customer): string => contact.name ?? customer.name;

/** Each depends on the one before, the first on the event. */
const writing = (context: Context, mails: Message[]): D1PreparedStatement[] =>
  mails.flatMap((mail) => writeMessages(context, [mail], "changes() > 0"));

/** As `LicenseMail.answer` says. Whoever asked may be gone: then the contacts for licenses are told. */
export async function oweAnswer(context: Context, request: CustomerRequest): Promise<D1PreparedStatement[]> {
  const { kind: asked, seats, status, answer, customer_id } = request;
  const { config } = context;
  const { customer, all } = await customerAnd(context, customer_id);
  if (!customer || status === "open") return [];
  const asker = all.find(({ id }) => id === request.contact_id);
  const mails = await Promise.all(
    (asker ? [asker] : recipientsOf(all, "license")).map((contact) =>
      compose(context, request.answered_at ?? context.clock.now(), {
        dedupeKey: `answer:${request.id}:${contact.id}`,
        recipient: contact.email,
        licenseId: request.license_id,
        customerId: customer_id,
        language: contact.language,
        notice: {
          kind: "request_answered",
          product: config.productName,
          name: nameOf(contact, customer),
          asked,
          seats,
          status,
          answer,
          link: `${config.issuer}/portal/requests`,
          contact: contactIn(config),
        },
      }),
    ),
  );
  return writing(context, mails);
}

/** As `LicenseMail.added` says. */
export async function oweAdded(context: Context, added: Contact, by: string): Promise<D1PreparedStatement[]> {
  const { config } = context;
  const { customer, all } = await customerAnd(context, added.customer_id);
  if (!customer) return [];
  const adder = all.find(({ id }) => id === by);
  const mails = await Promise.all(
    // Read before the new one is written.
    all.map((contact) =>
      compose(context, added.created_at, {
        dedupeKey: `added:${added.id}:${contact.id}`,
        recipient: contact.email,
        licenseId: null,
        customerId: added.customer_id,
        language: contact.language,
        notice: {
          kind: "contact_added",
          product: config.productName,
          to: nameOf(contact, customer),
          company: customer.company ?? customer.name,
          by: adder ? (adder.name ?? adder.email) : customer.name,
          name: added.name ?? added.email,
          email: added.email,
          link: `${config.issuer}/portal/contacts`,
          contact: contactIn(config),
        },
      }),
    ),
  );
  return writing(context, mails);
}
