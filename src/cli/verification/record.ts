// Checks the sealed record from outside: the seals' signatures, their chain from the first one on, the events
// that each covers, and what a file remembers from the last check. The service itself is not trusted.
import type { JSONWebKeySet } from "jose";
import { checkSeals, type ChainedEvent, type Finding, GENESIS, type SealClaims } from "../../audit/chain.ts";
import { authenticateSeal, NotAuthentic, type Trust } from "./authenticity.ts";
import type { AuditSeal } from "../shapes.ts";

/** A seal with its events, as the service answers. */
export interface SealedEvents {
  marks: string;
  events: ChainedEvent[];
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
  /** Who checked. Only owners see all events; others may not see the last one. */
  role?: string;
  /** Every key published so far: old seals stay signed by keys that are gone. */
  keys: JSONWebKeySet["keys"];
}

interface ReadSeal {
  row: AuditSeal;
  claims: SealClaims;
  /** Why its own signature proves nothing, or null. */
  doubt: NotAuthentic | null;
}

/** The content of a seal, even of a doubtful one: a later seal may vouch for it. */
async function readSeal(row: AuditSeal, trust: Trust): Promise<ReadSeal> {
  try {
    return { row, claims: (await authenticateSeal(row.token, trust)) as SealClaims, doubt: null };
  } catch (error) {
    if (!(error instanceof NotAuthentic)) throw error;
    const { id, from_id, up_to, head } = row;
    // The row's own values, except the previous hash, which the seal before determines.
    return { row, claims: { seal: id, from_id, up_to, previous: "", head }, doubt: error };
  }
}

const about = (id: number, says: string): Finding => ({ kind: "seal", id, says: `Seal ${id} ${says}` });

/**
 * What is wrong with the seals themselves. If the key of a seal was retired and is no longer known, the next good seal
 * vouches for it: the previous hash there must match the older seal.
 *
 * @param rows all seals, the first one first
 * @returns the claims to check the events by, and the findings
 */
export async function readSeals(
  rows: AuditSeal[],
  trust: Trust,
): Promise<{ claims: SealClaims[]; findings: Finding[] }> {
  const seals = await Promise.all(rows.map((row) => readSeal(row, trust)));
  const findings: Finding[] = [];
  seals.forEach(({ row, claims, doubt }, n) => {
    if (doubt) {
      const before = seals[n - 1]?.claims;
      claims.previous = before?.head ?? GENESIS;
      const vouching = seals.slice(n + 1).find((later) => later.doubt === null);
      if (doubt.code !== "KEY_UNKNOWN") findings.push(about(row.id, `is not genuine. ${doubt.message}`));
      else if (!vouching)
        findings.push(
          about(row.id, "is signed with a key that is not known, and no later seal vouches for it."),
        );
    } else if (row.id !== claims.seal) findings.push(about(row.id, `says that it is seal ${claims.seal}.`));
  });
  const claims = seals.map((seal) => seal.claims);
  return { claims, findings: [...findings, ...checkSeals(claims)] };
}

/** What is wrong with the record compared with what was remembered of it. */
export function compare(claims: SealClaims[], lastEvent: number, remembered: Remembered): Finding[] {
  const { seal, up_to, head, last_event } = remembered;
  if (seal > 0) {
    const same = claims.find((one) => one.seal === seal);
    if (!same) return [about(seal, `was there, with the events up to ${up_to}, and is gone.`)];
    if (same.head !== head || same.up_to !== up_to)
      return [about(seal, "is not the one it was: the record up to it was rewritten.")];
  }
  const says = `Event ${last_event} was there, not sealed yet, and is gone.`;
  return lastEvent < last_event ? [{ kind: "removed", id: last_event, says }] : [];
}
