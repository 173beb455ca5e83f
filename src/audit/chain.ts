// The chain of hashes over the record, and what breaks it. Pure. It is computed from events as the API shows them, so
// that making a seal and checking one are the same code.

/** An event as the API shows it. */
export interface ChainedEvent {
  id: number;
  at: string;
  action: string;
  actor: { type: string; id: string };
  entity: { type: string; id: string };
  request_id: string;
  ip: string | null;
  detail: Record<string, unknown>;
}

/** What a seal's token says. */
export interface SealClaims {
  /** Number of the seal; the first is 1. */
  seal: number;
  from_id: number;
  up_to: number;
  /** Hash of the last event before `from_id`. */
  previous: string;
  /** Hash of the event `up_to`. */
  head: string;
}

/** The hash before the first event. */
export const GENESIS = "0".repeat(64);

/** A mark is a whole hash, so that the check can continue after an event that was changed. */
const MARK_LENGTH = 64;

/** JSON with its members sorted by name (RFC 8785), so that equal values give equal texts. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, member: unknown) =>
    member !== null && typeof member === "object" && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );

const utf8 = new TextEncoder();

/** SHA-256, as lower-case hex, over the previous hash and the event. */
export async function hashOf(previous: string, event: ChainedEvent): Promise<string> {
  const { id, at, action, actor, entity, request_id, ip, detail } = event;
  const line = canonical({ id, at, action, actor, entity, request_id, ip, detail });
  const digest = await crypto.subtle.digest("SHA-256", utf8.encode(`${previous}\n${line}`));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export interface Finding {
  kind: "edited" | "removed" | "inserted" | "seal";
  /** The id of the event, or the number of the seal. */
  id: number;
  says: string;
}

/**
 * What is wrong with the events of a seal; an empty list if they are what was sealed.
 * @param events the events that the seal is said to cover, in order
 * @param marks the hashes of the events when they were sealed. They are not signed and only help to name what was
 *   changed: the events must lead to the head in any case
 */
export async function checkSeal(
  { from_id, up_to, previous, head }: SealClaims,
  marks: string,
  events: ChainedEvent[],
): Promise<Finding[]> {
  const findings: Finding[] = [];
  const found = new Map(events.map((event) => [event.id, event]));
  for (const { id } of events) {
    if (!Number.isInteger(id) || id < from_id || id > up_to)
      findings.push({ kind: "inserted", id, says: `Event ${id} was put in: no seal covers it.` });
  }
  const marked = marks.length === (up_to - from_id + 1) * MARK_LENGTH && marks.endsWith(head);
  let hash = previous;
  for (let id = from_id; id <= up_to; id++) {
    const place = (id - from_id) * MARK_LENGTH;
    const mark = marked ? marks.slice(place, place + MARK_LENGTH) : null;
    const event = found.get(id);
    if (!event) findings.push({ kind: "removed", id, says: `Event ${id} is gone.` });
    const is = event ? await hashOf(hash, event) : hash;
    if (event && mark !== null && is !== mark)
      findings.push({ kind: "edited", id, says: `Event ${id} is not what was sealed.` });
    hash = mark ?? is;
  }
  if (findings.length > 0 || hash === head) return findings;
  const says = `An event from ${from_id} to ${up_to} is not what was sealed; the marks that would say which were changed with it.`;
  return [{ kind: "edited", id: up_to, says }];
}

/** What is wrong with a sequence of seals, the oldest first. Each must begin where the previous one ended. */
export function checkSeals(seals: SealClaims[]): Finding[] {
  const findings: Finding[] = [];
  let last = { seal: 0, up_to: 0, head: GENESIS };
  for (const claims of seals) {
    const follows =
      claims.seal === last.seal + 1 && claims.from_id === last.up_to + 1 && claims.previous === last.head;
    if (!follows) {
      findings.push({
        kind: "seal",
        id: claims.seal,
        says: `Seal ${claims.seal} does not follow on ${last.seal}.`,
      });
    }
    last = claims;
  }
  return findings;
}
