// /admin/licenses: finding licenses, and doing something with several of them.
import type { FC } from "hono/jsx";
import { monthsBefore } from "../../../kernel/calendar.ts";
import { DAY, dayOf } from "../../../kernel/dates.ts";
import { MESSAGE_STATUSES } from "../../../storage/schema.ts";
import type { Entry } from "../../ui/entry.ts";
import { asksOfMail, countLicenses, listLicensesInUse } from "../../../licensing/licenses/license-list.ts";
import { LicenseFilter } from "../../../licensing/licenses/search/license-filter.ts";
import { listLicenseTypes } from "../../../licensing/licenses/license-types.ts";
import { STANDINGS } from "../../../licensing/licenses/standing.ts";
import { Heading } from "../../ui/heading.tsx";
import { emptyList, KeptFilters, listQuery, pageOf, totalOn } from "../../ui/list.tsx";
import { ExportLink } from "../exports.tsx";
import type { Page } from "../mount.tsx";
import type { Visit } from "../visit.ts";
import { Checkbox, Field, Filters, type Option, Select } from "../../ui/form.tsx";
import type { BulkName } from "./bulk/actions.ts";
import { columnsFor, ColumnsLink, hasChosen } from "../parts/columns.tsx";
import { LICENSES, licenseColumns, MAIL, select, shown } from "./columns.tsx";
import { Card, Pager, Table } from "../../ui/show.tsx";

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

/** What the list shows, on all pages. Some orders leave licenses out. */
function matchingOf({ cursor: _place, row: _row, limit: _size, ...filters }: Record<string, string>): string {
  return new URLSearchParams(filters).toString() || "all";
}

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

const NoLicenses: FC<{ visit: Visit }> = ({ visit: { can } }) => (
  <>
    No license was issued yet.{" "}
    {can("licenses") ? (
      <>
        <a href="/admin/licenses/new">Issue the first one</a>
        {can("imports") ? (
          <>
            , or <a href="/admin/imports">import licenses from a table</a>
          </>
        ) : null}
      </>
    ) : null}
  </>
);

/** A row with all columns is a kilobyte. */
const ROWS = 40;

export const licenseDoors: Page[] = [
  {
    path: LICENSES,
    access: "read",
    async show(visit) {
      const { context, now, can } = visit;
      const list = listQuery(visit, LicenseFilter.shape, ROWS);
      const asksMail = list.asked !== null && asksOfMail(list.asked.filter);
      const thisMonth = Date.parse(`${dayOf(now).slice(0, 7)}-01`);
      const { entry, query } = list;
      const [page, types, counted] = await Promise.all([
        pageOf(list, (request, filter) =>
          listLicensesInUse(context, request, filter, hasChosen(visit, "licenses", MAIL)),
        ),
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
                  <ColumnsLink list="licenses" query={query} />
                  {can("keys") ? <ExportLink list="licenses" query={query} /> : null}
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
                      {page.next_cursor === null && query["cursor"] === undefined ? null : (
                        <Checkbox name="matching" value={matchingOf(query)} checked={false}>
                          {list.isFiltered ? "All that match, on all pages" : "All, on all pages"}
                        </Checkbox>
                      )}
                    </div>
                  ) : null}
                  <Table
                    caption="Licenses"
                    list
                    columns={[
                      ...select(can("licenses")),
                      ...columnsFor(visit, "licenses", licenseColumns(now, query), asksMail ? [MAIL] : []),
                    ]}
                    rows={page.data.map((row) => shown(row, now))}
                    empty={
                      <>
                        {emptyList(list, page.next_cursor, <NoLicenses visit={visit} />)}
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
