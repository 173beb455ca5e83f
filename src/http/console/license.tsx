// /admin/licenses/{id}: everything about one license, and everything that can be done with it.
import type { Child, FC } from "hono/jsx";
import { EventFilter, listEvents, presentEvent } from "../../audit/event-list.ts";
import { countSeats, listActivations, presentActivation } from "../../licensing/instances.ts";
import { getLicenseAndCustomer, presentLicense } from "../../licensing/licenses.ts";
import { TRANSITIONS } from "../../licensing/lifecycle.ts";
import { readUsage } from "../../licensing/usage.ts";
import { listMessages, presentMessage } from "../../notices/messages.ts";
import { Heading } from "./layout.tsx";
import { KINDS, MessageStatus } from "./messages.tsx";
import type { Page } from "./mount.tsx";
import { BarChart } from "./parts/charts.tsx";
import { Timeline } from "./parts/events.tsx";
import { SeatBadges, type ShownSeat } from "./parts/seats.tsx";
import {
  Badge,
  Card,
  Facts,
  formatDate,
  formatLimit,
  Meter,
  plural,
  StandingBadge,
  Table,
  When,
} from "./parts/show.tsx";
import type { Visit } from "./visit.ts";

const DAY = 86_400_000;

const DAYS_SHOWN = 30;

const DONE: Record<string, string> = {
  changed: "The terms are changed. Instances get them at their next check-in.",
  renewed: "Renewed. Instances get the new end at their next check-in; nobody has to install a new key.",
  suspended: "Suspended.",
  reinstated: "Reinstated. Instances go on at their next check-in.",
  revoked: "Revoked.",
  reissued: "The key is replaced; the old one is refused from now on.",
  sent: "The mail is on its way; below it says how far it is.",
  freed: "The seat is free.",
};

type Shown = ReturnType<typeof presentLicense>;

const Actions: FC<{ visit: Visit; license: Shown }> = ({ visit, license }) => {
  const allowed: readonly string[] = TRANSITIONS[license.status];
  const offered: [action: string, label: string, look?: string][] = [
    ["renew", "Renew", "primary"],
    ["send", "Send key"],
    ["edit", "Edit terms"],
    ["reissue", "Replace key"],
    ["suspend", "Suspend"],
    ["reinstate", "Reinstate", "primary"],
    ["revoke", "Revoke", "danger"],
  ];
  const isOffered = (action: string): boolean =>
    action === "send"
      ? license.status !== "revoked"
      : action === "renew"
        ? license.expires_at !== null && allowed.includes("renew")
        : allowed.includes(action === "edit" ? "change" : action);
  return (
    <>
      {visit.can("keys") ? (
        <a class="button" href={`/admin/licenses/${license.id}/key`} rel="nofollow">
          Show key
        </a>
      ) : null}
      {visit.can("licenses")
        ? offered
            .filter(([action]) => isOffered(action))
            .map(([action, label, look]) => (
              <a class={`button ${look ?? ""}`} href={`/admin/licenses/${license.id}/${action}`} data-dialog>
                {label}
              </a>
            ))
        : null}
    </>
  );
};

const endsIn = (ends: string, now: number): Child => (
  <>
    {plural(Math.ceil((Date.parse(ends) - now) / DAY), "day")} left, ends {formatDate(Date.parse(ends))}
  </>
);

/** What the standing means today, in words. */
function leadOf(license: Shown, now: number): Child {
  const ends = license.expires_at;
  const words: Record<Shown["standing"], Child> = {
    active: ends === null ? "Perpetual: it does not end." : endsIn(ends, now),
    expiring: ends === null ? null : endsIn(ends, now),
    grace: (
      <>
        Ended {<When at={ends} now={now} />}; instances run on until{" "}
        {<When at={license.grace_until} now={now} />}
      </>
    ),
    expired: <>Ended {<When at={ends} now={now} />}</>,
    scheduled: <>Starts {<When at={license.starts_at} now={now} />}</>,
    suspended: "Activations and check-ins are refused until it is reinstated.",
    revoked: "Revoked for good.",
  };
  return words[license.standing];
}

const Terms: FC<{ license: Shown; customer: string; now: number }> = ({ license, customer, now }) => (
  <Card title="Terms">
    <Facts
      rows={[
        ["Customer", <a href={`/admin/customers/${encodeURIComponent(license.customer_id)}`}>{customer}</a>],
        ["Type", license.license_type],
        ["Issued", <When at={license.issued_at} now={now} />],
        ["Starts", license.starts_at === null ? null : <When at={license.starts_at} now={now} />],
        ["Ends", <When at={license.expires_at} now={now} none="never" />],
        ["Grace", license.grace_days === 0 ? "none" : `${license.grace_days} days`],
        ["Instances", formatLimit(license.max_instances)],
        ["Services", formatLimit(license.max_services)],
        ["Requests a day", formatLimit(license.max_requests_per_day)],
        ["Lease", `${license.lease_days} days, checked in every ${license.check_in_hours} hours`],
        ["Key revision", license.revision],
      ]}
    />
    <div class="badges">
      {license.features.length === 0 ? (
        <span class="soft">No features</span>
      ) : (
        license.features.map((feature) => <Badge tone="plain">{feature}</Badge>)
      )}
    </div>
    {Object.keys(license.metadata).length > 0 ? (
      <details>
        <summary>Metadata</summary>
        <pre class="claims">{JSON.stringify(license.metadata, null, 2)}</pre>
      </details>
    ) : null}
  </Card>
);

