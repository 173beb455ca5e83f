// /admin/licenses/{id}/send
import { displayNameOf } from "../../../../licensing/customers/display-name.ts";
import { getLicenseAndCustomer } from "../../../../licensing/licenses/licenses.ts";
import { sendLicense, SendRequest } from "../../../../notices/keys/sending.ts";
import { parsed } from "../../../ui/entry.ts";
import { Field } from "../../../ui/form.tsx";
import type { Form } from "../../mount.tsx";
import { idOf } from "../../visit.ts";
import { actionView, pathOf } from "./action.tsx";

export const send: Form = {
  path: "/admin/licenses/{id}/send",
  access: "licenses",
  async show(visit, entry) {
    const held = await getLicenseAndCustomer(visit.context, idOf(visit));
    const { customer } = held;
    const lead = `The current key, by mail to ${displayNameOf(customer)}.`;
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
