// /admin/customers/new and …/{id}/edit.
import type { FC } from "hono/jsx";
import { listAlike } from "../../../licensing/customers/customer-list.ts";
import { displayNameOf } from "../../../licensing/customers/display-name.ts";
import {
  changeCustomer,
  createCustomer,
  CustomerChanges,
  getCustomer,
  NewCustomer,
} from "../../../licensing/customers/customers.ts";
import { Alike } from "./alike.tsx";
import type { Customer } from "./customer.tsx";
import { type Entry, parsed } from "../../ui/entry.ts";
import { Heading } from "../../ui/heading.tsx";
import type { Form } from "../mount.tsx";
import { MetadataField, metadataOf } from "../parts/metadata.tsx";
import { NotedFields, notedOf } from "../parts/noted.tsx";
import { Checkbox, Field, PostForm, Submit } from "../../ui/form.tsx";
import { versionOf } from "../../ui/overtaken.tsx";
import { idOf } from "../visit.ts";
import { trailOf } from "./shown.tsx";

const detailsOf = (entry: Entry) => ({
  name: entry.text("name") ?? "",
  email: entry.text("email") ?? null,
  company: entry.text("company") ?? null,
  metadata: metadataOf(entry),
  portal: entry.has("portal"),
  ...notedOf(entry),
});

const Details: FC<{ entry: Entry; customer?: Customer }> = ({ entry, customer }) => (
  <>
    <Field
      entry={entry}
      name="company"
      label="Company"
      hint="What the customer is called here. Left empty, by the name."
      value={customer?.company}
      maxlength={200}
      autofocus
    />
    <Field
      entry={entry}
      name="name"
      label="Name"
      hint="The person: mail greets by it. Of the company, if there is no person."
      value={customer?.name}
      required
      maxlength={200}
    />
    <Field
      entry={entry}
      name="email"
      label="E-mail"
      type="email"
      hint="Keys and notices are sent to it. Without an address, nothing is mailed."
      value={customer?.email}
      maxlength={254}
    />
    <Checkbox
      name="portal"
      checked={entry.problem === null ? customer === undefined || customer.portal === 1 : entry.has("portal")}
    >
      May use the customer's site
    </Checkbox>
    <MetadataField entry={entry} present={customer?.metadata} />
    <NotedFields entry={entry} present={customer} />
  </>
);

const namesOf = (entry: Entry) => ({
  name: entry.text("name") ?? "",
  company: entry.text("company") ?? null,
  email: entry.text("email") ?? null,
});

export const newCustomer: Form = {
  path: "/admin/customers/new",
  access: "customers",
  async show(visit, entry) {
    const alike = await listAlike(visit.context, namesOf(entry));
    return {
      title: "New customer",
      section: "customers",
      body: (
        <>
          <Heading trail={[["/admin/customers", "Customers"]]} title="New customer" />
          <section class="card narrow">
            <PostForm visit={visit} entry={entry} live>
              <div id="alike" data-results aria-live="polite">
                <Alike customers={alike} />
              </div>
              <Details entry={entry} />
              <Field
                entry={entry}
                name="id"
                label="Id"
                hint="Letters, digits, dots, hyphens, underscores. It cannot be changed later. Empty: one is generated."
                maxlength={64}
              />
              <Submit back="/admin/customers">Create customer</Submit>
            </PostForm>
          </section>
        </>
      ),
    };
  },
  async submit({ context }, entry) {
    const input = parsed(NewCustomer, { id: entry.text("id"), ...detailsOf(entry) });
    const { id } = await createCustomer(context, input);
    return { to: `/admin/customers/${id}?done=created` };
  },
};

export const editCustomer: Form = {
  path: "/admin/customers/{id}/edit",
  access: "customers",
  async show(visit, entry) {
    const customer = await getCustomer(visit.context, idOf(visit));
    const here = `/admin/customers/${customer.id}`;
    return {
      title: `Edit ${displayNameOf(customer)}`,
      section: "customers",
      body: (
        <>
          <Heading trail={trailOf(customer)} title="Edit customer" />
          <section class="card narrow">
            <PostForm
              visit={visit}
              entry={entry}
              changes={{ present: customer, entered: () => detailsOf(entry) }}
            >
              <Details entry={entry} customer={customer} />
              <Submit back={here}>Save</Submit>
            </PostForm>
          </section>
        </>
      ),
    };
  },
  async submit(visit, entry) {
    const id = idOf(visit);
    await changeCustomer(visit.context, id, parsed(CustomerChanges, detailsOf(entry)), versionOf(entry));
    return { to: `/admin/customers/${id}?done=changed` };
  },
};