const Instances: FC<{ visit: Visit; license: Shown; seats: ShownSeat[]; taken: number; more: boolean }> = ({
  visit,
  license,
  seats,
  taken,
  more,
}) => (
  <Card title="Instances">
    <Meter used={taken} limit={license.max_instances} label="Seats" />
    <Table
      caption="Instances"
      rows={seats}
      empty="No instance has activated yet."
      columns={[
        {
          label: "Instance",
          cell: ({ id, instance_id, hostname, app_version }) => (
            <>
              <a href={`/admin/instances/${encodeURIComponent(id)}`}>{instance_id}</a>
              <span class="second">
                {[hostname, app_version && `version ${app_version}`].filter(Boolean).join(", ")}
              </span>
            </>
          ),
        },
        {
          label: "State",
          cell: (seat) => <SeatBadges seat={seat} now={visit.now} />,
        },
        { label: "Last seen", cell: ({ last_seen_at }) => <When at={last_seen_at} now={visit.now} /> },
        {
          label: "Lease ends",
          cell: ({ active, lease_expires_at }) =>
            active ? <When at={lease_expires_at} now={visit.now} /> : "",
          minor: true,
        },
        {
          label: "Seat",
          cell: ({ id, active }) =>
            active && visit.can("activations") ? (
              <a class="button small" href={`/admin/instances/${encodeURIComponent(id)}/free`} data-dialog>
                Free
              </a>
            ) : (
              ""
            ),
        },
      ]}
    />
    {more ? <a href={`/admin/instances?license_id=${license.id}`}>All instances of this license</a> : null}
  </Card>
);

const Usage: FC<{ usage: Awaited<ReturnType<typeof readUsage>> }> = ({ usage }) => {
  const used = new Map(usage.data.map((day) => [day.date, day.requests]));
  const first = Date.parse(usage.from);
  const days = Array.from({ length: DAYS_SHOWN }, (_, index) => first + index * DAY);
  return (
    <Card title={`Requests of the last ${DAYS_SHOWN} days`}>
      {usage.data.length === 0 ? (
        <p class="empty">No instance has reported usage in these days.</p>
      ) : (
        <BarChart
          title={`Requests of the last ${DAYS_SHOWN} days`}
          columns={["Day", "Requests"]}
          limit={usage.max_requests_per_day}
          bars={days.map((day, index) => ({
            name: formatDate(day),
            tick: index % 7 === 3 ? formatDate(day).replace(/, \d+$/, "") : undefined,
            value: used.get(new Date(day).toISOString().slice(0, 10)) ?? 0,
          }))}
        />
      )}
      {usage.max_requests_per_day !== null && usage.data.length > 0 ? (
        <p class="hint">
          The dashed line is the limit of {formatLimit(usage.max_requests_per_day)} a day. Days above it warn,
          they never stop anything.
        </p>
      ) : null}
    </Card>
  );
};

const Mail: FC<{ mail: ReturnType<typeof presentMessage>[]; now: number }> = ({ mail, now }) => (
  <Card title="Mail">
    {mail.length === 0 ? (
      <p class="empty">Nothing was mailed about this license.</p>
    ) : (
      <ul class="list">
        {mail.map(({ id, kind, recipient, status, created_at }) => (
          <li>
            <span>
              <MessageStatus status={status} /> <a href={`/admin/messages/${id}`}>{KINDS[kind]}</a> to{" "}
              {recipient}
            </span>
            <When at={created_at} now={now} />
          </li>
        ))}
      </ul>
    )}
  </Card>
);

export const licensePage: Page = {
  path: "/admin/licenses/{id}",
  access: "read",
  async show(visit) {
    const { context, now, params, query } = visit;
    const id = params["id"] ?? "";
    const [{ license: row, customer }, seats, taken, usage, mail, events] = await Promise.all([
      getLicenseAndCustomer(context, id),
      listActivations(context, { limit: 20 }, { license_id: id }),
      countSeats(context, id),
      readUsage(context, id, {}),
      listMessages(context, { limit: 8 }, { license_id: id }),
      listEvents(context, { limit: 20 }, EventFilter.parse({ entity: id })),
    ]);
    const license = presentLicense(row, now);
    return {
      title: `${customer.name}, ${license.license_type}`,
      section: "licenses",
      body: (
        <>
          <Heading
            title={
              <>
                {customer.name} <StandingBadge standing={license.standing} />
              </>
            }
            lead={
              <>
                <code>{id}</code> · {leadOf(license, now)}
              </>
            }
            trail={[["/admin/licenses", "Licenses"]]}
            done={DONE[query["done"] ?? ""]}
          />
          <div class="actions page">
            <Actions visit={visit} license={license} />
          </div>
          <div class="columns lopsided">
            <div>
              <Terms license={license} customer={customer.name} now={now} />
              <Instances
                visit={visit}
                license={license}
                seats={seats.data.map((seat) => presentActivation(seat, now))}
                taken={taken}
                more={seats.next_cursor !== null}
              />
              <Usage usage={usage} />
            </div>
            <div>
              <Mail mail={mail.data.map(presentMessage)} now={now} />
              <Card title="What happened">
                <Timeline events={events.data.map(presentEvent)} now={now} />
                {events.next_cursor === null ? null : (
                  <a href={`/admin/activity?entity=${encodeURIComponent(id)}`}>All of it</a>
                )}
              </Card>
            </div>
          </div>
        </>
      ),
    };
  },
};
