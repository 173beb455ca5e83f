// Who is calling the admin API: a bearer credential becomes an actor.
import type { Actor, Services } from "../context.ts";

const digest = (text: string): Promise<ArrayBuffer> =>
  crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));

/** Compares digests, so that neither content nor length of the secret shows in the time it takes. */
async function equalSecrets(given: string, secret: string): Promise<boolean> {
  const [a, b] = await Promise.all([digest(given), digest(secret)]);
  return crypto.subtle.timingSafeEqual(a, b);
}

const BEARER = /^Bearer +([\x21-\x7e]+) *$/i;

/** The staff actor that an Authorization header (RFC 6750 section 2.1) proves, or null. */
export async function authenticate(services: Services, authorization: string | null): Promise<Actor | null> {
  const token = BEARER.exec(authorization ?? "")?.[1];
  const { adminToken } = services.config;
  if (token === undefined || adminToken === null) return null;
  if (await equalSecrets(token, adminToken)) return { type: "staff", id: "ADMIN_TOKEN", role: "owner" };
  return null;
}
