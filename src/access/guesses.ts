// Who guesses tokens must not cost the database anything. Refused credentials are counted by network, but the count
// alone does not tell a guess from the token of somebody who shares the address. So each token carries a mark of ours:
// one without it is counted before it is looked up, and over the limit it is not looked up at all.
import { base64url } from "jose";
import type { Config } from "../config.ts";
import type { Context, Services } from "../context.ts";
import { macKey } from "../crypto/macs.ts";
import { createRecent } from "../crypto/recent.ts";
import { SECOND } from "../kernel/dates.ts";
import { networkOf } from "./networks.ts";

/** Counts a request as a guess, once, and says whether its network is within the limit. */
export type Brake = () => Promise<boolean>;

/** No limit here: it was asked for before, or there is none. */
export const NO_BRAKE: Brake = () => Promise.resolve(true);

export function brakeOf({ limits, ip }: Context): Brake {
  let counted: Promise<boolean> | undefined;
  return () => (counted ??= limits.refusedCredentials(`token:${networkOf(ip)}`));
}

/** 48 bits: whoever guesses gets one past the brake in 2^48. */
const MARK_BYTES = 6;
const MARK_LENGTH = 8;

async function markOf({ config }: Services, body: string): Promise<string> {
  const key = await macKey(config.sessionSecret, "token");
  const mac = await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(body));
  return base64url.encode(new Uint8Array(mac).slice(0, MARK_BYTES));
}

/** A token's random part with our mark behind it. */
export const marked = async (services: Services, body: string): Promise<string> =>
  body + (await markOf(services, body));

// Not in constant time: all that a mark is good for is one look-up.
const isMarked = async (services: Services, token: string): Promise<boolean> =>
  token.slice(-MARK_LENGTH) === (await markOf(services, token.slice(0, -MARK_LENGTH)));

/** How long a refused token is counted before it is looked up again. */
const REMEMBERED = 60 * SECOND;

interface Known {
  /** When a hash was refused last. */
  refused: ReturnType<typeof createRecent<number>>;
  /** The hashes of all tokens that held when they were first asked for: those made before there was a mark are here. */
  holding?: Promise<Set<string>>;
}

const known = new WeakMap<Config, Known>();

function knownOf({ config }: Services): Known {
  const found = known.get(config) ?? { refused: createRecent<number>(1_000) };
  known.set(config, found);
  return found;
}

/** Remembers that a token was looked up in vain: also one that was ours, and is revoked. */
export const noteRefused = (context: Context, hash: string): void =>
  knownOf(context).refused.set(hash, context.clock.now());

/** Read once in the life of an isolate: tokens without a mark are made no more. */
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
 * Whether a token is worth a look-up. One with our mark is, unless it was refused a moment ago; any other within the
 * limit, and beyond it only if it is one of before.
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
