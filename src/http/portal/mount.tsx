// The customer's site as a table of pages and forms, and what they share. A form acts once, however often it is sent.
import type { Hono } from "hono";
import { getCookie } from "hono/cookie";
import { html } from "hono/html";
import type { Child } from "hono/jsx";
import { once } from "../../access/idempotency.ts";
import { allowOnSite, type SitePermission } from "../../kernel/permissions.ts";
import { invalid, Problem } from "../../problems.ts";
import { limitBody, MAX_BODY } from "../body-limit.ts";
import type { AppEnv, Http } from "../http.ts";
import { problemOf } from "../middleware.ts";
import { announce } from "../notice.ts";
import { Entry, readEntry } from "../ui/entry.ts";
import { asPage, assertOwnOrigin } from "../ui/page.ts";
import { titleOf } from "../ui/refusal.tsx";
import { Document } from "./layout.tsx";
import { assertOwnForm, COOKIE, sessionOf, type Visit, visitOf } from "./visit.ts";

export interface View {
  title: string;
  body: Child;
  /** A refusal that the page itself shows. */
  problem?: Problem | null;
}

export interface Page {
  /** In OpenAPI's spelling: /portal/licenses/{id}. */
  path: string;
  access: SitePermission;
  show(visit: Visit): Promise<View | Response>;
}

export interface Form {
  path: string;
  access: SitePermission;
  /** The form: empty, or with the entered values and the refusal. */
  show(visit: Visit, entry: Entry): Promise<View>;
  /** Does what was asked for, and says where to go on. */
  submit(visit: Visit, entry: Entry): Promise<{ to: string }>;
}

/** The form leads to an answer of its own, such as a file, each time it is sent. */
export interface Inquiry extends Omit<Form, "submit"> {
  answer(visit: Visit, entry: Entry): Promise<Response>;
}

export type Door = Page | Form | Inquiry;

const isForm = (door: Door): door is Form | Inquiry => "submit" in door || "answer" in door;

/** Answers with a page; `visit` is null if nobody is signed in. */
export function respond(http: Http, visit: Visit | null, view: View): Response | Promise<Response> {
  const { config } = http.get("context");
  const { title, body, problem } = view;
  asPage(http);
  if (problem) {
    http.set("problemCode", problem.code);
    if (problem.type.retryable || problem.extras.retry_after !== undefined)
      http.header("Retry-After", String(problem.extras.retry_after ?? 5));
  }
  const page = html`<!doctype html>${<Document config={config} visit={visit} title={title} body={body} />}`;
  return http.html(page, (problem?.type.status ?? 200) as never);
}

/** A refusal as a page. */
function refuse(http: Http, visit: Visit | null, problem: Problem): Response | Promise<Response> {
  const words =
    problem.type.status >= 500 ? "Your installations go on. Try again in a minute." : problem.message;
  const body = (
    <section class="card narrow">
      <h1>{titleOf(problem)}</h1>
      <p>{words}</p>
      <p class="soft">
        Request <code>{http.get("requestId")}</code>
      </p>
      <p>
        <a class="button" href={visit ? "/portal" : "/portal/sign-in"}>
          {visit ? "Go to your licenses" : "Go to the sign-in"}
        </a>
      </p>
    </section>
  );
  return respond(http, visit, { title: titleOf(problem), body, problem });
}

/** @throws Problem NOT_FOUND while the service has no site for customers */
function assertOpen(http: Http): void {
  if (!http.get("context").config.portal) throw new Problem("NOT_FOUND", "There is no such page.");
}

/** Answers a request of anybody; a refusal becomes a page. */
export const guarded =
  (route: string, answer: (http: Http) => Response | Promise<Response>) =>
  async (http: Http): Promise<Response> => {
    http.set("route", route);
    try {
      assertOpen(http);
      return await answer(http);
    } catch (error) {
      return refuse(http, null, problemOf(error, http));
    }
  };

/** The sign-in says what became of a session that is over, and of the form that came too late. */
const signInFor = (http: Http): string =>
  http.req.method === "POST"
    ? "/portal/sign-in?ended=form"
    : getCookie(http, COOKIE) === undefined
      ? "/portal/sign-in"
      : "/portal/sign-in?ended=session";

/** Answers a visitor who is signed in; sends everybody else to the sign-in, whichever page it is. */
async function receive(
  http: Http,
  door: Door,
  answer: (visit: Visit) => Promise<Response>,
): Promise<Response> {
  http.set("route", door.path);
  let visit: Visit | null = null;
  try {
    assertOpen(http);
    const session = await sessionOf(http);
    if (!session) return http.redirect(signInFor(http), 303);
    visit = await visitOf(http, session);
    allowOnSite(visit.context, door.access);
    return await answer(visit);
  } catch (error) {
    return refuse(http, visit, problemOf(error, http));
  }
}

export function mountSite(app: Hono<AppEnv>, doors: Door[]): void {
  for (const door of doors) {
    const path = door.path.replaceAll(/\{(\w+)\}/g, ":$1");
    app.get(path, (http) => receive(http, door, (visit) => open(door, visit)));
    if (isForm(door)) app.post(path, (http) => receive(http, door, (visit) => take(door, visit)));
  }
  const nowhere: Page = {
    path: "/portal/*",
    access: "licenses",
    show: () => Promise.reject(new Problem("NOT_FOUND", "There is no such page.")),
  };
  app.all("/portal/*", (http) => receive(http, nowhere, (visit) => open(nowhere, visit)));
}

async function open(door: Door, visit: Visit): Promise<Response> {
  const view = await (isForm(door) ? door.show(visit, new Entry()) : door.show(visit));
  return view instanceof Response ? view : respond(visit.http, visit, view);
}

async function take(form: Form | Inquiry, visit: Visit): Promise<Response> {
  const { http } = visit;
  assertOwnOrigin(http);
  await limitBody(http, MAX_BODY);
  const entry = await readEntry(http);
  await assertOwnForm(visit, entry);
  try {
    return await ("submit" in form ? carryOut(form, visit, entry) : form.answer(visit, entry));
  } catch (error) {
    const problem = problemOf(error, http);
    if (problem.type.status >= 500 || problem.type.status === 404 || problem.code === "FORBIDDEN")
      throw problem;
    const view = await form.show(visit, entry.refused(problem));
    return respond(http, visit, { ...view, title: `Error: ${view.title}`, problem });
  }
}

/** Each form that we render has its own number. */
async function carryOut(form: Form, visit: Visit, entry: Entry): Promise<Response> {
  const { http } = visit;
  const number = entry.text("once") ?? "";
  if (!/^[A-Za-z0-9-]{20,40}$/.test(number)) throw invalid("once", "The form has no number");
  const request = { key: `form:${number}`, hash: `${http.req.path} ${await entry.digest()}` };
  const { answer } = await once(visit.context, request, async (context) => {
    const { to } = await form.submit({ ...visit, context }, entry);
    context.tellSoon(context, "customer");
    return { status: 303, headers: { Location: to }, body: "" };
  });
  const to = answer.headers["Location"] ?? "/portal";
  announce(http, to);
  return http.redirect(to, 303);
}
