// The console as a table of pages and forms, and what they share: sign-in, the proof that a form is ours,
// protection against forms sent twice, and refusals in words for people.
import type { Hono } from "hono";
import { html } from "hono/html";
import type { Child, FC } from "hono/jsx";
import { type Look, once } from "../../access/idempotency.ts";
import type { Permission } from "../../kernel/permissions.ts";
import { readWaiting } from "../../licensing/figures/waiting.ts";
import { invalid, Problem } from "../../problems.ts";
import { limitBody, MAX_BODY } from "../body-limit.ts";
import type { AppEnv, Http } from "../http.ts";
import { problemOf } from "../middleware.ts";
import { Entry, readEntry } from "../ui/entry.ts";
import { asPage, assertOwnOrigin } from "../ui/page.ts";
import { titleOf } from "../ui/refusal.tsx";
import { Document, type Section } from "./layout.tsx";
import { announce } from "../notice.ts";
import { RefusalPage } from "./refusal-page.tsx";
import { keepForm, openKept } from "./sign-in/kept-form.ts";
import { signInPage } from "./sign-in/page.tsx";
import { admit, assertOwnForm, sessionOf, type Visit, visitOf } from "./visit.ts";

export interface View {
  title: string;
  body: Child;
  /** Which entry of the navigation it belongs to. */
  section?: Section | undefined;
  /** A refusal that the page itself shows. */
  problem?: Problem | null;
  /** The secret on this page, if a form leads to it: recorded if the same form is sent again. */
  look?: Look;
}

export interface Page {
  /** In OpenAPI's spelling: /admin/licenses/{id}. */
  path: string;
  access: Permission;
  show(visit: Visit): Promise<View | Response>;
}

/** Where a form leads: to another page, which says what was done, or to an answer of its own. */
type Outcome = { to: string } | View;

export interface Form {
  path: string;
  access: Permission;
  /** The largest submission in bytes, for a form with a file. */
  maxBytes?: number;
  /** The form: empty, or with the entered values and the refusal. */
  show(visit: Visit, entry: Entry): Promise<View>;
  submit(visit: Visit, entry: Entry): Promise<Outcome>;
}

/** The form only asks and changes nothing: each time it is sent it is answered again, also with a file. */
export interface Inquiry extends Omit<Form, "submit"> {
  answer(visit: Visit, entry: Entry): Promise<View | Response>;
}

export type Door = Page | Form | Inquiry;

const render = (visit: Visit, view: View) => html`<!doctype html>${<Document visit={visit} {...view} />}`;

const respond = (visit: Visit, view: View): Response | Promise<Response> => {
  const { http } = visit;
  asPage(http);
  if (!view.problem) return http.html(render(visit, view));
  http.set("problemCode", view.problem.code);
  return http.html(render(visit, view), view.problem.type.status as never);
};

const toSignIn = (http: Http): Response => {
  const { pathname, search } = new URL(http.req.url);
  return http.redirect(`/admin/sign-in?next=${encodeURIComponent(pathname + search)}`, 303);
};

/** What a form of ours brings after its session ended is kept through the sign-in. Nothing is done. */
async function askAgain(http: Http, door: Door): Promise<Response> {
  if (http.req.method !== "POST" || !isForm(door)) return toSignIn(http);
  const { pathname, search } = new URL(http.req.url);
  const kept = await sentTooLate(http, pathname);
  if (kept === null) return toSignIn(http);
  return signInPage(
    http,
    new Entry([
      ["next", pathname + search],
      ["kept", kept],
    ]),
    401,
  );
}

/** Null for what is not of ours, and for more than is kept. */
async function sentTooLate(http: Http, path: string): Promise<string | null> {
  try {
    assertOwnOrigin(http);
    await limitBody(http, MAX_BODY);
    const entry = await readEntry(http);
    return entry.has("form_token") ? await keepForm(http.get("context"), path, entry) : null;
  } catch {
    return null;
  }
}

/** Answers a visitor who is signed in; sends everybody else to the sign-in. */
async function receive(
  http: Http,
  door: Door,
  answer: (visit: Visit) => Promise<Response>,
): Promise<Response> {
  http.set("route", door.path);
  let visit: Visit | null = null;
  try {
    const session = await sessionOf(http);
    if (!session) return await askAgain(http, door);
    visit = await visitOf(http, session);
    admit(visit, door.access);
    return await answer(visit);
  } catch (error) {
    return refuse(http, visit, problemOf(error, http));
  }
}

