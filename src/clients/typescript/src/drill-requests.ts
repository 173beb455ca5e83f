// Requests in a drill name the installation's clock: by that, a drill sees that the installation knows of it.
import { DRILL_HEADER, isDrill } from "./drill.ts";
import type { LicenseOptions } from "./options.ts";
import { addressesOf } from "./texts.ts";
import type { Fetch } from "./transport.ts";

/** The `fetch` of an installation. Outside of a drill it is the one given. */
export function inDrill({ issuer, url }: LicenseOptions, clock: () => number, fetch: Fetch): Fetch {
  if (!isDrill(addressesOf(issuer || (url ?? "")))) return fetch;
  return (url, init) => {
    const headers = new Headers(init.headers);
    headers.set(DRILL_HEADER, new Date(clock()).toISOString());
    return fetch(url, { ...init, headers });
  };
}
