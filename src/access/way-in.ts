// The last way in: if no owner could sign in any more, only whoever deploys the service could open it again.
import type { Context } from "../context.ts";
import { Problem } from "../problems.ts";
import type { SqlValue } from "../storage/database.ts";

/**
 * A condition for the statement that takes away an owner's way in: whether another one is left. That can be
 * ADMIN_TOKEN, which is in no table; a valid token with the role owner; or, if Cloudflare Access signs people in, a
 * person who is an owner.
 */
export function anotherWayIn(
  { config, clock }: Context,
  taken: { email: string } | { tokenId: string },
): { sql: string; values: SqlValue[] } {
  if (config.adminToken !== null) return { sql: "TRUE", values: [] };
  const email = "email" in taken ? taken.email : "";
  const tokenId = "tokenId" in taken ? taken.tokenId : "";
  const token = `EXISTS (SELECT 1 FROM api_tokens AS other WHERE other.role = 'owner' AND other.id <> ?
    AND other.revoked_at IS NULL AND (other.expires_at IS NULL OR other.expires_at > ?))`;
  const person = "EXISTS (SELECT 1 FROM people AS other WHERE other.role = 'owner' AND other.email <> ?)";
  return config.access === null
    ? { sql: token, values: [tokenId, clock.now()] }
    : { sql: `(${token} OR ${person})`, values: [tokenId, clock.now(), email] };
}

export const lastWayIn = (): Problem =>
  new Problem(
    "CONFLICT",
    "This is the last way in for an owner: nobody could manage this service afterwards. Make another owner or an owner's API token first, or set ADMIN_TOKEN.",
  );
