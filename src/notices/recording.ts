// Writes down what became of a request to Resend.
import type { Context } from "../context.ts";
import { SECOND } from "../kernel/dates.ts";
import { named } from "../storage/database.ts";
import type { Message } from "../storage/schema.ts";
import { MAX_ATTEMPTS, type Outcome, pauseAfter } from "./outcomes.ts";
import { SUPERSEDED } from "./superseded.ts";

export interface Claim {
  batchId: string;
  attempts: number;
  claimedAt: number;
  /** How far the run's trigger is ahead of the clock; see deliverMail. */
  ahead: number;
  uncertainSince: number;
  /** The messages of the request, including those already sent: the body must not change. */
  rows: Message[];
  /** How many there were before some were taken back. */
  size: number;
}

/**
 * How long nothing is tried after Resend took no mail from the sender: less than the time between two triggers, so that
 * each tries one request. Under another configuration there is no pause.
 */
const FAULT_PAUSE = 300 * SECOND;

// Only the run that has the claim writes a failure: another run may have sent the messages meanwhile.
const OWN = "WHERE batch_id = :batch AND status = 'pending' AND attempts = :attempts";

// What was taken back while it was on its way was told all the same.
const SENT = named(`
  UPDATE messages SET
    status = iif(status IN ('pending', 'failed') OR reason = '${SUPERSEDED}', 'sent', status),
    provider_id = sent.value ->> '$[1]', last_error = NULL, reason = NULL, uncertain_since = NULL, updated_at = :now
  FROM json_each(:sent) AS sent
  WHERE messages.id = sent.value ->> '$[0]' AND messages.batch_id = :batch`);

const FAILED = named(`UPDATE messages SET status = 'failed', last_error = :error, updated_at = :now ${OWN}`);

// None of them was accepted, so each may be sent in its own request.
const APART = named(
  `UPDATE messages SET
     batch_id = id, attempts = 0, next_try_at = 0, uncertain_since = NULL, last_error = :error, updated_at = :now ${OWN}`,
);

const CERTAIN =
  "uncertain_since = iif(:uncertain = 0 AND uncertain_since = :claimed_at, NULL, uncertain_since)";

const AGAIN = named(`
  UPDATE messages SET next_try_at = :next_try_at, last_error = :error, updated_at = :now, ${CERTAIN} ${OWN}`);

// The attempt does not count: however long it takes to mend, nothing is given up.
const WAIT = named(`
  UPDATE messages SET
    attempts = attempts - 1, next_try_at = 0, last_error = :error, updated_at = :now, ${CERTAIN} ${OWN}`);

/** The notices that the mails of this request tell, too. */
const FOLLOW = named(`
  UPDATE messages SET
    (status, attempts, provider_id, last_error, uncertain_since, updated_at) = (
      SELECT status, attempts, provider_id, last_error, uncertain_since, updated_at
      FROM messages head WHERE head.id = messages.joined)
  WHERE status = 'pending' AND joined <> id AND joined IN (
    SELECT id FROM messages WHERE batch_id = :batch AND status <> 'skipped')`);

const HOLD = named("UPDATE mail_pace SET next_at = max(next_at, :until)");

const FAULT = named(`
  UPDATE mail_pace SET
    fault = :error, fault_since = coalesce(fault_since, :now), fault_until = :until, fault_config = :config`);

const MENDED = named(
  "UPDATE mail_pace SET fault = NULL, fault_since = NULL, fault_until = NULL, fault_config = NULL WHERE fault IS NOT NULL",
);

/** @param sender what tells the sender's configuration from another one */
export async function record(
  context: Context,
  claim: Claim,
  outcome: Outcome,
  sender: string,
): Promise<void> {
  const { db } = context;
  const { batchId: batch } = claim;
  await db.batch([...resultOf(context, claim, outcome, sender), db.run(FOLLOW, { batch })], "repeatable");
}

function resultOf(context: Context, claim: Claim, outcome: Outcome, sender: string): D1PreparedStatement[] {
  const { db, clock, ids, requestId } = context;
  const { batchId: batch, attempts, rows, claimedAt, ahead } = claim;
  const now = clock.now();
  const own = { batch, attempts, now };
  if (outcome.is === "sent") {
    const sent = JSON.stringify(rows.map((row, n) => [row.id, outcome.ids[n] ?? null]));
    return [db.run(SENT, { batch, now, sent }), db.run(MENDED, {})];
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
  if (outcome.is === "held") {
    return [
      db.run(WAIT, { ...own, error, uncertain: 0, claimed_at: claimedAt }),
      db.run(FAULT, { error, now, until: now + FAULT_PAUSE, config: sender }),
    ];
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
