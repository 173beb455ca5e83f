// Checks the sealed record from outside: the seals' signatures, their chain from the first one on, the events
// that each covers, and what a file remembers from the last check. The service itself is not trusted.
import {
  checkSeals,
  type Finding,
  GENESIS,
  isGivenUp,
  type SealClaims,
  type Segments,
  type ShownEvent,
} from "../../audit/chain.ts";
import { authenticateSeal, NotAuthentic, type Trust, type TrustedKey } from "./authenticity.ts";
import type { AuditSeal } from "../shapes.ts";

/** A seal with its events, as the service answers. */
export interface SealedEvents {
  marks: string;
  events: ShownEvent[];
}

/** What one check remembers for the next. */
export interface Remembered {
  issuer: string;
  /** Former addresses of the service, which its older seals name. Missing if nobody gave any. */
  former?: string[];
  /** The last seal (0 if there was none) and its content. */
  seal: number;
  up_to: number;
  head: string;
  /** The last event, sealed or not. */
  last_event: number;
  /** Every key published so far. */
  keys: TrustedKey[];
}

/** The chain as the seals tell it. */
export interface Chain extends Segments {
  claims: SealClaims[];
  /** When the last seal was signed, by its own token; null if there is none, or it is not genuine. */
  sealed_at: string | null;
}

/**
 * What the seals are verified by. A known kid keeps its key, even if another is published under it now; whether it is
 * retired the service says. A key that it no longer names counts up to the last seal that was seen.
 */
export function trustedKeys(
  before: Remembered | null,
  given: TrustedKey[],
  published: TrustedKey[],
): TrustedKey[] {
  const keys = new Map<string | undefined, TrustedKey>();
  for (const { last_seal: _past, ...key } of before?.keys ?? []) {
    const now = published.find(({ kid }) => kid === key.kid);
    const last = now ? now.last_seal : before!.seal;
    keys.set(key.kid, last === undefined ? key : { ...key, last_seal: last });
  }
  for (const key of given) if (!before?.keys.some(({ kid }) => kid === key.kid)) keys.set(key.kid, key);
  for (const key of published) if (!keys.has(key.kid)) keys.set(key.kid, key);
  return [...keys.values()];
}

interface ReadSeal {
  row: AuditSeal;
  claims: SealClaims;
  /** When it was signed; null if nobody says so. */
  iat: number | null;
  /** Why its own signature proves nothing, or null. */
  doubt: NotAuthentic | null;
}

/** The content of a seal, even of a doubtful one, so that its events are checked all the same. */
async function readSeal(row: AuditSeal, trust: Trust): Promise<ReadSeal> {
  try {
    const claims = await authenticateSeal(row.token, trust);
    return { row, claims, iat: claims.iat, doubt: null };
  } catch (error) {
    if (!(error instanceof NotAuthentic)) throw error;
    const { id, from_id, up_to, head } = row;
    // The row's own values, except the previous hash, which the seal before determines.
    return { row, claims: { seal: id, from_id, up_to, previous: "", head }, iat: null, doubt: error };
  }
}

const about = (id: number, says: string): Finding => ({ kind: "seal", id, says: `Seal ${id} ${says}` });

/**
 * What is wrong with the seals themselves.
 *
 * @param rows all seals, the first one first
 * @param accepted the first seals of segments whose beginning is accepted. The signatures before one no longer count: it
 *   signs the head that it goes on from, and with it all events before, as they were found then
 */
export async function readSeals(
  rows: AuditSeal[],
  trust: Trust,
  accepted: ReadonlySet<number> = new Set(),
): Promise<Chain> {
  const seals = await Promise.all(rows.map((row) => readSeal(row, trust)));
  seals.forEach(({ claims, doubt }, n) => {
    if (doubt) claims.previous = seals[n - 1]?.claims.head ?? GENESIS;
  });
  const { breaks, findings: chain } = checkSeals(
    seals.map(({ claims }) => claims),
    accepted,
  );
  const doubts: Finding[] = [];
  let covered = false;
  for (const { row, claims, doubt } of seals.toReversed()) {
    if (doubt === null) {
      covered ||= claims.after !== undefined && accepted.has(claims.seal);
      if (row.id !== claims.seal) doubts.unshift(about(row.id, `says that it is seal ${claims.seal}.`));
    } else if (!covered) {
      const unknown =
        doubt.code === "KEY_UNKNOWN" ? " Its key is neither published nor in RETIRED_KEYS." : "";
      doubts.unshift(about(row.id, `is not genuine. ${doubt.message}${unknown}`));
    }
  }
  const kept = chain.filter(({ kind, id }) => kind !== "seal" || !isGivenUp(id, breaks, accepted));
  const iat = seals.at(-1)?.iat ?? null;
  return {
    claims: seals.map(({ claims }) => claims),
    sealed_at: iat === null ? null : new Date(iat * 1_000).toISOString(),
    breaks,
    findings: [...doubts, ...kept],
  };
}

/** What is wrong with the record compared with what was remembered of it. */
export function compare(
  { claims, breaks }: Chain,
  lastEvent: number,
  remembered: Remembered,
  accepted: ReadonlySet<number> = new Set(),
): Finding[] {
  const { seal, up_to, head, last_event } = remembered;
  if (seal > 0 && !isGivenUp(seal, breaks, accepted)) {
    const same = claims.find((one) => one.seal === seal);
    if (!same) return [about(seal, `was there, with the events up to ${up_to}, and is gone.`)];
    if (same.head !== head || same.up_to !== up_to)
      return [about(seal, "is not the one it was: the record up to it was rewritten.")];
  }
  const says = `Event ${last_event} was there, not sealed yet, and is gone.`;
  return lastEvent < last_event ? [{ kind: "removed", id: last_event, says }] : [];
}
