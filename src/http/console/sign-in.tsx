// The door of the console: a token becomes a session, and a session ends.
import type { Hono } from "hono";
import { deleteCookie, setCookie } from "hono/cookie";
import { html } from "hono/html";
import { networkOf } from "../../access/networks.ts";
import {
  closeSession,
  findSession,
  openSession,
  type Session,
  SESSION_HOURS,
} from "../../access/sessions.ts";
import { Problem } from "../../problems.ts";
import { limitBody, MAX_BODY } from "../body-limit.ts";
import type { AppEnv, Http } from "../http.ts";
import { problemOf } from "../middleware.ts";
import { Entry, readEntry } from "../ui/entry.ts";
import { Document } from "./layout.tsx";
import { refuse } from "./mount.tsx";
import { FormFields } from "../ui/form.tsx";
import { asPage, assertOwnOrigin } from "../ui/page.ts";
import { isOwnPath, signInPage } from "./sign-in/page.tsx";
import { startOf } from "./view-choices.ts";
import { assertOwnForm, COOKIE, sessionOf, visitOf } from "./visit.ts";

async function signIn(http: Http): Promise<Response> {
  const context = http.get("context");
  assertOwnOrigin(http);
  await limitBody(http, MAX_BODY);
  const entry = await readEntry(http);
  // Before the token is checked: the limit holds for every attempt, even a right guess.
  if (!(await context.limits.signIn(networkOf(context.ip)))) {
    throw new Problem("RATE_LIMITED", "Too many sign-ins from this address. Wait a minute.", {
      retry_after: 60,
    });
  }
  const opened = await openSession(context, entry.text("token") ?? "");
  if (opened === null) {
    const problem = new Problem(
      "UNAUTHENTICATED",
      "This token is not valid here: check that it is complete, and not revoked or expired.",
    );
    http.set("problemCode", problem.code);
    return signInPage(http, entry.refused(problem), problem.type.status);
  }
  const { cookie, view } = opened;
  setCookie(http, COOKIE, cookie, {
    path: "/",
    httpOnly: true,
    secure: true,
    sameSite: "Lax",
    maxAge: SESSION_HOURS * 3_600,
  });
  const wanted = entry.text("next") ?? "";
  const next = isOwnPath(wanted) && wanted !== "/admin" ? wanted : startOf(view);
  const kept = entry.text("kept");
  const session = kept === undefined ? null : await findSession(context, cookie);
  return kept !== undefined && session ? offerKept(http, session, next, kept) : http.redirect(next, 303);
}

/** The form that was sent too late: one click shows it again as it was filled in. */
async function offerKept(http: Http, session: Session, next: string, kept: string): Promise<Response> {
  const visit = await visitOf(http, session);
  asPage(http);
  const body = (
    <section class="card">
      <h1>Signed in</h1>
      <p>What you entered before your session ended is kept. Nothing is done yet.</p>
      <form class="form" method="post" action={next}>
        <FormFields visit={visit} />
        <input type="hidden" name="kept" value={kept} />
        <div class="submit">
          <button class="primary">Continue with what I entered</button>
          <a class="button quiet" href="/admin">
            Leave it
          </a>
        </div>
      </form>
    </section>
  );
  return http.html(html`<!doctype html>${<Document visit={null} title="Signed in" body={body} />}`);
}

async function signOut(http: Http): Promise<Response> {
  assertOwnOrigin(http);
  const session = await sessionOf(http);
  if (session) {
    await limitBody(http, MAX_BODY);
    const visit = await visitOf(http, session);
    await assertOwnForm(visit, await readEntry(http));
    await closeSession(visit.context, session);
  }
  deleteCookie(http, COOKIE, { path: "/", secure: true });
  return http.redirect("/admin/sign-in", 303);
}

const guarded =
  (route: string, answer: (http: Http) => Response | Promise<Response>) =>
  async (http: Http): Promise<Response> => {
    http.set("route", route);
    try {
      return await answer(http);
    } catch (error) {
      return refuse(http, null, problemOf(error, http));
    }
  };

export function mountSignIn(app: Hono<AppEnv>): void {
  app.get(
    "/admin/sign-in",
    guarded("/admin/sign-in", (http) => signInPage(http, new Entry(Object.entries(http.req.query())))),
  );
  app.post("/admin/sign-in", guarded("/admin/sign-in", signIn));
  app.post("/admin/sign-out", guarded("/admin/sign-out", signOut));
}
