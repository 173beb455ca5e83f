// API tokens: how programs prove who they are. A token is shown once; only its hash is kept.
import { eq, gt } from "drizzle-orm";
import { base64url } from "jose";
import * as z from "zod/mini";
import { recordChange } from "../record/events.ts";
import type { Context, Role, Staff } from "../context.ts";
import { equalDigests, sha256 } from "../crypto/digests.ts";
import { formatInstant, formatInstantOrNull } from "../kernel/dates.ts";
import { openList, type Page, type PageRequest } from "../kernel/pages.ts";
import { EndInstant, Text } from "../kernel/inputs.ts";
import { invalid, Problem } from "../problems.ts";
import { type ApiTokenRow, apiTokens } from "../storage/schema.ts";
import { allow, AnyRole } from "../kernel/permissions.ts";
import { type Brake, isWorthALook, marked, noteRefused } from "./guesses.ts";
import { anotherWayIn, lastWayIn } from "./way-in.ts";

/** Enough to make guessing hopeless, so that a plain hash needs neither salt nor stretching. */
const RANDOM_BYTES = 18;

/** What secret scanners look for. */
const PREFIX = "caio_";

/** A release that does not know the role must not take it for a viewer's token. So it has a form of its own. */
const MONITOR_PREFIX = `${PREFIX}monitor_`;

/** 24 characters of random bits and 8 of the mark. Older tokens have random bits in place of the mark. */
const SHAPE = /^caio_(?:monitor_)?[A-Za-z0-9_-]{32}$/;

/** So many characters of the random part are shown. */
const SHOWN = 6;

export type ApiToken = Omit<ApiTokenRow, "role" | "is_monitor"> & { role: Role };

const roleOf = ({ role, is_monitor }: Pick<ApiTokenRow, "role" | "is_monitor">): Role =>
  is_monitor === 1 ? "monitor" : role;

const tokenOf = ({ is_monitor, ...row }: ApiTokenRow): ApiToken => ({
  ...row,
  role: roleOf({ role: row.role, is_monitor }),
});

/** The precision of last_used_at: a token in constant use costs one write a minute. */
const USE_RESOLUTION = 60_000;

export const NewApiToken = z.strictObject({
  name: Text(200),
  role: AnyRole,
  /** If left out or null, the token holds until it is revoked. */
  expires_at: z.nullish(EndInstant),
});

export type NewApiToken = z.output<typeof NewApiToken>;

/**
 * Makes a token and returns it with its row. It cannot be shown again.
 * @throws Problem REQUEST_INVALID for an end in the past
 */
export async function createApiToken(
  context: Context,
  input: NewApiToken,
): Promise<{ apiToken: ApiToken; token: string }> {
  const creator = allow(context, "access");
  const { db } = context;
  const now = context.clock.now();
  const expires_at = input.expires_at ?? null;
  if (expires_at !== null && expires_at <= now) throw invalid("expires_at", "Must be in the future");
  const random = base64url.encode(crypto.getRandomValues(new Uint8Array(RANDOM_BYTES)));
  const prefix = input.role === "monitor" ? MONITOR_PREFIX : PREFIX;
  const token = await marked(context, prefix + random);
  const apiToken: ApiToken = {
    id: `tok_${context.ids.ulid(now)}`,
    name: input.name,
    role: input.role,
    prefix: token.slice(0, prefix.length + SHOWN),
    hash: await sha256(token),
    created_by: creator.id,
    created_at: now,
    expires_at,
    last_used_at: null,
    revoked_at: null,
  };
  const { hash: _secret, name: _personal, ...after } = apiToken;
  const row: ApiTokenRow =
    apiToken.role === "monitor"
      ? { ...apiToken, role: "viewer", is_monitor: 1 }
      : { ...apiToken, role: apiToken.role, is_monitor: 0 };
  await db.batch([
    db.compile(db.orm.insert(apiTokens).values(row)),
    recordChange(context, now, "api_token.created", ["api_token", apiToken.id], { after }),
  ]);
  return { apiToken, token };
}

/** Tokens, oldest first, including revoked and expired ones. */
export async function listApiTokens(context: Context, request: PageRequest): Promise<Page<ApiToken>> {
  allow(context, "access");
  const list = await openList(context, "api-tokens", request);
  const rows = await context.db.orm
    .select()
    .from(apiTokens)
    .where(gt(apiTokens.id, String(list.after?.[0] ?? "")))
    .orderBy(apiTokens.id)
    .limit(request.limit + 1);
  return list.page(rows.map(tokenOf), request.limit + 1, (row) => [row.id]);
}

