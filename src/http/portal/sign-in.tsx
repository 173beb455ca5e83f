// The door of the customer's site: a mailed link or a pasted license key becomes a session, and a session ends.
import type { Hono } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import type { FC } from "hono/jsx";
import { networkOf } from "../../access/networks.ts";
import { askForLink, choicesOf, LINK_MINUTES, spendLink } from "../../access/portal-links.ts";
import {
  closePortalSession,
  isSecret,
  newSecret,
  openKeySession,
  PORTAL_SESSION_DAYS,
} from "../../access/portal-sessions.ts";
import * as z from "zod/mini";
import { Mailbox } from "../../field/mailboxes.ts";
import { DAY, SECOND } from "../../kernel/dates.ts";
import { confirmContact, invitedBy } from "../../licensing/portal/own-contacts.ts";
import { readLicenseKey } from "../../licensing/licenses/license-keys.ts";
import { mailSignIn } from "../../notices/portal/site-links.ts";
import { Problem } from "../../problems.ts";
import { limitBody, MAX_BODY } from "../body-limit.ts";
import type { AppEnv, Http } from "../http.ts";
import { Entry, parsed, readEntry } from "../ui/entry.ts";
import { Field, TextArea } from "../ui/form.tsx";
import { assertOwnOrigin } from "../ui/page.ts";
import { Refusal } from "../ui/refusal.tsx";
import { ownerOf } from "./layout.tsx";
import { guarded, respond } from "./mount.tsx";
import { ASKED_COOKIE, assertOwnForm, COOKIE, sessionOf, visitOf } from "./visit.ts";

const NOTHING = new Entry();

const SignIn: FC<{ owner: string; byLink: Entry; byKey: Entry; note?: string | undefined }> = ({
  owner,
  byLink: link,
  byKey: key,
  note,
}) => (
  <section class="card">
    <img class="mark" src="/portal/assets/icon.svg" alt="" width="32" height="32" />
    <h1>Your {owner} licenses</h1>
    {note ? (
      <p class="note warn" role="status">
        {note}
      </p>
    ) : null}
    <form class="form" method="post" action="/portal/sign-in">
      <Refusal problem={link.problem} />
      <Field
        entry={link}
        name="email"
        label="Your e-mail address"
        type="email"
        hint="We mail you a link. It works once, and in this browser."
        required
        maxlength={254}
        autocomplete="email"
      />
      <div class="submit">
        <button class="primary">Mail me a link</button>
      </div>
    </form>
    <details open={key.problem !== null}>
      <summary>Or use a license key</summary>
      <form class="form" method="post" action="/portal/sign-in/key">
        <Refusal problem={key.problem} />
        <TextArea
          entry={key.without(["license_key"])}
          name="license_key"
          label="License key"
          hint="It shows whether this license is valid, until when, and how many seats are taken."
          required
          maxlength={16_384}
          code
        />
        <div class="submit">
          <button>Sign in with the key</button>
        </div>
      </form>
    </details>
  </section>
);

const ENDED: Record<string, string> = {
  session: "Your session has ended. Sign in again.",
  form: "Your session had ended, so nothing was sent. Sign in, and send it again.",
};

const signInPage = (http: Http, link: Entry, key: Entry, note?: string): Response | Promise<Response> =>
  respond(http, null, {
    title: link.problem || key.problem ? "Error: Sign in" : "Sign in",
    body: <SignIn owner={ownerOf(http.get("context").config)} byLink={link} byKey={key} note={note} />,
    problem: link.problem ?? key.problem,
  });

const cookieFor = (seconds: number) =>
  ({ path: "/", httpOnly: true, secure: true, sameSite: "Lax", maxAge: seconds }) as const;

async function entryOf(http: Http): Promise<Entry> {
  assertOwnOrigin(http);
  await limitBody(http, MAX_BODY);
  return readEntry(http);
}

const Asked: FC = () => (
  <section class="card">
    <h1>Look into your mailbox</h1>
    <p>
      If this address belongs to one of our customers, a mail with a link is on its way. Open it in this
      browser within {LINK_MINUTES} minutes.
    </p>
    <p class="soft">
      Nothing there? Look into the spam folder, or ask whoever manages your licenses whether your address is a
      contact who may sign in.
    </p>
    <p>
      <a class="button quiet" href="/portal/sign-in">
        Back
      </a>
    </p>
  </section>
);

/** The same page and the same work, whether the address is known. */
async function ask(http: Http): Promise<Response> {
  const entry = await entryOf(http);
  const context = http.get("context");
  try {
    const { email } = parsed(z.object({ email: Mailbox }), { email: entry.text("email") ?? "" });
    // A browser that asked before keeps its secret: a link that is on its way still works.
    const known = getCookie(http, ASKED_COOKIE) ?? "";
    const secret = isSecret(known) ? known : newSecret();
    const invitation = await askForLink(context, email, secret);
    setCookie(http, ASKED_COOKIE, secret, cookieFor(DAY / SECOND));
    if (invitation) {
      mailSignIn(context, {
        recipient: invitation.email,
        name: invitation.name ?? invitation.email,
        language: invitation.language,
        link: `${context.config.issuer}/portal/sign-in/link?token=${invitation.token}`,
        minutes: LINK_MINUTES,
      });
    }
    return await respond(http, null, { title: "Look into your mailbox", body: <Asked /> });
  } catch (error) {
    if (!(error instanceof Problem) || error.type.status >= 500) throw error;
    return signInPage(http, entry.refused(error), NOTHING);
  }
}

const USELESS =
  "This link does not work here: it was used, it is too old, or another browser asked for it. Ask for a new one in this browser.";

