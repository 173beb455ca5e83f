// /portal/contacts: who is written to, and who may sign in.
import type { FC } from "hono/jsx";
import {
  changeOwnContact,
  INVITATION_DAYS,
  inviteContact,
  Invited,
  ownContact,
  OwnContactChanges,
  ownContacts,
  removeOwnContact,
} from "../../licensing/portal/own-contacts.ts";
import { mailInvitation } from "../../notices/portal/site-links.ts";
import { type Contact, CONTACT_ROLES, type ContactRole } from "../../storage/schema.ts";
import { type Entry, parsed } from "../ui/entry.ts";
import { Checkbox, Field, faultOf, PostForm, Select, Submit } from "../ui/form.tsx";
import { LANGUAGE_NAMES, LANGUAGE_OPTIONS } from "../ui/languages.ts";
import { versionOf } from "../ui/overtaken.tsx";
import { Badge, Card, Facts, Table, When } from "../ui/show.tsx";
import type { Form } from "./mount.tsx";
import { Heading } from "../ui/heading.tsx";
import { idOf } from "./visit.ts";

const ROLE_WORDS: Record<ContactRole, string> = {
  license: "Licenses: keys, renewals, and these contacts",
  billing: "Billing: what ends",
  technical: "Technical: installations, and freeing their seats",
};

const CONTACTS: [string, string] = ["/portal/contacts", "Contacts"];

const DONE: Record<string, string> = {
  invited: `A mail is on its way. Once they confirm it, within ${INVITATION_DAYS} days, they stand here.`,
  changed: "The contact is changed.",
  removed: "The contact is removed.",
};

