// Requests with an Idempotency-Key: carried out once, and answered in the same way for 24 hours.
//
// A request is remembered by a row, its claim, which comes first in the batch that carries the request out. The second
// of two identical requests violates the claim's primary key, so its whole batch fails. A request is therefore both
// remembered and done, or neither, whenever a Worker dies. See docs/decisions/0004.
import type { Context } from "../context.ts";
import type { EntityType } from "../record/entities.ts";
import { recordChange } from "../record/events.ts";
import { seal, unseal } from "../crypto/sealing.ts";
import { DAY, SECOND } from "../kernel/dates.ts";
import { Problem } from "../problems.ts";
import { prefixed } from "../storage/database.ts";
import { databaseMessage } from "../storage/failures.ts";

export const KEPT = DAY;

/** After this long nobody is still working on it: no request and no batch on D1 lasts longer. */
const ABANDONED = 60 * SECOND;

/** Pauses in milliseconds while waiting for the answer of the first request: two seconds in all. */
const PAUSES = [25, 50, 100, 200, 400, 600, 625];

/** How often a request starts again because an identical one was refused and left nothing. */
const ATTEMPTS = 8;

export const PURPOSE = "caio-licensing idempotency answer";

export interface KeyedRequest {
  /** Chosen by the caller; unique only together with the actor. */
  key: string;
  /** SHA-256 of everything that makes it the same request. */
  hash: string;
}

/** For an answer that shows a secret: the event that records each time it is shown again. */
export interface Look {
  action: "license.key_revealed" | "api_token.revealed" | "webhook_endpoint.secret_revealed";
  entity: [EntityType, id: string];
}

export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string;
  look?: Look | undefined;
}

/**
 * Carries a request out with a context whose database claims the key, or returns the answer that the same request got
 * before. A refusal with a 4xx is not kept: it changed nothing, and the request may succeed later.
 * @throws Problem IDEMPOTENCY_KEY_REUSED if the key was used for another request
 * @throws Problem CONFLICT if the same request was made, but its answer is not known (yet)
 */
export async function once(
  context: Context,
  request: KeyedRequest,
  carryOut: (context: Context) => Promise<Answer>,
): Promise<{ answer: Answer; replayed: boolean }> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const known = await recall(context, request);
    if (known) return replay(context, known);
    const claim = prefixed(context.db, claimOf(context, request, null));
    try {
      const answer = await carryOut({ ...context, db: claim.db });
      if (await keep(context, request, answer)) return { answer, replayed: false };
    } catch (error) {
      // The same request was faster; this one has changed nothing.
      if (isTaken(error)) continue;
      if (!(error instanceof Problem) || error.type.status >= 500) throw error;
      if (claim.sent()) {
        await forget(context, request);
        throw error;
      }
      // The refusal may be due to what the same request did a moment ago.
      const faster = await recall(context, request);
      if (faster) return await replay(context, faster);
      throw error;
    } finally {
      claim.drop();
    }
  }
  throw pending("The same request is made again and again at the same time.");
}

/** Returns the same answer again. If it shows a secret, that is recorded; the first time, the change's event does. */
async function replay(context: Context, answer: Answer) {
  const { look } = answer;
  if (look) {
    const detail = { replayed: true };
    const always = { sql: "WHERE true", values: [] };
    const now = context.clock.now();
    await context.db.batch([recordChange(context, now, look.action, look.entity, detail, always)]);
  }
  return { answer, replayed: true };
}

const pending = (detail: string): Problem => new Problem("CONFLICT", detail, { retry_after: 2 });

/**
 * The statements that claim the key. Without an answer, the batch fails if the key is taken. With an answer, the key
 * may be taken by this same request. A key that was used long ago is free again, whether or not it was dropped since.
 */
