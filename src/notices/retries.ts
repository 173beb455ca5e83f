// Sending mail again by hand: one message, or all that a filter finds.
import * as z from "zod/mini";
import type { Context } from "../context.ts";
import { SearchText, Since, Until } from "../kernel/inputs.ts";
import { allow } from "../kernel/permissions.ts";
import { Problem } from "../problems.ts";
import { recordChange } from "../record/events.ts";
import { named } from "../storage/database.ts";
import { KINDS, type Message } from "../storage/schema.ts";
import { sendSoon } from "./delivery.ts";
import { find } from "./messages.ts";
import { KEY_REPLACED, NOT_CONFIGURED } from "./outbox.ts";
import { SUPERSEDED, TRANSFERRED, UNTRUE } from "./superseded.ts";

const AT_REST = ["failed", "skipped", "bounced"] as const;

const IN_ONE_REQUEST = `EXISTS (
  SELECT 1 FROM messages other
  WHERE other.batch_id = (SELECT batch_id FROM messages WHERE id = coalesce(m.joined, m.id))
    AND other.id <> m.id AND other.status = 'pending')`;

const KEY_IS_CURRENT = `(m.key_revision IS NULL OR EXISTS (
  SELECT 1 FROM licenses l
  WHERE l.id = m.license_id AND l.status <> 'revoked' AND l.revision = m.key_revision))`;

/** SQL: whether the license is still that of the customer whom the mail is for. */
const IS_TO_HOLDER = `(m.license_id IS NULL OR m.customer_id IS NULL OR EXISTS (
  SELECT 1 FROM licenses l WHERE l.id = m.license_id AND l.customer_id = m.customer_id))`;

/** SQL: whether the message in `m` can be sent again. */
const SENDABLE = `m.status IN ('failed', 'skipped', 'bounced') AND m.content <> '' AND m.reason IS NOT '${SUPERSEDED}'
  AND ${KEY_IS_CURRENT} AND ${IS_TO_HOLDER} AND NOT (${UNTRUE}) AND NOT ${IN_ONE_REQUEST}`;

// In a request of its own, under a new idempotency key: somebody decided to send it again. A notice is joined and
// written anew, in the words of the day.
const RETRY = named(`
  UPDATE messages AS m SET
    status = 'pending', attempts = 0, next_try_at = 0, uncertain_since = NULL, provider_id = NULL, last_error = NULL,
    reason = NULL, bounce_type = NULL, joined = NULL, told_on = NULL, updated_at = :now,
    batch_id = iif(m.notice_end IS NULL, :batch || '_' || m.id, NULL)
  WHERE m.id IN (SELECT value FROM json_each(:ids)) AND ${SENDABLE}`);

/** The message, and those that the same mail tells. */
const WITH_JOINED = named(`
  SELECT m.id, m.status FROM messages m
  WHERE m.id = :id OR m.joined = (SELECT joined FROM messages WHERE id = :id)`);

/** The statements that send messages again, and record it of those that are. */
function retrying(
  context: Context,
  now: number,
  messages: readonly { id: string; status: string }[],
): D1PreparedStatement[] {
  const { db } = context;
  const list = JSON.stringify(messages.map(({ id, status }) => [id, status]));
  const ids = JSON.stringify(messages.map(({ id }) => id));
  return [
    db.run(RETRY, { now, ids, batch: `bat_${context.ids.ulid(now)}` }),
    recordChange(
      context,
      now,
      "message.retried",
      ["message", { sql: "m.id", values: [] }],
      { sql: "json_object('from', one.value ->> '$[1]')", values: [] },
      {
        sql: `FROM json_each(?) one JOIN messages m ON m.id = one.value ->> '$[0]'
          WHERE m.status = 'pending' AND m.updated_at = ? AND m.attempts = 0`,
        values: [list, now],
      },
    ),
  ];
}

/**
 * Sends a message again if it was not sent or did not arrive, with the notices that the same mail tells.
 * @throws Problem NOT_FOUND
 * @throws Problem CONFLICT if it is on its way or has arrived, if its text is not kept any more or not true any more, if the license went to
 *   another customer, if it was sent together with others that are on their way, or if sending is not configured
 */
