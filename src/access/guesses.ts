// Guessing tokens must not cost the database anything. Refused credentials are counted by network, but the count alone
// cannot tell a guess from the token of somebody who shares the address. So each token carries a mark made by this
// service. A token without it is counted before it is looked up, and above the limit it is not looked up at all.
import { base64url } from "jose";
import type { Config } from "../config.ts";
import type { Context, Services } from "../context.ts";
import { macKey } from "../crypto/macs.ts";
import { createRecent } from "../crypto/recent.ts";
import { SECOND } from "../kernel/dates.ts";
import { networkOf } from "./networks.ts";

/** Counts a request as a guess, once, and says whether its network is within the limit. */
export type Brake = () => Promise<boolean>;

/** No limit: it was checked before, or there is none. */
export const NO_BRAKE: Brake = () => Promise.resolve(true);

export function brakeOf({ limits, ip }: Context): Brake {
  let counted: Promise<boolean> | undefined;
  return () => (counted ??= limits.refusedCredentials(`token:${networkOf(ip)}`));
}

/** 48 bits: one guess in 2^48 gets past the brake. */
const MARK_BYTES = 6;
const MARK_LENGTH = 8;

async function markOf({ config }: Services, body: string): Promise<string> {
  const key = await macKey(config.sessionSecret, "token");
  const mac = await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(body));
  return base64url.encode(new Uint8Array(mac).slice(0, MARK_BYTES));
}

/** The random part of a token, followed by its mark. */
export const marked = async (services: Services, body: string): Promise<string> =>
  body + (await markOf(services, body));

// Not in constant time: a mark only gives access to one look-up.
const isMarked = async (services: Services, token: string): Promise<boolean> =>
  token.slice(-MARK_LENGTH) === (await markOf(services, token.slice(0, -MARK_LENGTH)));

/** For how long a refused token is counted as a guess. */
const REMEMBERED = 60 * SECOND;

interface Known {
  /** When each hash was last refused. */
  refused: ReturnType<typeof createRecent<number>>;
  /** The hashes of all tokens that were valid when first read: tokens from before the mark are found here. */
  holding?: Promise<Set<string>>;
}

const known = new WeakMap<Config, Known>();

function knownOf({ config }: Services): Known {
  const found = known.get(config) ?? { refused: createRecent<number>(1_000) };
  known.set(config, found);
  return found;
}

/** Remembers that a token was looked up and refused, such as a revoked one. */
export const noteRefused = (context: Context, hash: string): void =>
  knownOf(context).refused.set(hash, context.clock.now());

/** Read once in the life of an isolate: tokens without a mark are no longer made. */
async function holds(context: Context, hash: string): Promise<boolean> {
  const state = knownOf(context);
  state.holding ??= readHolding(context).catch((error: unknown) => {
    delete state.holding;
    throw error;
  });
  return (await state.holding).has(hash);
}

async function readHolding({ db }: Context): Promise<Set<string>> {
  const [found] = await db.batch([db.sql("SELECT hash FROM api_tokens WHERE revoked_at IS NULL")]);
  return new Set(found?.results.map((row) => String(row["hash"])));
}

/**
 * Whether a token is worth a look-up. A token with a mark is, unless it was refused a moment ago. Any other is while
 * the network is within the limit; above the limit, only a token from before the mark is.
 */
export async function isWorthALook(
  context: Context,
  token: string,
  hash: string,
  within: Brake,
): Promise<boolean> {
  const at = knownOf(context).refused.get(hash);
  const refused = at !== undefined && Math.abs(context.clock.now() - at) < REMEMBERED;
  if (!refused && (await isMarked(context, token))) return true;
  return (await within()) || (!refused && (await holds(context, hash)));
}
