// The small parts that pages share: moments, standings, facts, tables, pages of a list.
import type { Child, FC } from "hono/jsx";
import { createRecent } from "../../crypto/recent.ts";
import { DAY, firstDayOf, HOUR, lastDayOf } from "../../kernel/dates.ts";
import type { Total } from "../../kernel/pages.ts";
import type { Standing } from "../../licensing/licenses/standing.ts";

const date = new Intl.DateTimeFormat("en-US", {
  timeZone: "UTC",
  year: "numeric",
  month: "short",
  day: "numeric",
});

const shortDate = new Intl.DateTimeFormat("en-US", { timeZone: "UTC", month: "short", day: "numeric" });

const count = new Intl.NumberFormat("en-US");

/** Most figures are small, and to format one takes longer than to write the rest of a row. */
export const formatCount = (n: number): string =>
  Number.isInteger(n) && n >= 0 && n < 1000 ? String(n) : count.format(n);

/** The names of days (UTC): a page shows the same few again and again. */
const days = createRecent<string>(1_000);

export function formatDate(at: number): string {
  const day = String(Math.floor(at / DAY));
  const known = days.get(day);
  if (known !== undefined) return known;
  const name = date.format(at);
  days.set(day, name);
  return name;
}

/** A day without its year, under a chart. */
export const formatShortDate = (at: number): string => shortDate.format(at);

/** A month without its year, under a chart. */
export const formatMonth = (at: number): string => shortDate.format(at).slice(0, 3);

/** From a day to a day, as the API names them: "Oct 31, 2026 to Nov 29, 2026". */
export const formatPeriod = ({ from, to }: { from: string; to: string }): string =>
  `${formatDate(Date.parse(from))} to ${formatDate(Date.parse(to))}`;

/** The last day of what ends at `at`, as the person who entered it named it. */
export const formatEnd = (at: number): string => formatDate(lastDayOf(at));

/** The first day of what starts at `at`. */
export const formatStart = (at: number): string => formatDate(firstDayOf(at));

/** 1 instance, 2 instances. */
export const plural = (n: number, one: string, many = `${one}s`): string =>
  `${formatCount(n)} ${n === 1 ? one : many}`;

/** Each unit with the smallest distance that it is used for. */
const UNITS: [from: number, size: number, name: string][] = [
  [730 * DAY, 365.25 * DAY, "year"],
  [60 * DAY, 30.44 * DAY, "month"],
  [2 * DAY, DAY, "day"],
  [HOUR, HOUR, "hour"],
  [60_000, 60_000, "minute"],
];

/**
 * "in 3 days", "2 hours ago". Days and smaller units are rounded as days left are: up for the future, down for the
 * past. Months and years are rounded to the nearest, since a year from now is not "in 13 months".
 */
export function relative(at: number, now: number): string {
  const away = Math.abs(at - now);
  const [from, size, name] = UNITS.find(([least]) => away >= least) ?? [];
  if (from === undefined || size === undefined || name === undefined)
    return at > now ? "in a moment" : "just now";
  const round = size > DAY ? Math.round : at > now ? Math.ceil : Math.floor;
  const units = plural(round(away / size), name);
  return at > now ? `in ${units}` : `${units} ago`;
}

/** How the day of a moment is shown. */
const DAYS = { moment: formatDate, start: formatStart, end: formatEnd };

/** A moment, absolute and relative. Null is shown as `none`. A start or an end is shown as the day that it names. */
export const When: FC<{
  at: number | string | null;
  now: number;
  none?: string;
  time?: boolean;
  as?: keyof typeof DAYS;
}> = ({ at, now, none = "never", time = false, as = "moment" }) => {
  if (at === null) return <span class="soft">{none}</span>;
  const instant = typeof at === "string" ? Date.parse(at) : at;
  const iso = new Date(instant).toISOString();
  return (
    <time
      datetime={iso}
      title={iso}
      class="when"
      data-as={as === "moment" ? (time ? "time" : "day") : undefined}
    >
      <span>
        {DAYS[as](instant)}
        {time ? ` ${iso.slice(11, 16)}\u00a0UTC` : ""}
      </span>{" "}
      <span class="soft">{relative(instant, now)}</span>
    </time>
  );
};

export type Tone = "good" | "info" | "warn" | "late" | "stop" | "held" | "plain";

export const Badge: FC<{ tone: Tone; children?: Child }> = ({ tone, children }) => (
  <span class={`badge ${tone}`}>{children}</span>
);

const STANDING_TONES: Record<Standing, Tone> = {
  active: "good",
  expiring: "warn",
  grace: "late",
  expired: "stop",
  scheduled: "info",
  suspended: "held",
  revoked: "plain",
};

