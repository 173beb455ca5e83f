// The meters of a license, each with its limit, and the day on which it is reached at this pace.
import type { FC } from "hono/jsx";
import { DAY, dayOf } from "../../../kernel/dates.ts";
import { runsOutOn } from "../../../licensing/usage/pace.ts";
import type { readUsage } from "../../../licensing/usage/read-usage.ts";
import { BarChart } from "../../ui/charts.tsx";
import { LimitHint, statementPath } from "./daily-usage.tsx";
import { Meter } from "../../ui/seats.tsx";
import { Card, formatDate, formatShortDate, Table } from "../../ui/show.tsx";

type Usage = Awaited<ReturnType<typeof readUsage>>;
type Held = NonNullable<Usage["meters"]>[string];

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

/** A meter as it is drawn: a month as it adds up, or its days. */
function drawn(usage: Usage, code: string, { value, period, aggregate }: Held, now: number) {
  const month = dayOf(now).slice(0, 7);
  // What lies before the days that were read is not known here.
  const days: string[] = [];
  for (let at = Date.parse(usage.from); at <= Date.parse(usage.to); at += DAY) days.push(dayOf(at));
  const used = byDay(usage, code);
  const isMonth = period === "month";
  const shown = isMonth ? days.filter((day) => day.startsWith(month)) : days;
  const each = shown.map((day) => used.get(day) ?? 0);
  return {
    code,
    value,
    period,
    over: isMonth ? "this month so far" : "the last 30 days",
    days: shown,
    figures: isMonth ? soFar(shown, used, aggregate) : each,
    out: value !== null && isMonth && aggregate === "sum" ? runsOutOn(value, each, now) : null,
  };
}

type Drawn = ReturnType<typeof drawn>;

const reachedOn = (out: string | null): string =>
  out === null ? "" : `At this pace it is reached on ${formatDate(Date.parse(out))}.`;

/** So many are drawn beside requests and services; more are a list, and each is drawn on the page of the usage. */
const DRAWN = 1;
const LISTED = 12;

export const metersOf = (usage: Usage, now: number): Drawn[] =>
  Object.entries(usage.meters ?? {}).map(([code, held]) => drawn(usage, code, held, now));

/** A meter with its limit as a line. */
export const MeterChart: FC<{ meter: Drawn; licenseId: string }> = ({
  meter: { code, value, period, over, days, figures, out },
  licenseId,
}) => (
  <Card title={`${code}: ${over}`}>
    <BarChart
      title={`${code}: ${over}`}
      empty="No instance has reported it in these days."
      columns={["Day", code]}
      limit={value}
      bars={days.map((day, index) => ({
        name: formatDate(Date.parse(day)),
        tick: index % 7 === 3 ? formatShortDate(Date.parse(day)) : undefined,
        value: figures[index] ?? 0,
        href: statementPath(licenseId, day),
      }))}
    />
    <LimitHint limit={value} period={period} values={figures}>
      {out === null ? "" : ` ${reachedOn(out)}`}
    </LimitHint>
  </Card>
);

export const Meters: FC<{ usage: Usage; now: number }> = ({ usage, now }) => {
  const meters = metersOf(usage, now);
  if (meters.length > DRAWN)
    return (
      <Card title="Meters">
        <Table
          caption="Meters"
          rows={meters.slice(0, LISTED)}
          empty=""
          columns={[
            {
              label: "Meter",
              cell: ({ code }) => (
                <a
                  href={`/admin/licenses/${usage.license_id}/usage?${new URLSearchParams({ meter: code }).toString()}`}
                >
                  {code}
                </a>
              ),
              main: true,
            },
            {
              label: "Used",
              cell: ({ code, value, figures, period, over, out }) => (
                <>
                  <Meter used={Math.max(0, ...figures)} limit={value} label={code} />
                  <span class="second">
                    {period === "month" ? over : `the highest of ${over}`}
                    {out === null ? null : `. ${reachedOn(out)}`}
                  </span>
                </>
              ),
            },
          ]}
        />
        {meters.length > LISTED ? (
          <p>
            <a href={`/admin/licenses/${usage.license_id}/usage`}>All {meters.length} meters</a>
          </p>
        ) : null}
      </Card>
    );
  return (
    <>
      {meters.map((meter) => (
        <MeterChart meter={meter} licenseId={usage.license_id} />
      ))}
    </>
  );
};
