// /admin: how things stand, and what needs attention.
import type { Child, FC } from "hono/jsx";
import { listEvents } from "../../audit/event-list.ts";
import {
  type JobTrouble,
  runbookFor,
  type SpaceTrouble,
  spaceTrouble,
  troublesOf,
} from "../../health/rules.ts";
import { readRuns } from "../../health/runs.ts";
import { readAttention } from "../../licensing/figures/attention.ts";
import { SILENT_DAYS } from "../../licensing/instances/census.ts";
import type { Standing } from "../../licensing/licenses/standing.ts";
import { readStatistics } from "../../licensing/figures/statistics.ts";
import { senderFault } from "../../notices/sender.ts";
import { Heading } from "./layout.tsx";
import { SenderNote } from "./messages/list.tsx";
import type { Page } from "./mount.tsx";
import { BarChart } from "../ui/charts.tsx";
import { FirstDay } from "./parts/first-day.tsx";
import { Timeline } from "./parts/events.tsx";
import {
  ACTION_NAMES,
  Badge,
  Card,
  formatCount,
  formatDate,
  formatShortDate,
  plural,
  type Tone,
  When,
} from "../ui/show.tsx";

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
  ["/admin/messages?status=bounced", "bounced mail"],
  ["/admin/messages?status=failed", "failed mail"],
  [listOf("grace"), "in grace"],
  [listOf("expiring"), "expiring"],
  ["/admin/activity?action=license.overused", "over the limit"],
  [`/admin/instances?silent_days=${SILENT_DAYS}`, "silent instances"],
];

const month = new Intl.DateTimeFormat("en-US", { timeZone: "UTC", month: "short" });
const monthAndYear = new Intl.DateTimeFormat("en-US", { timeZone: "UTC", month: "long", year: "numeric" });

interface Concern {
  tone: Tone;
  kind: string;
  href: string;
  what: Child;
  when: Child;
  /** What is behind it, and what to do. */
  more?: string[];
}

const seat = ({
  id,
  instance_id,
  hostname,
}: {
  id: string;
  instance_id: string;
  hostname: string | null;
}) => ({
  href: `/admin/instances/${id}`,
  what: hostname ? `${instance_id} (${hostname})` : instance_id,
});

/** The licenses that end, a few of each standing; their number where none of the next to end is among them. */
function endingOf(found: Attention["ending"], counted: Record<Standing, number>, now: number): Concern[] {
  const shown = found.map((row) => ({
    tone: "warn" as const,
    kind: row.standing,
    href: `/admin/licenses/${row.id}`,
    what: `${row.customer_name}, ${row.license_type}`,
    when: <When at={row.expires_at} now={now} as="end" />,
  }));
  const missed = (["grace", "expiring"] as const)
    .filter((standing) => counted[standing] > 0 && !shown.some(({ kind }) => kind === standing))
    .map((standing) => ({
      tone: "warn" as const,
      kind: standing,
      href: listOf(standing),
      what: plural(counted[standing], "license"),
      when: null,
    }));
  return [...shown, ...missed];
}

type Attention = Awaited<ReturnType<typeof readAttention>>;

