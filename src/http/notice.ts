// What a form did is said once, on the page that it led to: not after a reload, and not to whoever was given the
// address by somebody else.
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import type { Http } from "./http.ts";

const COOKIE = "__Host-caio-notice";

/** Long enough for a slow page, too short for a tab that is found again. */
const SECONDS = 60;

/** The members of an address that tell what was done. */
const TOLD = ["done", "retried"];

const isTelling = (search: URLSearchParams): boolean => TOLD.some((name) => search.has(name));

/** An address' query without what was done: a form that goes back there did something else. */
export const withoutTelling = (query: string): URLSearchParams =>
  new URLSearchParams([...new URLSearchParams(query)].filter(([name]) => !TOLD.includes(name)));

/** Remembers where a form led. */
export function announce(http: Http, location: string): void {
  const { pathname, search, searchParams } = new URL(location, http.req.url);
  if (!isTelling(searchParams)) return;
  const options = { path: "/", httpOnly: true, secure: true, sameSite: "Lax", maxAge: SECONDS } as const;
  setCookie(http, COOKIE, pathname + search, options);
}

/** The query of a page. What was done is in it only if the form of this browser just led here. */
export function queryOf(http: Http): Record<string, string> {
  const query = http.req.query();
  const { pathname, search, searchParams } = new URL(http.req.url);
  if (http.req.method !== "GET" || !isTelling(searchParams)) return query;
  if (getCookie(http, COOKIE) === pathname + search) {
    deleteCookie(http, COOKIE, { path: "/", secure: true });
    return query;
  }
  return Object.fromEntries(Object.entries(query).filter(([name]) => !TOLD.includes(name)));
}
