// Who is calling the admin API: a credential becomes an actor.
import type { Actor, Context } from "../context.ts";
import { equalDigests, sha256 } from "../crypto/digests.ts";
import { holderOf } from "./tokens.ts";

const BEARER = /^Bearer +([\x21-\x7e]+) *$/i;

/**
 * The staff actor that an Authorization header (RFC 6750 section 2.1) proves, or null. Unknown, expired and
 * revoked tokens all look the same from outside.
 */
export async function authenticate(context: Context, authorization: string | null): Promise<Actor | null> {
  const token = BEARER.exec(authorization ?? "")?.[1];
  if (token === undefined) return null;
  const hash = await sha256(token);
  const { adminToken } = context.config;
  if (adminToken !== null && equalDigests(hash, await sha256(adminToken))) {
    return { type: "staff", id: "ADMIN_TOKEN", role: "owner" };
  }
  return holderOf(context, token, hash);
}
