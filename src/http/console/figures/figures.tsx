// /admin/figures: how the business goes over a time of choice; each chart also as a table and as CSV.
import type { FC } from "hono/jsx";
import type { Context } from "../../../context.ts";
import { monthsBefore } from "../../../kernel/calendar.ts";
import { DAY, dayOf, formatInstant } from "../../../kernel/dates.ts";
import { chartPeriods, type Period } from "../../../kernel/periods.ts";
import { type Count, LOOKED_AT, readHistory } from "../../../licensing/figures/history.ts";
import { readVersions } from "../../../licensing/figures/versions.ts";
import { csvOf } from "../../../licensing/sheets/sheets.ts";
import { Problem } from "../../../problems.ts";
import { answerCsv } from "../../exports.ts";
import { type Bar, BarChart } from "../../ui/charts.tsx";
import { Card, formatCount, formatMonth, formatPeriod } from "../../ui/show.tsx";
import { Heading } from "../../ui/heading.tsx";
import type { Page } from "../mount.tsx";
import {
  barsOf,
  MONTHS,
  periodIn,
  Periods,
  titleOf,
  type Unit,
  UNIT_HEADS,
  unitOf,
  USUAL,
} from "../parts/periods.tsx";
import { VersionChart } from "./version-chart.tsx";
import { idOf } from "../visit.ts";

interface Figure {
  id: string;
  title: string;
  columns: [string, string];
  bars: Bar[];
  /** Whether it shows months, which have a choice of their own. */
  byMonth?: true;
  /** What it comes to, and what it does not have. */
  said?: string;
}

/** The sum, and how it compares with that of the days before. Exported for its test. */
export function trend(now: number, before: number, days: number): string {
  const sum = `${formatCount(now)} in ${formatCount(days)} days`;
  if (before === 0) return `${sum}.`;
  const change = Math.round(((now - before) / before) * 100);
  const words =
    change === 0 ? "as many as" : `${formatCount(Math.abs(change))} % ${change > 0 ? "more" : "fewer"} than`;
  return `${sum}, ${words} in the ${formatCount(days)} days before (${formatCount(before)}).`;
}

const counted = (counts: Count[], hrefOf: (name: string) => string | undefined = () => undefined): Bar[] =>
  counts.map(({ name, count }) => ({
    name,
    tick: counts.length > 8 ? undefined : name.replace("within ", "≤ "),
    value: count,
    href: hrefOf(name),
  }));

const monthAfter = (month: string): number => monthsBefore(Date.parse(`${month}-01`), -1);

const renewedIn = (month: string): string =>
  `/admin/activity?action=license.renewed&since=${month}-01&until=${dayOf(monthAfter(month) - DAY)}`;

/** By instants: a day as an end lasts until it is over everywhere. */
const endedIn = (month: string): string =>
  `/admin/licenses?standing=expired&ends_from=${month}-01T00:00:00.000Z&ends_until=${formatInstant(monthAfter(month) - 1)}`;

type Months = (typeof MONTHS)[number];

/** Three charts of days, beside five others. */
const DAILY = 4;

async function figuresOf(
  context: Context,
  period: Period,
  { months, label }: Months,
  now: number,
  unit: Unit,
): Promise<Figure[]> {
  const found = await readHistory(context, period, months);
  const daily = (id: "activations" | "requests" | "services", name: string, of: "sum" | "peak"): Figure => {
    const values = found[id];
    const sumOf = (days: string[]): number => days.reduce((sum, day) => sum + (values.get(day) ?? 0), 0);
    const { now: days, before } = found.days;
    return {
      id,
      title: titleOf(name, unit, of),
      columns: [UNIT_HEADS[unit], name],
      bars: barsOf(period, now, unit, (day) => values.get(day) ?? 0, of),
      // The services of two days are the same services.
      ...(of === "sum" ? { said: trend(sumOf(days), sumOf(before), days.length) } : {}),
    };
  };
  const renewals = (which: "won" | "lost"): Bar[] =>
    found.renewals.map(({ month, [which]: value }, index) => ({
      name: month,
      // With its year, if there is more than one of it.
      tick:
        months <= 12
          ? formatMonth(Date.parse(`${month}-01`))
          : index % (months / 6) === 0
            ? month
            : undefined,
      value,
      href: which === "won" ? renewedIn(month) : endedIn(month),
    }));
  return [
    daily("activations", "Activations", "sum"),
    daily("requests", "Requests", "sum"),
    daily("services", "Services", "peak"),
    {
      id: "won",
      title: "Renewals by month",
      columns: ["Month", "Renewals"],
      bars: renewals("won"),
      byMonth: true,
      said: `The last ${label}; at most the last ${formatCount(LOOKED_AT.renewals)} renewals.`,
    },
    {
      id: "lost",
      title: "Not renewed, by month of the end",
      columns: ["Month", "Licenses"],
      bars: renewals("lost"),
      byMonth: true,
      said: `Licenses that ended in the last ${label}, trials too, without those in grace; at most the last ${formatCount(LOOKED_AT.ended)}.`,
    },
    {
      id: "first-activation",
      title: "From delivered key to first activation",
      columns: ["Time", "Licenses"],
      // Short enough for a phone.
      bars: counted(found.first),
      said: `Of keys mailed in this period, at most the last ${formatCount(LOOKED_AT.deliveries)}.`,
    },
    {
      id: "types",
      title: "Licenses by type",
      columns: ["Type", "Licenses"],
      bars: counted(
        found.types,
        (name) => `/admin/licenses?status=active&license_type=${encodeURIComponent(name)}`,
      ),
      said: "Today, without those that are suspended or revoked.",
    },
    {
      id: "versions",
      title: "Versions in use",
      columns: ["Version", "Instances"],
      bars: counted(found.versions),
      said: `Today; at most ${formatCount(LOOKED_AT.instances)} instances.`,
    },
  ];
}