export const StandingBadge: FC<{ standing: Standing }> = ({ standing }) => (
  <Badge tone={STANDING_TONES[standing]}>{standing}</Badge>
);

export const formatLimit = (limit: number | null): string =>
  limit === null ? "unlimited" : formatCount(limit);

/** Names and values. Rows without a value are left out. */
export const Facts: FC<{ rows: (readonly [name: string, value: Child])[] }> = ({ rows }) => (
  <dl class="facts">
    {rows
      .filter(([, value]) => value !== null && value !== undefined)
      .map(([name, value]) => (
        <div>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
  </dl>
);

export const Card: FC<{ title?: string; children?: Child; actions?: Child; id?: string }> = ({
  title,
  children,
  actions,
  id,
}) => (
  <section class="card" id={id}>
    {title ? (
      <div class="card-head">
        <h2>{title}</h2>
        {actions ? <div class="actions">{actions}</div> : null}
      </div>
    ) : null}
    {children}
  </section>
);

export interface Column<T> {
  label: string;
  /** By which a choice of columns names it; a column without one is always there. */
  name?: string;
  /** Only for those who chose it. */
  extra?: boolean;
  /** Replaces the label, if that is only for screen readers. */
  head?: Child;
  /** The address that orders the list by it, and how it is ordered by it now. */
  sort?: { href: string; order: "ascending" | "descending" | null };
  cell: (row: T) => Child;
  /** The main column of the row: gets the width that the others leave. */
  main?: boolean;
  /** Holds names or addresses of any length. */
  long?: boolean;
  /** Figures are aligned right. */
  numeric?: boolean;
  /** Hidden on a phone: the row's own page shows it. */
  minor?: boolean;
  /** Shown only where there is much room. */
  spare?: boolean;
}

/** Rows as a table, which scrolls inside its own frame on a narrow screen. */
export function Table<T>({
  caption,
  columns,
  rows,
  empty,
  list = false,
  piled = false,
}: {
  caption: string;
  columns: Column<T>[];
  rows: T[];
  empty: Child;
  /** What a page is for: rows are low, and each leads where the first link of its main column does. */
  list?: boolean;
  /** On a phone each row becomes a small card, with the heads of its columns. */
  piled?: boolean;
}) {
  if (rows.length === 0) return <div class="empty">{empty}</div>;
  const look = (column: Column<T>): string | undefined =>
    (["main", "long", "numeric", "minor", "spare"] as const).filter((name) => column[name]).join(" ") ||
    undefined;
  return (
    // Focusable, so that the keyboard can scroll it.
    <div
      class={list ? "wide rows" : piled ? "wide piled headed" : "wide"}
      tabindex={0}
      role="region"
      aria-label={caption}
    >
      <table>
        <caption class="unseen">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th scope="col" class={look(column)} aria-sort={column.sort?.order ?? undefined}>
                {column.sort ? (
                  <a href={column.sort.href}>{column.label}</a>
                ) : column.head === undefined ? (
                  column.label
                ) : (
                  <>
                    <span class="unseen">{column.label}</span>
                    {column.head}
                  </>
                )}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr>
              {columns.map((column, index) => (
                <td
                  class={look(column)}
                  data-head={
                    piled && columns.length > 2 && index > 0 && !column.main && column.head === undefined
                      ? column.label
                      : undefined
                  }
                >
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** A link to the next page; the browser goes back. A page may be short and still have a next one. */
export const Pager: FC<{
  path: string;
  query: Record<string, string>;
  next: string | null;
  count: number;
  /** Of the whole list, if it is known. */
  total?: Total | null;
}> = ({ path, query, next, count: shown, total = null }) => {
  const { cursor, row = "", ...filters } = query;
  // A cursor does not know how many rows are before it, so the address says so.
  const before = cursor !== undefined && /^\d{1,9}$/.test(row) ? Number(row) : 0;
  const link = (more: Record<string, string>): string =>
    `${path}?${new URLSearchParams({ ...filters, ...more }).toString()}`;
  const all = total ?? (next === null ? { count: before + shown, isMore: false } : null);
  if (next === null && cursor === undefined && shown < 2) return null;
  return (
    <nav class="pager" aria-label="Pages">
      {cursor === undefined ? <span /> : <a href={link({})}>First page</a>}
      <span class="soft">
        {shown === 0
          ? "No row on this page"
          : `Rows ${formatCount(before + 1)}–${formatCount(before + shown)}`}
        {all === null ? "" : ` of ${all.isMore ? "more than " : ""}${formatCount(all.count)}`}
      </span>
      {next === null ? (
        <span class="soft">{cursor === undefined ? "" : "End of the list"}</span>
      ) : (
        <a class="button" href={link({ cursor: next, row: String(before + shown) })} rel="next">
          Next page
        </a>
      )}
    </nav>
  );
};