/** A page with a button: whatever only opens the link, such as the scanner of a mail server, spends nothing. */
async function offer(http: Http): Promise<Response> {
  const token = http.req.query("token") ?? "";
  const secret = getCookie(http, ASKED_COOKIE) ?? "";
  const context = http.get("context");
  const choices = isSecret(token) && isSecret(secret) ? await choicesOf(context, token, secret) : [];
  if (choices.length === 0) return signInPage(http, NOTHING, NOTHING, USELESS);
  const body = (
    <section class="card">
      <h1>{choices.length === 1 ? "Sign in" : "Sign in for which customer?"}</h1>
      {choices.map(({ contact_id, customer_name }) => (
        <form class="form" method="post" action="/portal/sign-in/link">
          <input type="hidden" name="token" value={token} />
          <input type="hidden" name="contact" value={contact_id} />
          <button class="primary">Sign in as {customer_name}</button>
        </form>
      ))}
    </section>
  );
  return respond(http, null, { title: "Sign in", body });
}

function signedIn(http: Http, cookie: string): Response {
  setCookie(http, COOKIE, cookie, cookieFor((PORTAL_SESSION_DAYS * DAY) / SECOND));
  return http.redirect("/portal", 303);
}

/** Brakes guesses. @throws Problem RATE_LIMITED */
async function brake(http: Http): Promise<void> {
  const { limits, ip } = http.get("context");
  if (await limits.signIn(`portal:${networkOf(ip)}`)) return;
  throw new Problem("RATE_LIMITED", "Too many sign-ins from this address. Wait a minute.", {
    retry_after: 60,
  });
}

async function enterByLink(http: Http): Promise<Response> {
  const entry = await entryOf(http);
  await brake(http);
  const token = entry.text("token") ?? "";
  const secret = getCookie(http, ASKED_COOKIE) ?? "";
  const cookie =
    isSecret(token) && isSecret(secret)
      ? await spendLink(http.get("context"), token, secret, entry.text("contact") ?? "")
      : null;
  if (cookie === null)
    return signInPage(http, new Entry([], new Problem("UNAUTHENTICATED", USELESS)), NOTHING);
  deleteCookie(http, ASKED_COOKIE, { path: "/", secure: true });
  return signedIn(http, cookie);
}

async function enterByKey(http: Http): Promise<Response> {
  const entry = await entryOf(http);
  await brake(http);
  const context = http.get("context");
  try {
    const key = await readLicenseKey(context, entry.text("license_key") ?? "");
    const cookie = await openKeySession(context, key);
    if (cookie === null)
      throw new Problem("LICENSE_KEY_SUPERSEDED", "This key was replaced. Use the current one.");
    return signedIn(http, cookie);
  } catch (error) {
    if (!(error instanceof Problem) || error.type.status >= 500) throw error;
    return signInPage(http, NOTHING, entry.refused(error));
  }
}

const USED =
  "This link does not work any more: it was used, it is too old, or whoever named you is no contact any more.";

/** A page with a button, as for a link to sign in. */
async function offerConfirmation(http: Http): Promise<Response> {
  const token = http.req.query("token") ?? "";
  const company = isSecret(token) ? await invitedBy(http.get("context"), token) : null;
  if (company === null) return signInPage(http, NOTHING, NOTHING, USED);
  const body = (
    <section class="card">
      <h1>Confirm your mailbox</h1>
      <p>{company} wants you to get mail about its licenses.</p>
      <form class="form" method="post" action="/portal/confirm">
        <input type="hidden" name="token" value={token} />
        <button class="primary">Confirm</button>
      </form>
      <p class="soft">You do not expect this? Close the page: nothing happens.</p>
    </section>
  );
  return respond(http, null, { title: "Confirm your mailbox", body });
}

async function confirm(http: Http): Promise<Response> {
  const entry = await entryOf(http);
  await brake(http);
  const token = entry.text("token") ?? "";
  const context = http.get("context");
  const confirmed = isSecret(token) && (await confirmContact(context, token));
  if (!confirmed) return signInPage(http, new Entry([], new Problem("UNAUTHENTICATED", USED)), NOTHING);
  context.tellSoon(context, "customer");
  const body = (
    <section class="card">
      <h1>Confirmed</h1>
      <p>Mail about the licenses comes to you from now on. The other contacts are told.</p>
      <p class="soft">
        To sign in here, you need the consent of another contact than the one who named you, or ours.
      </p>
    </section>
  );
  return respond(http, null, { title: "Confirmed", body });
}

async function signOut(http: Http): Promise<Response> {
  const session = await sessionOf(http);
  if (session) {
    const visit = await visitOf(http, session);
    await assertOwnForm(visit, await entryOf(http));
    await closePortalSession(visit.context, session);
  }
  deleteCookie(http, COOKIE, { path: "/", secure: true });
  return http.redirect("/portal/sign-in", 303);
}

export function mountSignIn(app: Hono<AppEnv>): void {
  const signIn = "/portal/sign-in";
  app.get(
    signIn,
    guarded(signIn, (http) => signInPage(http, NOTHING, NOTHING, ENDED[http.req.query("ended") ?? ""])),
  );
  app.post(signIn, guarded(signIn, ask));
  app.get(`${signIn}/link`, guarded(`${signIn}/link`, offer));
  app.post(`${signIn}/link`, guarded(`${signIn}/link`, enterByLink));
  app.post(`${signIn}/key`, guarded(`${signIn}/key`, enterByKey));
  app.get("/portal/confirm", guarded("/portal/confirm", offerConfirmation));
  app.post("/portal/confirm", guarded("/portal/confirm", confirm));
  app.post("/portal/sign-out", guarded("/portal/sign-out", signOut));
}
