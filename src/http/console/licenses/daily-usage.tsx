// What a license's instances used day by day: requests and services, each with its limit as a line.
import type { Child, FC } from "hono/jsx";
import { DAY, dayOf } from "../../../kernel/dates.ts";
import { chartPeriods } from "../../../kernel/periods.ts";
import type { readUsage } from "../../../licensing/usage/read-usage.ts";
import { BarChart } from "../../ui/charts.tsx";
import { Card, formatLimit } from "../../ui/show.tsx";
import { barsOf, Periods, USUAL } from "../parts/periods.tsx";
import type { Visit } from "../visit.ts";

type Used = Awaited<ReturnType<typeof readUsage>>;

const DAYS_SHOWN = 30;

export const statementPath = (licenseId: string, day: string): string =>
  `/admin/licenses/${licenseId}/statements/${day.slice(0, 7)}`;

/** What the line of a chart is, and its red bars. */
export const LimitHint: FC<{ limit: number | null; period?: string; values: number[]; children?: Child }> = ({
  limit,
  period = "day",
  values,
  children,
}) =>
  limit === null || values.length === 0 ? null : (
    <p class="hint">
      The dashed line is the limit, {formatLimit(limit)} a {period}.
      {values.some((value) => value > limit) ? " What is above it is red; nothing stops." : ""}
      {children}
    </p>
  );

const DailyChart: FC<{
  usage: Used;
  what: "requests" | "services";
  limit: number | null;
  now: number;
}> = ({ usage, what, limit, now }) => {
  const used = new Map(usage.data.map((day) => [day.date, day[what]]));
  const from = dayOf(Date.parse(usage.to) - (DAYS_SHOWN - 1) * DAY);
  const word = what === "requests" ? "Requests" : "Services";
  return (
    <>
      <h3>{word}</h3>
      <BarChart
        title={`${word} of the last ${DAYS_SHOWN} days`}
        empty={`No instance has reported ${what} in these days.`}
        columns={["Day", word]}
        limit={limit}
        bars={barsOf(
          { from, to: usage.to },
          now,
          "day",
          (day) => used.get(day) ?? 0,
          "peak",
          (day) => statementPath(usage.license_id, day),
        )}
      />
      <LimitHint limit={limit} values={usage.data.map((day) => day[what])} />
    </>
  );
};

export const Usage: FC<{ visit: Visit; usage: Used }> = ({ visit, usage }) => (
  <Card
    id="usage"
    title={`Usage of the last ${DAYS_SHOWN} days`}
    actions={
      <>
        {visit.can("licenses") ? (
          <a href={`/admin/licenses/${usage.license_id}/correct-usage`} data-dialog>
            Correct a day
          </a>
        ) : null}
        <a href={statementPath(usage.license_id, dayOf(visit.now))}>Statement</a>
        <a href={`/admin/licenses/${usage.license_id}/usage`}>All usage</a>
      </>
    }
  >
    {/* Another time is a page of its own, with every meter, and as CSV. */}
    <Periods
      path={`/admin/licenses/${usage.license_id}/usage`}
      periods={chartPeriods(visit.now)}
      chosen={USUAL}
    />
    <DailyChart usage={usage} what="requests" limit={usage.max_requests_per_day} now={visit.now} />
    <DailyChart usage={usage} what="services" limit={usage.max_services} now={visit.now} />
  </Card>
);