const Shown: FC<{ figure: Figure; asked: { period: string; months: string } }> = ({
  figure: { id, title, columns, bars, said, byMonth },
  asked,
}) => (
  <Card id={id} title={title}>
    {byMonth ? (
      <Periods
        path={`/admin/figures#${id}`}
        periods={MONTHS}
        chosen={asked.months}
        label={`Months: ${title}`}
        member="months"
        others={asked}
      />
    ) : null}
    <BarChart
      title={title}
      columns={columns}
      bars={bars}
      empty="None in this period."
      csv={`/admin/figures/${id}?${new URLSearchParams(asked).toString()}`}
    />
    {said === undefined || bars.every(({ value }) => value === 0) ? null : <p class="hint">{said}</p>}
  </Card>
);

/** Of each day, with all versions that are kept. */
const VERSIONS = "versions-over-time";

const figures: Page = {
  path: "/admin/figures",
  access: "read",
  async show(visit) {
    const { context, now } = visit;
    const periods = chartPeriods(now);
    const period = periodIn(visit, periods, USUAL);
    const months = periodIn(visit, MONTHS, "12m", "months");
    const asked = { period: period.name, months: months.name };
    const [shown, versions] = await Promise.all([
      figuresOf(context, period, months, now, unitOf(period, now, DAILY)),
      readVersions(context, period),
    ]);
    return {
      title: "Figures",
      section: "figures",
      body: (
        <>
          <Heading title="Figures" lead={`${formatPeriod(period)}, unless a chart says otherwise`} />
          <Periods path="/admin/figures" periods={periods} chosen={period.name} others={asked} />
          <div class="columns even">
            {shown.map((figure) => (
              <Shown figure={figure} asked={asked} />
            ))}
            <Card title="Versions over time">
              <VersionChart
                days={versions}
                period={period}
                now={now}
                csv={`/admin/figures/${VERSIONS}?period=${period.name}`}
              />
              {versions.length === 0 ? null : (
                <p class="hint">Counted once a day, of all instances that hold a seat.</p>
              )}
            </Card>
          </div>
        </>
      ),
    };
  },
};

const figureFile: Page = {
  path: "/admin/figures/{id}",
  access: "read",
  async show(visit) {
    const { context, now, http } = visit;
    const period = periodIn(visit, chartPeriods(now), USUAL);
    const months = periodIn(visit, MONTHS, "12m", "months");
    if (idOf(visit) === VERSIONS) {
      const days = await readVersions(context, period);
      const rows = days.flatMap(({ day, versions, others }) =>
        versions
          .map(({ version, count }) => [day, version ?? "not said", count])
          .concat(others > 0 ? [[day, "others", others]] : []),
      );
      return answerCsv(http, `${VERSIONS}-${period.name}`, csvOf([["Day", "Version", "Instances"], ...rows]));
    }
    const found = (await figuresOf(context, period, months, now, "day")).find(({ id }) => id === idOf(visit));
    if (!found) throw new Problem("NOT_FOUND");
    const rows = found.bars.map(({ name, value }) => [name, value]);
    return answerCsv(
      http,
      `${found.id}-${found.byMonth ? months.name : period.name}`,
      csvOf([found.columns, ...rows]),
    );
  },
};

export const figureDoors = [figures, figureFile];
