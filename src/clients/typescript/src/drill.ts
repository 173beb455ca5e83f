// A drill: a license service that nobody needs to believe, and an installation that plays with it what may happen to its
// license. An installation is in a drill where it expects the drill's issuer and no other.
//
// What keeps a drill and production apart:
// - A drill's documents name an issuer that no service can have, so no production installation believes one.
// - In a drill, a document of any other issuer counts as one of a stranger, and a license key of another issuer is
//   refused at once: else a production license could go on, undecided, while a drill's clock stands still.
// - The clock can be moved in a drill alone, and only where no keys are pinned but a drill's.
// - A drill keeps its state in a folder of its own below the configured one: production's records never hold its times.
import { decodeJwt } from "jose";
import { canonicalAddress } from "./texts.ts";

/** Of a JWK Set. */
interface Pinned {
  keys: readonly { kid?: string }[];
}

/** RFC 6761: nothing can ever be reached at a name that ends in .invalid. */
export const DRILL_ISSUER = "https://drill.invalid";

/** What each `kid` of a drill begins with. */
export const DRILL_KEYS = "drill-";

/** The warning that each status of a drill has, and what its detail begins with. */
export const DRILL = "DRILL";

/** The header of its requests where a drill may move the clock: the time there. By it a drill sees that it is believed. */
export const DRILL_HEADER = "CAIO-License-Drill";

/** @param issuers canonical addresses */
export const isDrill = (issuers: readonly string[]): boolean =>
  issuers.length > 0 && issuers.every((issuer) => issuer === DRILL_ISSUER);

/** The drill's issuer counts alone. Beside others it would make production believe a drill, without any warning. */
export const withoutDrill = (issuers: readonly string[]): readonly string[] =>
  isDrill(issuers) ? issuers : issuers.filter((issuer) => issuer !== DRILL_ISSUER);

/**
 * In a drill, the issuer of a document that is not the drill's, verified or not; else null. So a drill never waits for
 * the keys of somebody else's document.
 */
export function strangerIn(issuers: readonly string[], token: string): string | null {
  if (!isDrill(issuers)) return null;
  const issuer = String(decodeJwt(token).iss);
  return canonicalAddress(issuer) === DRILL_ISSUER ? null : issuer;
}

/** Whether the clock of an installation may be moved. */
export const mayMoveClock = (issuers: readonly string[], pinned: Pinned | undefined): boolean =>
  isDrill(issuers) && (pinned?.keys ?? []).every(({ kid }) => kid?.startsWith(DRILL_KEYS));
