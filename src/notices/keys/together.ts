// Several mails about licenses that one act of staff causes: one mail for each recipient. Each license's mail is written in
// the batch of its change, as ever, and waits. Then the mails of a recipient become one: the first tells all of it, and
// the others follow its outcome. If that does not happen, each goes out by itself after the wait: nothing is lost.
import type { Context } from "../../context.ts";
import { SECOND } from "../../kernel/dates.ts";
import { chunksOf } from "../../storage/bulk.ts";
import { named } from "../../storage/database.ts";
import type { Contact, Message } from "../../storage/schema.ts";
import { sendSoon } from "../delivery.ts";
import { FOLLOWS } from "../joining.ts";
import { emailOf, sealed } from "../outbox.ts";
import type { Notice } from "../templates/index.ts";
import { type Holder, oweChange, oweRenewal, type Told } from "./license-mail.ts";

/** Longer than a request can take. */
const WAIT = 5 * 60 * SECOND;

type Several = Extract<Notice, { kind: "license_delivery" | "license_renewed" | "license_changed" }>;

interface Held {
  mail: Message;
  told: Told;
  contact: Contact | undefined;
}

/** A mail that carries others. */
interface Carrier {
  id: string;
  subject: string;
  content: string;
  /** The ids of the mails that it tells, its own included. */
  tells: string[];
}

// Only what nobody has claimed, sent or taken back meanwhile; otherwise each goes out by itself.
const JOIN = named(`
  UPDATE messages SET
    joined = mail ->> '$.id', subject = mail ->> '$.subject', updated_at = :now,
    content = iif(messages.id = mail ->> '$.id', mail ->> '$.content', content),
    batch_id = iif(messages.id = mail ->> '$.id', batch_id, NULL),
    next_try_at = iif(messages.id = mail ->> '$.id', 0, ${FOLLOWS})
  FROM (
    SELECT mails.value AS mail FROM json_each(:mails) mails
    WHERE json_array_length(mails.value, '$.tells') = (
      SELECT count(*) FROM json_each(mails.value, '$.tells') one CROSS JOIN messages m ON m.id = one.value
      WHERE m.status = 'pending' AND m.attempts = 0 AND m.joined IS NULL)
  ), json_each(mail, '$.tells') AS told
  WHERE messages.id = told.value`);

const LET_GO = named(`
  UPDATE messages SET next_try_at = 0
  WHERE id IN (SELECT value FROM json_each(:ids)) AND status = 'pending' AND attempts = 0 AND joined IS NULL`);

export class Together implements Holder {
  readonly #byMail = new Map<string, Held>();

  /** The mail, to be written so that it waits for the others. */
  hold(mail: Message, told: Told, contact: Contact | undefined): Message {
    if (mail.status !== "pending") return mail;
    const written = { ...mail, next_try_at: mail.created_at + WAIT };
    // A change that was overtaken is tried again, with another mail.
    this.#byMail.set(groupOf(mail, mail.license_id), { mail: written, told, contact });
    return written;
  }

  /** The mails about a license, whose change was refused after they were made: they were not written. */
  forget(licenseId: string): void {
    for (const [group, { mail }] of this.#byMail)
      if (mail.license_id === licenseId) this.#byMail.delete(group);
  }

  /** Makes one mail of those to the same recipient, and sends what waits. */
  async send(context: Context): Promise<void> {
    const held = [...this.#byMail.values()];
    const groups = Map.groupBy(held, ({ mail }) => groupOf(mail, null));
    const now = context.clock.now();
    const several = [...groups.values()].filter((group) => group.length > 1);
    const carriers = await Promise.all(several.map((group) => carrierOf(context, group)));
    const ids = JSON.stringify(held.map(({ mail }) => mail.id));
    if (held.length > 0) {
      await context.db.batch(
        [
          ...chunksOf(carriers).map((mails) => context.db.run(JOIN, { mails, now })),
          context.db.run(LET_GO, { ids }),
        ],
        "repeatable",
      );
    }
    sendSoon(context);
  }
}

const groupOf = ({ customer_id, recipient, kind }: Message, licenseId: string | null): string =>
  JSON.stringify([customer_id, recipient.toLowerCase(), kind, licenseId]);

async function carrierOf(context: Context, group: Held[]): Promise<Carrier> {
  const [{ mail, contact }] = group as [Held];
  // A group has mails of one kind, and each kind has its own facts.
  const notice = {
    kind: mail.kind,
    licenses: group.map(({ told }) => told),
    at: mail.created_at,
  } as Several;
  const { recipient, id } = mail;
  const email = await emailOf(context, id, { recipient, notice, language: contact?.language ?? null });
  return {
    id,
    subject: email.subject,
    content: await sealed(context, id, email),
    tells: group.map((one) => one.mail.id),
  };
}

/** The context in which the mails of renewals and changes wait for each other. */
export const waiting = (context: Context, together: Together): Context => ({
  ...context,
  mail: {
    ...context.mail,
    renewal: (acting, license) => oweRenewal(acting, license, together),
    change: (acting, before, license) => oweChange(acting, before, license, together),
    sendSoon: () => {},
  },
});
