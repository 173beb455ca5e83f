// /portal/events and /portal/licenses/{id}/events: what happened, in the customer's words.
import type { FC } from "hono/jsx";
import { ownLicense } from "../../licensing/portal/own.ts";
import {
  type OwnEvent,
  ownEvents,
  type TOLD_OF_CUSTOMERS,
  type TOLD_OF_LICENSES,
} from "../../licensing/portal/own-record.ts";
import { runsOf } from "../ui/list.tsx";
import { Card, Table, When } from "../ui/show.tsx";
import type { Page } from "./mount.tsx";
import { Heading } from "../ui/heading.tsx";
import { trailTo } from "./parts.tsx";
import { idOf, type Visit } from "./visit.ts";

type Told = (typeof TOLD_OF_LICENSES)[number] | (typeof TOLD_OF_CUSTOMERS)[number];

const WORDS: Record<Told, string> = {
  "activation.created": "An installation took a seat",
  "activation.ended": "A seat was given back",
  "activation.freed": "A seat was freed, and counts until its file ends",
  "activation.lapsed": "A lease ran out: the seat is free",
  "contact.changed": "A contact was changed",
  "contact.created": "A contact was added",
  "contact.deleted": "A contact was removed",
  "contact.signed_in": "Signed in here",
  "customer.signed_out": "Everybody was signed out",
  "customer_request.accepted": "We did what you asked for",
  "customer_request.created": "You asked for something",
  "customer_request.declined": "We declined what you asked for",
  "entitlement.ended": "A part of the license ended",
  "instance.clone_suspected": "Two installations may be copies of one",
  "instance.key_replaced": "An installation took the place of another one",
  "instance.silent": "An installation was not seen for three days",
  "license.changed": "The terms were changed",
  "license.expired": "The license expired",
  "license.expiring": "The license ends soon",
  "license.grace_started": "The license ended, and its grace began",
  "license.issued": "The license was issued",
  "license.key_revealed": "The key was looked at",
  "license.mailed": "The key was mailed",
  "license.overused": "More was used than the license covers",
  "license.reinstated": "The license was reinstated",
  "license.reissued": "The key was replaced",
  "license.renewed": "The license was renewed",
  "license.revoked": "The license was revoked",
  "license.suspended": "The license was suspended",
  "license.transferred": "The license came to you",
  "seats.exhausted": "An installation found no free seat",
  "statement.closed": "The statement of a month was closed",
  "usage.corrected": "The usage of a day was corrected",
};

/** Who did it, as the customer knows them; nothing where an installation or time did. */
function byWhom({ actor_type, by }: OwnEvent): string | null {
  if (actor_type === "staff") return "by us";
  return actor_type === "customer" ? `by ${by ?? "a contact of yours"}` : null;
}

/** What is told as one, where it happens several times in a row. */
const kindOf = ({ action, actor_type, by, instance_id }: OwnEvent): string =>
  JSON.stringify([action, actor_type, by, instance_id]);

const Happened: FC<{ events: OwnEvent[]; now: number }> = ({ events, now }) => (
  <Table
    caption="What happened"
    rows={runsOf(events, kindOf)}
    empty="Nothing yet."
    columns={[
      {
        label: "What",
        main: true,
        cell: ([event, ...others]) => (
          <>
            {WORDS[event.action as Told]}
            {others.length === 0 ? "" : `, ${others.length + 1} times`}
            <span class="second">
              {[event.instance_id, byWhom(event)].filter((part) => part !== null).join(", ")}
            </span>
          </>
        ),
      },
      { label: "When", cell: ([event]) => <When at={event.at} now={now} time /> },
    ]}
  />
);

const beforeOf = ({ query }: Visit): number => Number(/^\d{1,15}$/.exec(query["before"] ?? "")?.[0] ?? 0);

const Older: FC<{ next: number | null }> = ({ next }) =>
  next === null ? null : (
    <nav class="pager" aria-label="Pages">
      <span />
      <a class="button" href={`?before=${next}`} rel="next">
        Earlier
      </a>
    </nav>
  );

const ofCustomer: Page = {
  path: "/portal/events",
  access: "contacts",
  async show(visit) {
    const { rows, next } = await ownEvents(visit.context, null, beforeOf(visit));
    return {
      title: "What happened",
      body: (
        <>
          <Heading
            title="What happened"
            lead="Contacts, sign-ins and requests. Each license has a page of its own for what happened to it."
          />
          <Card>
            <Happened events={rows} now={visit.now} />
            <Older next={next} />
          </Card>
        </>
      ),
    };
  },
};

const ofLicense: Page = {
  path: "/portal/licenses/{id}/events",
  access: "seats",
  async show(visit) {
    const id = idOf(visit);
    const [license, { rows, next }] = await Promise.all([
      ownLicense(visit.context, id),
      ownEvents(visit.context, id, beforeOf(visit)),
    ]);
    return {
      title: `What happened to ${license.license_type}`,
      body: (
        <>
          <Heading trail={trailTo(license)} title="What happened" lead={<code>{id}</code>} />
          <Card>
            <Happened events={rows} now={visit.now} />
            <Older next={next} />
          </Card>
        </>
      ),
    };
  },
};

export const happenedDoors = [ofCustomer, ofLicense];
