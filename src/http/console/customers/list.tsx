// /admin/customers: finding customers.
import type { FC } from "hono/jsx";
import { CustomerFilter, listCustomers } from "../../../licensing/customers/customer-list.ts";
import { displayNameOf, personOf } from "../../../licensing/customers/display-name.ts";
import { type CustomerFigures, figuresOfCustomers } from "../../../licensing/figures/of-customers.ts";
import { Heading } from "../layout.tsx";
import { emptyList, KeptFilters, listQuery, pageOf } from "../../ui/list.tsx";
import type { Page } from "../mount.tsx";
import { type Customer, EmailAddress } from "./customer.tsx";
import { Field, Filters, type Option, Select } from "../../ui/form.tsx";
import { Card, type Column, formatCount, Pager, Table, When } from "../../ui/show.tsx";

/** A figure, or the least that it is where a customer has very many licenses. */
const Least: FC<{ figures: CustomerFigures | undefined; name: "licenses" | "seats" }> = ({
  figures,
  name,
}) => (
  <>
    {formatCount(figures?.[name] ?? 0)}
    {figures?.more ? "+" : ""}
  </>
);

const ADDRESSES: Option[] = [
  ["", "Any"],
  ["none", "none"],
  ["bounced", "mail bounced"],
  ["complained", "marked as spam"],
];

const columns = (figures: Map<string, CustomerFigures>, now: number): Column<Customer>[] => [
  {
    label: "Customer",
    main: true,
    cell: (customer) => (
      <>
        <a href={`/admin/customers/${customer.id}`}>{displayNameOf(customer)}</a>
        <span class="second">{personOf(customer) ?? <code>{customer.id}</code>}</span>
      </>
    ),
  },
  { label: "E-mail", cell: (customer) => <EmailAddress customer={customer} />, long: true },
  { label: "Licenses", cell: ({ id }) => <Least figures={figures.get(id)} name="licenses" />, numeric: true },
  {
    label: "Seats",
    cell: ({ id }) => <Least figures={figures.get(id)} name="seats" />,
    numeric: true,
    minor: true,
  },
  {
    label: "Next end",
    cell: ({ id }) => <When at={figures.get(id)?.next_end ?? null} now={now} none="none" as="end" />,
    minor: true,
  },
];

export const customerList: Page = {
  path: "/admin/customers",
  access: "read",
  async show(visit) {
    const { context, now, can } = visit;
    const list = listQuery(visit, CustomerFilter.shape);
    const { entry, query } = list;
    const page = await pageOf(list, (request, filter) =>
      listCustomers(context, request, { sort: "name", ...filter }),
    );
    const figures = await figuresOfCustomers(
      context,
      page.data.map(({ id }) => id),
    );
    return {
      title: "Customers",
      section: "customers",
      problem: entry.problem,
      body: (
        <>
          <Heading
            title="Customers"
            done={visit.query["done"] === "deleted" ? "The customer is deleted." : undefined}
            actions={
              can("customers") ? (
                <>
                  <a class="button quiet" href="/admin/exports/customers">
                    Export
                  </a>
                  <a class="button primary" href="/admin/customers/new">
                    New customer
                  </a>
                </>
              ) : null
            }
          />
          <Card>
            <Filters label="Customers" reset="/admin/customers" isFiltered={list.isFiltered}>
              <Field
                entry={entry}
                name="q"
                label="Search"
                type="search"
                placeholder="Name, e-mail, id, or what was noted"
                maxlength={100}
              />
              <Field entry={entry} name="tag" label="Tag" maxlength={32} />
              <Select entry={entry} name="email_status" label="E-mail" options={ADDRESSES} />
              <KeptFilters query={query} />
            </Filters>
            <div id="customers" data-results>
              <Table
                caption="Customers"
                columns={columns(figures, now)}
                rows={page.data}
                empty={emptyList(list, page.next_cursor, "There is no customer yet.")}
              />
              <Pager path="/admin/customers" query={query} next={page.next_cursor} count={page.data.length} />
            </div>
          </Card>
        </>
      ),
    };
  },
};
