// /admin/instances: finding instances, and counting them on request.
import type { FC } from "hono/jsx";
import * as z from "zod/mini";
import { DAY, formatInstant, SECOND } from "../../../kernel/dates.ts";
import { CensusQuery, countInstances, SILENT_DAYS, SilentDays } from "../../../licensing/instances/census.ts";
import { displayNameOf } from "../../../licensing/customers/display-name.ts";
import {
  ActivationFilter,
  countActivations,
  listActivations,
} from "../../../licensing/instances/instances.ts";
import { holdersOf } from "../../../licensing/licenses/search/license-uses.ts";
import { parsed } from "../../ui/entry.ts";
import { Heading } from "../layout.tsx";
import { emptyList, KeptFilters, listQuery, pageOf, totalOn } from "../../ui/list.tsx";
import type { Page } from "../mount.tsx";
import { Field, Filters, type Option, Select } from "../../ui/form.tsx";
import { seatColumns, type ShownSeat, shownSeat } from "../parts/seats.tsx";
import { Card, type Column, formatCount, Pager, Table } from "../../ui/show.tsx";

const { license_id, customer_id, active, seen_before, q, app_version_below, label } = ActivationFilter.shape;

const Filter = {
  q,
  license_id,
  customer_id,
  active,
  silent_days: z.optional(SilentDays),
  seen_before,
  app_version_below,
  label,
};

const HOLDS: Option[] = [
  ["", "Any"],
  ["true", "Holds a seat"],
  ["false", "No longer holds a seat"],
];

type Holders = Awaited<ReturnType<typeof holdersOf>>;

const columns = (holders: Holders, now: number): Column<ShownSeat>[] => [
  ...seatColumns(now, true),
  { label: "Version", cell: ({ app_version }) => app_version, long: true, minor: true },
  {
    label: "Customer",
    cell: ({ license_id: id }) => {
      const customer = holders.get(id);
      return (
        <>
          {customer ? <a href={`/admin/customers/${customer.id}`}>{displayNameOf(customer)}</a> : null}
          <a class="second" href={`/admin/licenses/${id}`}>
            <code>{id}</code>
          </a>
        </>
      );
    },
    long: true,
  },
];

const Census: FC<{ census: Awaited<ReturnType<typeof countInstances>> }> = ({ census }) => (
  <div class="figures" role="status">
    {(["live", "silent", "freed"] as const).map((kind) => (
      <div class="figure">
        <b>{formatCount(census[kind])}</b>
        <span class="label">
          {kind === "silent" ? `silent for ${census.silent_days} days or more` : kind}
        </span>
      </div>
    ))}
  </div>
);

export const instanceList: Page = {
  path: "/admin/instances",
  access: "read",
  async show(visit) {
    const { context, now } = visit;
    const list = listQuery(visit, Filter);
    const { entry, query } = list;
    const { silent_days, seen_before: kept, ...filter } = list.asked?.filter ?? {};
    // Kept from page to page: a cursor is valid only with the same filters.
    const before = silent_days === undefined ? undefined : (kept ?? now - (now % SECOND) - silent_days * DAY);
    const sought =
      before === undefined ? filter : { ...filter, active: true, networked: true, seen_before: before };
    const [page, counted, census] = await Promise.all([
      pageOf(list, (request) => listActivations(context, request, sought)),
      list.asked ? countActivations(context, sought) : null,
      visit.query["count"] === "now" ? countInstances(context, parsed(CensusQuery, { silent_days })) : null,
    ]);
    const holders = await holdersOf(
      context,
      page.data.map((row) => row.license_id),
    );
    const onward = before === undefined ? query : { ...query, seen_before: formatInstant(before) };
    return {
      title: "Instances",
      section: "instances",
      problem: entry.problem,
      body: (
        <>
          <Heading
            title="Instances"
            lead="Every installation that took a seat, including those that gave it back or lost it."
            actions={
              census ? null : (
                // Reads every activation, so only on request.
                <a
                  class="button"
                  href={`/admin/instances?${new URLSearchParams({ ...query, count: "now" }).toString()}`}
                >
                  Count all instances
                </a>
              )
            }
          />
          {census ? <Census census={census} /> : null}
          {census && list.isFiltered ? (
            <p class="hint">The figures count all instances, not only those that the filters below find.</p>
          ) : null}
          <Card>
            <Filters label="Instances" reset="/admin/instances" isFiltered={list.isFiltered}>
              <Field
                entry={entry}
                name="q"
                label="Search"
                type="search"
                placeholder="Instance, host name or license id"
                maxlength={100}
              />
              <Select entry={entry} name="active" label="Seat" options={HOLDS} />
              <Field
                entry={entry}
                name="silent_days"
                label="Silent for days"
                type="number"
                min={1}
                max={3_650}
                placeholder={`for example ${SILENT_DAYS}`}
              />
              <Field
                entry={entry}
                name="app_version_below"
                label="Version below"
                placeholder="for example 2.1.0"
                maxlength={128}
              />
              <KeptFilters query={query} />
              <Field entry={entry} name="license_id" label="License" maxlength={64} />
              <Field entry={entry} name="customer_id" label="Customer" maxlength={64} />
            </Filters>
            <div id="instances" data-results>
              <Table
                caption="Instances"
                list
                columns={columns(holders, now)}
                rows={page.data.map((row) => shownSeat(row, now))}
                empty={emptyList(list, page.next_cursor, "No instance was activated yet.")}
              />
              <Pager
                path="/admin/instances"
                query={onward}
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
