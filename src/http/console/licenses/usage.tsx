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
import { type Bar, BarChart } from "../../ui/charts.tsx";
import { LimitHint } from "./daily-usage.tsx";
import { MeterChart, metersOf, readLately } from "./meters.tsx";
import { Card, formatCount, formatPeriod, Table } from "../../ui/show.tsx";
import type { Page } from "../mount.tsx";
import {
  barsOf,
  monthName,
  periodIn,
  Periods,
  roomFor,
  titleOf,
  UNIT_HEADS,
  unitOf,
  USUAL,
} from "../parts/periods.tsx";
import { idOf } from "../visit.ts";
import { licenseView } from "./view.tsx";

interface Series {
  code: string;
  name: string;
  /** What a day or a month may have; null if nothing limits it. */
  value: number | null;
  /** null for a meter that the license had. */
  period: "day" | "month" | null;
  on: (day: MonthDay) => number;
}

/** What limits a single day. */
const limitOf = ({ value, period }: Series): number | null => (period === "day" ? value : null);

const allowed = ({ value, period }: Series): string => {
  if (period === null) return "not held now";
  return value === null ? "unlimited" : `${formatCount(value)} a ${period}`;
};

/** What is charted: requests, services, the meters of the license and those that it had. */
function seriesOf({ entitlements, max_requests_per_day, max_services }: License, days: MonthDay[]): Series[] {
  const codes = new Set([
    ...Object.keys(entitlements).filter((code) => entitlements[code]?.meter),
    ...days.flatMap(({ meters }) => Object.keys(meters ?? {})),
  ]);
  const day = { period: "day" as const };
  return [
    {
      code: "requests",
      name: "Requests",
      value: max_requests_per_day,
      ...day,
      on: ({ requests }) => requests,
    },
    { code: "services", name: "Services", value: max_services, ...day, on: ({ services }) => services },
    ...[...codes].toSorted().map((code): Series => {
      const held = entitlements[code];
      const period = held?.meter?.[1] ?? null;
      return {
        code,
        name: code,
        value: period === null ? null : (held?.value as number | null),
        period,
        on: ({ meters }) => meters?.[code] ?? 0,
      };
    }),
  ];
}

/** Charts of so many meters are worth longer bars; of more, those are drawn for which there is room. */
const SIDE_BY_SIDE = 4;

const usagePage: Page = {
  path: "/admin/licenses/{id}/usage",
  access: "read",
  async show(visit) {
    const { context, now, query } = visit;
    const id = idOf(visit);
    const periods = chartPeriods(now);
    const period = periodIn(visit, periods, USUAL);
    const [held, days, recent] = await Promise.all([
      getLicenseAndCustomer(context, id),
      readDays(context, id, period),
      query["meter"] === undefined ? null : readLately(context, id, now),
    ]);
    const byDay = new Map(days.map((day) => [day.day, day]));
    const series = seriesOf(held.license, days);
    const path = `/admin/licenses/${id}`;
    const chosen = series.find(({ code }) => code === query["meter"]);
    const unit = unitOf(period, now, chosen ? 1 : Math.min(series.length, SIDE_BY_SIDE));
    // What adds up over a month has its limit there, not in a day.
    const monthly =
      recent !== null && chosen?.period === "month"
        ? metersOf(recent, now).find(({ code }) => code === chosen.code)
        : undefined;
    const barsFor = ({ on }: Series): Bar[] =>
      barsOf(period, now, unit, (day) => {
        const used = byDay.get(day);
        return used ? on(used) : 0;
      });
    const asked = chosen ? [chosen] : series;
    const charted = asked.slice(0, roomFor(barsFor(asked[0]!).length));
    const others = series.filter((one) => !charted.includes(one));
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
        <Periods
          path={`${path}/usage`}
          periods={periods}
          chosen={period.name}
          others={chosen ? { meter: chosen.code } : {}}
        />
        {monthly === undefined ? null : <MeterChart meter={monthly} licenseId={id} now={now} />}
        {charted.map((one) => (
          <Card title={titleOf(one.name, unit)}>
            <BarChart
              title={`${one.name} of ${period.label}`}
              empty="No instance has reported it in these days."
              columns={[UNIT_HEADS[unit], one.name]}
              limit={limitOf(one)}
              bars={barsFor(one)}
            />
            <LimitHint limit={limitOf(one)} values={days.map(one.on)} />
          </Card>
        ))}
        {others.length === 0 ? null : (
          <Card title="The others">
            <Table
              caption="Meters that are not drawn here"
              rows={others}
              empty=""
              columns={[
                {
                  label: "Meter",
                  cell: ({ code, name }) => (
                    <a
                      href={`${path}/usage?${new URLSearchParams({ period: period.name, meter: code }).toString()}`}
                    >
                      {name}
                    </a>
                  ),
                  main: true,
                },
                {
                  label: "Highest day",
                  cell: ({ on }) => formatCount(Math.max(0, ...days.map(on))),
                  numeric: true,
                },
                { label: "Allowed", cell: allowed, numeric: true },
              ]}
            />
          </Card>
        )}
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
