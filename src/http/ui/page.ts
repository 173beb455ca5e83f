// What the pages of both sites have in common.
import { Problem } from "../../problems.ts";
import type { Http } from "../http.ts";

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "form-action 'self'",
  "frame-src 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** The headers of every page. Without its referrer a browser would not say where a form comes from. */
export function asPage(http: Http): void {
  http.header("Content-Security-Policy", POLICY);
  http.header("Referrer-Policy", "same-origin");
  http.header("Cross-Origin-Opener-Policy", "same-origin");
}

/**
 * Refuses a form that another site sends in the name of the signed-in person. Browsers name the page that
 * sends a form (RFC 6454).
 * @throws Problem FORBIDDEN
 */
export function assertOwnOrigin(http: Http): void {
  const site = http.req.header("sec-fetch-site");
  const origin = http.req.header("origin");
  const own = new URL(http.req.url).origin;
  if (origin !== own || (site !== undefined && site !== "same-origin")) {
    throw new Problem("FORBIDDEN", "This form was not sent by a page of this site.");
  }
}
