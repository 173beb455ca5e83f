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
  /** Whether the head of the seal before was kept outside the database when this was signed. */
  kept?: true;
  /** In the first seal of a segment that an owner began: the number of the seal that it goes on from; 0 if there is none. */
  after?: number;
}

/** An event that only owners see: its hash, as the service computes it from the event as it is now. */
interface HiddenEvent {
  id: number;
  mark: string;
}

export type ShownEvent = ChainedEvent | HiddenEvent;

/** The hash before the first event. */
export const GENESIS = "0".repeat(64);

/** A mark is a whole hash, so that the check can continue after an event that was changed. */
export const MARK_LENGTH = 64;

/** The most events that a seal covers. Its marks, 64 bytes each, fit into a statement of a dump: D1 takes 100 KB. */
export const MAX_EVENTS = 1_000;

/** The most that seals of former releases cover. */
export const MAX_EVENTS_BEFORE = 5_000;

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

/** The hash of each event, chained onto the previous one. */
export async function marksOver(rows: ChainedEvent[], previous: string): Promise<string[]> {
  const marks: string[] = [];
  for (const event of rows) marks.push(await hashOf(marks.at(-1) ?? previous, event));
  return marks;
}

export interface Finding {
  kind: "edited" | "removed" | "inserted" | "seal" | "break" | "witness";
  /** The id of the event, or the number of the seal; of a witness its place among those given, from 1. */
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
  { seal, from_id, up_to, previous, head }: SealClaims,
  marks: string,
  events: ShownEvent[],
): Promise<Finding[]> {
  const findings: Finding[] = [];
  // A row by somebody else's hand may say anything.
  if (up_to - from_id >= MAX_EVENTS_BEFORE) {
    const says = `Seal ${seal} says that it covers the events ${from_id} to ${up_to}, more than a seal does.`;
    return [{ kind: "seal", id: seal, says }];
  }
  const found = new Map(events.map((event) => [event.id, event]));
  for (const { id } of events) {
    if (!Number.isInteger(id) || id < from_id || id > up_to)
      findings.push({ kind: "inserted", id, says: `Event ${id} was put in: no seal covers it.` });
  }
  const markOf = marksBy({ from_id, up_to, head }, marks);
  let hash = previous;
  for (let id = from_id; id <= up_to; id++) {
    const mark = markOf(id);
    const event = found.get(id);
    if (!event) findings.push({ kind: "removed", id, says: `Event ${id} is gone.` });
    const is = event ? ("mark" in event ? event.mark : await hashOf(hash, event)) : hash;
    if (event && mark !== null && is !== mark)
      findings.push({ kind: "edited", id, says: `Event ${id} is not what was sealed.` });
    hash = mark ?? is;
  }
  if (findings.length > 0 || hash === head) return findings;
  const says = `An event from ${from_id} to ${up_to} is not what was sealed; the marks that would say which were changed with it.`;
  return [{ kind: "edited", id: up_to, says }];
}

/** The mark of each event of a seal; null where the marks cannot be those of its events. */
function marksBy(
  { from_id, up_to, head }: Pick<SealClaims, "from_id" | "up_to" | "head">,
  marks: string,
): (id: number) => string | null {
  const fits = marks.length === (up_to - from_id + 1) * MARK_LENGTH && marks.endsWith(head);
  return (id) => (fits ? marks.slice((id - from_id) * MARK_LENGTH, (id - from_id + 1) * MARK_LENGTH) : null);
}

/**
 * The events of a seal for somebody who may not see all of them: each hidden one is its hash, so that the others can
 * still be checked, and a hidden one that was touched is noticed.
 */
export async function hideEvents(
  { from_id, up_to, previous, head }: Omit<SealClaims, "seal">,
  marks: string,
  events: ChainedEvent[],
  isHidden: (event: ChainedEvent) => boolean,
): Promise<ShownEvent[]> {
  const markOf = marksBy({ from_id, up_to, head }, marks);
  const shown: ShownEvent[] = [];
  let hash = previous;
  for (const event of events) {
    // As the check does: it goes on from the mark, also behind an event that was touched or is gone.
    const before = event.id > from_id ? markOf(event.id - 1) : null;
    const mark = await hashOf(before ?? hash, event);
    shown.push(isHidden(event) ? { id: event.id, mark } : event);
    if (event.id >= from_id) hash = mark;
  }
  return shown;
}

/** What is known of seals that an owner gave up by beginning a segment, and which of these beginnings are accepted. */
export interface Segments {
  findings: Finding[];
  /** The first seal of each segment but the first, and the seal that it goes on from. */
  breaks: { seal: number; after: number }[];
}

/**
 * What is wrong with a sequence of seals, the oldest first. Each must begin where the previous one ended; the first of
 * a segment where the segment before ended, which is a finding unless it is accepted.
 */
export function checkSeals(seals: SealClaims[], accepted: ReadonlySet<number> = new Set()): Segments {
  const findings: Finding[] = [];
  const breaks: Segments["breaks"] = [];
  const byNumber = new Map(seals.map((one) => [one.seal, one]));
  const first = { seal: 0, up_to: 0, head: GENESIS };
  let last: Pick<SealClaims, "seal" | "up_to" | "head"> = first;
  const says = (seal: number, text: string): number =>
    findings.push({ kind: "seal", id: seal, says: `Seal ${seal} ${text}` });
  for (const claims of seals) {
    const { seal, from_id, previous, after } = claims;
    if (after === undefined) {
      if (seal !== last.seal + 1 || from_id !== last.up_to + 1 || previous !== last.head)
        says(seal, `does not follow on ${last.seal}.`);
    } else {
      breaks.push({ seal, after });
      const before = after === 0 ? first : byNumber.get(after);
      if (!before || seal <= last.seal || previous !== before.head || from_id <= before.up_to)
        says(seal, `begins a segment, but not after seal ${after} as it is now.`);
      else if (!accepted.has(seal)) {
        const gone = from_id - before.up_to - 1;
        findings.push({
          kind: "break",
          id: seal,
          says:
            `Seal ${seal} begins a new segment after seal ${after}: an owner gave up what came between` +
            (gone > 0 ? `, and no seal covers the ${gone} events before ${from_id}.` : "."),
        });
      }
    }
    last = claims;
  }
  return { findings, breaks };
}

/** Whether a seal was given up by the beginning of an accepted segment: it lies between that and the seal before. */
export const isGivenUp = (seal: number, breaks: Segments["breaks"], accepted: ReadonlySet<number>): boolean =>
  breaks.some((one) => accepted.has(one.seal) && seal > one.after && seal < one.seal);
