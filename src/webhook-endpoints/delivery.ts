// Brings events to the endpoints: to each in the order of the record, each at least once.
//
// An endpoint is taken for a turn by one conditional UPDATE, so two runs never deliver to the same one. A turn sends one
// event after the other, keeps how far it came, and ends at the first failure. A run that dies has sent events that it
// did not keep; they are sent again, with the same id.
import type { Context } from "../context.ts";
import { formatInstantOrNull, SECOND } from "../kernel/dates.ts";
import { recordChange } from "../record/events.ts";
import { attempt, type Attempt, TIMEOUT } from "./attempt.ts";
import { noteEndpoints } from "./known.ts";
import { ADVANCE, FAIL, LEASE, noteAttempts, SWITCH_OFF, take, type Taken } from "./lease.ts";
import { readObjects } from "./objects.ts";
import { pauseAfter } from "./schedule.ts";

/** The platform waits for the answers of six requests at once; the rest would wait in line and time out there. */
const LANES = 5;

/** For so long a turn begins new requests: the resources are as fresh as that, and the lease outlives the last one. */
const TURN = LEASE - TIMEOUT - 15 * SECOND;

/** What a turn takes of the queries that D1 allows, at most. */
const QUERIES = 16;

export interface Budget {
  /** Milliseconds. */
  time: number;
  /** Requests: the platform allows 10 000 an invocation. */
  requests: number;
  /** Whether so many queries may be sent. */
  hasRoom: (queries: number) => boolean;
}

/** Milliseconds. Who answers later than that might hold up those who do not. */
const SLOW = 1_000;

// Endpoints that failed go last, and before them those that were slow: five of either would keep the others waiting. Of
// the others, the one that is farthest behind goes first: a run may not come to all of them.
const DUE = `
  SELECT id FROM webhook_endpoints
  WHERE active = 1 AND next_try_at <= ? AND cursor < (SELECT max(id) FROM events)
  ORDER BY failures, (
    SELECT ms > ${SLOW} FROM webhook_deliveries WHERE endpoint_id = webhook_endpoints.id ORDER BY number DESC LIMIT 1
  ), cursor, id`;

const ANY = "SELECT EXISTS (SELECT 1 FROM webhook_endpoints WHERE active = 1) AS any_active";

/**
 * Delivers until every endpoint has everything, failed, or is another run's, or until the budget is used up.
 * @param at the time for which the run was triggered; by hand, it can lie in the future. It decides what is due
 * @returns how many events were delivered
 */
export async function deliverEvents(context: Context, at: number, budget: Budget): Promise<number> {
  const { db, clock } = context;
  const ahead = Math.max(0, at - clock.now());
  const until = clock.now() + budget.time;
  const [due, found] = await db.batch([db.sql(DUE, clock.now() + ahead), db.sql(ANY)]);
  noteEndpoints(context, found!.results[0]?.["any_active"] === 1);
  // Endpoints take turns, so that one with much to catch up on does not keep the others waiting.
  const waiting = due!.results.map(({ id }) => String(id));
  const spent = { requests: 0 };
  let [running, delivered] = [0, 0];
  const mayGoOn = (): boolean =>
    clock.now() < until && spent.requests < budget.requests && budget.hasRoom(QUERIES * (running + 1));
  const lane = async (): Promise<void> => {
    for (let id = waiting.shift(); id !== undefined && mayGoOn(); id = waiting.shift()) {
      running++;
      try {
        const turn = await takeTurn(context, id, ahead, () => {
          spent.requests++;
          return clock.now() < until && spent.requests < budget.requests;
        });
        delivered += turn.delivered;
        if (turn.isBehind) waiting.push(id);
      } finally {
        running--;
      }
    }
  };
  const lanes = await Promise.allSettled(Array.from({ length: LANES }, lane));
  for (const ended of lanes) if (ended.status === "rejected") throw ended.reason;
  return delivered;
}

interface Turn {
  delivered: number;
  /** Whether there is more for it now. */
  isBehind: boolean;
}

/** @param mayGoOn counts a request, and says whether there may be another one */
async function takeTurn(context: Context, id: string, ahead: number, mayGoOn: () => boolean): Promise<Turn> {
  const { clock } = context;
  const started = clock.now();
  const taken = await take(context, id, started + ahead);
  if (taken === null) return { delivered: 0, isBehind: false };
  const objects = await readObjects(context, taken.events);
  const attempts: Attempt[] = [];
  // The first is always sent: otherwise a slow database could keep an endpoint waiting for ever.
  for (const event of taken.events) {
    const made = await attempt(context, taken.endpoint, taken.secrets, event, objects);
    attempts.push(made);
    if (!mayGoOn() || made.error !== null || clock.now() >= started + TURN) break;
  }
  const isBehind = await keep(context, taken, attempts, ahead);
  const delivered = attempts.filter(({ error }) => error === null).length;
  return { delivered, isBehind };
}

/** Keeps how far the endpoint came. @returns whether there is more for it now */
async function keep(
  context: Context,
  { endpoint, lease, events, upTo }: Taken,
  attempts: Attempt[],
  ahead: number,
): Promise<boolean> {
  const { db, clock } = context;
  const { id, version, cursor: before } = endpoint;
  const now = clock.now();
  const due = now + ahead;
  const failed = attempts.at(-1)?.error != null;
  const delivered = failed ? attempts.slice(0, -1) : attempts;
  const own = {
    id,
    lease,
    version,
    now,
    due,
    cursor: delivered.length === events.length ? upTo : (delivered.at(-1)?.event.id ?? before),
    sent: delivered.length > 0 ? 1 : 0,
  };
  const notes = noteAttempts(context, id, attempts);
  if (!failed) {
    const [advanced] = await db.batch([db.run(ADVANCE, own), ...notes]);
    return advanced!.results[0]?.["is_behind"] === 1;
  }
  const failures = (delivered.length > 0 ? 0 : endpoint.failures) + 1;
  const acting: Context = { ...context, actor: { type: "system", id: "webhooks" }, ip: null };
  const [kept] = await db.batch([
    db.run(FAIL, { ...own, next_try_at: due + pauseAfter(failures) }),
    db.run(SWITCH_OFF, { id, now, due }),
    recordChange(acting, now, "webhook_endpoint.switched_off", ["webhook_endpoint", id], {
      failing_since: formatInstantOrNull(endpoint.failing_since),
      cursor: own.cursor,
    }),
    ...notes,
  ]);
  return kept!.results[0]?.["is_behind"] === 1;
}
