// /admin/messages/{id}/replace: a mail that did not arrive goes to the right address, which is entered here if the
// customer does not have it yet.
import type { FC } from "hono/jsx";
import * as z from "zod/mini";
import { Mailbox } from "../../../field/mailboxes.ts";
import { changeContact } from "../../../licensing/customers/contacts.ts";
import { changeCustomer } from "../../../licensing/customers/customers.ts";
import { previewReplacement, replaceMessage } from "../../../notices/keys/replacing.ts";
import { findMessage } from "../../../notices/messages.ts";
import { type Entry, parsed } from "../../ui/entry.ts";
import { Field, PostForm, Submit } from "../../ui/form.tsx";
import { Card } from "../../ui/show.tsx";
import { Heading } from "../../ui/heading.tsx";
import type { Form } from "../mount.tsx";
import { idOf } from "../visit.ts";

export type Instead = Awaited<ReturnType<typeof previewReplacement>>;

export const addressesOf = (instead: NonNullable<Instead>): string =>
  instead.recipients.map(({ email }) => email).join(", ");

/** What it takes to bring the mail to the customer. */
export const InsteadNote: FC<{ instead: Instead; recipient: string; isNotice: boolean }> = ({
  instead,
  recipient,
  isNotice,
}) => {
  if (!instead?.isCorrected) return null;
  return (
    <p class="note warn">
      {recipient} is no address of the customer any more.{" "}
      {instead.recipients.length === 0
        ? "There is no other one that this did not go to."
        : `It can go to ${addressesOf(instead)} now${
            isNotice ? "; the coming night sends it there by itself if it is still due" : ""
          }.`}
    </p>
  );
};

const Address = z.object({ email: Mailbox });

export const replace: Form = {
  path: "/admin/messages/{id}/replace",
  access: "licenses",
  async show(visit, entry) {
    const id = idOf(visit);
    const { context } = visit;
    const [{ message }, instead] = await Promise.all([
      findMessage(context, id),
      previewReplacement(context, { id }),
    ]);
    const here = `/admin/messages/${id}`;
    return {
      title: "Send to the right address",
      section: "messages",
      body: (
        <>
          <Heading
            trail={[
              ["/admin/messages", "Messages"],
              [here, message.subject],
            ]}
            title="Send to the right address"
            lead={`It did not arrive at ${message.recipient}.`}
          />
          <Card>
            <PostForm visit={visit} entry={entry}>
              <Body entry={entry} instead={instead} />
              {instead === null || (instead.isCorrected && instead.recipients.length === 0) ? (
                <a class="button" href={here} data-close>
                  Back
                </a>
              ) : (
                <Submit back={here}>{instead.isCorrected ? "Send now" : "Correct and send"}</Submit>
              )}
            </PostForm>
          </Card>
        </>
      ),
    };
  },
  async submit(visit, entry) {
    const { context } = visit;
    const id = idOf(visit);
    const [{ message }, instead] = await Promise.all([
      findMessage(context, id),
      previewReplacement(context, { id }),
    ]);
    const { contact } = instead ?? {};
    if (contact && entry.has("email")) {
      const { email } = parsed(Address, { email: entry.text("email") ?? "" });
      const customerId = String(message.customer_id);
      if (contact.own === 1) await changeCustomer(context, customerId, { email });
      else await changeContact(context, customerId, contact.id, { email });
    }
    const sent = await replaceMessage(context, id);
    return { to: `/admin/messages/${sent.id}?done=replaced` };
  },
};

const Body: FC<{ entry: Entry; instead: Instead }> = ({ entry, instead }) => {
  if (instead === null) return <p>There is nothing to send anew.</p>;
  if (instead.isCorrected) {
    return instead.recipients.length === 0 ? (
      <p>The customer has no other address that it did not go to.</p>
    ) : (
      <p>
        It goes to <strong>{addressesOf(instead)}</strong>: a key as it is now, a notice in the words of
        today. The old message is superseded.
      </p>
    );
  }
  return (
    <>
      <Field
        entry={entry}
        name="email"
        label="The right address"
        type="email"
        hint="It takes the place of the old one at the customer, and this mail goes there. The old message is superseded."
        value={instead.contact?.email ?? null}
        required
        maxlength={254}
        autofocus
      />
    </>
  );
};
