// Sends the messages of the outbox through Resend: each one once, whatever fails in between.
//
// A run claims the messages of one request with one conditional UPDATE, so two runs never have the same ones. Messages
// that are claimed together stay together: after a lost answer, the same bytes are sent with the same idempotency key,
// and Resend gives the same answer as before. It forgets keys after a day, so the attempts end before that.
import { asc, eq } from "drizzle-orm";
import { Resend } from "resend";
import type { Context } from "../context.ts";
import { DAY, HOUR, SECOND } from "../kernel/dates.ts";
import { type Message, messages } from "../storage/schema.ts";
import { named } from "../storage/database.ts";
import { type Email, openMessage } from "./outbox.ts";

const MAX_BATCH = 100;

/** A request that takes longer counts as lost. */
const TIMEOUT = 30 * SECOND;

/** For this long a claim belongs to its run alone. After that, the run must have died, and others may claim again. */
const CLAIM = 120 * SECOND;

/** How long a run waits for its turn; if it takes longer, the next run sends. */
const PATIENCE = 5 * SECOND;

/** Resend remembers an idempotency key for 24 hours; a message that may have been sent is not sent again after that. */
const REMEMBERED = DAY - HOUR;

/** With the growing pauses, three days and some hours: Resend may be down over a weekend. */
const MAX_ATTEMPTS = 48;
const FIRST_PAUSE = 30 * SECOND;
const LONGEST_PAUSE = 2 * HOUR;

/** The longest pause that Resend can ask for. A longer one was set by a clock that ran ahead, and is ignored. */
const LONGEST_HOLD = 2 * HOUR;

/** The most requests of one run, with about four statements each: what a run may ask of D1 is limited. */
const MAX_REQUESTS = 200;

const ALWAYS = (): boolean => true;

/** After this many failures in a row, Resend is probably down, and the rest waits. */
const MAX_FAILURES = 3;

/** The budget of a run after an answer: waitUntil allows thirty seconds. */
const SOON = 20 * SECOND;

/** Sends what is due, after the answer. The next scheduled run sends what is left. */
export function sendSoon(context: Context): void {
  if (context.config.mail.apiKey === null) return;
  context.defer(deliverMail({ ...context, actor: { type: "system", id: "deliveries" }, ip: null }, SOON));
}

interface Claim {
  batchId: string;
  attempts: number;
  claimedAt: number;
  /** How far the run's trigger is ahead of the clock; see deliverMail. */
  ahead: number;
  uncertainSince: number;
  /** All messages of the request, including those already sent: the body must not change. */
  rows: Message[];
}

/** The result of a request. */
type Outcome =
  | { is: "sent"; ids: string[] }
  /** The same request may succeed later. */
  | { is: "again"; error: string; uncertain: boolean; retryAfter: number | null }
  /** The same request can never succeed; `apart` if a single one of its messages may be the cause. */
  | { is: "refused"; error: string; apart: boolean };

/**
 * Sends until nothing is due, or for `budget` milliseconds.
 * @param at the time for which the run was triggered; by hand, it can lie in the future. It decides what is due and
 * when to try again. Pacing and the memory of idempotency keys follow the clock, because Resend does.
 * @param mayGoOn asked before each request
 * @returns how many messages were sent
 */
export async function deliverMail(
  context: Context,
  budget: number,
  at: number = context.clock.now(),
  mayGoOn: () => boolean = ALWAYS,
): Promise<number> {
  const { config, clock } = context;
  const { apiKey, baseUrl } = config.mail;
  if (apiKey === null) return 0;
  const ahead = Math.max(0, at - clock.now());
  const resend = new Resend(apiKey, { baseUrl });
  const until = clock.now() + budget;
  let [failures, sent] = [0, 0];
  for (let n = 0; n < MAX_REQUESTS && failures < MAX_FAILURES && clock.now() < until && mayGoOn(); n++) {
    const claim = await claimNext(context, ahead);
    if (claim === null) break;
    const outcome = await attempt(context, resend, claim);
    await record(context, claim, outcome);
    if (outcome.is === "sent") sent += outcome.ids.length;
    failures = outcome.is === "again" ? failures + 1 : 0;
  }
  return sent;
}

