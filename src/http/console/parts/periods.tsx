// The stretches of days that charts of usage show, as links; and the bars of a stretch.
import type { FC } from "hono/jsx";
import { DAY } from "../../../kernel/dates.ts";
import { daysOf, type Period, periodNamed } from "../../../kernel/periods.ts";
import type { Bar } from "../../ui/charts.tsx";
import { formatDate, formatShortDate } from "../../ui/show.tsx";
import type { Visit } from "../visit.ts";

/** A time that a chart shows, by its name in the address. */
type Range = Pick<Period, "name" | "label">;

const monthAndYear = new Intl.DateTimeFormat("en-US", { timeZone: "UTC", month: "long", year: "numeric" });

/** 2026-10 is "October 2026". */
export const monthName = (month: string): string => monthAndYear.format(Date.parse(`${month}-01T00:00:00Z`));

/** What charts by the month show. */
export const MONTHS = [6, 12, 24, 36].map((months) => ({
  name: `${months}m`,
  label: `${months} months`,
  months,
}));

/** What charts of the last days show if nothing else is asked for. */
export const USUAL = "30d";

/** The time that the address names; without one, the usual one, or the first. @throws Problem REQUEST_INVALID */
export const periodIn = <T extends Range>(
  { query }: Pick<Visit, "query">,
  periods: T[],
  usual?: string,
  member = "period",
): T => periodNamed(query[member] ?? usual, periods, member);

/**
 * Links to other times.
 * @param path the page, with the place in it
 * @param member what the address calls it
 * @param others what else the address says
 */
export const Periods: FC<{
  path: string;
  periods: Range[];
  chosen: string;
  label?: string;
  member?: string;
  others?: Record<string, string>;
}> = ({ path, periods, chosen, label: of = "Period", member = "period", others = {} }) => {
  const { pathname, hash } = new URL(path, "http://console");
  return (
    <nav class="ranges no-print" aria-label={of}>
      {periods.map(({ name, label }) => (
        <a
          class="button small"
          href={`${pathname}?${new URLSearchParams({ ...others, [member]: name }).toString()}${hash}`}
          aria-current={name === chosen ? "true" : undefined}
        >
          {label}
        </a>
      ))}
    </nav>
  );
};

/** More bars than this are drawn by the week: they would be hairs, and a heavy page. */
const MANY = 100;

export const isByWeek = (period: Period, now: number, charts = 1): boolean =>
  daysOf(period, now).length * charts > MANY * 3 || daysOf(period, now).length > MANY;

/** About five bars have one, and not those at the sides if there are many. */
function hasTick(index: number, bars: number): boolean {
  const each = Math.ceil(bars / 5);
  return index % each === Math.min(2, each - 1);
}

/**
 * The days of a period as bars, or its weeks by their highest day or their sum.
 * @param hrefOf where what a bar counts is listed, from a first to a last day
 */
export function barsOf(
  period: Period,
  now: number,
  byWeek: boolean,
  valueOn: (day: string) => number,
  of: "peak" | "sum" = "peak",
  hrefOf: (from: string, to: string) => string | undefined = () => undefined,
): Bar[] {
  const days = daysOf(period, now);
  if (!byWeek)
    return days.map((day, index) => ({
      name: formatDate(Date.parse(day)),
      tick: hasTick(index, days.length) ? formatShortDate(Date.parse(day)) : undefined,
      value: valueOn(day),
      href: hrefOf(day, day),
    }));
  const weeks = Array.from({ length: Math.ceil(days.length / 7) }, (_, n) => days.slice(n * 7, n * 7 + 7));
  return weeks.map((week, index) => {
    const at = Date.parse(week[0]!);
    return {
      name: `${formatDate(at)} to ${formatDate(at + (week.length - 1) * DAY)}`,
      tick: hasTick(index, weeks.length) ? formatShortDate(at) : undefined,
      value:
        of === "peak" ? Math.max(...week.map(valueOn)) : week.reduce((sum, day) => sum + valueOn(day), 0),
      href: hrefOf(week[0]!, week.at(-1)!),
    };
  });
}
