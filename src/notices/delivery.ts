// Sends the messages of the outbox through Resend: each one once, whatever fails in between.
//
// A run claims the messages of one request with one conditional UPDATE, so two runs never have the same ones. Messages
// that are claimed together stay together: after a lost answer, the same bytes are sent with the same idempotency key,
// and Resend gives the same answer as before. It forgets keys after a day, so the attempts end before that.
import { asc, eq } from "drizzle-orm";
import type { Resend } from "resend";
import type { Context } from "../context.ts";
import { sha256 } from "../crypto/digests.ts";
import { DAY, HOUR, SECOND } from "../kernel/dates.ts";
import { type Message, messages } from "../storage/schema.ts";
import { named } from "../storage/database.ts";
import { joinNotices } from "./joining.ts";
import { type Email, openMessage, sealed } from "./outbox.ts";
import { failureOf, LONGEST_HOLD, type Outcome, PATIENCE } from "./outcomes.ts";
import { type Claim, record } from "./recording.ts";
import { takeBackUntrue } from "./superseded.ts";

const MAX_BATCH = 100;

/** A request that takes longer counts as lost. */
const TIMEOUT = 30 * SECOND;

/** For this long a claim belongs to its run alone. After that, the run must have died, and others may claim again. */
const CLAIM = 120 * SECOND;

/** Resend remembers an idempotency key for 24 hours; a message that may have been sent is not sent again after that. */
const REMEMBERED = DAY - HOUR;

/** After this many failures in a row, Resend is probably down, and the rest waits. */
const MAX_FAILURES = 3;

/** The budget of a run after an answer: waitUntil allows thirty seconds. */
const SOON = 20 * SECOND;

/** What the request that caused the mail may take of the queries that D1 allows, if it does not count them. */
const OF_REQUEST = 500;

/** What a request to the mail service takes of them at most. */
const LEFT = 60;

/** Sends what is due, after the answer. The next scheduled run sends what is left. */
export function sendSoon(context: Context): void {
  if (context.config.mail.apiKey === null) return;
  const { db, hasRoom } = context.db.counted(OF_REQUEST);
  const system: Context = { ...context, db, actor: { type: "system", id: "deliveries" }, ip: null };
  context.defer(deliverMail(system, SOON, context.clock.now(), () => hasRoom(LEFT)));
}

/**
 * Sends until nothing is due, or for `budget` milliseconds.
 * @param at the time for which the run was triggered; by hand, it can lie in the future. It decides what is due and
 * when to try again. Pacing and the memory of idempotency keys follow the clock, because Resend does.
 * @param mayGoOn asked before each request, and each page of what is joined: D1 takes so many queries, and no more
 * @returns how many messages were sent
 */
