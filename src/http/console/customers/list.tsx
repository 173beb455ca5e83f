// /admin/customers: finding customers.
import { CustomerFilter, listCustomers } from "../../../licensing/customers/customer-list.ts";
import { Heading } from "../layout.tsx";
import { emptyList, KeptFilters, listQuery, pageOf } from "../../ui/list.tsx";
import type { Page } from "../mount.tsx";
import { type Customer, EmailAddress } from "./customer.tsx";
import { Field, Filters } from "../../ui/form.tsx";
import { Card, type Column, Pager, Table, When } from "../../ui/show.tsx";

const columns = (now: number): Column<Customer>[] => [
  {
    label: "Customer",
    main: true,
    cell: ({ id, name }) => (
      <>
        <a href={`/admin/customers/${id}`}>{name}</a>
        <code class="second">{id}</code>
      </>
    ),
  },
  { label: "Company", cell: ({ company }) => company, long: true, minor: true },
  { label: "E-mail", cell: (customer) => <EmailAddress customer={customer} />, long: true },
  { label: "Since", cell: ({ created_at }) => <When at={created_at} now={now} />, minor: true },
];

export const customerList: Page = {
  path: "/admin/customers",
  access: "read",
  async show(visit) {
    const { context, now, can } = visit;
    const list = listQuery(visit, CustomerFilter.shape);
    const { entry, query } = list;
    const page = await pageOf(list, (request, filter) => listCustomers(context, request, filter));
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
              <KeptFilters query={query} />
            </Filters>
            <div id="customers" data-results>
              <Table
                caption="Customers"
                columns={columns(now)}
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