// Messages that failed before go first: they have waited longest, and their pauses grow.
const CLAIM_NEXT = named(`
  UPDATE messages SET
    batch_id = coalesce(batch_id, :batch), attempts = attempts + 1, next_try_at = :claimed_until,
    uncertain_since = coalesce(uncertain_since, :now), updated_at = :now
  WHERE status = 'pending' AND id IN (
    SELECT id FROM messages WHERE batch_id = (
      SELECT batch_id FROM messages
      WHERE status = 'pending' AND batch_id IS NOT NULL AND next_try_at <= :due ORDER BY next_try_at LIMIT 1)
    UNION ALL
    SELECT id FROM (
      SELECT id FROM messages
      WHERE status = 'pending' AND batch_id IS NULL AND next_try_at <= :due
        AND NOT EXISTS (
          SELECT 1 FROM messages WHERE status = 'pending' AND batch_id IS NOT NULL AND next_try_at <= :due)
      ORDER BY next_try_at, id LIMIT ${MAX_BATCH}))
    AND NOT EXISTS (SELECT 1 FROM mail_pace WHERE next_at BETWEEN :patience AND :hold)
  RETURNING batch_id, attempts, uncertain_since`);

/** Takes a turn among all isolates. */
const TAKE_TURN = named(`
  UPDATE mail_pace SET next_at = iif(next_at BETWEEN :now AND :hold, next_at, :now) + :step
  WHERE changes() > 0 RETURNING next_at - :step AS turn`);

/** Claims the messages of the next request and waits for its turn; null if nothing is due. */
async function claimNext(context: Context, ahead: number): Promise<Claim | null> {
  const { db, clock, config, ids } = context;
  const now = clock.now();
  const due = now + ahead;
  const [claimed, paced] = await db.batch([
    db.run(CLAIM_NEXT, {
      batch: `bat_${ids.ulid(now)}`,
      now,
      due,
      claimed_until: due + CLAIM,
      patience: due + PATIENCE,
      hold: due + LONGEST_HOLD,
    }),
    db.run(TAKE_TURN, { now, hold: now + LONGEST_HOLD, step: Math.ceil(SECOND / config.mail.ratePerSecond) }),
  ]);
  const first = claimed?.results[0] as Pick<Message, "batch_id" | "attempts" | "uncertain_since"> | undefined;
  if (!first) return null;
  const batchId = String(first.batch_id);
  const rows = await db.orm
    .select()
    .from(messages)
    .where(eq(messages.batch_id, batchId))
    .orderBy(asc(messages.id));
  const turn = Number(paced?.results[0]?.["turn"] ?? now);
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, turn - now)));
  const { attempts, uncertain_since } = first;
  return { batchId, attempts, claimedAt: now, ahead, uncertainSince: uncertain_since ?? now, rows };
}

async function attempt(context: Context, resend: Resend, claim: Claim): Promise<Outcome> {
  const { batchId, rows, claimedAt, uncertainSince } = claim;
  if (claimedAt - uncertainSince >= REMEMBERED) {
    const error =
      "It may have been sent: no attempt was answered for a day, and Resend would not recognize another one.";
    return { is: "refused", error, apart: false };
  }
  const emails: Email[] = [];
  for (const row of rows) {
    const email = await openMessage(context, row);
    if (email === null) {
      const error = "The message cannot be read any more: SESSION_SECRET was changed.";
      // If an earlier attempt may have succeeded, the others would be sent twice under new keys.
      return { is: "refused", error, apart: rows.length > 1 && uncertainSince === claimedAt };
    }
    emails.push(email);
  }
  const options = { idempotencyKey: batchId, signal: AbortSignal.timeout(TIMEOUT) };
  const [single] = emails;
  if (emails.length === 1 && single) {
    const { data, error, headers } = await resend.emails.send(single, options);
    return error ? failureOf(error, headers, rows.length) : { is: "sent", ids: [data.id] };
  }
  const { data, error, headers } = await resend.batch.send(
    emails.map(({ attachments: _none, ...email }) => email),
    options,
  );
  return error ? failureOf(error, headers, rows.length) : { is: "sent", ids: data.data.map(({ id }) => id) };
}

/**
 * Statuses that say that the request was not accepted: Resend accepts none now, or Cloudflare in front of it could not
 * reach it (refused, no route, no TLS, no name). So nothing was sent, however long this lasts.
 */
const NOT_TAKEN = new Set([429, 503, 521, 523, 525, 526, 530]);