export async function deliverMail(
  context: Context,
  budget: number,
  at: number,
  mayGoOn: () => boolean,
): Promise<number> {
  const { config, clock } = context;
  const { apiKey, baseUrl, from, heldBy } = config.mail;
  if (apiKey === null || from === null || heldBy !== null) return 0;
  const sender = await sha256(JSON.stringify([apiKey, baseUrl, from]));
  const ahead = Math.max(0, at - clock.now());
  const { Resend: Client } = await import("resend");
  const resend = new Client(apiKey, { baseUrl });
  const until = clock.now() + budget;
  await context.db.batch(takeBackUntrue(context, clock.now() + ahead), "repeatable");
  await joinNotices(context, clock.now() + ahead, "pending", mayGoOn);
  let [failures, sent] = [0, 0];
  while (failures < MAX_FAILURES && clock.now() < until && mayGoOn()) {
    const claim = await claimNext(context, ahead, sender);
    if (claim === null) break;
    // All of it was taken back meanwhile.
    if (claim.rows.length === 0) continue;
    const outcome = await attempt(context, resend, claim, from);
    await record(context, claim, outcome, sender);
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
        -- A notice goes out in the mail that was fixed for it.
        AND (notice_end IS NULL OR joined = id)
        AND NOT EXISTS (
          SELECT 1 FROM messages WHERE status = 'pending' AND batch_id IS NOT NULL AND next_try_at <= :due)
      ORDER BY next_try_at, id LIMIT ${MAX_BATCH}))
    AND NOT EXISTS (SELECT 1 FROM mail_pace WHERE next_at BETWEEN :patience AND :hold
      OR fault_config = :sender AND fault_until BETWEEN :now AND :now + ${LONGEST_HOLD})
  RETURNING batch_id, attempts, uncertain_since`);

/** Takes a turn among all isolates. */
const TAKE_TURN = named(`
  UPDATE mail_pace SET next_at = iif(next_at BETWEEN :now AND :hold, next_at, :now) + :step
  WHERE changes() > 0 RETURNING next_at - :step AS turn`);

/** Claims the messages of the next request and waits for its turn; null if nothing is due. */
async function claimNext(context: Context, ahead: number, sender: string): Promise<Claim | null> {
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
      sender,
    }),
    db.run(TAKE_TURN, { now, hold: now + LONGEST_HOLD, step: Math.ceil(SECOND / config.mail.ratePerSecond) }),
  ]);
  const first = claimed?.results[0] as Pick<Message, "batch_id" | "attempts" | "uncertain_since"> | undefined;
  if (!first) return null;
  const batchId = String(first.batch_id);
  const all = await db.orm
    .select()
    .from(messages)
    .where(eq(messages.batch_id, batchId))
    .orderBy(asc(messages.id));
  const turn = Number(paced?.results[0]?.["turn"] ?? now);
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, turn - now)));
  const { attempts, uncertain_since } = first;
  const rows = all.filter(({ status }) => status !== "skipped");
  return {
    batchId,
    attempts,
    claimedAt: now,
    ahead,
    uncertainSince: uncertain_since ?? now,
    rows,
    size: all.length,
  };
}

/** The bytes that are sent are in the database first: another attempt sends the same. */
const REWRITE = named(`
  UPDATE messages SET content = :content
  WHERE id = :id AND batch_id = :batch AND attempts = :attempts AND status = 'pending'`);

async function attempt(context: Context, resend: Resend, claim: Claim, from: string): Promise<Outcome> {
  const { batchId, attempts, rows, size, claimedAt, uncertainSince } = claim;
  const isUncertain = uncertainSince < claimedAt;
  if (claimedAt - uncertainSince >= REMEMBERED) {
    const error =
      "It may have been sent: no attempt was answered for a day, and Resend would not recognize another one.";
    return { is: "refused", error, apart: false };
  }
  const emails: Email[] = [];
  const rewritten: D1PreparedStatement[] = [];
  for (const row of rows) {
    const email = await openMessage(context, row);
    if (email === null) {
      const error = "The message cannot be read any more: SESSION_SECRET was changed.";
      // If an earlier attempt may have succeeded, the others would be sent twice under new keys.
      return { is: "refused", error, apart: rows.length > 1 && !isUncertain };
    }
    // What waited for a mended sender goes out from that one. What may be through keeps its bytes.
    if (email.from !== from && !isUncertain) {
      email.from = from;
      const content = await sealed(context, row.id, email);
      rewritten.push(context.db.run(REWRITE, { id: row.id, batch: batchId, attempts, content }));
    }
    emails.push(email);
  }
  if (rewritten.length > 0) await context.db.batch(rewritten, "repeatable");
  const options = { idempotencyKey: batchId, signal: AbortSignal.timeout(TIMEOUT) };
  const [single] = emails;
  // One that is left of several is still sent as several: the key belongs to that call.
  if (size === 1 && single) {
    const { data, error, headers } = await resend.emails.send(single, options);
    return error ? failureOf(error, headers, rows.length) : { is: "sent", ids: [data.id] };
  }
  const { data, error, headers } = await resend.batch.send(
    emails.map(({ attachments: _none, ...email }) => email),
    options,
  );
  return error ? failureOf(error, headers, rows.length) : { is: "sent", ids: data.data.map(({ id }) => id) };
}
