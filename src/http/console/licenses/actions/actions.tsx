// What can be done with one license: each with a page of its own that shows what would come of it.
import type { Child, FC } from "hono/jsx";
import { ceilToSecond } from "../../../../kernel/dates.ts";
import {
  Reasoned,
  Reinstatement,
  reinstateLicense,
  reissueLicense,
  Renewal,
  renewLicense,
  revokeLicense,
  suspendLicense,
} from "../../../../licensing/licenses/lifecycle.ts";
import { getLicenseAndCustomer } from "../../../../licensing/licenses/licenses.ts";
import { previewChange } from "../../../../licensing/licenses/preview.ts";
import { sendLicense, SendRequest } from "../../../../notices/license-mail.ts";
import { type Entry, parsed } from "../../../ui/entry.ts";
import { licenseView } from "../view.tsx";
import type { Form, View } from "../../mount.tsx";
import { Field, PostForm, Submit, TextArea } from "../../../ui/form.tsx";
import { Card, When } from "../../../ui/show.tsx";
import { Impact } from "../../parts/impact.tsx";
import { Ending, endOf } from "../../parts/terms.tsx";
import { idOf, type Visit } from "../../visit.ts";

const pathOf = (visit: Visit): string => `/admin/licenses/${idOf(visit)}`;

type Held = Awaited<ReturnType<typeof getLicenseAndCustomer>>;

const actionView = (
  visit: Visit,
  entry: Entry,
  held: Held,
  words: { action: string; title: string; lead: Child; submit: string; tone?: "danger" },
  children?: Child,
): View =>
  licenseView(
    held,
    words,
    <Card>
      <PostForm visit={visit} entry={entry} action={`${pathOf(visit)}/${words.action}`}>
        {children}
        <Submit tone={words.tone ?? "primary"} back={pathOf(visit)}>
          {words.submit}
        </Submit>
      </PostForm>
    </Card>,
  );

const Reason: FC<{ entry: Entry; placeholder: string; optional?: true }> = ({
  entry,
  placeholder,
  optional,
}) => (
  <TextArea
    entry={entry}
    name="reason"
    label="Reason"
    hint={optional ? "Optional. Kept in the record." : "Kept in the record."}
    placeholder={placeholder}
    required={!optional}
    maxlength={500}
    autofocus
  />
);

const reasonFrom = (entry: Entry) => parsed(Reasoned, { reason: entry.text("reason") ?? "" });

/** The two that stop a license. */
const stopping = (
  action: "suspend" | "revoke",
  words: { title: string; lead: string; placeholder: string; done: string },
  stop: typeof suspendLicense,
): Form => ({
  path: `/admin/licenses/{id}/${action}`,
  access: "licenses",
  async show(visit, entry) {
    const [held, preview] = await Promise.all([
      getLicenseAndCustomer(visit.context, idOf(visit)),
      previewChange(visit.context, idOf(visit), action),
    ]);
    const { title, lead, placeholder } = words;
    return actionView(
      visit,
      entry,
      held,
      { action, title, lead, submit: title, tone: "danger" },
      <>
        <Impact preview={preview} now={visit.now} />
        <Reason entry={entry} placeholder={placeholder} />
      </>,
    );
  },
  async submit(visit, entry) {
    await stop(visit.context, idOf(visit), reasonFrom(entry));
    return { to: `${pathOf(visit)}?done=${words.done}` };
  },
});

const renew: Form = {
  path: "/admin/licenses/{id}/renew",
  access: "licenses",
  async show(visit, entry) {
    const held = await getLicenseAndCustomer(visit.context, idOf(visit));
    const { expires_at } = held.license;
    const lead = (
      <>
        Ends {<When at={expires_at} now={visit.now} as="end" />}. The customer is told by mail; instances get
        the new end at their next check-in.
      </>
    );
    return actionView(
      visit,
      entry,
      held,
      { action: "renew", title: "Renew license", lead, submit: "Renew" },
      <Ending
        entry={entry}
        legend="Renew for"
        from={Math.max(expires_at ?? 0, ceilToSecond(visit.now))}
        value="365"
      />,
    );
  },
  async submit(visit, entry) {
    await renewLicense(visit.context, idOf(visit), parsed(Renewal, endOf(entry)));
    return { to: `${pathOf(visit)}?done=renewed` };
  },
};

const reissue: Form = {
  path: "/admin/licenses/{id}/reissue",
  access: "licenses",
  async show(visit, entry) {
    const held = await getLicenseAndCustomer(visit.context, idOf(visit));
    const { revision } = held.license;
    const lead = `For a key that leaked. Revision ${revision} is refused from then on, revision ${revision + 1} takes its place.`;
    return actionView(
      visit,
      entry,
      held,
      { action: "reissue", title: "Replace key", lead, submit: "Replace key", tone: "danger" },
      <>
        <p>
          Running instances of our clients go over by themselves at their next check-in, with the certificate
          they hold. New installations need the new key.
        </p>
        <Reason entry={entry} placeholder="The key was posted in a public forum." />
      </>,
    );
  },
  async submit(visit, entry) {
    await reissueLicense(visit.context, idOf(visit), reasonFrom(entry));
    return { to: `${pathOf(visit)}/key?done=reissued` };
  },
};

const reinstate: Form = {
  path: "/admin/licenses/{id}/reinstate",
  access: "licenses",
  async show(visit, entry) {
    const held = await getLicenseAndCustomer(visit.context, idOf(visit));
    return actionView(
      visit,
      entry,
      held,
      {
        action: "reinstate",
        title: "Reinstate license",
        lead: "Lifts the suspension: activations and check-ins are taken again at once.",
        submit: "Reinstate",
      },
      <Reason entry={entry} placeholder="Invoice 4711 is paid." optional />,
    );
  },
  async submit(visit, entry) {
    const input = parsed(Reinstatement, { reason: entry.text("reason") });
    await reinstateLicense(visit.context, idOf(visit), input);
    return { to: `${pathOf(visit)}?done=reinstated` };
  },
};

const send: Form = {
  path: "/admin/licenses/{id}/send",
  access: "licenses",
  async show(visit, entry) {
    const held = await getLicenseAndCustomer(visit.context, idOf(visit));
    const { customer } = held;
    const lead = `The current key, by mail to ${customer.name}.`;
    return actionView(
      visit,
      entry,
      held,
      { action: "send", title: "Send key", lead, submit: "Send" },
      <>
        {customer.email_status === null ? null : (
          <p class="note warn">
            Mail to {customer.email} was {customer.email_status} before.
          </p>
        )}
        {visit.context.config.mail.apiKey === null ? (
          <p class="note warn">Sending is not configured here: the mail is written and shown, not sent.</p>
        ) : null}
        <Field
          entry={entry}
          name="to"
          label="To"
          type="email"
          value={customer.email}
          required
          maxlength={254}
        />
      </>,
    );
  },
  async submit(visit, entry) {
    await sendLicense(visit.context, idOf(visit), parsed(SendRequest, { to: entry.text("to") }));
    return { to: `${pathOf(visit)}?done=sent` };
  },
};

export const licenseActions: Form[] = [
  renew,
  stopping(
    "suspend",
    {
      title: "Suspend license",
      lead: "Refuses its activations and check-ins until it is reinstated.",
      placeholder: "Invoice 4711 is not paid.",
      done: "suspended",
    },
    suspendLicense,
  ),
  stopping(
    "revoke",
    {
      title: "Revoke license",
      lead: "Ends it for good. This cannot be undone.",
      placeholder: "The contract was ended.",
      done: "revoked",
    },
    revokeLicense,
  ),
  reinstate,
  reissue,
  send,
];
