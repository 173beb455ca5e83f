// The page of the sign-in, also in place of a form that was sent after the session ended.
import { html } from "hono/html";
import type { FC } from "hono/jsx";
import { SESSION_HOURS } from "../../../access/sessions.ts";
import type { Http } from "../../http.ts";
import type { Entry } from "../../ui/entry.ts";
import { Field } from "../../ui/form.tsx";
import { asPage } from "../../ui/page.ts";
import { Refusal } from "../../ui/refusal.tsx";
import { Document } from "../layout.tsx";

/** A page of the console, even after a browser resolves dots and backslashes in it (no open redirect). */
export const isOwnPath = (path: string): boolean =>
  /^\/admin(?:[/?][\x21-\x7e]*)?$/.test(path) &&
  /^\/admin(?:\/|$)/.test(new URL(path, "http://localhost").pathname);

const SignIn: FC<{
  entry: Entry;
  owner: string;
  next: string;
  byAccess: boolean;
  /** The sealed form that waits behind the sign-in. */
  kept: string | undefined;
}> = ({ entry, owner, next, byAccess, kept }) => (
  <section class="card">
    <img class="mark" src="/admin/assets/icon.svg" alt="" width="32" height="32" />
    <h1>{owner} Licensing</h1>
    {kept ? (
      <p class="note">
        Your session had ended, so nothing was done. What you entered is kept: sign in to continue with it.
      </p>
    ) : next === "/admin" ? null : (
      <p class="note">
        You are not signed in, or your session has ended. Sign in to continue where you were.
      </p>
    )}
    <form class="form" method="post" action="/admin/sign-in">
      <Refusal problem={entry.problem} />
      <input type="hidden" name="next" value={next} />
      {kept ? <input type="hidden" name="kept" value={kept} /> : null}
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

export function signInPage(http: Http, entry: Entry, status = 200): Response | Promise<Response> {
  const { config } = http.get("context");
  const next = entry.text("next") ?? "";
  asPage(http);
  const body = (
    <SignIn
      entry={entry}
      owner={config.brand.name ?? config.productName}
      next={isOwnPath(next) ? next : "/admin"}
      byAccess={config.access !== null}
      kept={entry.text("kept")}
    />
  );
  return http.html(
    html`<!doctype html>${<Document visit={null} config={config} title="Sign in" body={body} />}`,
    status as never,
  );
}
