// Sessions of the console with full control over cookies and headers, to send what a browser never would.
import type { Env } from "../../src/config.ts";
import { env } from "./env.ts";
import { type Answer, call, ORIGIN } from "./service.ts";

export const COOKIE = "__Host-caio-session";

interface Sending {
  headers?: Record<string, string>;
  bindings?: Env;
}

const FORM_HEADERS = {
  "Content-Type": "application/x-www-form-urlencoded",
  Origin: ORIGIN,
  "Sec-Fetch-Site": "same-origin",
};

/** Opens a page with this value of the session cookie. */
export const open = (path: string, cookie: string | null, { headers, bindings = env }: Sending = {}) =>
  call(path, {
    headers: { ...(cookie === null ? {} : { Cookie: `${COOKIE}=${cookie}` }), ...headers },
    bindings,
  });

/** Sends a form as it is on the page; a header with the value "" is left out. */
export function send(
  path: string,
  cookie: string | null,
  fields: Record<string, string>,
  { headers, bindings = env }: Sending = {},
): Promise<Answer> {
  const all = { ...FORM_HEADERS, ...(cookie === null ? {} : { Cookie: `${COOKIE}=${cookie}` }), ...headers };
  const present = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== ""));
  return call(path, { raw: new URLSearchParams(fields).toString(), headers: present, bindings });
}

export const sendSignIn = (fields: Record<string, string>, sending: Sending = {}): Promise<Answer> =>
  send("/admin/sign-in", null, fields, sending);

/** The value to which an answer sets the session cookie; null if it sets none. */
export const cookieIn = ({ headers }: Answer): string | null =>
  new RegExp(`${COOKIE}=([^;]+)`).exec(headers.get("Set-Cookie") ?? "")?.[1] ?? null;

/** Signs the holder of a token in, and returns the cookie's value. */
export async function signIn(token: string = env.ADMIN_TOKEN, sending: Sending = {}): Promise<string> {
  const cookie = cookieIn(await sendSignIn({ token }, sending));
  if (cookie === null) throw new Error("not signed in");
  return cookie;
}

/** The hidden fields of a page's first form. */
export async function unseenFields(
  path: string,
  cookie: string,
): Promise<{ form_token: string; once: string }> {
  const { text } = await open(path, cookie);
  const value = (name: string): string =>
    new RegExp(`name="${name}" value="([^"]+)"`).exec(text)?.[1] ?? "absent";
  return { form_token: value("form_token"), once: value("once") };
}

/** Whether this cookie signs somebody in. Without that, the answer redirects to the sign-in. */
export async function isSignedIn(cookie: string, sending: Sending = {}): Promise<boolean> {
  const { status, headers } = await open("/admin", cookie, sending);
  if (status === 303 && headers.get("Location")?.startsWith("/admin/sign-in")) return false;
  if (status === 200) return true;
  throw new Error(`/admin answers ${status}`);
}
