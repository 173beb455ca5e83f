// Which versions ran over a time, as bars of layers: the newest version on top. The same figures stand in a table behind it.
import { nice } from "d3-array";
import { scaleBand } from "d3-scale";
import type { FC } from "hono/jsx";
import type { Period } from "../../../kernel/periods.ts";
import { type readVersions, seriesOf } from "../../../licensing/figures/versions.ts";
import { barOf, unitOf } from "../parts/periods.tsx";
import { formatCount, formatDate, formatShortDate, Table } from "../../ui/show.tsx";

const WIDTH = 640;
const HEIGHT = 230;
const LEFT = 58;
const TOP = 18;
const BOTTOM = 32;

/** So many versions by themselves: more layers are not told apart. */
const LAYERS = 5;

type Days = Awaited<ReturnType<typeof readVersions>>;

/** Of each bar the last day that was counted. A bar is as heavy as its layers, in the drawing and in the table. */
function lastOfEach(days: Days, period: Period, now: number): Days {
  const barOfDay = barOf(period, unitOf(period, now, 2 * LAYERS));
  return [...new Map(days.map((one) => [barOfDay(one.day), one])).values()];
}

/** From light, the oldest, to full. */
const opacityOf = (index: number, count: number): string => (0.25 + (0.75 * (index + 1)) / count).toFixed(2);

export const VersionChart: FC<{ days: Days; period: Period; now: number; csv: string }> = ({
  days,
  period,
  now,
  csv,
}) => {
  const shown = lastOfEach(days, period, now);
  const series = seriesOf(shown, LAYERS);
  if (series.length === 0)
    return <p class="empty">Not counted yet in this period: it is counted once a day.</p>;
  const most = Math.max(
    ...shown.map((_, n) => series.reduce((sum, { counts }) => sum + (counts[n] ?? 0), 0)),
  );
  const [, top] = nice(0, most, 4);
  const x = scaleBand<number>()
    .domain(shown.map((_, index) => index))
    .range([LEFT, WIDTH - 8])
    .paddingInner(0.25);
  const heightOf = (count: number): number => (count / top) * (HEIGHT - BOTTOM - TOP);
  const every = Math.ceil(shown.length / 6);
  return (
    <figure class="chart">
      <figcaption class="unseen">Versions over time</figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true" focusable="false">
        {[0, top].map((step) => (
          <text class="tick" x={LEFT - 8} y={HEIGHT - BOTTOM - heightOf(step)}>
            {formatCount(step)}
          </text>
        ))}
        {shown.map(({ day }, n) => {
          const at = (x(n) ?? 0).toFixed(1);
          let floor = HEIGHT - BOTTOM;
          return (
            <>
              {series.map(({ name, counts }, layer) => {
                const count = counts[n] ?? 0;
                if (count === 0) return null;
                floor -= heightOf(count);
                return (
                  <rect
                    fill-opacity={opacityOf(layer, series.length)}
                    x={at}
                    y={floor.toFixed(1)}
                    width={x.bandwidth().toFixed(1)}
                    height={heightOf(count).toFixed(1)}
                  >
                    <title>{`${formatDate(Date.parse(day))}: ${name} on ${formatCount(count)}`}</title>
                  </rect>
                );
              })}
              {n % every === 0 ? (
                <text
                  class="tick under"
                  x={((x(n) ?? 0) + x.bandwidth() / 2).toFixed(1)}
                  y={HEIGHT - BOTTOM + 10}
                >
                  {formatShortDate(Date.parse(day))}
                </text>
              ) : null}
            </>
          );
        })}
      </svg>
      <p class="hint">From below: {series.map(({ name }) => name).join(", ")}.</p>
      <details>
        <summary>As a table</summary>
        <Table
          caption="Versions over time"
          rows={shown.map(({ day }, n) => ({ day, counts: series.map(({ counts }) => counts[n] ?? 0) }))}
          empty=""
          columns={[
            { label: "Day", cell: ({ day }) => formatDate(Date.parse(day)), main: true },
            ...series.map(({ name }, layer) => ({
              label: name,
              cell: ({ counts }: { counts: number[] }) => formatCount(counts[layer] ?? 0),
              numeric: true,
            })),
          ]}
        />
        <a href={csv} download>
          As CSV
        </a>
      </details>
    </figure>
  );
};
