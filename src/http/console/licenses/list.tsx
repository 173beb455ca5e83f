// /admin/licenses: finding licenses, and doing something with several of them.
import type { FC } from "hono/jsx";
import { displayNameOf, personOf } from "../../../licensing/customers/display-name.ts";
import { monthsBefore } from "../../../kernel/calendar.ts";
import { DAY, dayOf } from "../../../kernel/dates.ts";
import { MESSAGE_STATUSES } from "../../../storage/schema.ts";
import type { Entry } from "../../ui/entry.ts";
import { KINDS, MessageStatus } from "../messages/list.tsx";
import {
  asksOfMail,
  countLicenses,
  LicenseFilter,
  listLicensesInUse,
} from "../../../licensing/licenses/license-list.ts";
import { listLicenseTypes } from "../../../licensing/licenses/license-types.ts";
import { presentLicense } from "../../../licensing/licenses/licenses.ts";
import type { LicenseInUse } from "../../../licensing/licenses/search/license-uses.ts";
import { STANDINGS } from "../../../licensing/licenses/standing.ts";
import { Heading } from "../layout.tsx";
import { CopyableId } from "../../ui/copyable.tsx";
import { emptyList, KeptFilters, listQuery, pageOf, sorting, totalOn } from "../../ui/list.tsx";
import type { Page } from "../mount.tsx";
import { Field, Filters, type Option, Select } from "../../ui/form.tsx";
import type { BulkName } from "./bulk-actions.ts";
import { Seats } from "../../ui/seats.tsx";
import { Card, type Column, Pager, StandingBadge, Table, When } from "../../ui/show.tsx";

const PATH = "/admin/licenses";

const SORTS: Option[] = [
  ["", "Newest first"],
  ["oldest", "Oldest first"],
  ["ending", "Ending next"],
  ["ending_last", "Ending last"],
];

const BULK: [name: BulkName, label: string][] = [
  ["renew", "Renew"],
  ["change", "Change"],
  ["send", "Send key"],
  ["tag", "Tag"],
  ["suspend", "Suspend"],
  ["reinstate", "Reinstate"],
];

/** Filters that come only from a link; the filters of the form narrow them further. */
const UNSEEN = ["status", "expiring_within_days"];

const any = (what: string): Option => ["", `Any ${what}`];

/** An export of what the filters find. */
const ExportLink: FC<{ query: Record<string, string> }> = ({ query }) => {
  const { cursor: _place, row: _row, limit: _size, sort: _order, ...filters } = query;
  const asked = new URLSearchParams(filters).toString();
  return (
    <a class="button" href={`/admin/exports/licenses${asked === "" ? "" : `?${asked}`}`}>
      {asked === "" ? "Export all" : "Export these"}
    </a>
  );
};

const shown = ({ license, ...use }: LicenseInUse, now: number) => ({
  ...use,
  ...presentLicense(license, now),
});

type Shown = ReturnType<typeof shown>;

/** A search has an order of its own, and what ends or starts at some time is found in the order of that time. */
const isByIssue = ({ q, standing = "", expiring_within_days }: Record<string, string>): boolean =>
  q === undefined &&
  expiring_within_days === undefined &&
  !["expiring", "grace", "expired", "scheduled"].includes(standing);

const sortingByEnd = (query: Record<string, string>) =>
  sorting(
    PATH,
    isByIssue(query) || query["standing"] === "scheduled" || query["customer_id"] !== undefined
      ? query
      : { ...query, sort: query["sort"] === "ending_last" ? "ending_last" : "ending" },
    { ascending: "ending", descending: "ending_last" },
  );