function claimOf(context: Context, request: KeyedRequest, answer: ArrayBuffer | null) {
  const { db, actor, requestId } = context;
  const now = context.clock.now();
  const own = "ON CONFLICT DO UPDATE SET answer = excluded.answer WHERE request_id = excluded.request_id";
  return [
    db.sql(
      "DELETE FROM idempotency_keys WHERE actor_id = ? AND key = ? AND created_at <= ?",
      actor.id,
      request.key,
      now - KEPT,
    ),
    db.sql(
      `INSERT INTO idempotency_keys (actor_id, key, request_hash, request_id, created_at, answer)
       VALUES (?, ?, ?, ?, ?, ?) ${answer === null ? "" : own}`,
      actor.id,
      request.key,
      request.hash,
      requestId,
      now,
      answer,
    ),
  ];
}

const isTaken = (error: unknown): boolean =>
  databaseMessage(error).includes("UNIQUE constraint failed: idempotency_keys.");

/** The answer that the same request got, after waiting a moment if necessary; null if there was no such request. */
async function recall(context: Context, request: KeyedRequest): Promise<Answer | null> {
  let row = await read(context, request);
  for (const pause of PAUSES) {
    if (!row || row.answer !== null || row.created_at <= context.clock.now() - ABANDONED) break;
    await new Promise((resolve) => setTimeout(resolve, pause));
    row = await read(context, request);
  }
  if (!row) return null;
  const { config, clock, actor } = context;
  const opened =
    row.answer &&
    (await unseal(
      config.sessionSecret,
      PURPOSE,
      ownerOf(actor.id, request.key),
      Uint8Array.from(row.answer),
    ));
  if (opened) return JSON.parse(opened) as Answer;
  if (row.answer === null && row.created_at > clock.now() - ABANDONED) {
    throw pending(`The same request is being answered right now, under the request id ${row.request_id}.`);
  }
  throw new Problem(
    "CONFLICT",
    `The request was made under the request id ${row.request_id}, and its answer was lost. Read the resource to see what it did, if anything, and use a new key.`,
  );
}

interface Row {
  request_hash: string;
  request_id: string;
  created_at: number;
  /** A BLOB: D1 returns it as an array of bytes. */
  answer: number[] | null;
}

/** @throws Problem IDEMPOTENCY_KEY_REUSED */
async function read({ db, actor, clock }: Context, { key, hash }: KeyedRequest): Promise<Row | undefined> {
  const [found] = await db.batch([
    db.sql(
      `SELECT request_hash, request_id, created_at, answer FROM idempotency_keys
       WHERE actor_id = ? AND key = ? AND created_at > ?`,
      actor.id,
      key,
      clock.now() - KEPT,
    ),
  ]);
  const row = found?.results[0] as Row | undefined;
  if (row && row.request_hash !== hash) throw new Problem("IDEMPOTENCY_KEY_REUSED");
  return row;
}

export const ownerOf = (actorId: string, key: string): string => JSON.stringify([actorId, key]);

/**
 * Remembers the answer, and also the request if it wrote nothing and so has no claim yet. If this fails, the request
 * is done all the same: the caller gets the answer, and only a repetition will not.
 * @returns false if the same request was faster
 */
async function keep(context: Context, request: KeyedRequest, answer: Answer): Promise<boolean> {
  const { db, config, actor, requestId } = context;
  try {
    const owner = ownerOf(actor.id, request.key);
    const sealed = await seal(config.sessionSecret, PURPOSE, owner, JSON.stringify(answer));
    const [, kept] = await db.batch(claimOf(context, request, sealed), "repeatable");
    return kept?.meta.changes !== 0;
  } catch (error) {
    const told = databaseMessage(error);
    context.log("error", { event: "idempotency answer", request_id: requestId, error: told });
    return true;
  }
}

/** Takes the claim back: the batch went through, but its own rule refused the change. */
async function forget(context: Context, { key }: KeyedRequest): Promise<void> {
  const { db, actor, requestId } = context;
  try {
    const own = "actor_id = ? AND key = ? AND request_id = ? AND answer IS NULL";
    const taken = db.sql(`DELETE FROM idempotency_keys WHERE ${own}`, actor.id, key, requestId);
    await db.batch([taken], "repeatable");
  } catch (error) {
    context.log("error", {
      event: "idempotency claim",
      request_id: requestId,
      error: databaseMessage(error),
    });
  }
}
