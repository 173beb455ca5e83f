// The statements of a delivery: taking an endpoint, reading what it still lacks, and keeping how far it has come.
import type { Context } from "../context.ts";
import { SECOND } from "../kernel/dates.ts";
import { ACCESS_ENTITIES } from "../record/entities.ts";
import { named, type Row } from "../storage/database.ts";
import type { Event, WebhookEndpoint } from "../storage/schema.ts";
import { recordDetailIn, recordTimeIn } from "../storage/tables/columns.ts";
import type { Attempt } from "./attempt.ts";
import { GIVEN_UP_AFTER } from "./schedule.ts";
import { secretsIn, selectSecrets } from "./secrets.ts";

/**
 * For this long an endpoint belongs to one run. It begins no request in the last part, so a run that is stopped has no
 * request on its way when another one goes on: that would break the order.
 */
export const LEASE = 45 * SECOND;

/** How many events a turn reads at most, and how many of them it sends. */
const SCANNED = 1_000;
const SENT = 100;

/** How many deliveries are kept. */
const KEPT = 100;

/** A lease that ends later was given by a clock that ran ahead. */
const TAKE = named(`
  UPDATE webhook_endpoints SET lease = :lease, lease_until = :now + ${LEASE}
  WHERE id = :id AND active = 1 AND next_try_at <= :due AND NOT lease_until BETWEEN :now + 1 AND :now + ${LEASE}
  RETURNING *`);

const HIDDEN = ACCESS_ENTITIES.map((entity) => `'${entity}'`).join(", ");

// Nothing is after NULL: of an endpoint that another run has, no event is read.
const AHEAD = `
  SELECT * FROM events WHERE id > (SELECT cursor FROM webhook_endpoints WHERE id = :id AND lease = :lease)
  ORDER BY id LIMIT ${SCANNED}`;

const READ = named(`
  SELECT ahead.* FROM (${AHEAD}) ahead
  WHERE entity_type NOT IN (${HIDDEN}) AND EXISTS (
    SELECT 1 FROM json_each((SELECT events FROM webhook_endpoints WHERE id = :id)) WHERE ahead.action GLOB value)
  ORDER BY ahead.id LIMIT ${SENT}`);

const LAST = named(`SELECT max(id) AS id FROM (${AHEAD})`);

export interface Taken {
  endpoint: WebhookEndpoint;
  lease: string;
  secrets: string[];
  /** What it is to get next, in order. */
  events: Event[];
  /** Up to this event it lacks nothing else. */
  upTo: number;
}

/** Takes an endpoint for a turn; null if another run has it, or it is not due. */
export async function take(context: Context, id: string, due: number): Promise<Taken | null> {
  const { db, ids, clock } = context;
  const now = clock.now();
  const lease = ids.ulid(now);
  const [taken, secrets, events, last] = await db.batch([
    db.run(TAKE, { id, lease, now, due }),
    selectSecrets(context, id, now),
    db.run(READ, { id, lease }),
    db.run(LAST, { id, lease }),
  ]);
  const row = taken!.results[0] as unknown as (WebhookEndpoint & { events: string }) | undefined;
  if (!row) return null;
  const endpoint: WebhookEndpoint = { ...row, events: JSON.parse(row.events) as string[] };
  const read = eventsIn(events!);
  const upTo = Number(last!.results[0]?.["id"] ?? endpoint.cursor);
  return {
    endpoint,
    lease,
    secrets: await secretsIn(context, secrets!),
    events: read,
    // If there are more events for it than a turn sends, it lacks those after the last one.
    upTo: read.length === SENT ? read.at(-1)!.id : upTo,
  };
}

const eventsIn = ({ results }: D1Result<Row>): Event[] =>
  results.map((row) => {
    const { at, detail, ...event } = row as unknown as Event & { detail: string };
    return { ...event, at: recordTimeIn(at), detail: recordDetailIn(detail) };
  });

// Only the run that has the endpoint writes, and gives it back. If staff changed it meanwhile, nothing that was sent is
// counted: another address does not have it, and a replay wants it again.
const keeping = (set: Record<string, string>): string => `
  UPDATE webhook_endpoints SET ${Object.entries(set)
    .map(([column, value]) => `${column} = iif(version = :version, ${value}, ${column})`)
    .join(", ")}, lease = NULL, lease_until = 0
  WHERE id = :id AND lease = :lease
  RETURNING active = 1 AND next_try_at <= :due AND cursor < (SELECT max(id) FROM events) AS is_behind`;

export const ADVANCE = named(
  keeping({
    cursor: ":cursor",
    failures: "iif(:sent, 0, failures)",
    failing_since: "iif(:sent, NULL, failing_since)",
    next_try_at: "iif(:sent, 0, next_try_at)",
    last_success_at: "iif(:sent, :now, last_success_at)",
  }),
);

export const FAIL = named(
  keeping({
    cursor: ":cursor",
    failures: "iif(:sent, 0, failures) + 1",
    failing_since: "iif(:sent, :due, coalesce(failing_since, :due))",
    next_try_at: ":next_try_at",
    last_success_at: "iif(:sent, :now, last_success_at)",
  }),
);

export const SWITCH_OFF = named(`
  UPDATE webhook_endpoints SET active = 0, switched_off_at = :now, version = version + 1, updated_at = :now
  WHERE id = :id AND active = 1 AND failing_since IS NOT NULL AND :due - failing_since >= ${GIVEN_UP_AFTER}`);

const NOTE = named(`
  INSERT INTO webhook_deliveries (endpoint_id, number, event_id, action, at, status, ms, error, answer)
  SELECT :id, (SELECT coalesce(max(number), 0) FROM webhook_deliveries WHERE endpoint_id = :id) + 1 + key,
    value ->> 'event_id', value ->> 'action', value ->> 'at', value ->> 'status', value ->> 'ms', value ->> 'error',
    value ->> 'answer'
  FROM json_each(:attempts) WHERE EXISTS (SELECT 1 FROM webhook_endpoints WHERE id = :id)`);

const FORGET = named(`
  DELETE FROM webhook_deliveries WHERE endpoint_id = :id AND number <= (
    SELECT max(number) FROM webhook_deliveries WHERE endpoint_id = :id) - ${KEPT}`);

/** The statements that keep the last attempts. */
export const noteAttempts = ({ db }: Context, id: string, attempts: readonly Attempt[]) =>
  attempts.length === 0
    ? []
    : [
        db.run(NOTE, {
          id,
          attempts: JSON.stringify(
            attempts.map(({ event, ...told }) => ({ event_id: event.id, action: event.action, ...told })),
          ),
        }),
        db.run(FORGET, { id }),
      ];
