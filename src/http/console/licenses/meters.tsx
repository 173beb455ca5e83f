// The meters of a license, each with its limit, and the day on which it is reached at this pace.
import type { FC } from "hono/jsx";
import type { Context } from "../../../context.ts";
import { DAY, dayOf } from "../../../kernel/dates.ts";
import { daysOf } from "../../../kernel/periods.ts";
import { runsOutOn } from "../../../licensing/usage/pace.ts";
import { readUsage } from "../../../licensing/usage/read-usage.ts";
import { BarChart } from "../../ui/charts.tsx";
import { barsOf } from "../parts/periods.tsx";
import { LimitHint, statementPath } from "./daily-usage.tsx";
import { Meter } from "../../ui/seats.tsx";
import { Card, formatDate, Table } from "../../ui/show.tsx";

type Usage = Awaited<ReturnType<typeof readUsage>>;
type Held = NonNullable<Usage["meters"]>[string];

/** So far back a month is read whole, for what adds up in it. */
const MONTH = 30 * DAY;

export const readLately = (context: Context, licenseId: string, now: number): Promise<Usage> =>
  readUsage(context, licenseId, { from: dayOf(now - MONTH) });

/** The figures of a code by day. */
const byDay = ({ data }: Usage, code: string): Map<string, number> =>
  new Map(data.map(({ date, meters }) => [date, meters?.[code] ?? 0]));

/** What a month adds up to, day by day, or its highest day so far. */
function soFar(days: string[], used: Map<string, number>, aggregate: "sum" | "peak"): Map<string, number> {
  let figure = 0;
  const figures = new Map<string, number>();
  for (const day of days) {
    const today = used.get(day) ?? 0;
    figure = aggregate === "sum" ? figure + today : Math.max(figure, today);
    figures.set(day, figure);
  }
  return figures;
}

/** A meter as it is drawn: a month as it adds up, or its days. */
function drawn(usage: Usage, code: string, { value, period, aggregate }: Held, now: number) {
  const used = byDay(usage, code);
  const isMonth = period === "month";
  const first = `${dayOf(now).slice(0, 7)}-01`;
  // What lies before the days that were read is not known here.
  const span = { from: isMonth && first > usage.from ? first : usage.from, to: usage.to };
  const days = daysOf(span, now);
  return {
    code,
    value,
    period,
    over: isMonth ? "this month so far" : "the last 30 days",
    span,
    figures: isMonth ? soFar(days, used, aggregate) : used,
    out:
      value !== null && isMonth && aggregate === "sum"
        ? runsOutOn(
            value,
            days.map((day) => used.get(day) ?? 0),
            now,
          )
        : null,
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
export const MeterChart: FC<{ meter: Drawn; licenseId: string; now: number }> = ({
  meter: { code, value, period, over, span, figures, out },
  licenseId,
  now,
}) => (
  <Card title={`${code}: ${over}`}>
    <BarChart
      title={`${code}: ${over}`}
      empty="No instance has reported it in these days."
      columns={["Day", code]}
      limit={value}
      bars={barsOf(
        span,
        now,
        "day",
        (day) => figures.get(day) ?? 0,
        "peak",
        (day) => statementPath(licenseId, day),
      )}
    />
    <LimitHint limit={value} period={period} values={[...figures.values()]}>
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
                  <Meter used={Math.max(0, ...figures.values())} limit={value} label={code} />
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
        <MeterChart meter={meter} licenseId={usage.license_id} now={now} />
      ))}
    </>
  );
};
