// A visit to the customer's site: who is signed in, and the proof that a form comes from a page of theirs.
import { getCookie } from "hono/cookie";
import {
  findPortalSession,
  isPortalFormToken,
  portalFormTokenOf,
  type PortalSession,
} from "../../access/portal-sessions.ts";
import type { Context, SiteVisitor } from "../../context.ts";
import { mayOnSite, type SitePermission } from "../../kernel/permissions.ts";
import { Problem } from "../../problems.ts";
import type { Http } from "../http.ts";
import { queryOf } from "../notice.ts";
import type { Entry } from "../ui/entry.ts";

/** The prefix makes browsers refuse it from other hosts and without TLS (RFC 6265bis section 4.1.3). */
export const COOKIE = "__Host-caio-portal";

/** A secret of the browser that asked for a link: without it the link opens nothing. */
export const ASKED_COOKIE = "__Host-caio-portal-asked";

export interface Visit {
  http: Http;
  context: Context;
  session: PortalSession;
  actor: SiteVisitor;
  /** The named parameters of the path. */
  params: Record<string, string>;
  query: Record<string, string>;
  now: number;
  formToken: string;
  /** Whether a role of the visitor allows it: a page does not offer the rest. */
  may: (permission: SitePermission) => boolean;
}

export const idOf = ({ params }: Pick<Visit, "params">): string => params["id"] ?? "";

export async function sessionOf(http: Http): Promise<PortalSession | null> {
  const cookie = getCookie(http, COOKIE);
  return cookie === undefined ? null : findPortalSession(http.get("context"), cookie);
}

export async function visitOf(http: Http, session: PortalSession): Promise<Visit> {
  const asked = http.get("context");
  const { actor } = session;
  // A page reads through several verbs: together, in one round trip.
  const context: Context = { ...asked, db: asked.db.gathering(), actor };
  http.set("context", context);
  return {
    http,
    context,
    session,
    actor,
    params: http.req.param(),
    query: queryOf(http),
    now: context.clock.now(),
    formToken: await portalFormTokenOf(context, session),
    may: (permission) => mayOnSite(actor, permission),
  };
}

/** @throws Problem FORBIDDEN */
export async function assertOwnForm({ context, session }: Visit, entry: Entry): Promise<void> {
  if (await isPortalFormToken(context, session, entry.text("form_token") ?? "")) return;
  throw new Problem(
    "FORBIDDEN",
    "This form was not made for your session. Open the page again and send it from there.",
  );
}
