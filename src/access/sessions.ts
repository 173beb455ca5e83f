// Sessions of the console: a credential entered once becomes a signed cookie for a working day. The cookie only names
// a row. Each request looks up that row and the token that opened it, so a session ends at once when its holder signs
// out or the token is revoked.
import { base64url, jwtVerify, SignJWT } from "jose";
import { recordChange } from "../record/events.ts";
import type { Context, Services, Staff } from "../context.ts";
import { isCompactJws } from "../crypto/compact.ts";
import { equalDigests, sha256 } from "../crypto/digests.ts";
import { macKey } from "../crypto/macs.ts";
import { HOUR } from "../kernel/dates.ts";
import { Problem } from "../problems.ts";
import type { Role } from "../storage/schema.ts";
import { authenticate } from "./credentials.ts";
import { viewColumn } from "./views.ts";

export const SESSION_HOURS = 12;

/** Far above any genuine cookie; bounds the work that a hostile one can cause. */
const MAX_LENGTH = 1_024;

const ID_BYTES = 24;

const TYPE = "session+jwt";

const utf8 = new TextEncoder();

const keyOf = ({ config }: Services): Promise<CryptoKey> => macKey(config.sessionSecret, "session");

/** A signed-in member of staff. */
export interface Session {
  actor: Staff;
  /** What staff call them: the name of an API token, an e-mail address, or ADMIN_TOKEN. */
  name: string;
  /** Null for a person whom Cloudflare Access signs in with each request. */
  id: string | null;
  /** How they see the console: JSON, or null. */
  view: string | null;
}

/**
 * Signs the holder of a token in and returns the value of the cookie, and how they see the console; null if the token
 * is not valid.
 * Each sign-in gets a new id, so that nobody can know or plant one beforehand (session fixation).
 * @throws Problem FORBIDDEN for a monitor
 */
export async function openSession(
  context: Context,
  token: string,
): Promise<{ cookie: string; view: string | null } | null> {
  const actor = await authenticate(context, { authorization: `Bearer ${token}`, assertion: null });
  if (actor === null) return null;
  if (actor.role === "monitor")
    throw new Problem("FORBIDDEN", "The role monitor reads health and metrics and has no pages.");
  const { db } = context;
  const now = context.clock.now();
  const id = base64url.encode(crypto.getRandomValues(new Uint8Array(ID_BYTES)));
  const expiresAt = now + SESSION_HOURS * HOUR;
  const [, , seen] = await db.batch([
    db.sql(
      "INSERT INTO sessions (id, credential_hash, created_at, expires_at) VALUES (?, ?, ?, ?)",
      id,
      await sha256(token.trim()),
      now,
      expiresAt,
    ),
    recordChange({ ...context, actor }, now, "session.opened", ["session", actor.id], {}),
    db.sql(`SELECT ${viewColumn("?")}`, actor.id),
  ]);
  const cookie = await new SignJWT()
    .setProtectedHeader({ alg: "HS256", typ: TYPE })
    .setIssuer(context.config.issuer)
    .setJti(id)
    .setExpirationTime(new Date(expiresAt))
    .sign(await keyOf(context));
  return { cookie, view: (seen!.results[0] as Pick<Row, "view">).view };
}

async function idIn(context: Context, cookie: string): Promise<string | null> {
  if (!isCompactJws(cookie, MAX_LENGTH)) return null;
  try {
    const { payload } = await jwtVerify(cookie, await keyOf(context), {
      algorithms: ["HS256"],
      typ: TYPE,
      issuer: context.config.issuer,
      requiredClaims: ["exp", "jti"],
      currentDate: new Date(context.clock.now()),
    });
    return payload.jti ?? null;
  } catch {
    return null;
  }
}

interface Row {
  credential_hash: string;
  token_id: string | null;
  name: string | null;
  role: Role | null;
  view: string | null;
}

/** The session that a cookie names, or null if it was never opened or is over. */
export async function findSession(context: Context, cookie: string): Promise<Session | null> {
  const id = await idIn(context, cookie);
  if (id === null) return null;
  const { db } = context;
  const now = context.clock.now();
  const [found] = await db.batch([
    db.sql(
      `SELECT s.credential_hash, t.id AS token_id, t.name, t.role, ${viewColumn("coalesce(t.id, 'ADMIN_TOKEN')")}
       FROM sessions s
       LEFT JOIN api_tokens t ON t.hash = s.credential_hash AND t.is_monitor = 0
         AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > ?1)
       WHERE s.id = ?2 AND s.expires_at > ?1`,
      now,
      id,
    ),
  ]);
  const row = found?.results[0] as Row | undefined;
  if (!row) return null;
  const { view } = row;
  if (row.token_id !== null && row.role !== null) {
    const actor: Staff = { type: "staff", id: row.token_id, role: row.role };
    return { id, actor, name: row.name ?? row.token_id, view };
  }
  const { adminToken } = context.config;
  if (adminToken === null || !equalDigests(row.credential_hash, await sha256(adminToken))) return null;
  return { id, actor: { type: "staff", id: "ADMIN_TOKEN", role: "owner" }, name: "ADMIN_TOKEN", view };
}

/** Signs out: the cookie and every copy of it are worthless from now on. */
export async function closeSession(context: Context, { id, actor }: Session): Promise<void> {
  if (id === null) return;
  const { db } = context;
  await db.batch([
    db.sql("DELETE FROM sessions WHERE id = ?", id),
    recordChange({ ...context, actor }, context.clock.now(), "session.closed", ["session", actor.id], {}),
  ]);
}

const formKeyOf = ({ config }: Services): Promise<CryptoKey> => macKey(config.sessionSecret, "form");

const holderOf = ({ id, actor }: Session): Uint8Array<ArrayBuffer> =>
  utf8.encode(id ?? `access:${actor.id}`) as Uint8Array<ArrayBuffer>;

/** Proves that a form came from a page that this session received from the service (CSRF). */
export async function formTokenOf(services: Services, session: Session): Promise<string> {
  const mac = await crypto.subtle.sign("HMAC", await formKeyOf(services), holderOf(session));
  return base64url.encode(new Uint8Array(mac));
}

export async function isFormToken(services: Services, session: Session, token: string): Promise<boolean> {
  // 32 bytes in canonical base64url: the last character carries four bits and no others.
  if (!/^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/.test(token)) return false;
  return crypto.subtle.verify("HMAC", await formKeyOf(services), base64url.decode(token), holderOf(session));
}
