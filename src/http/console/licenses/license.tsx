// /admin/licenses/{id}: everything about one license, and the links to its actions.
import type { Child, FC } from "hono/jsx";
import { displayNameOf } from "../../../licensing/customers/display-name.ts";
import { listEvents } from "../../../audit/event-list.ts";
import { listByContact } from "../../../licensing/instances/by-contact.ts";
import { countSeats } from "../../../licensing/instances/instances.ts";
import { keyReplacedAt } from "../../../licensing/instances/old-key.ts";
import { settledOf } from "../../../licensing/figures/attention/settled-list.ts";
import { getLicenseAndCustomer, presentLicense } from "../../../licensing/licenses/licenses.ts";
import { listOpenChanges } from "../../../licensing/licenses/pending-changes.ts";
import { presentPendingChange } from "../../../licensing/licenses/pending-rows.ts";
import { TRANSITIONS } from "../../../licensing/licenses/decisions.ts";
import { listRefusals } from "../../../licensing/seats/kept-refusals.ts";
import { listMessages, presentMessage } from "../../../notices/messages.ts";
import { Heading } from "../../ui/heading.tsx";
import { Mail } from "../parts/mail.tsx";
import { Hero, Instances, Refused, type ShownLicense, Terms } from "./cards.tsx";
import { Usage } from "./daily-usage.tsx";
import type { Page } from "../mount.tsx";
import { Meters, readLately } from "./meters.tsx";
import { Orders } from "../parts/orders.tsx";
import { Timeline } from "../parts/events.tsx";
import { SettledNote } from "../parts/settled.tsx";
import { shownSeat } from "../parts/seats.tsx";
import { Card, StandingBadge, When } from "../../ui/show.tsx";
import { ACTION_NAMES } from "../../ui/terms.ts";
import { idOf, type Visit } from "../visit.ts";

const DONE: Record<string, string> = {
  changed: "The terms are changed. Instances get them at their next check-in.",
  renewed: "Renewed. Instances get the new end at their next check-in; nobody has to install a new key.",
  suspended: "Suspended.",
  reinstated: "Reinstated. Instances continue at their next check-in.",
  revoked: "Revoked.",
  corrected: "The usage is corrected.",
  transferred: "Transferred. Running instances continue and get the new key at their next check-in.",
  ordered: "Ordered. It is below, under what is to come.",
  cancelled: "The change is cancelled.",
  released: "The change will be carried out.",
  sent: "The mail is on its way; its status is shown below.",
};

type Offered = [action: string, label: string, look?: string];

/** The action that it needs most. */
const first = ({ status }: ShownLicense): Offered[] => [
  ["reinstate", ACTION_NAMES.reinstate, "primary"],
  ["renew", ACTION_NAMES.renew, status === "suspended" ? "" : "primary"],
];

const DAILY: Offered[] = [
  ["send", "Send key"],
  ["edit", ACTION_NAMES.change],
];

const RARE: Offered[] = [
  ["reissue", ACTION_NAMES.reissue, "quiet"],
  ["transfer", ACTION_NAMES.transfer, "quiet"],
  ["suspend", ACTION_NAMES.suspend, "quiet"],
  ["revoke", ACTION_NAMES.revoke, "quiet danger"],
];

const Actions: FC<{ visit: Visit; license: ShownLicense }> = ({ visit, license }) => {
  const allowed: readonly string[] = TRANSITIONS[license.status];
  const isOffered = (action: string): boolean =>
    action === "send"
      ? license.status !== "revoked"
      : action === "renew"
        ? license.expires_at !== null && allowed.includes("renew")
        : allowed.includes(action === "edit" ? "change" : action);
  const offer = (offered: Offered[]) =>
    offered
      .filter(([action]) => isOffered(action))
      .map(([action, label, look = ""]) => (
        <a class={`button ${look}`} href={`/admin/licenses/${license.id}/${action}`} data-dialog>
          {label}
        </a>
      ));
  return (
    <>
      {visit.can("licenses") ? offer(first(license)) : null}
      {visit.can("keys") ? (
        <a class="button" href={`/admin/licenses/${license.id}/key`} rel="nofollow">
          Show key
        </a>
      ) : null}
      {visit.can("licenses") ? (
        <>
          {offer(DAILY)}
          <div class="rare">{offer(RARE)}</div>
        </>
      ) : null}
    </>
  );
};

