// Charts as SVG made here: nothing to load, nothing to run, readable in both themes. The same figures stand in
// a table behind each of them, for screen readers and for exact reading.
import { nice, ticks } from "d3-array";
import { pathRound } from "d3-path";
import { scaleBand } from "d3-scale";
import type { FC } from "hono/jsx";
import { runsOf } from "./list.tsx";
import { cutAt } from "./outliers.ts";
import { formatCount } from "./show.tsx";

const WIDTH = 640;
const HEIGHT = 230;
const LEFT = 58;
const RIGHT = 8;
const TOP = 18;
const BOTTOM = 32;

export interface Bar {
  /** The full name, for the table and the tooltip. */
  name: string;
  /** Under the bar; a bar without one is understood from its neighbors. */
  tick?: string | undefined;
  value: number;
  /** Where what it counts is listed. */
  href?: string | undefined;
}

/** A line from side to side. */
function across(y: number): string {
  const path = pathRound();
  path.moveTo(LEFT, y);
  path.lineTo(WIDTH - RIGHT, y);
  return path.toString();
}

interface Chart {
  title: string;
  bars: Bar[];
  /** Heads of the table: what a bar is, and what is counted. */
  columns: [string, string];
  limit?: number | null;
  /** Shown instead while there is nothing to draw. */
  empty: string;
  /** Where the figures are as a file. */
  csv?: string;
}

type Drawn = Bar & { index: number };

/** Bars in a row that lead to the same, such as the days of a month to its statement: one link for all of them. */
const ledTogether = <T extends Bar>(bars: T[]): [T, ...T[]][] =>
  runsOf(bars, ({ href, value }) => (value === 0 ? "" : (href ?? "")));

/** The figures behind a chart. */
const Figures: FC<Pick<Chart, "title" | "bars" | "columns" | "csv">> = ({ title, bars, columns, csv }) => (
  <details>
    <summary>As a table</summary>
    <div class="wide short" tabindex={0} role="region" aria-label={title}>
      <table>
        <caption class="unseen">{title}</caption>
        <thead>
          <tr>
            <th scope="col">{columns[0]}</th>
            <th scope="col">{columns[1]}</th>
          </tr>
        </thead>
        <tbody>
          {ledTogether(bars).flatMap((run) =>
            run.map(({ name, value, href }, index) => (
              <tr>
                <th scope="row">
                  {href === undefined || value === 0 || index > 0 ? name : <a href={href}>{name}</a>}
                </th>
                <td>{formatCount(value)}</td>
              </tr>
            )),
          )}
        </tbody>
      </table>
    </div>
    {csv === undefined ? null : (
      <a href={csv} download>
        As CSV
      </a>
    )}
  </details>
);

/** Figures in a row, as bars; `limit` is drawn across them. A few that are far above all others are cut. */
export const BarChart: FC<Chart> = ({ title, bars, columns, limit = null, empty, csv }) => {
  if (bars.every(({ value }) => value === 0)) return <p class="empty">{empty}</p>;
  const cut = cutAt(
    bars.map(({ value }) => value),
    limit,
  );
  const over = cut === null ? [] : bars.filter(({ value }) => value > cut);
  const most = cut ?? Math.max(...bars.map(({ value }) => value), limit ?? 0, 1);
  const x = scaleBand<number>()
    .domain(bars.map((_, index) => index))
    .range([LEFT, WIDTH - RIGHT])
    .paddingInner(bars.length > 40 ? 0.15 : 0.3);
  // Not scaleLinear: it can interpolate colors and write numbers for any locale, which is 5 % of the bundle.
  const [, top] = nice(0, most, 4);
  const y = (value: number): number =>
    HEIGHT - BOTTOM - (Math.min(value, top) / top) * (HEIGHT - BOTTOM - TOP);
  const steps = ticks(0, top, 4).filter(Number.isInteger);
  const width = x.bandwidth();
  // A page has hundreds of them, so what all have in common is in the style sheet.
  const draw = ({ name, value, index }: Drawn) => {
    const at = x(index)!.toFixed(1);
    const wide = width.toFixed(1);
    return (
      <g>
        <title>{`${name}: ${formatCount(value)}`}</title>
        {/* Also a low bar is easy to point at. */}
        <path d={`M${at} ${TOP}h${wide}V${HEIGHT - BOTTOM}h-${wide}z`} />
        {value === 0 ? null : (
          <rect
            class={limit !== null && value > limit ? "over" : undefined}
            x={at}
            y={y(value).toFixed(1)}
            width={wide}
            height={(y(0) - y(value)).toFixed(1)}
          />
        )}
        {value > top ? <rect class="cut" x={at} y={TOP + 8} width={wide} height="4" /> : null}
      </g>
    );
  };
  return (
    <figure class="chart">
      <figcaption class="unseen">{title}</figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true" focusable="false">
        {steps.map((step) => (
          <>
            <path class="grid" d={across(y(step))} />
            <text class="tick" x={LEFT - 8} y={y(step)}>
              {compact.format(step)}
            </text>
          </>
        ))}
        {ledTogether(bars.map((bar, index): Drawn => ({ ...bar, index }))).map((run) => {
          const drawn = run.map(draw);
          const [{ href, value }] = run;
          // The table has the same links for the keyboard.
          return href === undefined || value === 0 ? (
            drawn
          ) : (
            <a href={href} tabindex={-1}>
              {drawn}
            </a>
          );
        })}
        {bars.map(({ tick }, index) =>
          tick ? (
            <text class="tick under" x={(x(index)! + width / 2).toFixed(1)} y={HEIGHT - BOTTOM + 10}>
              {tick}
            </text>
          ) : null,
        )}
        {limit === null ? null : <path class="limit" d={across(y(limit))} />}
      </svg>
      {over.length === 0 ? null : (
        <p class="hint">
          Cut, because {over.length === 1 ? "it is" : "they are"} far above all others:{" "}
          {over.map(({ name, value }) => `${name} with ${formatCount(value)}`).join("; ")}.
        </p>
      )}
      <Figures title={title} bars={bars} columns={columns} {...(csv === undefined ? {} : { csv })} />
    </figure>
  );
};

const compact = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 });