interface ResendError {
  name: string;
  message: string;
  statusCode: number | null;
}

const MAX_ERROR = 300;

/** What to do about an error, as Resend documents its errors. */
function failureOf(
  { name, message, statusCode }: ResendError,
  headers: Record<string, string> | null,
  size: number,
): Outcome {
  const error = `${statusCode ?? "no answer"}: ${message}`.slice(0, MAX_ERROR);
  if (statusCode !== null && NOT_TAKEN.has(statusCode)) {
    const seconds = Number(headers?.["retry-after"]);
    const retryAfter = seconds > 0 ? Math.min(seconds * SECOND, LONGEST_HOLD - PATIENCE) : null;
    return { is: "again", error, uncertain: false, retryAfter };
  }
  const concurrent = statusCode === 409 && name === "concurrent_idempotent_requests";
  if (statusCode === null || statusCode >= 500 || concurrent) {
    return { is: "again", error, uncertain: true, retryAfter: null };
  }
  // 401: a wrong API key is not the fault of a message. 409: Resend knows the idempotency key with another body, so the
  // messages may have been sent.
  return { is: "refused", error, apart: size > 1 && statusCode !== 401 && statusCode !== 409 };
}

/** Doubles with each attempt; the jitter spreads the retries of messages that failed together. */
export const pauseAfter = (attempts: number, random: number): number =>
  Math.round(Math.min(FIRST_PAUSE * 2 ** (attempts - 1), LONGEST_PAUSE) * (0.75 + random / 2));

async function record(context: Context, claim: Claim, outcome: Outcome): Promise<void> {
  await context.db.batch(resultOf(context, claim, outcome), "repeatable");
}

// Only the run that has the claim writes a failure: another run may have sent the messages meanwhile.
const OWN = "WHERE batch_id = :batch AND status = 'pending' AND attempts = :attempts";

const SENT = named(`
  UPDATE messages SET
    status = iif(status IN ('pending', 'failed'), 'sent', status), provider_id = sent.value ->> '$[1]', last_error = NULL,
    uncertain_since = NULL, updated_at = :now
  FROM json_each(:sent) AS sent
  WHERE messages.id = sent.value ->> '$[0]' AND messages.batch_id = :batch`);

const FAILED = named(`UPDATE messages SET status = 'failed', last_error = :error, updated_at = :now ${OWN}`);

// None of them was accepted, so each may be sent in its own request.
const APART = named(
  `UPDATE messages SET
     batch_id = id, attempts = 0, next_try_at = 0, uncertain_since = NULL, last_error = :error, updated_at = :now ${OWN}`,
);

const AGAIN = named(`
  UPDATE messages SET
    next_try_at = :next_try_at, last_error = :error, updated_at = :now,
    uncertain_since = iif(:uncertain = 0 AND uncertain_since = :claimed_at, NULL, uncertain_since) ${OWN}`);

const HOLD = named("UPDATE mail_pace SET next_at = max(next_at, :until)");

function resultOf(context: Context, claim: Claim, outcome: Outcome): D1PreparedStatement[] {
  const { db, clock, ids, requestId } = context;
  const { batchId: batch, attempts, rows, claimedAt, ahead } = claim;
  const now = clock.now();
  const own = { batch, attempts, now };
  if (outcome.is === "sent") {
    const sent = JSON.stringify(rows.map((row, n) => [row.id, outcome.ids[n] ?? null]));
    return [db.run(SENT, { batch, now, sent })];
  }
  const { error } = outcome;
  context.log("error", {
    event: "mail",
    request_id: requestId,
    batch,
    messages: rows.length,
    attempts,
    error,
  });
  if (outcome.is === "refused") {
    return [db.run(outcome.apart ? APART : FAILED, { ...own, error })];
  }
  const hold = outcome.retryAfter === null ? [] : [db.run(HOLD, { until: now + outcome.retryAfter })];
  if (attempts >= MAX_ATTEMPTS) return [db.run(FAILED, { ...own, error }), ...hold];
  const again = {
    ...own,
    error,
    next_try_at: now + ahead + (outcome.retryAfter ?? pauseAfter(attempts, ids.random())),
    uncertain: outcome.uncertain ? 1 : 0,
    claimed_at: claimedAt,
  };
  return [db.run(AGAIN, again), ...hold];
}
