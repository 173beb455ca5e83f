// Who is calling the admin API: a credential becomes an actor.
import type { Context, Role, Staff } from "../context.ts";
import { equalDigests, sha256 } from "../crypto/digests.ts";
import { Problem } from "../problems.ts";
import { signedInBy } from "./cloudflare-access.ts";
import { type Brake, NO_BRAKE } from "./guesses.ts";
import { findPerson } from "./people.ts";
import { holderOf, roleOfToken } from "./tokens.ts";

/** What a request carries to prove who sends it: header values, null if absent. */
export interface Credentials {
  /** Authorization */
  authorization: string | null;
  /** Cf-Access-Jwt-Assertion */
  assertion: string | null;
}

/**
 * The member of staff that the credentials prove, or null. A program behind Cloudflare Access sends both: if there is
 * an Authorization header, it alone decides.
 * @param within asked before a look-up that will probably find nothing
 * @throws Problem FORBIDDEN for a person who is signed in and has no role
 * @throws Problem SERVICE_UNAVAILABLE if a sign-in cannot be checked right now
 */
export async function authenticate(
  context: Context,
  { authorization, assertion }: Credentials,
  within: Brake = NO_BRAKE,
): Promise<Staff | null> {
  if (authorization !== null) return bearer(context, authorization, within);
  return (await personOf(context, assertion))?.actor ?? null;
}

/** RFC 6750 section 2.1. */
const BEARER = /^Bearer +([\x21-\x7e]+) *$/i;

/** Unknown, expired and revoked tokens all look the same from outside. */
async function bearer(context: Context, authorization: string, within: Brake): Promise<Staff | null> {
  const token = BEARER.exec(authorization)?.[1];
  if (token === undefined) return null;
  const hash = await sha256(token);
  const { adminToken } = context.config;
  if (adminToken !== null && equalDigests(hash, await sha256(adminToken))) {
    return { type: "staff", id: ADMIN_TOKEN, role: "owner" };
  }
  return holderOf(context, token, hash, within);
}

const ADMIN_TOKEN = "ADMIN_TOKEN";

/**
 * The role that somebody who ordered something has now; null if they have no access any more.
 * @param id as in `Staff`
 */
export async function roleNow(context: Context, id: string): Promise<Role | null> {
  if (id === ADMIN_TOKEN) return context.config.adminToken === null ? null : "owner";
  if (!id.includes("@")) return roleOfToken(context, id);
  return (await findPerson(context, id))?.role ?? null;
}

/**
 * The person whom Cloudflare Access signed in, and how they see the console (JSON, or null); null without a sign-in.
 * @throws Problem FORBIDDEN, SERVICE_UNAVAILABLE as `authenticate`
 */
export async function personOf(
  context: Context,
  assertion: string | null,
): Promise<{ actor: Staff; view: string | null } | null> {
  // Half a configuration of Cloudflare Access: whether somebody is signed in cannot be told.
  if (context.config.faults.some((fault) => fault.startsWith("ACCESS_"))) {
    throw new Problem("SERVICE_UNAVAILABLE");
  }
  if (assertion === null) return null;
  const email = await signedInBy(context, assertion);
  if (email === null) return null;
  if (email === "") {
    throw new Problem(
      "FORBIDDEN",
      "This sign-in through Cloudflare Access has no e-mail address. Programs use an API token.",
    );
  }
  const found = await findPerson(context, email);
  if (found === null) {
    throw new Problem(
      "FORBIDDEN",
      `You are signed in as ${email}, but have no role here. Ask an owner to add you: PUT /v1/admin/people/${email}`,
    );
  }
  return { actor: { type: "staff", id: email, role: found.role }, view: found.view };
}