const Roles: FC<{ entry: Entry; roles: readonly string[] }> = ({ entry, roles }) => {
  const chosen = entry.problem === null ? roles : entry.all("roles");
  const fault = faultOf({ entry, name: "roles", label: "For" });
  return (
    <fieldset class="choices" id="roles" aria-describedby={fault ? "roles-fault" : undefined}>
      <legend>For</legend>
      {CONTACT_ROLES.map((role) => (
        <Checkbox name="roles" value={role} checked={chosen.includes(role)}>
          {ROLE_WORDS[role]}
        </Checkbox>
      ))}
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
    <Field
      entry={entry}
      name="name"
      label="Name"
      hint="Mail greets by it."
      value={contact?.name}
      maxlength={200}
    />
    <Roles entry={entry} roles={contact?.roles ?? ["technical"]} />
    <Select
      entry={entry}
      name="language"
      label="Language of mail"
      options={LANGUAGE_OPTIONS}
      value={contact?.language ?? "en"}
    />
  </>
);

const detailsOf = (entry: Entry) => ({
  name: entry.text("name") ?? null,
  roles: entry.all("roles"),
  language: entry.text("language") ?? null,
});

const Who: FC<{ contact: Contact; isSelf: boolean }> = ({
  contact: { id, email, name, own, roles },
  isSelf,
}) => (
  <>
    {isSelf ? (name ?? email) : <a href={`/portal/contacts/${id}`}>{name ?? email}</a>}{" "}
    {isSelf ? <Badge tone="plain">you</Badge> : null}
    {name === null ? null : <span class="second">{email}</span>}
    <span class="second">for {roles.join(", ")}</span>
    {own === 1 ? <span class="second">your company's own address</span> : null}
  </>
);

const contactsForm: Form = {
  path: "/portal/contacts",
  access: "contacts",
  async show(visit, entry) {
    const { context, actor, now, query } = visit;
    const { all, invited } = await ownContacts(context);
    return {
      title: "Contacts",
      body: (
        <>
          <Heading
            title="Contacts"
            lead="Who gets our mail, and who may sign in here."
            done={DONE[query["done"] ?? ""]}
          />
          <Card>
            <Table
              caption="Your contacts"
              rows={all}
              empty="Nobody."
              columns={[
                {
                  label: "Contact",
                  main: true,
                  cell: (contact) => <Who contact={contact} isSelf={contact.id === actor.id} />,
                },
                { label: "Language", cell: ({ language }) => LANGUAGE_NAMES[language ?? "en"], minor: true },
                {
                  label: "Signs in",
                  cell: ({ portal }) => (portal === 1 ? "yes" : <Badge tone="warn">not yet</Badge>),
                },
              ]}
            />
            {invited.length === 0 ? null : (
              <Table
                caption="Not confirmed yet"
                rows={invited}
                empty=""
                columns={[
                  { label: "Waits for confirmation", main: true, cell: ({ email }) => email },
                  { label: "Added", cell: ({ created_at }) => <When at={created_at} now={now} /> },
                ]}
              />
            )}
          </Card>
          <Card title="Add a contact">
            <p>
              They confirm their mailbox, and all other contacts are told. To sign in, they need the consent
              of a contact other than you, or ours.
            </p>
            <PostForm visit={visit} entry={entry} action="/portal/contacts">
              <Field entry={entry} name="email" label="E-mail" type="email" required maxlength={254} />
              <Details entry={entry} />
              <div class="submit">
                <button class="primary">Add contact</button>
              </div>
            </PostForm>
          </Card>
        </>
      ),
    };
  },
  async submit({ context }, entry) {
    const input = parsed(Invited, { email: entry.text("email") ?? "", ...detailsOf(entry) });
    const { token, company, by } = await inviteContact(context, input);
    mailInvitation(context, {
      recipient: input.email,
      name: input.name ?? input.email,
      language: input.language ?? null,
      company,
      by,
      link: `${context.config.issuer}/portal/confirm?token=${token}`,
      days: INVITATION_DAYS,
    });
    return { to: "/portal/contacts?done=invited" };
  },
};

const contactForm: Form = {
  path: "/portal/contacts/{id}",
  access: "contacts",
  async show(visit, entry) {
    const contact = await ownContact(visit.context, idOf(visit));
    const isSelf = contact.id === visit.actor.id;
    // As the form shows it: somebody without a language is written to in English.
    const present = { ...contact, language: contact.language ?? "en" };
    return {
      title: contact.name ?? contact.email,
      body: (
        <>
          <Heading
            trail={[CONTACTS]}
            title={contact.name ?? contact.email}
            lead={contact.name === null ? undefined : contact.email}
            actions={
              isSelf || contact.own === 1 ? null : (
                <a class="button quiet danger" href={`/portal/contacts/${contact.id}/remove`}>
                  Remove
                </a>
              )
            }
          />
          <Card>
            {isSelf ? (
              <p>This is you. Another contact, or we, change what you get and may.</p>
            ) : (
              <PostForm visit={visit} entry={entry} changes={{ present, entered: () => detailsOf(entry) }}>
                <Details entry={entry} contact={contact} />
                <Checkbox
                  name="portal"
                  checked={entry.problem === null ? contact.portal === 1 : entry.has("portal")}
                >
                  May sign in here
                </Checkbox>
                <p class="hint">Whatever you change ends their sessions: they sign in anew.</p>
                <Submit back="/portal/contacts">Save</Submit>
              </PostForm>
            )}
          </Card>
        </>
      ),
    };
  },
  async submit({ context, params }, entry) {
    const input = parsed(OwnContactChanges, { ...detailsOf(entry), portal: entry.has("portal") });
    await changeOwnContact(context, params["id"] ?? "", input, versionOf(entry));
    return { to: "/portal/contacts?done=changed" };
  },
};

const removeForm: Form = {
  path: "/portal/contacts/{id}/remove",
  access: "contacts",
  async show(visit, entry) {
    const { name, email, roles } = await ownContact(visit.context, idOf(visit));
    return {
      title: `Remove ${email}`,
      body: (
        <>
          <Heading trail={[CONTACTS]} title={`Remove ${name ?? email}?`} />
          <Card>
            <Facts
              rows={[
                ["E-mail", email],
                ["For", roles.join(", ")],
              ]}
            />
            <PostForm visit={visit} entry={entry}>
              <p>They are signed out, and get no more mail from us.</p>
              <Submit tone="danger" back="/portal/contacts">
                Remove contact
              </Submit>
            </PostForm>
          </Card>
        </>
      ),
    };
  },
  async submit({ context, params }) {
    await removeOwnContact(context, params["id"] ?? "");
    return { to: "/portal/contacts?done=removed" };
  },
};

export const contactDoors = [contactsForm, removeForm, contactForm];
