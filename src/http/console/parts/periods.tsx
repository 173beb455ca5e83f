// The stretches of days that charts of usage show, as links; and the bars of a stretch.
import type { FC } from "hono/jsx";
import { DAY } from "../../../kernel/dates.ts";
import { type Days, daysOf, type Period, periodNamed } from "../../../kernel/periods.ts";
import type { Bar } from "../../ui/charts.tsx";
import { runsOf } from "../../ui/list.tsx";
import { formatDate, formatMonth, formatPeriod, formatShortDate } from "../../ui/show.tsx";
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

/** What a bar stands for. */
export type Unit = "day" | "week" | "month";

/** The head of the column in the table behind a chart. */
export const UNIT_HEADS: Record<Unit, string> = { day: "Day", week: "Week", month: "Month" };

/** What the bars of a chart show: "Requests by day", "Services: the highest day of each week". */
export const titleOf = (name: string, unit: Unit, of: "peak" | "sum" = "peak"): string =>
  unit === "day" || of === "sum" ? `${name} by ${unit}` : `${name}: the highest day of each ${unit}`;

/** More bars than this in one chart would be hairs. */
const MANY = 100;

/** What a page has room for, in bars; a chart is about as heavy as eight more. */
const ROOM = 200;
const CHART = 8;

/**
 * What the bars of a time stand for: the shortest for which a page has room.
 * @param charts how many there are on the page; more for a page that is heavy without them, or where bars lead somewhere
 */
export function unitOf(period: Days, now: number, charts = 1): Unit {
  const { length } = daysOf(period, now);
  const fits = (bars: number): boolean => bars <= MANY && bars * charts <= ROOM;
  return fits(length) ? "day" : fits(Math.ceil(length / 7)) ? "week" : "month";
}

/** How many charts of so many bars a page has room for. */
export const roomFor = (bars: number): number => Math.max(1, Math.floor(ROOM / (bars + CHART)));

/** About five bars have one, and not those at the sides if there are many. */
function hasTick(index: number, bars: number): boolean {
  const each = Math.ceil(bars / 5);
  return index % each === Math.min(2, each - 1);
}

/** Which bar a day belongs to; weeks begin with the first day. */
export const barOf =
  ({ from }: Days, unit: Unit) =>
  (day: string): string =>
    unit === "day"
      ? day
      : unit === "week"
        ? `${Math.floor((Date.parse(day) - Date.parse(from)) / (7 * DAY))}`
        : day.slice(0, 7);

const NAMES: Record<Unit, (days: [string, ...string[]]) => string> = {
  day: ([day]) => formatDate(Date.parse(day)),
  week: (days) => formatPeriod({ from: days[0], to: days.at(-1)! }),
  month: ([day]) => monthName(day.slice(0, 7)),
};

/**
 * A period as bars: its days, or its weeks or months by their highest day or their sum.
 * @param hrefOf where what a bar counts is listed, from a first to a last day
 */
export function barsOf(
  period: Days,
  now: number,
  unit: Unit,
  valueOn: (day: string) => number,
  of: "peak" | "sum" = "peak",
  hrefOf: (from: string, to: string) => string | undefined = () => undefined,
): Bar[] {
  const spans = runsOf(daysOf(period, now), barOf(period, unit));
  const tickOf = (day: number, index: number): string | undefined => {
    if (unit === "month") return formatMonth(day);
    return hasTick(index, spans.length) ? formatShortDate(day) : undefined;
  };
  return spans.map((days, index) => ({
    name: NAMES[unit](days),
    tick: tickOf(Date.parse(days[0]), index),
    value: of === "peak" ? Math.max(...days.map(valueOn)) : days.reduce((sum, day) => sum + valueOn(day), 0),
    href: hrefOf(days[0], days.at(-1)!),
  }));
}