/** What its status means for the customer, beyond the dates below; null if nothing. */
function leadOf(license: ShownLicense, now: number): Child {
  const words: Record<ShownLicense["standing"], Child> = {
    active: null,
    expiring: null,
    grace: <>Instances keep running until {<When at={license.grace_until} now={now} as="end" />}</>,
    expired: null,
    scheduled: <>Starts {<When at={license.starts_at} now={now} as="start" />}</>,
    suspended: "Activations and check-ins are refused until it is reinstated.",
    revoked: "Revoked for good.",
  };
  return words[license.standing];
}

/** Enough for nearly every license; the lists of instances and of events have them all. */
const SEATS = 20;
const EVENTS = 20;

export const licensePage: Page = {
  path: "/admin/licenses/{id}",
  access: "read",
  async show(visit) {
    const { context, now, query } = visit;
    const id = idOf(visit);
    const [
      { license: row, customer },
      seats,
      taken,
      usage,
      mail,
      events,
      ordered,
      refused,
      replacedAt,
      settled,
    ] = await Promise.all([
      getLicenseAndCustomer(context, id),
      listByContact(context, id, SEATS + 1),
      countSeats(context, id),
      readLately(context, id, now),
      listMessages(context, { limit: 8 }, { license_id: id }),
      listEvents(context, { limit: EVENTS }, { entity: id }, "with names"),
      listOpenChanges(context, id),
      listRefusals(context, id),
      keyReplacedAt(context, id),
      settledOf(context, id),
    ]);
    const license = presentLicense(row, now);
    const orders = ordered.map(presentPendingChange);
    const lead = leadOf(license, now);
    return {
      title: `${displayNameOf(customer)}, ${license.license_type}`,
      section: "licenses",
      body: (
        <>
          <Heading
            title={
              <>
                {displayNameOf(customer)} <StandingBadge standing={license.standing} />
              </>
            }
            lead={
              <>
                <code>{id}</code>
                {lead === null ? null : <> · {lead}</>}
              </>
            }
            trail={[["/admin/licenses", "Licenses"]]}
            done={DONE[query["done"] ?? ""]}
          />
          <SettledNote settled={settled} now={now} mayTakeBack={visit.can("licenses")} />
          <Hero license={license} taken={taken} now={now} />
          <div class="actions page">
            <Actions visit={visit} license={license} />
          </div>
          <div class="columns lopsided">
            <div>
              {orders.length === 0 ? null : (
                <Card title="To come">
                  <Orders
                    orders={orders}
                    now={now}
                    {...(visit.can("licenses") ? { path: `/admin/licenses/${id}` } : {})}
                  />
                </Card>
              )}
              <Terms license={license} held={row.entitlements} customer={customer} now={now} />
              <Instances
                visit={visit}
                license={license}
                seats={seats.slice(0, SEATS).map((seat) => shownSeat(seat, now, replacedAt))}
                taken={taken}
                more={seats.length > SEATS}
                replacedAt={replacedAt}
              />
              <Usage visit={visit} usage={usage} />
              <Meters usage={usage} now={now} />
              <Refused refusals={refused} now={now} />
            </div>
            <div>
              <Mail
                mail={mail.data.map(presentMessage)}
                none="Nothing was mailed about this license."
                now={now}
              />
              <Card title="What happened">
                <Timeline events={events.data} now={now} />
                {events.next_cursor === null ? null : (
                  <p>
                    <a href={`/admin/activity?entity=${encodeURIComponent(id)}`}>All events</a>
                  </p>
                )}
              </Card>
            </div>
          </div>
        </>
      ),
    };
  },
};