const columns = (now: number, query: Record<string, string>): Column<Shown>[] => [
  {
    label: "License",
    main: true,
    cell: (license) => (
      <>
        <a href={`/admin/licenses/${license.id}`}>{displayNameOf(license.customer)}</a>
        <span class="second">{personOf(license.customer)}</span>
      </>
    ),
  },
  { label: "Id", cell: ({ id }) => <CopyableId id={id} />, minor: true },
  { label: "Standing", cell: ({ standing }) => <StandingBadge standing={standing} /> },
  { label: "Type", cell: ({ license_type }) => license_type, minor: true },
  {
    label: "Issued",
    cell: ({ issued_at }) => <When at={issued_at} now={now} />,
    minor: true,
    spare: true,
    ...(isByIssue(query) ? { sort: sorting(PATH, query, { ascending: "oldest", descending: "" }) } : {}),
  },
  {
    label: "Ends",
    ...(query["q"] === undefined ? { sort: sortingByEnd(query) } : {}),
    cell: ({ expires_at }) => <When at={expires_at} now={now} none="perpetual" as="end" />,
  },
  {
    label: "Seats",
    cell: ({ seated, max_instances: max }) => <Seats seated={seated} max={max} />,
    numeric: true,
    minor: true,
  },
];

/** Whether the customer was told of the end, and what became of the last mail. */
const mailColumn = (now: number): Column<Shown> => ({
  label: "Last mail",
  cell: ({ mail, expires_at }) =>
    mail === undefined ? null : (
      <>
        {mail.last === null ? (
          <span class="soft">none</span>
        ) : (
          <>
            <a href={`/admin/messages/${mail.last.id}`}>{KINDS[mail.last.kind]}</a>{" "}
            <MessageStatus status={mail.last.status} />
            <span class="second">
              <When at={mail.last.created_at} now={now} />
            </span>
          </>
        )}
        {mail.told || expires_at === null ? null : <span class="second">Not told of its end.</span>}
      </>
    ),
});

/** The licenses that end in a month and whose customers were not told. */
const untold = (month: number): string =>
  `/admin/licenses?ends_from=${dayOf(month)}&ends_until=${dayOf(monthsBefore(month, -1) - DAY)}&status=active&told=no&sort=ending`;

/** A day has a field for days; an instant, which comes from a link, a field for text. */
const EndField: FC<{ entry: Entry; name: string; label: string }> = ({ entry, name, label }) => (
  <Field
    entry={entry}
    name={name}
    label={label}
    type={entry.text(name)?.includes("T") === true ? "text" : "date"}
    maxlength={30}
  />
);

const TOLD: Option[] = [
  ["", "Told or not"],
  ["yes", "told"],
  ["no", "not told"],
];

const MAILS: Option[] = [
  ["", "Any"],
  ["none", "none"],
  ...MESSAGE_STATUSES.map((status): Option => [status, status]),
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
    path: PATH,
    access: "read",
    async show(visit) {
      const { context, now, can } = visit;
      const list = listQuery(visit, LicenseFilter.shape);
      const thisMonth = Date.parse(`${dayOf(now).slice(0, 7)}-01`);
      const { entry, query } = list;
      const [page, types, counted] = await Promise.all([
        pageOf(list, (request, filter) => listLicensesInUse(context, request, filter)),
        listLicenseTypes(context, { limit: 100 }),
        list.asked ? countLicenses(context, list.asked.filter) : null,
      ]);
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
                      <ExportLink query={query} />
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
            <p class="hint">
              Not told of their end: <a href={untold(thisMonth)}>this month</a>,{" "}
              <a href={untold(monthsBefore(thisMonth, -1))}>next month</a>
            </p>
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
                <Select
                  entry={entry}
                  name="seats"
                  label="Seats"
                  options={[any("number"), ["full", "full"]]}
                />
                <EndField entry={entry} name="ends_from" label="Ends from" />
                <EndField entry={entry} name="ends_until" label="Ends until" />
                <Select entry={entry} name="told" label="Told of its end" options={TOLD} />
                <Select entry={entry} name="last_mail" label="Last mail" options={MAILS} />
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
                      {BULK.map(([name, label]) => (
                        <button class="small" name="do" value={name}>
                          {label}
                          <span data-count></span>
                        </button>
                      ))}
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
                    list
                    columns={[
                      ...select(can("licenses")),
                      ...columns(now, query),
                      ...(list.asked && asksOfMail(list.asked.filter) ? [mailColumn(now)] : []),
                    ]}
                    rows={page.data.map((row) => shown(row, now))}
                    empty={
                      <>
                        {emptyList(list, page.next_cursor, "No license was issued yet.")}
                        {query["sort"]?.startsWith("ending")
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
                  total={totalOn(list, page, counted)}
                />
              </div>
            </Card>
          </>
        ),
      };
    },
  },
];
