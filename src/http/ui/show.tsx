// The small parts that pages share: moments, standings, facts, tables, pages of a list.
import type { Child, FC } from "hono/jsx";
import { DAY, firstDayOf, HOUR, lastDayOf } from "../../kernel/dates.ts";
import type { Transition } from "../../licensing/licenses/decisions.ts";
import type { Standing } from "../../licensing/licenses/standing.ts";

const date = new Intl.DateTimeFormat("en-US", {
  timeZone: "UTC",
  year: "numeric",
  month: "short",
  day: "numeric",
});

const shortDate = new Intl.DateTimeFormat("en-US", { timeZone: "UTC", month: "short", day: "numeric" });

const clockTime = new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", hour: "2-digit", minute: "2-digit" });

const count = new Intl.NumberFormat("en-US");

export const formatCount = (n: number): string => count.format(n);

export const formatDate = (at: number): string => date.format(at);

/** A day without its year, under a chart. */
export const formatShortDate = (at: number): string => shortDate.format(at);

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
        {time ? ` ${clockTime.format(instant)} UTC` : ""}
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

/** A member of the API in words: max_requests_per_day is "requests per day", features.1 "features, no. 2". */
export const wordsFor = (member: string): string =>
  member
    .split(".")
    .map((part) =>
      /^\d+$/.test(part)
        ? `no. ${Number(part) + 1}`
        : part.replace(/^max_/, "").replace(/_at$/, "").replaceAll("_", " "),
    )
    .join(", ");

/** The console's names for the actions on a license. */
export const ACTION_NAMES: Record<Transition, string> = {
  change: "Edit terms",
  renew: "Renew",
  suspend: "Suspend",
  reinstate: "Reinstate",
  revoke: "Revoke",
  reissue: "Replace key",
  transfer: "Transfer",
};

const END = new Set(["expires_at", "updates_until"]);

/** The value of a member, such as a term. */
export function formatTerm(name: string, value: unknown): string {
  if (value === null || value === "") return name.startsWith("max_") ? "unlimited" : "none";
  if (END.has(name) && typeof value === "number") return formatEnd(value);
  if (name === "starts_at" && typeof value === "number") return formatStart(value);
  if (Array.isArray(value)) return value.join(", ") || "none";
  return typeof value === "string" ? value : JSON.stringify(value);
}

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
  /** Replaces the label, if that is only for screen readers. */
  head?: Child;
  cell: (row: T) => Child;
  /** The main column of the row: gets the width that the others leave. */
  main?: boolean;
  /** Holds names or addresses of any length. */
  long?: boolean;
  /** Figures are aligned right. */
  numeric?: boolean;
  /** Hidden on a phone: the row's own page shows it. */
  minor?: boolean;
}

/** Rows as a table, which scrolls inside its own frame on a narrow screen. */
export function Table<T>({
  caption,
  columns,
  rows,
  empty,
}: {
  caption: string;
  columns: Column<T>[];
  rows: T[];
  empty: Child;
}) {
  if (rows.length === 0) return <div class="empty">{empty}</div>;
  const look = (column: Column<T>): string | undefined =>
    (["main", "long", "numeric", "minor"] as const).filter((name) => column[name]).join(" ") || undefined;
  return (
    // Focusable, so that the keyboard can scroll it.
    <div class="wide" tabindex={0} role="region" aria-label={caption}>
      <table>
        <caption class="unseen">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th scope="col" class={look(column)}>
                {column.head === undefined ? (
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
              {columns.map((column) => (
                <td class={look(column)}>{column.cell(row)}</td>
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
}> = ({ path, query, next, count: shown }) => {
  const { cursor, ...filters } = query;
  const first = new URLSearchParams(filters);
  const onward = new URLSearchParams({ ...filters, cursor: next ?? "" });
  if (next === null && cursor === undefined) return null;
  return (
    <nav class="pager" aria-label="Pages">
      {cursor === undefined ? <span /> : <a href={`${path}?${first.toString()}`}>First page</a>}
      <span class="soft">{plural(shown, "row")} on this page</span>
      {next === null ? (
        <span class="soft">End of the list</span>
      ) : (
        <a class="button" href={`${path}?${onward.toString()}`} rel="next">
          Next page
        </a>
      )}
    </nav>
  );
};

/** How much of a limit is in use. */
export const Meter: FC<{ used: number; limit: number | null; label: string }> = ({ used, limit, label }) => {
  const words =
    limit === null
      ? `${formatCount(used)} in use, unlimited`
      : `${formatCount(used)} of ${formatCount(limit)} in use${used > limit ? `, ${formatCount(used - limit)} over the limit` : ""}`;
  if (limit === null) return <span>{words}</span>;
  const share = Math.min(used / limit, 1) * 100;
  const tone = used > limit ? "stop" : used === limit ? "warn" : "good";
  return (
    <span class="meter">
      <svg viewBox="0 0 100 6" preserveAspectRatio="none" role="img" aria-label={`${label}: ${words}`}>
        <rect class="track" width="100" height="6" />
        <rect class={`bar ${tone}`} width={share} height="6" />
      </svg>
      <span>{words}</span>
    </span>
  );
};

/** A long text to copy as it is; `children` are other ways to take it along. */
export const Copyable: FC<{ id: string; text: string; label: string; children?: Child }> = ({
  id,
  text,
  label,
  children,
}) => (
  <div class="copyable">
    <textarea id={id} class="code" readonly rows={6} aria-label={label} spellcheck={false}>
      {text}
    </textarea>
    <div class="actions">
      <button type="button" class="primary script" data-copy={id} aria-live="polite">
        Copy
      </button>
      {children}
    </div>
  </div>
);
