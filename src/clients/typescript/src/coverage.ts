// Which versions of the product a license covers, by when they were built. Pure. It stops nothing.
import type { Terms } from "./vocabulary.ts";

/** An instant (RFC 3339, milliseconds, or a Date), or a date, which begins at midnight UTC. */
export type BuiltAt = string | number | Date;

const WRITTEN = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2}))?$/i;

/** In milliseconds; null where it is no time. */
export function builtAtOf(builtAt: BuiltAt): number | null {
  const at = typeof builtAt === "string" ? parse(builtAt.trim()) : Number(builtAt);
  return Number.isFinite(at) ? at : null;
}

function parse(text: string): number {
  // JavaScript takes 30 February for 2 March.
  const day = text.slice(0, 10);
  const midnight = Date.parse(`${day}T00:00:00Z`);
  const isDay = Number.isFinite(midnight) && new Date(midnight).toISOString().startsWith(day);
  return WRITTEN.test(text) && isDay ? Date.parse(text) : Number.NaN;
}

/** Whether a version built then is covered. @throws RangeError where it is no time */
export function covers({ updatesUntil }: Pick<Terms, "updatesUntil">, builtAt: BuiltAt): boolean {
  const at = builtAtOf(builtAt);
  if (at === null) throw new RangeError("A version is built at an RFC 3339 instant or on a date.");
  return updatesUntil === null || at < Date.parse(updatesUntil);
}
