// Events in words.
import type { FC } from "hono/jsx";
import { customerNames } from "../../../licensing/customers/customers.ts";
import { displayNameOf } from "../../../licensing/customers/display-name.ts";
import { holdersOf } from "../../../licensing/licenses/search/license-uses.ts";
import type { Context } from "../../../context.ts";
import { isShown, type NamedEvent, presentEvent } from "../../../audit/event-list.ts";
import { EVENT_ACTIONS, EVENT_TYPES } from "../../../record/catalogue.ts";
import type { Visit } from "../visit.ts";
import { tailOf } from "../../ui/copyable.tsx";
import { runsOf } from "../../ui/list.tsx";
import { formatCount, When } from "../../ui/show.tsx";
import { wordsFor } from "../../ui/terms.ts";

const shownEvent = (event: NamedEvent) => ({ ...presentEvent(event), actor_name: event.actor_name });

type ShownEvent = ReturnType<typeof shownEvent>;

/** The kinds of events, by their words, that this person may see. */
export const actionsFor = ({ context }: Visit): [action: string, words: string][] =>
  EVENT_ACTIONS.filter((action) => isShown(context, action)).map((action) => [
    action,
    EVENT_TYPES[action].words,
  ]);

const wordsInTable = (action: string): string | undefined =>
  Object.hasOwn(EVENT_TYPES, action) ? EVENT_TYPES[action as keyof typeof EVENT_TYPES].words : undefined;

/** What happened, in words; a kind without its own words is its name with blanks. */
const wordsOf = ({ action, actor }: ShownEvent): string => {
  if (action === "activation.ended" && actor.type === "staff") return "Seat freed";
  if (action === "activation.ended" && actor.type === "customer") return "Seat freed by the customer";
  const plain = action.replaceAll(/[._]/g, " ");
  return wordsInTable(action) ?? plain.charAt(0).toUpperCase() + plain.slice(1);
};

/** Parts of the service that act by themselves. */
const SYSTEM: Record<string, string> = {
  nightly: "the nightly job",
  "pending-changes": "an order for this time",
  deliveries: "the delivery of mail",
  receipts: "a receipt of the mail service",
  usage: "the count of usage",
  lease: "the end of the lease",
  seats: "the count of seats",
  silence: "the watch over instances",
  time: "time",
  webhooks: "the delivery of webhooks",
};

/** Who did it, by name; with the id if that differs. */
const By: FC<{ event: ShownEvent }> = ({ event: { actor, actor_name } }) => {
  const { type, id } = actor;
  if (type === "instance") return <> · by instance {id}</>;
  const words = type === "system" ? SYSTEM[id] : actor_name;
  if (type === "system") return <> · by {words ? <span title={id}>{words}</span> : id}</>;
  return (
    <>
      {" · by "}
      <a href={`/admin/activity?actor=${encodeURIComponent(id)}`} title={id}>
        {words ?? id}
      </a>
    </>
  );
};

const PAGES: Record<string, string> = {
  license: "/admin/licenses/",
  customer: "/admin/customers/",
  message: "/admin/messages/",
};

/** What an event is about, with a link if it has a page. */
const Subject: FC<{ entity: ShownEvent["entity"]; name: string | undefined }> = ({ entity, name }) => {
  const page = PAGES[entity.type];
  const shown = name ?? <code>{entity.id}</code>;
  return (
    <>
      {page ? <a href={page + encodeURIComponent(entity.id)}>{shown}</a> : shown}{" "}
      {name === undefined ? null : <code title={entity.id}>{tailOf(entity.id)}</code>}
    </>
  );
};

/** As many events of one kind in a row, about the same and by the same, as are told as one. */
const FOLDED = 3;

const kindOf = ({ action, entity, actor }: ShownEvent): string =>
  JSON.stringify([action, entity.id, actor.type, actor.id]);

/** The events with those that repeat the one before them in one group, if they are many. */
const folded = (events: ShownEvent[]): [ShownEvent, ...ShownEvent[]][] =>
  runsOf(events, kindOf).flatMap((run) =>
    run.length >= FOLDED ? [run] : run.map((event): [ShownEvent] => [event]),
  );

/** The others of a run, folded: when, and what was recorded. */
const Others: FC<{ others: ShownEvent[]; now: number; full: boolean | undefined }> = ({
  others,
  now,
  full,
}) =>
  others.length === 0 ? null : (
    <details class="others">
      <summary>and {formatCount(others.length)} times before</summary>
      <ul>
        {others.map((event) => (
          <li>
            <When at={event.at} now={now} time /> {remarkOf(event)}
            <Mail event={event} />
            {full ? <Detail event={event} /> : null}
          </li>
        ))}
      </ul>
    </details>
  );

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

/** Whom events are about, by the id of the license or customer. */
type Names = ReadonlyMap<string, string>;

/** The names on a page of events. */
export async function namesIn(context: Context, events: NamedEvent[]): Promise<Names> {
  const idsOf = (type: string): string[] =>
    events.filter(({ entity_type }) => entity_type === type).map(({ entity_id }) => entity_id);
  const [holders, customers] = await Promise.all([
    holdersOf(context, idsOf("license")),
    customerNames(context, idsOf("customer")),
  ]);
  return new Map([...holders, ...customers].map(([id, customer]) => [id, displayNameOf(customer)]));
}

/**
 * The latest first. `about` also names what each event is about, with the customer where `names` has it; `full` adds
 * all that was recorded.
 */
export const Timeline: FC<{
  events: NamedEvent[];
  now: number;
  about?: boolean;
  full?: boolean;
  names?: Names;
}> = ({ events, now, about, full, names }) => (
  <ol class={full ? "timeline full" : "timeline"}>
    {folded(events.map(shownEvent)).map(([event, ...others]) => {
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
              <Subject entity={event.entity} name={names?.get(event.entity.id)} />
            </div>
          ) : null}
          <div class="soft">
            <When at={event.at} now={now} time />
            {/* An instance acts for itself: the remark has named it. */}
            {event.actor.type === "instance" && !full ? null : <By event={event} />}
          </div>
          {full ? <Detail event={event} /> : null}
          <Others others={others} now={now} full={full} />
        </li>
      );
    })}
  </ol>
);
