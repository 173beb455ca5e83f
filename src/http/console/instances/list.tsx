// /admin/instances: finding instances, and counting them on request.
import type { FC } from "hono/jsx";
import * as z from "zod/mini";
import { formatInstant } from "../../../kernel/dates.ts";
import { CensusQuery, countInstances, SILENT_DAYS } from "../../../licensing/instances/census.ts";
import { displayNameOf } from "../../../licensing/customers/display-name.ts";
import { listByVersion } from "../../../licensing/instances/by-version.ts";
import { countActivations, listActivations } from "../../../licensing/instances/instances.ts";
import { holdersOf } from "../../../licensing/licenses/search/license-uses.ts";
import { parsed } from "../../ui/entry.ts";
import { Heading } from "../../ui/heading.tsx";
import { emptyList, KeptFilters, listQuery, pageOf, sorting, totalOn } from "../../ui/list.tsx";
import { ExportLink } from "../exports.tsx";
import type { Page } from "../mount.tsx";
import { Field, Filters, type Option, Select } from "../../ui/form.tsx";
import { InstanceListFilter, soughtBy } from "./filters.ts";
import { columnsFor, ColumnsLink } from "../parts/columns.tsx";
import { seatColumns, type ShownSeat, shownSeat } from "../parts/seats.tsx";
import { Card, type Column, formatCount, Pager, Table, When } from "../../ui/show.tsx";

const PATH = "/admin/instances";

const HOLDS: Option[] = [
  ["", "Any"],
  ["true", "Holds a seat"],
  ["false", "No longer holds a seat"],
];

type Holders = Awaited<ReturnType<typeof holdersOf>>;

/** The labels by which installations are told apart most often. */
const environmentOf = ({ labels }: ShownSeat): string | undefined =>
  labels?.["environment"] ?? labels?.["env"];

const Labels: FC<{ labels: Record<string, string> | null }> = ({ labels }) => {
  const all = Object.entries(labels ?? {}).filter(([key]) => key !== "environment" && key !== "env");
  return (
    <>
      {all.slice(0, 2).map(([key, value]) => (
        <a class="label" href={`${PATH}?${new URLSearchParams({ [`label.${key}`]: value }).toString()}`}>
          {key}={value}
        </a>
      ))}
      {all.length > 2 ? <span class="soft"> and {all.length - 2} more</span> : null}
    </>
  );
};

export const instanceColumns = (
  holders: Holders,
  now: number,
  query: Record<string, string>,
): Column<ShownSeat>[] => [
  ...seatColumns(now, true),
  {
    name: "version",
    label: "Version",
    cell: ({ app_version }) =>
      app_version === null ? null : (
        <span class="cut" title={app_version}>
          {app_version}
        </span>
      ),
    sort: sorting(PATH, query, { ascending: "version", descending: "version_last" }),
  },
  { name: "environment", label: "Environment", cell: environmentOf, minor: true },
  {
    name: "labels",
    label: "Labels",
    cell: ({ labels }) => <Labels labels={labels} />,
    long: true,
    minor: true,
    spare: true,
  },
  {
    name: "customer",
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
    minor: true,
  },
  {
    name: "since",
    label: "Since",
    cell: ({ activated_at }) => <When at={activated_at} now={now} />,
    minor: true,
    extra: true,
  },
  { name: "ip", label: "Address", cell: ({ ip }) => ip, minor: true, extra: true },
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

const NoInstances: FC = () => (
  <>
    No instance was activated yet. An installation appears here once it activates with its license key.{" "}
    <a href="/docs">How a program does it</a>
  </>
);

/** An instance has its labels with it. */
const ROWS = 40;

export const instanceList: Page = {
  path: PATH,
  access: "read",
  async show(visit) {
    const { context, now } = visit;
    const sort = z.optional(z.enum(["version", "version_last"]));
    const list = listQuery(visit, { ...InstanceListFilter, sort }, ROWS);
    const { entry, query } = list;
    const { sort: order, ...filter } = list.asked?.filter ?? {};
    const { sought, before } = soughtBy(filter, now);
    let isPartial = false;
    const [page, counted, census] = await Promise.all([
      pageOf(list, async (request) => {
        if (order === undefined) return listActivations(context, request, sought);
        const sorted = await listByVersion(context, request, sought, order === "version_last");
        isPartial = sorted.isPartial;
        return sorted;
      }),
      list.asked ? countActivations(context, sought) : null,
      visit.query["count"] === "now"
        ? countInstances(context, parsed(CensusQuery, { silent_days: filter.silent_days }))
        : null,
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
              <>
                <ColumnsLink list="instances" query={query} />
                {census ? null : (
                  // Reads every activation, so only on request.
                  <a
                    class="button quiet"
                    href={`${PATH}?${new URLSearchParams({ ...query, count: "now" }).toString()}`}
                  >
                    Count all instances
                  </a>
                )}
                <ExportLink list="instances" query={query} />
              </>
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
                placeholder="Instance, host or license"
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
                placeholder={String(SILENT_DAYS)}
              />
              <Field
                entry={entry}
                name="app_version_below"
                label="Version below"
                placeholder="2.0"
                maxlength={128}
              />
              <Field entry={entry} name="has_label" label="Label" placeholder="key=value" maxlength={400} />
              <KeptFilters query={query} names={["sort"]} />
              <Field entry={entry} name="license_id" label="License" maxlength={64} />
              <Field entry={entry} name="customer_id" label="Customer" maxlength={64} />
            </Filters>
            <div id="instances" data-results>
              {isPartial ? (
                <p class="note warn">
                  Only the first 1,000 instances are in this order. Narrow the list by a customer or a
                  license, or take the export.
                </p>
              ) : null}
              <Table
                caption="Instances"
                list
                columns={columnsFor(visit, "instances", instanceColumns(holders, now, query))}
                rows={page.data.map((row) => shownSeat(row, now))}
                empty={emptyList(list, page.next_cursor, <NoInstances />)}
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
