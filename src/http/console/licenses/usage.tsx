// /admin/licenses/{id}/usage: requests, services and every meter of a license over a time of choice, and as CSV.
import { chartPeriods } from "../../../kernel/periods.ts";
import { dayOf } from "../../../kernel/dates.ts";
import { getLicenseAndCustomer } from "../../../licensing/licenses/licenses.ts";
import { csvOf } from "../../../licensing/sheets/sheets.ts";
import type { MonthDay } from "../../../licensing/usage/figures.ts";
import { monthsIn } from "../../../licensing/usage/months.ts";
import { readDays } from "../../../licensing/usage/of-licenses.ts";
import type { License } from "../../../storage/schema.ts";
import { answerCsv } from "../../exports.ts";
import { BarChart } from "../../ui/charts.tsx";
import { LimitHint } from "./daily-usage.tsx";
import { Card, formatPeriod } from "../../ui/show.tsx";
import type { Page } from "../mount.tsx";
import { barsOf, isByWeek, monthName, periodIn, Periods, USUAL } from "../parts/periods.tsx";
import { idOf } from "../visit.ts";
import { licenseView } from "./view.tsx";

interface Series {
  code: string;
  name: string;
  /** What a day may have; null if nothing limits a single day. */
  limit: number | null;
  on: (day: MonthDay) => number;
}

/** What is charted: requests, services, the meters of the license and those that it had. */
function seriesOf({ entitlements, max_requests_per_day, max_services }: License, days: MonthDay[]): Series[] {
  const codes = new Set([
    ...Object.keys(entitlements).filter((code) => entitlements[code]?.meter),
    ...days.flatMap(({ meters }) => Object.keys(meters ?? {})),
  ]);
  return [
    { code: "requests", name: "Requests", limit: max_requests_per_day, on: ({ requests }) => requests },
    { code: "services", name: "Services", limit: max_services, on: ({ services }) => services },
    ...[...codes].toSorted().map((code): Series => {
      const held = entitlements[code];
      const isDaily = held?.meter?.[1] === "day";
      return {
        code,
        name: code,
        limit: isDaily ? (held?.value as number | null) : null,
        on: ({ meters }) => meters?.[code] ?? 0,
      };
    }),
  ];
}

const usagePage: Page = {
  path: "/admin/licenses/{id}/usage",
  access: "read",
  async show(visit) {
    const { context, now } = visit;
    const id = idOf(visit);
    const periods = chartPeriods(now);
    const period = periodIn(visit, periods, USUAL);
    const [held, days] = await Promise.all([
      getLicenseAndCustomer(context, id),
      readDays(context, id, period),
    ]);
    const byDay = new Map(days.map((day) => [day.day, day]));
    const series = seriesOf(held.license, days);
    const byWeek = isByWeek(period, now, series.length);
    const path = `/admin/licenses/${id}`;
    const end = period.to < dayOf(now) ? period.to : dayOf(now);
    return licenseView(
      held,
      {
        title: "Usage",
        lead: formatPeriod({ from: period.from, to: end }),
        actions: (
          <>
            <button type="button" class="script" data-print>
              Print
            </button>
            <a class="button" href={`${path}/usage.csv?period=${period.name}`} download>
              CSV
            </a>
          </>
        ),
      },
      <>
        <Periods path={`${path}/usage`} periods={periods} chosen={period.name} />
        {series.map(({ name, limit, on }) => (
          <Card title={byWeek ? `${name}: the highest day of each week` : `${name} by day`}>
            <BarChart
              title={`${name} of ${period.label}`}
              empty="No instance has reported it in these days."
              columns={[byWeek ? "Week" : "Day", name]}
              limit={limit}
              bars={barsOf(period, now, byWeek, (day) => {
                const used = byDay.get(day);
                return used ? on(used) : 0;
              })}
            />
            <LimitHint limit={limit} values={days.map(on)} />
          </Card>
        ))}
        <p class="no-print">
          Statements:{" "}
          {monthsIn(period.from, end).map((month, n) => (
            <>
              {n === 0 ? "" : ", "}
              <a href={`${path}/statements/${month}`}>{monthName(month)}</a>
            </>
          ))}
        </p>
      </>,
    );
  },
};

const usageFile: Page = {
  path: "/admin/licenses/{id}/usage.csv",
  access: "read",
  async show(visit) {
    const { context, now, http } = visit;
    const id = idOf(visit);
    const period = periodIn(visit, chartPeriods(now), USUAL);
    const [{ license }, days] = await Promise.all([
      getLicenseAndCustomer(context, id),
      readDays(context, id, period),
    ]);
    const series = seriesOf(license, days);
    const rows = days.map((day) => [id, day.day].concat(series.map(({ on }) => String(on(day)))));
    const head = ["license_id", "date", ...series.map(({ code }) => code)];
    return answerCsv(http, `usage-${id}-${period.name}`, csvOf([head, ...rows]));
  },
};

export const licenseUsageDoors = [usageFile, usagePage];
