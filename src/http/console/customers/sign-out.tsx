// /admin/customers/{id}/sign-out: ends the sessions of a customer on the customer's site.
import { endPortalSessions } from "../../../access/portal-sessions.ts";
import { getCustomer } from "../../../licensing/customers/customers.ts";
import { displayNameOf } from "../../../licensing/customers/display-name.ts";
import { PostForm, Submit } from "../../ui/form.tsx";
import { Card } from "../../ui/show.tsx";
import { Heading } from "../../ui/heading.tsx";
import type { Form } from "../mount.tsx";
import { idOf } from "../visit.ts";
import { trailOf } from "./shown.tsx";

export const signOutCustomer: Form = {
  path: "/admin/customers/{id}/sign-out",
  access: "customers",
  async show(visit, entry) {
    const customer = await getCustomer(visit.context, idOf(visit));
    const { id } = customer;
    const name = displayNameOf(customer);
    return {
      title: `Sign out ${name}`,
      section: "customers",
      body: (
        <>
          <Heading trail={trailOf(customer)} title={`Sign out everybody of ${name}?`} />
          <Card>
            <PostForm visit={visit} entry={entry} action={`/admin/customers/${id}/sign-out`}>
              <p>
                All sessions on the customer's site end now. Whoever may sign in can do so again: the contacts
                say who may.
              </p>
              <Submit back={`/admin/customers/${id}`}>Sign out</Submit>
            </PostForm>
          </Card>
        </>
      ),
    };
  },
  async submit(visit) {
    await endPortalSessions(visit.context, idOf(visit));
    return { to: `/admin/customers/${idOf(visit)}?done=signed-out` };
  },
};
