// The meters of a license as charts: each with its limit as a line, and the day on which it is reached at this pace.
import type { FC } from "hono/jsx";
import { DAY, dayOf } from "../../../kernel/dates.ts";
import { runsOutOn } from "../../../licensing/usage/pace.ts";
import type { readUsage } from "../../../licensing/usage/read-usage.ts";
import { BarChart } from "../../ui/charts.tsx";
import { LimitHint, statementPath } from "./daily-usage.tsx";
import { Card, formatDate, formatShortDate } from "../../ui/show.tsx";

type Usage = Awaited<ReturnType<typeof readUsage>>;

/** The figures of a code by day. */
const byDay = ({ data }: Usage, code: string): Map<string, number> =>
  new Map(data.map(({ date, meters }) => [date, meters?.[code] ?? 0]));

/** What a month adds up to, day by day, or its highest day so far; each month begins anew. */
function soFar(days: string[], used: Map<string, number>, aggregate: "sum" | "peak"): number[] {
  let figure = 0;
  return days.map((day) => {
    if (day.endsWith("-01")) figure = 0;
    const today = used.get(day) ?? 0;
    figure = aggregate === "sum" ? figure + today : Math.max(figure, today);
    return figure;
  });
}

export const MeterCharts: FC<{ usage: Usage; now: number }> = ({ usage, now }) => {
  const meters = Object.entries(usage.meters ?? {});
  const month = dayOf(now).slice(0, 7);
  // A month is drawn as it adds up; what lies before the days that were read is not known here.
  const days: string[] = [];
  for (let at = Date.parse(usage.from); at <= Date.parse(usage.to); at += DAY) days.push(dayOf(at));
  return (
    <>
      {meters.map(([code, { value, period, aggregate }]) => {
        const used = byDay(usage, code);
        const shown = period === "month" ? days.filter((day) => day.startsWith(month)) : days;
        const figures =
          period === "month" ? soFar(shown, used, aggregate) : shown.map((day) => used.get(day) ?? 0);
        const title = period === "month" ? `${code}: this month so far` : `${code}: the last 30 days`;
        const out =
          value !== null && period === "month" && aggregate === "sum"
            ? runsOutOn(
                value,
                shown.map((day) => used.get(day) ?? 0),
                now,
              )
            : null;
        return (
          <Card title={title}>
            <BarChart
              title={title}
              empty="No instance has reported it in these days."
              columns={["Day", code]}
              limit={value}
              bars={shown.map((day, index) => ({
                name: formatDate(Date.parse(day)),
                tick: index % 7 === 3 ? formatShortDate(Date.parse(day)) : undefined,
                value: figures[index] ?? 0,
                href: statementPath(usage.license_id, day),
              }))}
            />
            <LimitHint limit={value} period={period} values={figures}>
              {out === null ? "" : ` At this pace it is reached on ${formatDate(Date.parse(out))}.`}
            </LimitHint>
          </Card>
        );
      })}
    </>
  );
};