const unknownToken = (id: string): Problem =>
  new Problem("NOT_FOUND", `There is no API token with the id ${id}.`);

/** @throws Problem NOT_FOUND */
export async function getApiToken(context: Context, id: string): Promise<ApiToken> {
  allow(context, "access");
  const [row] = await context.db.orm.select().from(apiTokens).where(eq(apiTokens.id, id));
  if (!row) throw unknownToken(id);
  return tokenOf(row);
}

/** Whether a token is neither revoked nor expired. */
export const holds = (token: Pick<ApiToken, "revoked_at" | "expires_at">, now: number): boolean =>
  token.revoked_at === null && (token.expires_at === null || token.expires_at > now);

/** The role of a token that holds now, or null. */
export async function roleOfToken({ db, clock }: Context, id: string): Promise<Role | null> {
  const [token] = await db.orm.select().from(apiTokens).where(eq(apiTokens.id, id));
  return token && holds(token, clock.now()) ? roleOf(token) : null;
}

/**
 * Revokes a token for good, from the next request on. Does nothing if it is revoked already.
 * @throws Problem NOT_FOUND, CONFLICT if it is the last way in for an owner
 */
export async function revokeApiToken(context: Context, id: string): Promise<void> {
  allow(context, "access");
  const { db } = context;
  const now = context.clock.now();
  const left = anotherWayIn(context, { tokenId: id });
  const [, , found] = await db.batch([
    db.sql(
      `UPDATE api_tokens SET revoked_at = ?
       WHERE id = ? AND revoked_at IS NULL AND (role <> 'owner' OR ${left.sql})`,
      now,
      id,
      ...left.values,
    ),
    recordChange(
      context,
      now,
      "api_token.revoked",
      ["api_token", id],
      {
        sql: "json_object('role', iif(is_monitor, 'monitor', role), 'prefix', prefix)",
        values: [],
      },
      { sql: "FROM api_tokens WHERE id = ? AND changes() > 0", values: [id] },
    ),
    db.sql("SELECT revoked_at FROM api_tokens WHERE id = ?", id),
  ]);
  const known = found?.results[0];
  if (!known) throw unknownToken(id);
  if (known["revoked_at"] === null) throw lastWayIn();
}

/**
 * The holder of a stored token that holds now, or null.
 * @param hash the token's SHA-256
 */
export async function holderOf(
  context: Context,
  token: string,
  hash: string,
  within: Brake,
): Promise<Staff | null> {
  // A text that cannot be a token costs no look-up; neither does a guess above the limit.
  if (!SHAPE.test(token) || !(await isWorthALook(context, token, hash, within))) return null;
  const holder = await lookUp(context, hash);
  if (holder === null) noteRefused(context, hash);
  return holder;
}

async function lookUp(context: Context, hash: string): Promise<Staff | null> {
  const { db } = context;
  const now = context.clock.now();
  const [found] = await db.batch([
    db.sql(
      "SELECT id, role, is_monitor, hash, expires_at, last_used_at, revoked_at FROM api_tokens WHERE hash = ?",
      hash,
    ),
  ]);
  const row = found?.results[0] as ApiTokenRow | undefined;
  // The index may leak by its timing how much of a hash matched; the deciding comparison takes constant time.
  if (!row || !equalDigests(row.hash, hash)) return null;
  if (!holds(row, now)) return null;
  if (row.last_used_at === null || row.last_used_at <= now - USE_RESOLUTION) {
    context.defer(noteUse(context, row.id, now));
  }
  return { type: "staff", id: row.id, role: roleOf(row) };
}

/** The condition is in the statement: if many requests at once find the row stale, only one writes. */
async function noteUse({ db }: Context, id: string, now: number): Promise<void> {
  await db.batch([
    db.sql(
      "UPDATE api_tokens SET last_used_at = ?1 WHERE id = ?2 AND (last_used_at IS NULL OR last_used_at <= ?3)",
      now,
      id,
      now - USE_RESOLUTION,
    ),
  ]);
}

/** A token as the API shows it: without its hash. */
export const presentApiToken = ({ hash: _secret, ...apiToken }: ApiToken) => ({
  ...apiToken,
  created_at: formatInstant(apiToken.created_at),
  expires_at: formatInstantOrNull(apiToken.expires_at),
  last_used_at: formatInstantOrNull(apiToken.last_used_at),
  revoked_at: formatInstantOrNull(apiToken.revoked_at),
});