export async function retryMessage(context: Context, id: string): Promise<Message> {
  allow(context, "licenses");
  const { db, clock } = context;
  await find(context, id);
  assertConfigured(context);
  const now = clock.now();
  const [found] = await db.batch([db.run(WITH_JOINED, { id })]);
  const together = (found?.results ?? []) as unknown as { id: string; status: string }[];
  await db.batch(retrying(context, now, together));
  const after = await find(context, id);
  if (after.status !== "pending" || after.updated_at !== now) throw await whyNot(context, id);
  sendSoon(context);
  return after;
}

function assertConfigured({ config }: Context): void {
  if (config.mail.apiKey === null) throw new Problem("CONFLICT", NOT_CONFIGURED);
}

/** Why a message was not sent again. */
async function whyNot({ db, clock }: Context, id: string): Promise<Problem> {
  const [found] = await db.batch([db.run(WHY_NOT, { id, now: clock.now() })]);
  const { status, to_holder, superseded, together, gone } = found?.results[0] ?? {};
  if (!(AT_REST as readonly unknown[]).includes(status)) {
    return new Problem("CONFLICT", `The message is ${String(status)}.`);
  }
  if (gone) return new Problem("CONFLICT", TEXT_GONE);
  if (!to_holder) return new Problem("CONFLICT", TRANSFERRED);
  if (superseded)
    return new Problem(
      "CONFLICT",
      "What it says is not true any more: a later notice was written, the license changed or ended, or this is no address of the customer any more.",
    );
  // To take it out of a request that will be sent again would change the bytes by which Resend knows the request.
  return new Problem("CONFLICT", together ? `${TOGETHER} Try again when they are through.` : KEY_REPLACED);
}

const WHY_NOT = named(`
  SELECT m.status, m.reason IS '${SUPERSEDED}' OR (${UNTRUE}) AS superseded, ${IS_TO_HOLDER} AS to_holder,
    ${IN_ONE_REQUEST} AS together, m.content = '' AS gone
  FROM messages m WHERE m.id = :id`);

const TEXT_GONE = "Its text is not kept any more.";

const TOGETHER = "It went out in one request with others whose outcome is not known yet.";

export const RetryFilter = z.strictObject({
  status: z.enum(AT_REST),
  kind: z.optional(z.enum(KINDS)),
  license_id: z.optional(SearchText),
  /** When they were written. */
  since: z.optional(Since),
  until: z.optional(Until),
});

export type RetryFilter = z.output<typeof RetryFilter>;

/** The most messages of one call. */
const MAX_RETRIED = 1_000;

const MATCHING = named(`
  SELECT m.id, m.status FROM messages m
  WHERE m.status = :status AND (:kind IS NULL OR m.kind = :kind)
    AND (:license_id IS NULL OR m.license_id = :license_id)
    AND m.created_at >= :since AND m.created_at < :until AND ${SENDABLE}
  ORDER BY m.id LIMIT ${MAX_RETRIED + 1}`);

async function matching(
  { db, clock }: Context,
  { status, kind, license_id, since, until }: RetryFilter,
): Promise<{ id: string; status: string }[]> {
  const values = {
    status,
    kind: kind ?? null,
    license_id: license_id ?? null,
    since: since ?? 0,
    until: until ?? Number.MAX_SAFE_INTEGER,
    now: clock.now(),
  };
  const [found] = await db.batch([db.run(MATCHING, values)]);
  return (found?.results ?? []) as unknown as { id: string; status: string }[];
}

/** How many messages `retryMessages` would send again, at most 1 000 in one call; `more` if there are others. */
export async function countRetries(
  context: Context,
  filter: RetryFilter,
): Promise<{ count: number; more: boolean }> {
  allow(context, "licenses");
  const found = await matching(context, filter);
  return { count: Math.min(found.length, MAX_RETRIED), more: found.length > MAX_RETRIED };
}

/**
 * Sends again whatever the filter finds and can be sent again, the oldest first, at most 1 000 in one call.
 * @returns how many, and whether there are more
 * @throws Problem CONFLICT if sending is not configured
 */
export async function retryMessages(
  context: Context,
  filter: RetryFilter,
): Promise<{ retried: number; more: boolean }> {
  allow(context, "licenses");
  assertConfigured(context);
  const found = await matching(context, filter);
  const chosen = found.slice(0, MAX_RETRIED);
  if (chosen.length === 0) return { retried: 0, more: false };
  const [, recorded] = await context.db.batch(retrying(context, context.clock.now(), chosen));
  sendSoon(context);
  return { retried: recorded?.meta.changes ?? 0, more: found.length > MAX_RETRIED };
}
