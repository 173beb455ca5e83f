// What may be personal, and is therefore left out of deliveries unless the endpoint asks for it. Pure.
import type { presentEvent } from "../audit/event-list.ts";
import type { EntityType } from "../record/entities.ts";
import { PERSONAL } from "../record/personal.ts";

/** Members of the resources; what is not named here is the same for everybody. */
const OF_OBJECTS: Partial<Record<EntityType, ReadonlySet<string>>> = {
  customer: PERSONAL,
  license: PERSONAL,
  message: new Set(["recipient", "subject", "last_error", "reason"]),
  webhook_endpoint: new Set(["url", "description"]),
};

/** Members of events, of which former releases kept the values. */
const OF_EVENTS: ReadonlySet<string> = new Set([
  ...PERSONAL,
  "hostname",
  "ip",
  "address",
  "labels",
  "fingerprint",
  "recipient",
  "subject",
  // What staff typed: it may name anybody.
  "reason",
]);

const MAILBOX = /[^\s@]@[^\s@]/;

const isEmpty = (value: unknown): boolean =>
  typeof value === "object" && (value === null || Object.keys(value).length === 0);

/** A resource without its personal members. */
export const impersonal = (type: string, object: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(object).filter(([name]) => OF_OBJECTS[type as EntityType]?.has(name) !== true),
  );

/** Without personal members, wherever they are, and without texts that hold a mailbox. Ids stay: they name nobody. */
function withoutValues(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutValues);
  if (typeof value === "string") return MAILBOX.test(value) ? null : value;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, member]: [string, unknown]) => {
      if (OF_EVENTS.has(name) && !isEmpty(member)) return [];
      return [[name, name.endsWith("_id") ? member : withoutValues(member)]];
    }),
  );
}

const nameless = (id: string): string | null => (MAILBOX.test(id) ? null : id);

/** An event without what it says about people: who of the staff did it, by name and from where. */
export const impersonalEvent = (event: ReturnType<typeof presentEvent>) => ({
  ...event,
  actor: { ...event.actor, id: event.actor.type === "instance" ? event.actor.id : nameless(event.actor.id) },
  // No entity that is told of here is called by its mailbox; one of a later release may be.
  entity: { ...event.entity, id: nameless(event.entity.id) },
  ip: null,
  detail: withoutValues(event.detail),
});
