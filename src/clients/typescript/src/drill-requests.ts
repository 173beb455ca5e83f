// Requests of an installation whose clock a drill may move name its clock: by that, a drill sees that it is believed.
import { DRILL_HEADER, mayMoveClock } from "./drill.ts";
import type { LicenseOptions } from "./options.ts";
import { addressesOf } from "./texts.ts";
import type { Fetch } from "./transport.ts";

/** The `fetch` of an installation. Outside of a drill it is the one given. */
export function inDrill(
  { issuer, url, trustedKeys }: LicenseOptions,
  clock: () => number,
  fetch: Fetch,
): Fetch {
  if (!mayMoveClock(addressesOf(issuer || (url ?? "")), trustedKeys)) return fetch;
  return (address, init) => {
    const headers = new Headers(init.headers);
    headers.set(DRILL_HEADER, new Date(clock()).toISOString());
    return fetch(address, { ...init, headers });
  };
}
