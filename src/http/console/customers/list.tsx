// /admin/customers: finding customers.
import type { FC } from "hono/jsx";
import { countCustomers, CustomerFilter, listCustomers } from "../../../licensing/customers/customer-list.ts";
import { displayNameOf, personOf } from "../../../licensing/customers/display-name.ts";
import { type CustomerFigures, figuresOfCustomers } from "../../../licensing/figures/of-customers.ts";
import { Heading } from "../../ui/heading.tsx";
import { CopyableId } from "../../ui/copyable.tsx";
import { emptyList, KeptFilters, listQuery, pageOf, sorting, totalOn } from "../../ui/list.tsx";
import { ExportLink } from "../exports.tsx";
import type { Page } from "../mount.tsx";
import type { Visit } from "../visit.ts";
import { columnsFor, ColumnsLink } from "../parts/columns.tsx";
import type { Customer } from "./customer.tsx";
import { EmailFault } from "./shown.tsx";
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

const PATH = "/admin/customers";

const ADDRESSES: Option[] = [
  ["", "Any"],
  ["none", "none"],
  ["bounced", "mail bounced"],
  ["complained", "marked as spam"],
];

const hasKeys = (query: Record<string, string>): boolean =>
  Object.keys(query).some((name) => name.includes("."));

export const customerColumns = (
  figures: Map<string, CustomerFigures>,
  now: number,
  query: Record<string, string>,
): Column<Customer>[] => [
  {
    label: "Customer",
    main: true,
    // What a search or a tag finds has an order of its own.
    ...(query["q"] === undefined && query["tag"] === undefined && !hasKeys(query)
      ? { sort: sorting(PATH, { sort: "name", ...query }, { ascending: "name", descending: "name_last" }) }
      : {}),
    cell: (customer) => (
      <>
        <a href={`/admin/customers/${customer.id}`}>{displayNameOf(customer)}</a>
        <span class="second">{personOf(customer)}</span>
      </>
    ),
  },
  { name: "id", label: "Id", cell: ({ id }) => <CopyableId id={id} />, minor: true },
  {
    name: "email",
    label: "E-mail",
    cell: (customer) => (
      <>
        {customer.email ?? <span class="soft">none</span>}
        <span class="second">
          <EmailFault of={customer} />
        </span>
      </>
    ),
    long: true,
    minor: true,
  },
  {
    name: "licenses",
    label: "Licenses",
    cell: ({ id }) => <Least figures={figures.get(id)} name="licenses" />,
    numeric: true,
  },
  {
    name: "seats",
    label: "Seats",
    cell: ({ id }) => <Least figures={figures.get(id)} name="seats" />,
    numeric: true,
    minor: true,
  },
  {
    name: "next_end",
    label: "Next end",
    cell: ({ id }) => <When at={figures.get(id)?.next_end ?? null} now={now} none="none" as="end" />,
  },
  { name: "tags", label: "Tags", cell: ({ tags }) => tags.join(", "), long: true, minor: true, extra: true },
  {
    name: "created",
    label: "Since",
    cell: ({ created_at }) => <When at={created_at} now={now} />,
    minor: true,
    extra: true,
  },
];

const NoCustomers: FC<{ visit: Visit }> = ({ visit: { can } }) => (
  <>
    There is no customer yet. The form of a new license makes one, too.{" "}
    {can("imports") ? <a href="/admin/imports">Or import customers from a table</a> : null}
  </>
);

export const customerList: Page = {
  path: PATH,
  access: "read",
  async show(visit) {
    const { context, now, can } = visit;
    const list = listQuery(visit, CustomerFilter.shape);
    const { entry, query } = list;
    const [page, counted] = await Promise.all([
      pageOf(list, (request, filter) => listCustomers(context, request, { sort: "name", ...filter })),
      list.asked ? countCustomers(context, list.asked.filter) : null,
    ]);
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
              <>
                <ColumnsLink list="customers" query={query} />
                {can("customers") ? (
                  <>
                    <ExportLink list="customers" query={query} />
                    <a class="button primary" href="/admin/customers/new">
                      New customer
                    </a>
                  </>
                ) : null}
              </>
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
              <KeptFilters query={query} names={["sort"]} />
            </Filters>
            <div id="customers" data-results>
              <Table
                caption="Customers"
                list
                columns={columnsFor(visit, "customers", customerColumns(figures, now, query))}
                rows={page.data}
                empty={emptyList(list, page.next_cursor, <NoCustomers visit={visit} />)}
              />
              <Pager
                path={PATH}
                query={query}
                next={page.next_cursor}
                count={page.data.length}
                total={totalOn(list, page, counted)}
              />
            </div>
          </Card>
        </>
      ),
    };
  },
};
