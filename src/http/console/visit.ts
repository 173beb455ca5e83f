// A visit to the console: who is signed in, and the proof that a form comes from a page of ours.
import { getCookie } from "hono/cookie";
import { personOf } from "../../access/credentials.ts";
import { allow, allows, type Permission } from "../../kernel/permissions.ts";
import { findSession, formTokenOf, isFormToken, type Session } from "../../access/sessions.ts";
import type { Context, Staff } from "../../context.ts";
import { Problem } from "../../problems.ts";
import { ACCESS_HEADER, type Http } from "../http.ts";
import type { Entry } from "../ui/entry.ts";
import type { Waiting } from "../../licensing/figures/waiting.ts";
import { type View, viewOf } from "./view-choices.ts";
import { queryOf } from "../notice.ts";

/** The prefix makes browsers refuse it from other hosts and without TLS (RFC 6265bis section 4.1.3). */
export const COOKIE = "__Host-caio-session";

export interface Visit {
  http: Http;
  context: Context;
  session: Session;
  actor: Staff;
  /** The named parameters of the path. */
  params: Record<string, string>;
  query: Record<string, string>;
  now: number;
  formToken: string;
  view: View;
  /** What the navigation counts, if this page reads it. */
  waiting?: Waiting | undefined;
  /** Whether this person's role allows it: a page does not offer the rest. */
  can: (permission: Permission) => boolean;
  /** Whether so many more statements may be sent: D1 bounds their number. */
  hasRoom: (statements: number) => boolean;
}

/** The id in the path of a page about one thing. */
export const idOf = ({ params }: Pick<Visit, "params">): string => params["id"] ?? "";

/** The person who is signed in, by the session's cookie or by Cloudflare Access with each request; or null. */
export async function sessionOf(http: Http): Promise<Session | null> {
  const context = http.get("context");
  const cookie = getCookie(http, COOKIE);
  const session = cookie === undefined ? null : await findSession(context, cookie);
  if (session) return session;
  const assertion = http.req.header(ACCESS_HEADER) ?? null;
  if (assertion === null) return null;
  const person = await personOf(context, assertion);
  return person && { id: null, ...person, name: person.actor.id };
}

export async function visitOf(http: Http, session: Session): Promise<Visit> {
  const asked = http.get("context");
  const { db, hasRoom } = asked.db.counted();
  // A page reads through several verbs: together, in one round trip.
  const context: Context = { ...asked, db: db.gathering(), actor: session.actor };
  http.set("context", context);
  return {
    http,
    context,
    session,
    actor: session.actor,
    params: http.req.param(),
    query: queryOf(http),
    now: context.clock.now(),
    view: viewOf(session.view),
    formToken: await formTokenOf(context, session),
    can: (permission) => allows(context, permission),
    hasRoom,
  };
}

/** @throws Problem FORBIDDEN */
export const admit = ({ context }: Visit, permission: Permission): void => void allow(context, permission);

/** The token shows that we made the form for this session. @throws Problem FORBIDDEN */
export async function assertOwnForm({ context, session }: Visit, entry: Entry): Promise<void> {
  if (await isFormToken(context, session, entry.text("form_token") ?? "")) return;
  throw new Problem(
    "FORBIDDEN",
    "This form was not made for your session. Open the page again and send it from there.",
  );
}
