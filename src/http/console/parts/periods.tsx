// The stretches of days that charts of usage show, as links; and the bars of a stretch.
import type { FC } from "hono/jsx";
import { DAY } from "../../../kernel/dates.ts";
import { daysOf, type Period, periodNamed } from "../../../kernel/periods.ts";
import type { Bar } from "../../ui/charts.tsx";
import { formatDate, formatShortDate } from "../../ui/show.tsx";
import type { Visit } from "../visit.ts";

/** The period that the address names; without one, the first. @throws Problem REQUEST_INVALID */
export const periodIn = ({ query }: Pick<Visit, "query">, periods: Period[]): Period =>
  periodNamed(query["period"], periods);

export const Periods: FC<{ path: string; periods: Period[]; chosen: Period }> = ({
  path,
  periods,
  chosen,
}) => (
  <nav class="ranges no-print" aria-label="Period">
    {periods.map(({ name, label }) => (
      <a
        class="button small"
        href={`${path}?period=${name}`}
        aria-current={name === chosen.name ? "true" : undefined}
      >
        {label}
      </a>
    ))}
  </nav>
);

/** More bars than this are drawn by the week: they would be hairs, and a heavy page. */
const MANY = 100;

export const isByWeek = (period: Period, now: number, charts = 1): boolean =>
  daysOf(period, now).length * charts > MANY * 3 || daysOf(period, now).length > MANY;

/** The days of a period as bars, or its weeks by their highest day or their sum. */
export function barsOf(
  period: Period,
  now: number,
  byWeek: boolean,
  valueOn: (day: string) => number,
  of: "peak" | "sum" = "peak",
): Bar[] {
  const days = daysOf(period, now);
  if (!byWeek)
    return days.map((day, index) => ({
      name: formatDate(Date.parse(day)),
      tick: index % Math.ceil(days.length / 5) === 2 ? formatShortDate(Date.parse(day)) : undefined,
      value: valueOn(day),
    }));
  const weeks = Array.from({ length: Math.ceil(days.length / 7) }, (_, n) => days.slice(n * 7, n * 7 + 7));
  return weeks.map((week, index) => {
    const at = Date.parse(week[0]!);
    return {
      name: `${formatDate(at)} to ${formatDate(at + (week.length - 1) * DAY)}`,
      tick: index % Math.ceil(weeks.length / 5) === 2 ? formatShortDate(at) : undefined,
      value:
        of === "peak" ? Math.max(...week.map(valueOn)) : week.reduce((sum, day) => sum + valueOn(day), 0),
    };
  });
}
