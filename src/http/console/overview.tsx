// /admin: how things stand, and what needs attention.
import type { Child, FC } from "hono/jsx";
import { latestEvents } from "../../audit/event-list.ts";
import { type SpaceTrouble, spaceTrouble, troublesOf } from "../../health/rules.ts";
import { readRuns } from "../../health/runs.ts";
import { readAttention } from "../../licensing/figures/attention/attention.ts";
import { monthsBefore } from "../../kernel/calendar.ts";
import { formatInstant } from "../../kernel/dates.ts";
import { daysOf, latestPeriods } from "../../kernel/periods.ts";
import { SILENT_DAYS } from "../../licensing/instances/census.ts";
import type { Standing } from "../../licensing/licenses/standing.ts";
import { readStatistics } from "../../licensing/figures/statistics.ts";
import { openRequests } from "../../licensing/portal/requests.ts";
import { senderFault } from "../../notices/sender.ts";
import { Heading } from "../ui/heading.tsx";
import { SenderNote } from "./messages/list.tsx";
import type { Page } from "./mount.tsx";
import { BarChart } from "../ui/charts.tsx";
import { concernsOf, Concerns } from "./parts/attention.tsx";
import { FirstDay } from "./parts/first-day.tsx";
import { Timeline } from "./parts/events.tsx";
import { barsOf, monthName, MONTHS, periodIn, Periods, UNIT_HEADS, unitOf, USUAL } from "./parts/periods.tsx";
import { Card, formatCount } from "../ui/show.tsx";

const Figure: FC<{ href: string; value: number; label: string }> = ({ href, value, label }) => (
  <a class="figure" href={href}>
    <b>{formatCount(value)}</b>
    <span class="label">{label}</span>
  </a>
);

const SpaceNote: FC<{ trouble: SpaceTrouble | null }> = ({ trouble }) =>
  trouble === null ? null : (
    <p class="note warn">
      {trouble.what} When it is full it takes no writes. What to do: {trouble.runbook}
    </p>
  );

const STANDINGS_SHOWN = [
  ["active", "active licenses"],
  ["expiring", "expiring within 30 days"],
  ["grace", "in grace"],
  ["expired", "expired"],
] as const;

const listOf = (standing: Standing): string => `/admin/licenses?standing=${standing}`;

/** The list of all of a kind. No list shows clones: the page of their license does. */
const LISTS: [href: string, label: string][] = [
  ["/admin/activity?action=job.failed", "failed jobs"],
  ["/admin/requests?status=open", "open requests"],
  ["/admin/messages?status=bounced", "bounced mail"],
  ["/admin/messages?status=failed", "failed mail"],
  [listOf("grace"), "in grace"],
  [listOf("expiring"), "expiring"],
  ["/admin/activity?action=license.overused", "over the limit"],
  [`/admin/instances?silent_days=${SILENT_DAYS}`, "silent instances"],
  ["/admin/attention/settled", "settled"],
];

const REQUESTS_SHOWN = 6;

const month = new Intl.DateTimeFormat("en-US", { timeZone: "UTC", month: "short" });
const shortMonthAndYear = new Intl.DateTimeFormat("en-US", {
  timeZone: "UTC",
  month: "short",
  year: "numeric",
});

/** The licenses that end in the month that begins then. */
const endingIn = (at: number): string =>
  `/admin/licenses?ends_from=${formatInstant(at)}&ends_until=${formatInstant(monthsBefore(at, -1) - 1)}&status=active&sort=ending`;

const activatedIn = (from: string, to: string): string =>
  `/admin/activity?action=activation.created&since=${from}&until=${to}`;

/** How many of the latest events are shown, and of how many: sign-ins and the like are left out. */
const LATEST = 10;
const LOOKED_AT = 32;

const DONE: Record<string, Child> = {
  settled: (
    <>
      Settled. The record has the reason. <a href="/admin/attention/settled">All that is settled</a>
    </>
  ),
};

