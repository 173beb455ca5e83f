// /portal/licenses/{id}: one license, who holds its seats, what was used, and how to install it.
import type { FC } from "hono/jsx";
import {
  freedLately,
  type OwnLicense,
  ownLicense,
  ownSeats,
  ownUsage,
  type UsedDay,
} from "../../licensing/portal/own.ts";
import { isByFile, SILENT_DAYS } from "../../licensing/instances/census.ts";
import { entitledTo, ownDefinitions, type OwnEntitlement } from "../../licensing/portal/own-usage.ts";
import { DAY, dayOf } from "../../kernel/dates.ts";
import type { Activation } from "../../storage/schema.ts";
import { BarChart } from "../ui/charts.tsx";
import { Meter } from "../ui/seats.tsx";
import {
  Badge,
  Card,
  type Column,
  Facts,
  formatDate,
  formatEnd,
  formatLimit,
  formatShortDate,
  plural,
  StandingBadge,
  Table,
  When,
} from "../ui/show.tsx";
import { standingOf } from "../../licensing/licenses/standing.ts";
import type { Page } from "./mount.tsx";
import { Heading } from "../ui/heading.tsx";
import { LICENSES, stateOf } from "./parts.tsx";
import { idOf, type Visit } from "./visit.ts";

const DONE: Record<string, string> = { freed: "The seat is free. A new installation can take it." };

const State: FC<{ license: OwnLicense; now: number }> = ({ license, now }) => {
  const { tone, headline, words } = stateOf(license, now);
  return (
    <p class={`note ${tone}`}>
      <strong>{headline}</strong> {words}
    </p>
  );
};

const Entitled: FC<{ one: OwnEntitlement }> = ({ one: { name, unit, value, until, used } }) => {
  const measure = unit === null ? "" : ` ${unit}`;
  const words =
    typeof value === "boolean"
      ? value
        ? "included"
        : "not included"
      : typeof value === "string"
        ? value
        : null;
  return (
    <>
      {words ??
        (used === null ? (
          `${formatLimit(value as number | null)}${measure}`
        ) : (
          <>
            <Meter used={used.figure} limit={value as number | null} label={name} />
            <span class="second">{`${measure.trim()} this ${used.period}`.trim()}</span>
          </>
        ))}
      {until === null ? null : <span class="second">through {formatEnd(until)}</span>}
    </>
  );
};

const Terms: FC<{ license: OwnLicense; entitled: OwnEntitlement[]; now: number }> = ({
  license,
  entitled,
  now,
}) => (
  <Card title="What it covers">
    <Facts
      rows={[
        ["Valid through", <When at={license.expires_at} now={now} as="end" none="without an end" />],
        ["Begins", license.starts_at === null ? null : <When at={license.starts_at} now={now} as="start" />],
        ["Grace after that", license.grace_days === 0 ? "none" : plural(license.grace_days, "day")],
        ["Seats", <Meter used={license.seated} limit={license.max_instances} label="Seats" />],
        ["Services", formatLimit(license.max_services)],
        ["Requests a day", formatLimit(license.max_requests_per_day)],
        [
          "Versions built until",
          license.updates_until === null ? null : <When at={license.updates_until} now={now} as="end" />,
        ],
        ["Features", license.features.length === 0 ? null : license.features.join(", ")],
        ...entitled.map((one) => [one.name, <Entitled one={one} />] as const),
      ]}
    />
  </Card>
);

const SeatState: FC<{ seat: Activation; now: number }> = ({ seat, now }) => {
  if (seat.freed_at !== null) return <Badge tone="warn">freed, counts until its file ends</Badge>;
  if (isByFile(seat)) return <Badge tone="good">by file</Badge>;
  return seat.last_seen_at <= now - SILENT_DAYS * DAY ? (
    <Badge tone="warn">silent</Badge>
  ) : (
    <Badge tone="good">live</Badge>
  );
};

const seatColumns = (visit: Visit): Column<Activation>[] => [
  {
    label: "Installation",
    main: true,
    cell: ({ instance_id, hostname, app_version }) => (
      <>
        {instance_id}
        <span class="second">
          {[hostname, app_version && `version ${app_version}`].filter(Boolean).join(", ")}
        </span>
      </>
    ),
  },
  { label: "State", cell: (seat) => <SeatState seat={seat} now={visit.now} /> },
  { label: "Where", cell: ({ ip }) => ip ?? <span class="soft">unknown</span>, minor: true },
  { label: "Last seen", cell: ({ last_seen_at }) => <When at={last_seen_at} now={visit.now} /> },
  ...(visit.may("free")
    ? [
        {
          label: "Free the seat",
          head: "",
          cell: (seat: Activation) =>
            isByFile(seat) ? null : (
              <a class="button small" href={`/portal/seats/${encodeURIComponent(seat.id)}/free`}>
                Free <span class="unseen">the seat of {seat.instance_id}</span>
              </a>
            ),
        },
      ]
    : []),
];

