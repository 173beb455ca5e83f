// Giving people a role, changing it and taking it away.
import type { FC } from "hono/jsx";
import * as z from "zod/mini";
import { Email, getPerson, PersonInput, removePerson, setPerson } from "../../../access/people.ts";
import { type Entry, parsed } from "../../ui/entry.ts";
import { Heading } from "../../ui/heading.tsx";
import type { Form } from "../mount.tsx";
import { Choices, Field, PostForm, Submit } from "../../ui/form.tsx";
import { PEOPLE } from "./people.tsx";
import { ROLE_CHOICES, SETTINGS } from "./settings.tsx";
import type { Visit } from "../visit.ts";

/** A person who just removed their own access goes to a page that they may still see. */
const backFrom = ({ actor }: Visit, email: string, stays: boolean, done: string): string =>
  email === actor.id && !stays ? "/admin" : `${PEOPLE[0]}?done=${done}`;

const RoleChoice: FC<{ entry: Entry; value: string }> = ({ entry, value }) => (
  <Choices entry={entry} name="role" legend="Role" options={ROLE_CHOICES} value={value} />
);

const add: Form = {
  path: "/admin/settings/people/new",
  access: "access",
  show: async (visit, entry) => ({
    title: "Add a person",
    section: "settings",
    body: (
      <>
        <Heading trail={[SETTINGS, PEOPLE]} title="Add a person" />
        <section class="card narrow">
          <PostForm visit={visit} entry={entry}>
            <Field
              entry={entry}
              name="email"
              label="E-mail address"
              type="email"
              hint="As Cloudflare Access knows it. A person who is already listed gets the new role."
              required
              maxlength={254}
              autocomplete="off"
            />
            <RoleChoice entry={entry} value="viewer" />
            <Submit back={PEOPLE[0]}>Add the person</Submit>
          </PostForm>
        </section>
      </>
    ),
  }),
  async submit(visit, entry) {
    const { email, role } = parsed(z.extend(PersonInput, { email: Email }), {
      email: entry.text("email"),
      role: entry.text("role"),
    });
    const { added } = await setPerson(visit.context, email, { role });
    return { to: backFrom(visit, email, role === "owner", added ? "added" : "changed") };
  },
};

const OnYourself: FC<{ visit: Visit; email: string }> = ({ visit, email }) =>
  email === visit.actor.id ? <p class="note warn">This is you: you may not get back here.</p> : null;

const change: Form = {
  path: "/admin/settings/people/{email}/role",
  access: "access",
  async show(visit, entry) {
    const { email, role } = await getPerson(visit.context, visit.params["email"] ?? "");
    return {
      title: `Role of ${email}`,
      section: "settings",
      body: (
        <>
          <Heading trail={[SETTINGS, PEOPLE]} title={`Role of ${email}`} />
          <section class="card narrow">
            <PostForm visit={visit} entry={entry}>
              <OnYourself visit={visit} email={email} />
              <RoleChoice entry={entry} value={role} />
              <Submit back={PEOPLE[0]}>Change the role</Submit>
            </PostForm>
          </section>
        </>
      ),
    };
  },
  async submit(visit, entry) {
    const input = parsed(PersonInput, { role: entry.text("role") });
    // If the person was removed meanwhile, a form about their role must not bring them back.
    const { email } = await getPerson(visit.context, visit.params["email"] ?? "");
    await setPerson(visit.context, email, input);
    return { to: backFrom(visit, email, input.role === "owner", "changed") };
  },
};

const remove: Form = {
  path: "/admin/settings/people/{email}/remove",
  access: "access",
  async show(visit, entry) {
    const { email, role } = await getPerson(visit.context, visit.params["email"] ?? "");
    return {
      title: `Remove ${email}`,
      section: "settings",
      body: (
        <>
          <Heading trail={[SETTINGS, PEOPLE]} title={`Remove ${email}?`} />
          <section class="card narrow">
            <PostForm visit={visit} entry={entry}>
              <OnYourself visit={visit} email={email} />
              <p>
                They lose the role {role} and are refused from the next request on. What they did stays on
                record.
              </p>
              <Submit tone="danger" back={PEOPLE[0]}>
                Remove the person
              </Submit>
            </PostForm>
          </section>
        </>
      ),
    };
  },
  async submit(visit) {
    const email = visit.params["email"] ?? "";
    await removePerson(visit.context, email);
    return { to: backFrom(visit, email, false, "removed") };
  },
};

export const personFormDoors = [add, change, remove];