export const overview: Page = {
  path: "/admin",
  access: "read",
  async show(visit) {
    const { context, now, can, query } = visit;
    const ahead = periodIn(visit, MONTHS, "12m", "ends");
    const periods = latestPeriods(now);
    const period = periodIn(visit, periods, USUAL, "activations");
    const shown = { days: daysOf(period, now).length, months: ahead.months };
    const others = { ends: ahead.name, activations: period.name };
    const [figures, found, asked, { runs, bytes }, latest, fault] = await Promise.all([
      readStatistics(context, shown),
      readAttention(context),
      openRequests(context, REQUESTS_SHOWN),
      readRuns(context),
      latestEvents(context, LOOKED_AT, LATEST),
      senderFault(context),
    ]);
    const concerns = concernsOf(found, asked, troublesOf(runs, now), figures.by_standing, {
      now,
      maySettle: can("licenses"),
    });
    const subjects = new Map(
      latest.flatMap(({ entity_id, customer_name: name }): [string, string][] =>
        name === null ? [] : [[entity_id, name]],
      ),
    );
    // Its bars lead to their days, and the lists beside it are long.
    const unit = unitOf(period, now, 3);
    const activatedOn = new Map(figures.activations_by_day.map(({ date, count }) => [date, count]));
    const endsTitle = "Licenses ending by month";
    const activationsTitle = `Activations of the last ${period.label}${unit === "day" ? "" : `, by ${unit}`}`;
    return {
      title: "Overview",
      section: "overview",
      body: (
        <>
          <Heading
            title="Overview"
            done={DONE[query["done"] ?? ""]}
            actions={
              can("licenses") ? (
                <a class="button primary" href="/admin/licenses/new">
                  New license
                </a>
              ) : null
            }
          />
          <SenderNote fault={fault} />
          <SpaceNote trouble={spaceTrouble({ bytes, of: context.config.databaseMaxBytes })} />
          {Object.values(figures.by_standing).every((count) => count === 0) ? (
            <FirstDay visit={visit} />
          ) : null}
          <div class="figures">
            {STANDINGS_SHOWN.map(([standing, label]) => (
              <Figure href={listOf(standing)} value={figures.by_standing[standing]} label={label} />
            ))}
            <Figure
              href="/admin/instances?active=true"
              value={figures.instances.active}
              label="seats in use"
            />
          </div>
          <div class="columns lopsided">
            <div>
              <Card title="Needs attention">
                <Concerns concerns={concerns} />
                <p class="hint">
                  The latest of each kind, by license. Full lists:{" "}
                  {LISTS.map(([href, label], index) => (
                    <>
                      {index > 0 ? ", " : ""}
                      <a href={href}>{label}</a>
                    </>
                  ))}
                  .
                </p>
              </Card>
              <Card id="ends" title={endsTitle}>
                <Periods
                  path="/admin#ends"
                  periods={MONTHS}
                  chosen={ahead.name}
                  label="Months of ends"
                  member="ends"
                  others={others}
                />
                <BarChart
                  title={endsTitle}
                  empty="No license ends in these months."
                  columns={["Month", "Licenses"]}
                  bars={figures.expirations_by_month.map(({ month: name, count }, index) => {
                    const at = Date.parse(`${name}-01T00:00:00Z`);
                    return {
                      name: monthName(name),
                      tick:
                        ahead.months <= 12
                          ? month.format(at)
                          : index % (ahead.months / 6) === 0
                            ? shortMonthAndYear.format(at)
                            : undefined,
                      value: count,
                      href: endingIn(at),
                    };
                  })}
                />
              </Card>
              <Card id="activations" title={activationsTitle}>
                <Periods
                  path="/admin#activations"
                  periods={periods}
                  chosen={period.name}
                  label="Days of activations"
                  member="activations"
                  others={others}
                />
                <BarChart
                  title={activationsTitle}
                  empty="Nothing was activated in these days."
                  columns={[UNIT_HEADS[unit], "Activations"]}
                  bars={barsOf(period, now, unit, (day) => activatedOn.get(day) ?? 0, "sum", activatedIn)}
                />
              </Card>
            </div>
            <Card title="Latest events" actions={<a href="/admin/activity">All activity</a>}>
              {latest.length === 0 ? (
                <p class="empty">Nothing has happened yet.</p>
              ) : (
                <Timeline events={latest} now={now} about names={subjects} />
              )}
            </Card>
          </div>
        </>
      ),
    };
  },
};