/** Those that were not seen for the longest time come first: they are the likeliest to be gone. */
const bySilence = (rows: Activation[]): Activation[] =>
  rows.toSorted((one, other) => one.last_seen_at - other.last_seen_at);

const Seats: FC<{
  visit: Visit;
  license: OwnLicense;
  seats: Awaited<ReturnType<typeof ownSeats>>;
  freed: number;
}> = ({ visit, license, seats, freed }) => (
  <Card title="Seats" id="seats">
    {seats.rows.length === 0 ? null : (
      <p class="soft">
        Each installation holds a seat while it runs. The one that was silent for the longest time comes
        first.
        {visit.may("free") && license.max_instances !== null
          ? ` You can free ${plural(Math.max(0, license.max_instances - freed), "more seat")} within 30 days; we free more when you ask.`
          : ""}
      </p>
    )}
    <div class="piled">
      <Table
        caption="Installations that hold a seat"
        rows={bySilence(seats.rows)}
        empty="No installation holds a seat. Each takes one when it starts."
        columns={seatColumns(visit)}
      />
    </div>
    {seats.next === null ? null : (
      <nav class="pager" aria-label="Pages">
        <span />
        <a class="button" href={`?after=${encodeURIComponent(seats.next)}#seats`} rel="next">
          Next page
        </a>
      </nav>
    )}
  </Card>
);

const bars = (days: UsedDay[], what: "requests" | "services") =>
  days.map((day, n) => ({
    name: formatDate(Date.parse(day.day)),
    tick: n % 7 === 0 ? formatShortDate(Date.parse(day.day)) : undefined,
    value: day[what],
  }));

const Usage: FC<{ license: OwnLicense; days: UsedDay[]; now: number }> = ({ license, days, now }) => (
  <div class="columns">
    <Card
      title="Requests a day"
      actions={
        <a href={`/portal/licenses/${license.id}/statements/${dayOf(now).slice(0, 7)}`}>Month by month</a>
      }
    >
      <BarChart
        title="Requests of the last month"
        bars={bars(days, "requests")}
        columns={["Day", "Requests"]}
        limit={license.max_requests_per_day}
        empty="No usage was reported in the last month."
      />
    </Card>
    <Card title="Services a day">
      <BarChart
        title="Services of the last month"
        bars={bars(days, "services")}
        columns={["Day", "Services"]}
        limit={license.max_services}
        empty="No usage was reported in the last month."
      />
    </Card>
  </div>
);

const WISHES = { seats: "Ask for seats", renewal: "Ask for a renewal", question: "Ask us" };

/** What the state of a license makes likely. */
function wishFor(license: OwnLicense, now: number): keyof typeof WISHES {
  switch (standingOf(license, now)) {
    case "expiring":
    case "grace":
    case "expired":
      return "renewal";
    case "suspended":
    case "revoked":
      return "question";
    default:
      return license.max_instances !== null ? "seats" : license.expires_at !== null ? "renewal" : "question";
  }
}

export const licensePage: Page = {
  path: "/portal/licenses/{id}",
  access: "licenses",
  async show(visit) {
    const { context, now, query, may } = visit;
    const id = idOf(visit);
    const details = may("seats")
      ? Promise.all([ownSeats(context, id, query["after"]), freedLately(context, id), ownUsage(context, id)])
      : null;
    const [license, seen] = await Promise.all([ownLicense(context, id), details]);
    const entitled = seen ? entitledTo(license, await ownDefinitions(context, license), seen[2], now) : [];
    return {
      title: `License ${license.license_type}`,
      body: (
        <>
          <Heading
            trail={[LICENSES]}
            title={
              <>
                {license.license_type} <StandingBadge standing={standingOf(license, now)} />
              </>
            }
            lead={<code>{license.id}</code>}
            done={DONE[query["done"] ?? ""]}
            actions={
              <>
                {may("ask") ? (
                  <a
                    class="button"
                    href={`/portal/requests?kind=${wishFor(license, now)}&license=${license.id}`}
                  >
                    {WISHES[wishFor(license, now)]}
                  </a>
                ) : null}
                {may("keys") ? (
                  <a
                    class={license.seated === 0 && license.status === "active" ? "button primary" : "button"}
                    href={`/portal/licenses/${license.id}/key`}
                  >
                    License key
                  </a>
                ) : null}
                {may("seats") ? (
                  <a class="button quiet" href={`/portal/licenses/${license.id}/events`}>
                    What happened
                  </a>
                ) : null}
              </>
            }
          />
          <State license={license} now={now} />
          <Terms license={license} entitled={entitled} now={now} />
          {seen ? <Seats visit={visit} license={license} seats={seen[0]} freed={seen[1]} /> : null}
          {seen ? <Usage license={license} days={seen[2]} now={now} /> : null}
        </>
      ),
    };
  },
};