function concernsOf(
  found: Attention,
  troubles: JobTrouble[],
  counted: Record<Standing, number>,
  now: number,
): Concern[] {
  return [
    ...troubles.map((trouble) => {
      const { job, is, at, steps, why } = trouble;
      return {
        tone: "stop" as const,
        kind: `job ${is}`,
        href: "/admin/activity?action=job.failed",
        what: steps.length > 0 ? `${job}: ${steps.join(", ")}` : job,
        when: at === null ? null : <When at={at} now={now} />,
        more: [...(why === null ? [] : [why]), `What to do: ${runbookFor(trouble)}`],
      };
    }),
    ...found.clones.map((row) => ({
      tone: "stop" as const,
      kind: "clone suspected",
      ...seat(row),
      when: <When at={row.clone_suspected_at} now={now} />,
    })),
    ...found.scattered.map((row) => ({
      tone: "warn" as const,
      kind: "unproven requests",
      ...seat(row),
      when: <When at={row.scattered_at} now={now} />,
    })),
    ...found.undelivered.map((row) => ({
      tone: "stop" as const,
      kind: `mail ${row.status}`,
      href: `/admin/messages/${row.id}`,
      what: row.recipient,
      when: <When at={row.updated_at} now={now} />,
    })),
    ...found.stuck.map((row) => ({
      tone: "stop" as const,
      kind: `change ${row.status}`,
      href: `/admin/licenses/${row.license_id}`,
      what: `${ACTION_NAMES[row.action]}, ${row.license_id}`,
      when: <When at={row.effective_at} now={now} as="start" />,
    })),
    ...endingOf(found.ending, counted, now),
    ...found.overused.map((row) => ({
      tone: "warn" as const,
      kind: "over the limit",
      href: `/admin/licenses/${row.license_id}`,
      what: `${row.customer_name}, ${row.license_type}`,
      when: <When at={row.at} now={now} />,
    })),
    ...found.silent.map((row) => ({
      tone: "info" as const,
      kind: "silent",
      ...seat(row),
      when: <When at={row.last_seen_at} now={now} />,
    })),
  ];
}

export const overview: Page = {
  path: "/admin",
  access: "read",
  async show(visit) {
    const { context, now, can } = visit;
    const [figures, found, { runs, bytes }, latest, fault] = await Promise.all([
      readStatistics(context),
      readAttention(context),
      readRuns(context),
      listEvents(context, { limit: 12 }, {}, "with names"),
      senderFault(context),
    ]);
    const concerns = concernsOf(found, troublesOf(runs, now), figures.by_standing, now);
    const days = figures.activations_by_day;
    return {
      title: "Overview",
      section: "overview",
      body: (
        <>
          <Heading
            title="Overview"
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
                {concerns.length === 0 ? (
                  <p class="empty">
                    Nothing. No license ends soon, no mail came back, no instance is silent, and the jobs ran.
                  </p>
                ) : (
                  <ul class="list kinds">
                    {concerns.map(({ tone, kind, href, what, when, more = [] }) => (
                      <li>
                        <span>
                          <Badge tone={tone}>{kind}</Badge>
                        </span>
                        <span class="what">
                          <a href={href}>{what}</a>
                          {more.map((line) => (
                            <span class="hint">{line}</span>
                          ))}
                        </span>
                        {when}
                      </li>
                    ))}
                  </ul>
                )}
                <p class="hint">
                  The latest suspected clones, and a few of each other kind. Full lists:{" "}
                  {LISTS.map(([href, label], index) => (
                    <>
                      {index > 0 ? ", " : ""}
                      <a href={href}>{label}</a>
                    </>
                  ))}
                  .
                </p>
              </Card>
              <Card title="Licenses that end this month and in the next 11">
                <BarChart
                  title="Licenses that end this month and in the next 11"
                  empty="No license ends in these months."
                  columns={["Month", "Licenses"]}
                  bars={figures.expirations_by_month.map(({ month: name, count }) => {
                    const at = Date.parse(`${name}-01T00:00:00Z`);
                    return { name: monthAndYear.format(at), tick: month.format(at), value: count };
                  })}
                />
              </Card>
              <Card title="Activations of the last 90 days">
                <BarChart
                  title="Activations of the last 90 days"
                  empty="Nothing was activated in these days."
                  columns={["Day", "Activations"]}
                  bars={days.map(({ date, count }, index) => {
                    const at = Date.parse(`${date}T00:00:00Z`);
                    const tick = index % 15 === 7 ? formatShortDate(at) : undefined;
                    return { name: formatDate(at), tick, value: count };
                  })}
                />
              </Card>
            </div>
            <Card title="Latest events" actions={<a href="/admin/activity">All activity</a>}>
              {latest.data.length === 0 ? (
                <p class="empty">Nothing has happened yet.</p>
              ) : (
                <Timeline events={latest.data} now={now} about />
              )}
            </Card>
          </div>
        </>
      ),
    };
  },
};
