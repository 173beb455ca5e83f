// /admin/customers/new and …/{id}/edit.
import type { FC } from "hono/jsx";
import {
  changeCustomer,
  createCustomer,
  CustomerChanges,
  getCustomer,
  NewCustomer,
} from "../../../licensing/customers/customers.ts";
import { invalid } from "../../../problems.ts";
import type { Customer } from "./customer.tsx";
import { type Entry, parsed } from "../../ui/entry.ts";
import { Heading } from "../layout.tsx";
import type { Form } from "../mount.tsx";
import { NotedFields, notedOf } from "../parts/noted.tsx";
import { Checkbox, Field, PostForm, Submit, TextArea } from "../../ui/form.tsx";
import { versionOf } from "../../ui/overtaken.tsx";
import { idOf } from "../visit.ts";

function metadataOf(entry: Entry): unknown {
  try {
    return JSON.parse(entry.text("metadata") ?? "{}");
  } catch {
    throw invalid("metadata", 'Must be JSON: {"name": "value"}');
  }
}

const detailsOf = (entry: Entry) => ({
  name: entry.text("name") ?? "",
  email: entry.text("email") ?? null,
  company: entry.text("company") ?? null,
  metadata: metadataOf(entry),
  portal: entry.has("portal"),
  ...notedOf(entry),
});

const shownMetadata = (customer: Customer): string =>
  Object.keys(customer.metadata).length === 0 ? "" : JSON.stringify(customer.metadata, null, 2);

const Details: FC<{ entry: Entry; customer?: Customer }> = ({ entry, customer }) => (
  <>
    <Field entry={entry} name="name" label="Name" value={customer?.name} required maxlength={200} autofocus />
    <Field
      entry={entry}
      name="email"
      label="E-mail"
      type="email"
      hint="Keys and notices are sent to it. Without an address, nothing is mailed."
      value={customer?.email}
      maxlength={254}
    />
    <Field entry={entry} name="company" label="Company" value={customer?.company} maxlength={200} />
    <TextArea
      entry={entry}
      name="metadata"
      label="Metadata"
      hint='Your own references as JSON, such as {"crm": "4711"}. Searches find the values.'
      value={customer ? shownMetadata(customer) : ""}
      code
      maxlength={8_192}
    />
    <Checkbox
      name="portal"
      checked={entry.problem === null ? customer === undefined || customer.portal === 1 : entry.has("portal")}
    >
      May use the customer's site
    </Checkbox>
    <NotedFields entry={entry} present={customer} />
  </>
);

export const newCustomer: Form = {
  path: "/admin/customers/new",
  access: "customers",
  show: async (visit, entry) => ({
    title: "New customer",
    section: "customers",
    body: (
      <>
        <Heading trail={[["/admin/customers", "Customers"]]} title="New customer" />
        <section class="card narrow">
          <PostForm visit={visit} entry={entry}>
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
  }),
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
      title: `Edit ${customer.name}`,
      section: "customers",
      body: (
        <>
          <Heading
            trail={[
              ["/admin/customers", "Customers"],
              [here, customer.name],
            ]}
            title="Edit customer"
          />
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