/** A refusal as a page. */
export function refuse(http: Http, visit: Visit | null, problem: Problem): Response | Promise<Response> {
  http.set("problemCode", problem.code);
  asPage(http);
  if (problem.type.retryable) http.header("Retry-After", String(problem.extras.retry_after ?? 5));
  const body = (
    <RefusalPage
      problem={problem}
      requestId={http.get("requestId")}
      path={http.req.path}
      signedIn={visit !== null}
    />
  );
  const page = html`<!doctype html>${<Document visit={visit} title={titleOf(problem)} body={body} />}`;
  return http.html(page, problem.type.status as never);
}

export const isForm = (door: Door): door is Form | Inquiry => "submit" in door || "answer" in door;

export function mountConsole(app: Hono<AppEnv>, doors: Door[]): void {
  for (const door of doors) {
    const path = door.path.replaceAll(/\{(\w+)\}/g, ":$1");
    app.get(path, (http) => receive(http, door, (visit) => open(door, visit)));
    if (isForm(door)) app.post(path, (http) => receive(http, door, (visit) => take(door, visit)));
  }
  // A page like any other: a stranger is sent to the sign-in here too, and does not learn which pages exist.
  const nowhere: Page = {
    path: "/admin/*",
    access: "read",
    show: () => Promise.reject(new Problem("NOT_FOUND", "There is no such page.")),
  };
  app.all("/admin/*", (http) => receive(http, nowhere, (visit) => open(nowhere, visit)));
}

async function open(door: Door, visit: Visit): Promise<Response> {
  // Begun before the page, so that both go to D1 in one trip. A page stands without it.
  const counting = readWaiting(visit.context).catch(() => undefined);
  // A form can be opened with some fields filled in.
  const view = await (isForm(door)
    ? door.show(visit, new Entry(Object.entries(visit.http.req.queries()).flatMap(pairs)))
    : door.show(visit));
  return view instanceof Response ? view : respond({ ...visit, waiting: await counting }, view);
}

const Kept: FC<{ found: boolean; children?: Child }> = ({ found, children }) => (
  <>
    <p class="note" role="status">
      {found
        ? "This is what you entered before your session ended. It is not sent yet."
        : "What you entered is no longer there: it is kept for 12 hours. Please enter it again."}
    </p>
    {children}
  </>
);

const pairs = ([name, values]: [string, string[]]): [string, string][] =>
  values.map((value) => [name, value]);

async function take(form: Form | Inquiry, visit: Visit): Promise<Response> {
  const { http } = visit;
  assertOwnOrigin(http);
  await limitBody(http, form.maxBytes ?? MAX_BODY);
  const entry = await readEntry(http);
  await assertOwnForm(visit, entry);
  const kept = entry.text("kept");
  if (kept !== undefined) {
    const values = await openKept(visit.context, http.req.path, kept);
    const view = await form.show(visit, values ?? new Entry());
    return respond(visit, { ...view, body: <Kept found={values !== null}>{view.body}</Kept> });
  }
  // Only previews the effect of the entered values; nothing is done.
  if (entry.has("look")) return respond(visit, await form.show(visit, entry));
  try {
    if ("submit" in form) return await carryOut(form, visit, entry);
    const answer = await form.answer(visit, entry);
    return answer instanceof Response ? answer : await respond(visit, answer);
  } catch (error) {
    const problem = problemOf(error, http);
    if (problem.type.status >= 500 || problem.code === "FORBIDDEN") throw problem;
    const view = await form.show(visit, entry.refused(problem));
    return respond(visit, { ...view, title: `Error: ${view.title}`, problem });
  }
}

/** A form acts once, however often it is sent: each form that we render has its own number. */
async function carryOut(form: Form, visit: Visit, entry: Entry): Promise<Response> {
  const { http } = visit;
  const number = entry.text("once") ?? "";
  if (!/^[A-Za-z0-9-]{20,40}$/.test(number)) throw invalid("once", "The form has no number");
  const request = { key: `form:${number}`, hash: `${http.req.path} ${await entry.digest()}` };
  const { answer } = await once(visit.context, request, async (context) => {
    const outcome = await form.submit({ ...visit, context }, entry);
    return "to" in outcome
      ? { status: 303, headers: { Location: outcome.to }, body: "" }
      : { status: 200, headers: {}, body: String(await render(visit, outcome)), look: outcome.look };
  });
  visit.context.tellSoon(visit.context, "staff");
  if (answer.status === 303) {
    const to = answer.headers["Location"] ?? "/admin";
    announce(http, to);
    return http.redirect(to, 303);
  }
  asPage(http);
  return http.html(answer.body);
}
