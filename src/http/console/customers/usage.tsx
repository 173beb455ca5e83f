// /admin/customers/{id}/usage: what all licenses of a customer used in a quarter, made to be printed, and as CSV.
import type { FC } from "hono/jsx";
import { dayOf } from "../../../kernel/dates.ts";
import { daysOf, invoicePeriods, type Period } from "../../../kernel/periods.ts";
import { displayNameOf } from "../../../licensing/customers/display-name.ts";
import { getCustomer } from "../../../licensing/customers/customers.ts";
import { usesOf } from "../../../licensing/licenses/search/license-uses.ts";
import { streamedCsv } from "../../../licensing/sheets/exported-files.ts";
import { customerUsageRows, type UsageLine, usageLinesOf } from "../../../licensing/usage/customer-usage.ts";
import { type LicenseUsage, readCustomerDays } from "../../../licensing/usage/of-licenses.ts";
import { monthsIn } from "../../../licensing/usage/months.ts";
import { standingOf } from "../../../licensing/licenses/standing.ts";
import { answerCsv } from "../../exports.ts";
import { BarChart } from "../../ui/charts.tsx";
import { tailOf } from "../../ui/copyable.tsx";
import { Seats } from "../../ui/seats.tsx";
import { Card, formatCount, formatLimit, formatPeriod, StandingBadge, Table } from "../../ui/show.tsx";
import { Heading } from "../../ui/heading.tsx";
import type { Page } from "../mount.tsx";
import { barsOf, periodIn, Periods, titleOf, UNIT_HEADS, unitOf } from "../parts/periods.tsx";
import { idOf } from "../visit.ts";
import { trailOf } from "./shown.tsx";

/** So many licenses are on the page; the CSV has all. */
const SHOWN = 25;

/** The lines of a license's months added up: what the page shows. */
function summed(usage: LicenseUsage, period: Period, now: number): UsageLine[] {
  const lines = new Map<string, UsageLine>();
  for (const line of usageLinesOf(usage, period, now).flatMap((month) => month.lines)) {
    const { total, peak, days_over } = lines.get(line.meter) ?? { total: 0, peak: 0, days_over: 0 };
    lines.set(line.meter, {
      ...line,
      total: total + line.total,
      peak: Math.max(peak, line.peak),
      days_over: days_over + line.days_over,
    });
  }
  return [...lines.values()].filter(
    ({ meter, total, value }) => total > 0 || (meter !== "services" && value !== undefined),
  );
}

const Statements: FC<{ id: string; months: string[] }> = ({ id, months }) => (
  <>
    {months.map((month) => (
      <a class="label" href={`/admin/licenses/${id}/statements/${month}`}>
        {month}
      </a>
    ))}
  </>
);

/** The number of requests on a day, of all licenses. */
function requestsOn(used: LicenseUsage[]): (day: string) => number {
  const byDay = new Map<string, number>();
  for (const { day, requests } of used.flatMap(({ days }) => days))
    byDay.set(day, (byDay.get(day) ?? 0) + requests);
  return (day) => byDay.get(day) ?? 0;
}

const usagePage: Page = {
  path: "/admin/customers/{id}/usage",
  access: "read",
  async show(visit) {
    const { context, now } = visit;
    const id = idOf(visit);
    const periods = invoicePeriods(now);
    const period = periodIn(visit, periods);
    const [customer, found] = await Promise.all([
      getCustomer(context, id),
      readCustomerDays(context, id, period, "", SHOWN + 1),
    ]);
    const used = found.slice(0, SHOWN);
    const uses = await usesOf(
      context,
      used.map(({ license }) => license),
    );
    const seated = new Map(uses.map((use) => [use.license.id, use.seated]));
    const title = `Usage: ${displayNameOf(customer)}, ${period.label}`;
    const days = daysOf(period, now);
    const months = monthsIn(period.from, days.at(-1)!);
    const unit = unitOf(period, now);
    const path = `/admin/customers/${id}`;
    return {
      title,
      section: "customers",
      body: (
        <>
          <Heading
            trail={trailOf(customer)}
            title={title}
            lead={`${formatPeriod({ from: period.from, to: days.at(-1)! })}${period.to >= dayOf(now) ? ", not over yet" : ""}`}
            actions={
              <>
                <button type="button" class="script" data-print>
                  Print
                </button>
                <a class="button primary" href={`${path}/usage.csv?period=${period.name}`} download>
                  CSV
                </a>
              </>
            }
          />
          <Periods path={`${path}/usage`} periods={periods} chosen={period.name} />
          <Card title={titleOf("Requests", unit)}>
            <BarChart
              title="Requests of all licenses"
              empty="No instance has reported requests in these days."
              columns={[UNIT_HEADS[unit], "Requests"]}
              bars={barsOf(period, now, unit, requestsOn(used))}
            />
          </Card>
          <Card title="By license">
            <Table
              caption="Licenses"
              rows={used.map(({ license }) => license)}
              empty="This customer has no license yet."
              columns={[
                {
                  label: "License",
                  main: true,
                  cell: (license) => (
                    <>
                      <a href={`/admin/licenses/${license.id}/usage`}>{license.license_type}</a>
                      <code class="second">{license.id}</code>
                    </>
                  ),
                },
                {
                  label: "Standing",
                  cell: (license) => <StandingBadge standing={standingOf(license, now)} />,
                  minor: true,
                },
                {
                  label: "Seats now",
                  cell: (license) => (
                    <Seats seated={seated.get(license.id) ?? 0} max={license.max_instances} />
                  ),
                  numeric: true,
                },
                {
                  label: "Statements",
                  cell: ({ id: license }) => <Statements id={license} months={months.slice(-3)} />,
                  long: true,
                },
              ]}
            />
          </Card>
          <Card title="What was used">
            <Table
              caption="What was used"
              rows={used.flatMap((one) => summed(one, period, now))}
              empty="Nothing was used in this time."
              columns={[
                {
                  label: "Meter",
                  main: true,
                  cell: ({ meter, license }) => (
                    <>
                      {meter}
                      <span class="second" title={license.id}>
                        {license.license_type} {tailOf(license.id)}
                      </span>
                    </>
                  ),
                },
                {
                  label: "Total",
                  // Services of two days are the same services.
                  cell: ({ meter, total }) => (meter === "services" ? "" : formatCount(total)),
                  numeric: true,
                },
                { label: "Highest day", cell: ({ peak }) => formatCount(peak), numeric: true },
                {
                  label: "Allowed now",
                  cell: ({ value }) => (value === undefined ? "" : formatLimit(value)),
                  numeric: true,
                  minor: true,
                },
                { label: "Days over", cell: ({ days_over }) => formatCount(days_over), numeric: true },
              ]}
            />
          </Card>
          {found.length > SHOWN ? (
            <p class="hint">
              The page has the first {SHOWN} licenses of this customer; the CSV has all of them.
            </p>
          ) : null}
        </>
      ),
    };
  },
};

const usageFile: Page = {
  path: "/admin/customers/{id}/usage.csv",
  access: "read",
  async show(visit) {
    const { context, now, http } = visit;
    const id = idOf(visit);
    const periods = invoicePeriods(now);
    const period = periodIn(visit, periods);
    await getCustomer(context, id);
    return answerCsv(
      http,
      `usage-${id}-${period.name}`,
      streamedCsv(context, customerUsageRows(context, id, period, now)),
    );
  },
};

export const customerUsageDoors = [usageFile, usagePage];
