// /admin/customers/{id}/delete: only a customer who has no licenses.
import { displayNameOf } from "../../../licensing/customers/display-name.ts";
import { deleteCustomer, getCustomer } from "../../../licensing/customers/customers.ts";
import { listLicenses } from "../../../licensing/licenses/license-list.ts";
import { Heading } from "../../ui/heading.tsx";
import type { Form } from "../mount.tsx";
import { PostForm, Submit } from "../../ui/form.tsx";
import { Card } from "../../ui/show.tsx";
import { idOf } from "../visit.ts";
import { trailOf } from "./shown.tsx";

export const removeCustomer: Form = {
  path: "/admin/customers/{id}/delete",
  access: "customers",
  async show(visit, entry) {
    const { context } = visit;
    const customer = await getCustomer(context, idOf(visit));
    const { data } = await listLicenses(context, { limit: 1 }, { customer_id: customer.id });
    const here = `/admin/customers/${customer.id}`;
    const hasLicenses = data.length > 0 || entry.problem !== null;
    return {
      title: `Delete ${displayNameOf(customer)}`,
      section: "customers",
      body: (
        <>
          <Heading trail={trailOf(customer)} title={`Delete ${displayNameOf(customer)}?`} />
          <Card>
            <PostForm visit={visit} entry={entry}>
              {hasLicenses ? (
                <p>
                  A customer with licenses cannot be deleted, even if the licenses have ended: they are the
                  record of what was issued to whom.
                </p>
              ) : (
                <p>The customer is deleted for good. The events about it stay under Activity.</p>
              )}
              {hasLicenses ? (
                <a class="button" href={here} data-close>
                  Back
                </a>
              ) : (
                <Submit tone="danger" back={here}>
                  Delete customer
                </Submit>
              )}
            </PostForm>
          </Card>
        </>
      ),
    };
  },
  async submit(visit) {
    await deleteCustomer(visit.context, idOf(visit));
    return { to: "/admin/customers?done=deleted" };
  },
};
