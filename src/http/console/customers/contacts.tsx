// Who of a customer is written to: the card on the customer's page, and its forms.
import type { FC } from "hono/jsx";
import { displayNameOf } from "../../../licensing/customers/display-name.ts";
import {
  changeContact,
  createContact,
  deleteContact,
  getContact,
} from "../../../licensing/customers/contacts.ts";
import { ContactChanges, NewContact } from "../../../licensing/customers/contact-rows.ts";
import { getCustomer } from "../../../licensing/customers/customers.ts";
import { type Contact, CONTACT_ROLES, type ContactRole } from "../../../storage/schema.ts";
import { type Entry, parsed } from "../../ui/entry.ts";
import { Checkbox, Field, faultOf, PostForm, Select, Submit } from "../../ui/form.tsx";
import { versionOf } from "../../ui/overtaken.tsx";
import { Card, Table } from "../../ui/show.tsx";
import { Heading } from "../../ui/heading.tsx";
import type { Form } from "../mount.tsx";
import { LANGUAGE_NAMES, LANGUAGE_OPTIONS } from "../../ui/languages.ts";
import { idOf, type Visit } from "../visit.ts";
import { EmailFault, trailOf } from "./shown.tsx";

const ROLE_WORDS: Record<ContactRole, string> = {
  license: "Licenses: keys and renewals",
  billing: "Billing: what expires",
  technical: "Technical: instances",
};

