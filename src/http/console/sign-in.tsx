// The door of the console: a token becomes a session, and a session ends.
import type { Hono } from "hono";
import { deleteCookie, setCookie } from "hono/cookie";
import { html } from "hono/html";
import type { FC } from "hono/jsx";
import { networkOf } from "../../access/networks.ts";
import { closeSession, openSession, SESSION_HOURS } from "../../access/sessions.ts";
import { Problem } from "../../problems.ts";
import { limitBody, MAX_BODY } from "../body-limit.ts";
import type { AppEnv, Http } from "../http.ts";
import { problemOf } from "../middleware.ts";
import { Entry, readEntry } from "../ui/entry.ts";
import { Document } from "./layout.tsx";
import { isOwnPath, refuse } from "./mount.tsx";
import { Field } from "../ui/form.tsx";
import { asPage, assertOwnOrigin } from "../ui/page.ts";
import { Refusal } from "../ui/refusal.tsx";
import { assertOwnForm, COOKIE, sessionOf, visitOf } from "./visit.ts";

const SignIn: FC<{ entry: Entry; product: string; next: string; byAccess: boolean }> = ({
  entry,
  product,
  next,
  byAccess,
}) => (
  <section class="card">
    <h1>{product} Licensing</h1>
    {next === "/admin" ? null : (
      <p class="note">
        You are not signed in, or your session has ended. Sign in to continue where you were.
      </p>
    )}
    <form class="form" method="post" action="/admin/sign-in">
      <Refusal problem={entry.problem} />
      <input type="hidden" name="next" value={next} />
      <Field
        entry={entry}
        name="token"
        label="API token"
        type="password"
        hint="Owners create tokens under Settings; the first token is the ADMIN_TOKEN of the service."
        required
        autofocus
        maxlength={512}
        autocomplete="current-password"
      />
      <div class="submit">
        <button class="primary">Sign in</button>
      </div>
    </form>
    <p class="soft">
      {byAccess
        ? "People sign in through Cloudflare Access, which protects this page. It did not say who you are."
        : `A session lasts ${SESSION_HOURS} hours, or until its token is revoked.`}
    </p>
  </section>
);

function page(http: Http, entry: Entry, status = 200): Response | Promise<Response> {
  const { config } = http.get("context");
  const next = entry.text("next") ?? "";
  asPage(http);
  const body = (
    <SignIn
      entry={entry}
      product={config.productName}
      next={isOwnPath(next) ? next : "/admin"}
      byAccess={config.access !== null}
    />
  );
  return http.html(
    html`<!doctype html>${<Document visit={null} title="Sign in" body={body} />}`,
    status as never,
  );
}

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
  const cookie = await openSession(context, entry.text("token") ?? "");
  if (cookie === null) {
    const problem = new Problem(
      "UNAUTHENTICATED",
      "This token is not valid here: check that it is complete, and not revoked or expired.",
    );
    http.set("problemCode", problem.code);
    return page(http, entry.refused(problem), problem.type.status);
  }
  setCookie(http, COOKIE, cookie, {
    path: "/",
    httpOnly: true,
    secure: true,
    sameSite: "Lax",
    maxAge: SESSION_HOURS * 3_600,
  });
  const next = entry.text("next") ?? "";
  return http.redirect(isOwnPath(next) ? next : "/admin", 303);
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
    guarded("/admin/sign-in", (http) => page(http, new Entry(Object.entries(http.req.query())))),
  );
  app.post("/admin/sign-in", guarded("/admin/sign-in", signIn));
  app.post("/admin/sign-out", guarded("/admin/sign-out", signOut));
}
