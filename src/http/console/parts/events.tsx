// Events in words.
import type { FC } from "hono/jsx";
import { isShown, type NamedEvent, presentEvent } from "../../../audit/event-list.ts";
import type { Visit } from "../visit.ts";
import { formatCount, wordsFor, When } from "../../ui/show.tsx";

const shownEvent = (event: NamedEvent) => ({ ...presentEvent(event), actor_name: event.actor_name });

type ShownEvent = ReturnType<typeof shownEvent>;

const WORDS: Record<string, string> = {
  "activation.created": "Instance activated",
  "activation.ended": "Seat given back",
  "activation.freed": "Seat freed, counts until its file ends",
  "activation.lapsed": "Lease ran out",
  "api_token.created": "API token created",
  "api_token.revealed": "API token shown again",
  "api_token.revoked": "API token revoked",
  "contact.changed": "Contact changed",
  "contact.created": "Contact added",
  "contact.deleted": "Contact removed",
  "contact.email_bounced": "Mail to a contact bounced",
  "contact.email_complained": "A contact marked mail as spam",
  "contact.signed_in": "Contact signed in to the customer's site",
  "customer.changed": "Customer changed",
  "customer.created": "Customer created",
  "customer.deleted": "Customer deleted",
  "customer.email_bounced": "Mail bounced",
  "customer.email_complained": "Mail reported as spam",
  "customer.reinstated": "Licenses of the customer reinstated",
  "customer.suspended": "Licenses of the customer suspended",
  "customer_request.accepted": "Request of the customer accepted",
  "customer_request.created": "Customer asked for something",
  "customer_request.declined": "Request of the customer declined",
  "instance.clone_cleared": "Clone mark cleared",
  "instance.clone_suspected": "Clone suspected",
  "instance.fingerprint_changed": "Fingerprint changed",
  "instance.key_replaced": "Installation replaced",
  "job.failed": "Job failed",
  "license.changed": "Terms changed",
  "license.issued": "License issued",
  "license.key_revealed": "Key shown",
  "license.mailed": "Key mailed",
  "license.overused": "Used above its limit",
  "license.reinstated": "Reinstated",
  "license.reissued": "Key replaced",
  "license.renewed": "Renewed",
  "license.revoked": "Revoked",
  "license.suspended": "Suspended",
  "license.transferred": "Transferred",
  "license_type.changed": "License type changed",
  "license_type.created": "License type created",
  "license_type.deleted": "License type deleted",
  "licenses.exported": "Licenses exported",
  "message.retried": "Mail sent again",
  "message.previewed": "Preview of mail sent",
  "pending_change.cancelled": "Change cancelled",
  "pending_change.done": "Change carried out",
  "pending_change.failed": "Change failed",
  "pending_change.held": "Change held",
  "pending_change.ordered": "Change ordered",
  "pending_change.released": "Change released",
  "person.added": "Person added",
  "person.changed": "Role changed",
  "person.removed": "Person removed",
  "record.restarted": "Seals begun anew",
  "session.closed": "Signed out of the console",
  "session.opened": "Signed in to the console",
  "usage.corrected": "Usage corrected",
};

/** The kinds of events, by their words, that this person may see. */
export const actionsFor = ({ context }: Visit): [action: string, words: string][] =>
  Object.entries(WORDS).filter(([action]) => isShown(context, action));

/** What happened, in words; a kind without its own words is its name with blanks. */
const wordsOf = ({ action, actor }: ShownEvent): string => {
  if (action === "activation.ended" && actor.type === "staff") return "Seat freed";
  if (action === "activation.ended" && actor.type === "customer") return "Seat freed by the customer";
  const plain = action.replaceAll(/[._]/g, " ");
  return WORDS[action] ?? plain.charAt(0).toUpperCase() + plain.slice(1);
};

/** Parts of the service that act by themselves. */
const SYSTEM: Record<string, string> = {
  nightly: "the nightly job",
  "pending-changes": "an order for this time",
  deliveries: "the delivery of mail",
  receipts: "a receipt of the mail service",
  usage: "the count of usage",
  lease: "the end of the lease",
};

/** Who did it, by name; with the id if that differs. */
const By: FC<{ event: ShownEvent }> = ({ event: { actor, actor_name: name } }) => {
  const { type, id } = actor;
  if (type === "instance") return <> · by instance {id}</>;
  const words = type === "system" ? SYSTEM[id] : name;
  return <> · by {words ? <span title={id}>{words}</span> : id}</>;
};

const PAGES: Record<string, string> = {
  license: "/admin/licenses/",
  customer: "/admin/customers/",
  message: "/admin/messages/",
};

/** What an event is about, with a link if it has a page. */
const Subject: FC<{ entity: ShownEvent["entity"] }> = ({ entity }) => {
  const page = PAGES[entity.type];
  const id = <code>{entity.id}</code>;
  return page ? <a href={page + encodeURIComponent(entity.id)}>{id}</a> : id;
};

const text = (value: unknown): string =>
  typeof value === "string" ? value : typeof value === "number" ? formatCount(value) : JSON.stringify(value);

/** The part of an event's detail that a person wants to see at a glance. */
function remarkOf({ detail }: ShownEvent): string | null {
  const { reason, changes, instance_id, limit, allowed, observed, to, hostname, members } = detail;
  if (typeof reason === "string") return `“${reason}”`;
  if (typeof limit === "string") return `${wordsFor(limit)}: ${text(observed)} of ${text(allowed)}`;
  if (typeof instance_id === "string") return hostname ? `${instance_id} (${text(hostname)})` : instance_id;
  // Events of before this release name the address; newer ones name the mail, which is linked.
  if (typeof to === "string") return `to ${to}`;
  if (typeof changes === "object" && changes !== null) return Object.keys(changes).map(wordsFor).join(", ");
  if (Array.isArray(members) && !detail["after"])
    return members.map((name) => wordsFor(String(name))).join(", ");
  return null;
}

/** The mail that an event is about, with a link: its page says to whom it went. */
const Mail: FC<{ event: ShownEvent }> = ({ event: { detail } }) =>
  typeof detail["message_id"] === "string" ? (
    <>
      {" "}
      <a href={PAGES["message"] + encodeURIComponent(detail["message_id"])}>the mail</a>
    </>
  ) : null;

const Detail: FC<{ event: ShownEvent }> = ({ event: { request_id, ip, action, actor, detail } }) => (
  <details>
    <summary>Detail</summary>
    <pre class="claims">{JSON.stringify({ action, actor, request_id, ip, detail }, null, 2)}</pre>
  </details>
);

/** The latest first. `about` also names what each event is about; `full` adds all that was recorded. */
export const Timeline: FC<{ events: NamedEvent[]; now: number; about?: boolean; full?: boolean }> = ({
  events,
  now,
  about,
  full,
}) => (
  <ol class={full ? "timeline full" : "timeline"}>
    {events.map(shownEvent).map((event) => {
      const remark = remarkOf(event);
      return (
        <li>
          <div>
            <strong>{wordsOf(event)}</strong>
            {remark ? ` ${remark}` : null}
            <Mail event={event} />
          </div>
          {about ? (
            <div class="about">
              <Subject entity={event.entity} />
            </div>
          ) : null}
          <div class="soft">
            <When at={event.at} now={now} time />
            {/* An instance acts for itself: the remark has named it. */}
            {event.actor.type === "instance" && !full ? null : <By event={event} />}
          </div>
          {full ? <Detail event={event} /> : null}
        </li>
      );
    })}
  </ol>
);