export const Contacts: FC<{ customerId: string; contacts: Contact[]; canChange: boolean }> = ({
  customerId,
  contacts,
  canChange,
}) => (
  <Card
    title="Contacts"
    actions={
      canChange ? (
        <a class="button small" href={`/admin/customers/${customerId}/contacts/new`} data-dialog>
          New contact
        </a>
      ) : null
    }
  >
    <Table
      caption="Contacts of this customer"
      rows={contacts}
      empty="Nobody: nothing is mailed to this customer."
      columns={[
        {
          label: "Contact",
          main: true,
          cell: ({ id, email, name, own, ...contact }) => (
            <>
              {canChange ? (
                <a href={`/admin/customers/${customerId}/contacts/${id}/edit`} data-dialog>
                  {name ?? email}
                </a>
              ) : (
                (name ?? email)
              )}{" "}
              <EmailFault of={contact} />
              {name === null ? null : <span class="second">{email}</span>}
              {own === 1 ? <span class="second">the customer's own address</span> : null}
            </>
          ),
        },
        { label: "Gets mail about", cell: ({ roles }) => roles.join(", "), long: true },
        { label: "Language", cell: ({ language }) => LANGUAGE_NAMES[language ?? "en"], minor: true },
        { label: "Customer's site", cell: ({ portal }) => (portal === 1 ? "yes" : "no"), minor: true },
      ]}
    />
  </Card>
);

const Roles: FC<{ entry: Entry; roles: readonly string[] }> = ({ entry, roles }) => {
  const chosen = entry.problem === null ? roles : entry.all("roles");
  const fault = faultOf({ entry, name: "roles", label: "Gets mail about" });
  return (
    <fieldset class="choices" id="roles" aria-describedby={fault ? "roles-fault" : undefined}>
      <legend>Gets mail about</legend>
      {CONTACT_ROLES.map((role) => (
        <Checkbox name="roles" value={role} checked={chosen.includes(role)}>
          {ROLE_WORDS[role]}
        </Checkbox>
      ))}
      <p class="hint">What nobody has a role for goes to the first contact.</p>
      {fault ? (
        <p class="fault" id="roles-fault">
          {fault}
        </p>
      ) : null}
    </fieldset>
  );
};

const Details: FC<{ entry: Entry; contact?: Contact }> = ({ entry, contact }) => (
  <>
    {contact?.own === 1 ? (
      <p>{contact.email} is the customer's own address: change it with the customer.</p>
    ) : (
      <Field
        entry={entry}
        name="email"
        label="E-mail"
        type="email"
        value={contact?.email}
        required
        maxlength={254}
        autofocus
      />
    )}
    <Field
      entry={entry}
      name="name"
      label="Name"
      hint="Mail greets by it; empty greets by the customer's name."
      value={contact?.name}
      maxlength={200}
    />
    <Roles entry={entry} roles={contact?.roles ?? CONTACT_ROLES} />
    <Select
      entry={entry}
      name="language"
      label="Language of mail"
      options={LANGUAGE_OPTIONS}
      value={contact?.language ?? "en"}
    />
    <Checkbox
      name="portal"
      checked={entry.problem === null ? contact === undefined || contact.portal === 1 : entry.has("portal")}
    >
      May sign in to the customer's site
    </Checkbox>
  </>
);

const detailsOf = (entry: Entry) => ({
  name: entry.text("name") ?? null,
  roles: entry.all("roles"),
  language: entry.text("language") ?? null,
  portal: entry.has("portal"),
});

const contactIdOf = ({ params }: Visit): string => params["contact_id"] ?? "";

const add: Form = {
  path: "/admin/customers/{id}/contacts/new",
  access: "customers",
  async show(visit, entry) {
    const customer = await getCustomer(visit.context, idOf(visit));
    return {
      title: `New contact of ${displayNameOf(customer)}`,
      section: "customers",
      body: (
        <>
          <Heading trail={trailOf(customer)} title="New contact" />
          <section class="card narrow">
            <PostForm visit={visit} entry={entry}>
              <Details entry={entry} />
              <Submit back={`/admin/customers/${customer.id}`}>Add contact</Submit>
            </PostForm>
          </section>
        </>
      ),
    };
  },
  async submit(visit, entry) {
    const input = parsed(NewContact, { email: entry.text("email") ?? "", ...detailsOf(entry) });
    await createContact(visit.context, idOf(visit), input);
    return { to: `/admin/customers/${idOf(visit)}?done=contact-added` };
  },
};

const edit: Form = {
  path: "/admin/customers/{id}/contacts/{contact_id}/edit",
  access: "customers",
  async show(visit, entry) {
    const customer = await getCustomer(visit.context, idOf(visit));
    const contact = await getContact(visit.context, customer.id, contactIdOf(visit));
    const here = `/admin/customers/${customer.id}`;
    return {
      title: `Edit ${contact.name ?? contact.email}`,
      section: "customers",
      body: (
        <>
          <Heading
            trail={trailOf(customer)}
            title="Edit contact"
            actions={
              <>
                {contact.own === 1 ? null : (
                  <a class="button quiet danger" href={`${here}/contacts/${contact.id}/remove`} data-dialog>
                    Remove
                  </a>
                )}
                {visit.can("erasure") ? (
                  <a class="button quiet danger" href={`${here}/contacts/${contact.id}/erase`} data-dialog>
                    Erase
                  </a>
                ) : null}
              </>
            }
          />
          <section class="card narrow">
            <PostForm
              visit={visit}
              entry={entry}
              changes={{ present: contact, entered: () => ({ ...emailOf(entry), ...detailsOf(entry) }) }}
            >
              <Details entry={entry} contact={contact} />
              <Submit back={here}>Save</Submit>
            </PostForm>
          </section>
        </>
      ),
    };
  },
  async submit(visit, entry) {
    const input = parsed(ContactChanges, { ...emailOf(entry), ...detailsOf(entry) });
    await changeContact(visit.context, idOf(visit), contactIdOf(visit), input, versionOf(entry));
    return { to: `/admin/customers/${idOf(visit)}?done=contact-changed` };
  },
};

/** The form about the customer's own address has no field for it. */
const emailOf = (entry: Entry): { email?: string } =>
  entry.has("email") ? { email: entry.text("email") ?? "" } : {};

const remove: Form = {
  path: "/admin/customers/{id}/contacts/{contact_id}/remove",
  access: "customers",
  async show(visit, entry) {
    const customer = await getCustomer(visit.context, idOf(visit));
    const contact = await getContact(visit.context, customer.id, contactIdOf(visit));
    return {
      title: `Remove ${contact.name ?? contact.email}`,
      section: "customers",
      body: (
        <>
          <Heading trail={trailOf(customer)} title={`Remove ${contact.email}?`} />
          <Card>
            <PostForm visit={visit} entry={entry}>
              <p>
                Nothing more is mailed there, and notices that wait are taken back. What was mailed stays in
                the messages.
              </p>
              <Submit tone="danger" back={`/admin/customers/${customer.id}`}>
                Remove contact
              </Submit>
            </PostForm>
          </Card>
        </>
      ),
    };
  },
  async submit(visit) {
    await deleteContact(visit.context, idOf(visit), contactIdOf(visit));
    return { to: `/admin/customers/${idOf(visit)}?done=contact-removed` };
  },
};

export const contactDoors = [add, edit, remove];
