// /admin/licenses: finding licenses, and doing something with several of them.
import type { FC } from "hono/jsx";
import type { Context } from "../../../context.ts";
import { customerNames } from "../../../licensing/customers/customers.ts";
import { LicenseFilter, listLicenses, type NamedLicense } from "../../../licensing/licenses/license-list.ts";
import { listLicenseTypes } from "../../../licensing/licenses/license-types.ts";
import { presentLicense } from "../../../licensing/licenses/licenses.ts";
import { STANDINGS } from "../../../licensing/licenses/standing.ts";
import { Heading } from "../layout.tsx";
import { emptyList, KeptFilters, listQuery, pageOf } from "../../ui/list.tsx";
import type { Page } from "../mount.tsx";
import { Field, Filters, type Option, Select } from "../../ui/form.tsx";
import { Card, type Column, formatLimit, Pager, StandingBadge, Table, When } from "../../ui/show.tsx";

const SORTS: Option[] = [
  ["", "Newest first"],
  ["oldest", "Oldest first"],
  ["ending", "Ending next"],
];

/** Filters that come only from a link; the filters of the form narrow them further. */
const UNSEEN = ["status", "expiring_within_days"];

const any = (what: string): Option => ["", `Any ${what}`];

/** An export has all licenses, or those of one customer; other filters do not narrow it. */
const ExportLink: FC<{ customerId: string | undefined }> = ({ customerId }) => (
  <a
    class="button"
    href={`/admin/exports/licenses${customerId ? `?customer_id=${encodeURIComponent(customerId)}` : ""}`}
  >
    {customerId ? "Export all of this customer" : "Export all"}
  </a>
);

type Shown = ReturnType<typeof presentLicense>;

/** The names of the licenses' customers: read with the list, or after a search. */
const namesIn = async (context: Context, found: NamedLicense[]): Promise<Map<string, string>> =>
  found.every((license) => license.customer_name != null)
    ? new Map(found.map(({ customer_id, customer_name }) => [customer_id, customer_name ?? ""]))
    : customerNames(
        context,
        found.map(({ customer_id }) => customer_id),
      );

const columns = (names: Map<string, string>, now: number): Column<Shown>[] => [
  {
    label: "License",
    main: true,
    cell: (license) => (
      <>
        <a href={`/admin/licenses/${license.id}`}>{names.get(license.customer_id) ?? license.customer_id}</a>
        <code class="second">{license.id}</code>
      </>
    ),
  },
  { label: "Standing", cell: ({ standing }) => <StandingBadge standing={standing} /> },
  { label: "Type", cell: ({ license_type }) => license_type, minor: true },
  { label: "Ends", cell: ({ expires_at }) => <When at={expires_at} now={now} none="perpetual" as="end" /> },
  {
    label: "Max. instances",
    cell: ({ max_instances }) => formatLimit(max_instances),
    numeric: true,
    minor: true,
  },
];

const select = (chosen: boolean): Column<Shown>[] =>
  chosen
    ? [
        {
          label: "Select",
          head: <input type="checkbox" class="script" data-all aria-label="All on this page" />,
          cell: ({ id }) => <input type="checkbox" name="id" value={id} aria-label={`Select ${id}`} />,
        },
      ]
    : [];

export const licenseDoors: Page[] = [
  {
    path: "/admin/licenses",
    access: "read",
    async show(visit) {
      const { context, now, can } = visit;
      const list = listQuery(visit, LicenseFilter.shape);
      const { entry, query } = list;
      const [page, types] = await Promise.all([
        pageOf(list, (request, filter) => listLicenses(context, request, filter, "with names")),
        listLicenseTypes(context, { limit: 100 }),
      ]);
      const names = await namesIn(context, page.data);
      return {
        title: "Licenses",
        section: "licenses",
        problem: entry.problem,
        body: (
          <>
            <Heading
              title="Licenses"
              actions={
                <>
                  {can("keys") ? (
                    <span id="export" data-results>
                      <ExportLink customerId={query["customer_id"]} />
                    </span>
                  ) : null}
                  {can("imports") ? (
                    <a class="button" href="/admin/imports">
                      Import
                    </a>
                  ) : null}
                  {can("licenses") ? (
                    <a class="button primary" href="/admin/licenses/new">
                      New license
                    </a>
                  ) : null}
                </>
              }
            />
            <Card>
              <Filters label="Licenses" reset="/admin/licenses" isFiltered={list.isFiltered}>
                <Field
                  entry={entry}
                  name="q"
                  label="Search"
                  type="search"
                  placeholder="Name, e-mail, id, or what was noted"
                  maxlength={100}
                />
                <Select
                  entry={entry}
                  name="standing"
                  label="Standing"
                  options={[any("standing"), ...STANDINGS.map((name): Option => [name, name])]}
                />
                <Select
                  entry={entry}
                  name="license_type"
                  label="Type"
                  options={[any("type"), ...types.data.map(({ id, name }): Option => [id, name])]}
                />
                <Field
                  entry={entry}
                  name="customer_id"
                  label="Customer"
                  placeholder="Customer id"
                  maxlength={64}
                />
                <Field entry={entry} name="tag" label="Tag" maxlength={32} />
                <Select entry={entry} name="sort" label="Order" options={SORTS} />
                <KeptFilters query={query} />
                {UNSEEN.map((name) =>
                  query[name] === undefined ? null : <input type="hidden" name={name} value={query[name]} />,
                )}
              </Filters>
              <div id="licenses" data-results>
                <form method="get" action="/admin/licenses/bulk" data-rows>
                  {can("licenses") && page.data.length > 0 ? (
                    <div class="actions bulk">
                      <button class="small" name="do" value="send">
                        Send key
                        <span data-count></span>
                      </button>
                      <button class="small" name="do" value="suspend">
                        Suspend
                        <span data-count></span>
                      </button>
                      {can("keys") ? (
                        <button class="small" formaction="/admin/licenses/bulk-export">
                          Export
                          <span data-count></span>
                        </button>
                      ) : null}
                    </div>
                  ) : null}
                  <Table
                    caption="Licenses"
                    columns={[...select(can("licenses")), ...columns(names, now)]}
                    rows={page.data.map((license) => presentLicense(license, now))}
                    empty={
                      <>
                        {emptyList(list, page.next_cursor, "No license was issued yet.")}
                        {query["sort"] === "ending"
                          ? " This order leaves out perpetual licenses, and ended ones unless their standing is chosen."
                          : ""}
                      </>
                    }
                  />
                </form>
                <Pager
                  path="/admin/licenses"
                  query={query}
                  next={page.next_cursor}
                  count={page.data.length}
                />
              </div>
            </Card>
          </>
        ),
      };
    },
  },
];
