// What a license is worth at an instant: derived from what people decided (status) and from the time, never stored.
// Pure.
import type { License } from "../../storage/schema.ts";
import type { ProblemCode } from "../../problems.ts";
import { DAY, LAST_INSTANT } from "../../kernel/dates.ts";

export const STANDINGS = [
  "active",
  "expiring",
  "grace",
  "expired",
  "scheduled",
  "suspended",
  "revoked",
] as const;

export type Standing = (typeof STANDINGS)[number];

/** A license that ends within this time is `expiring`. */
const EXPIRING_WITHIN = 30 * DAY;

export type Term = Pick<License, "status" | "starts_at" | "expires_at" | "grace_days">;

/** The first instant at which the license no longer lets instances run, or null if it is perpetual. */
export const graceUntil = (term: Pick<License, "expires_at" | "grace_days">): number | null =>
  term.expires_at === null ? null : Math.min(term.expires_at + term.grace_days * DAY, LAST_INSTANT);

/**
 * A person's decision wins over time: first revoked and suspended, then scheduled, expired, grace, expiring, active.
 * `expires_at` is the first instant at which the license is no longer valid.
 */
export function standingOf(term: Term, now: number): Standing {
  if (term.status !== "active") return term.status;
  if (term.starts_at !== null && now < term.starts_at) return "scheduled";
  if (term.expires_at === null) return "active";
  if (now >= graceUntil(term)!) return "expired";
  if (now >= term.expires_at) return "grace";
  return term.expires_at - now <= EXPIRING_WITHIN ? "expiring" : "active";
}

const REFUSALS = {
  active: null,
  expiring: null,
  grace: null,
  expired: "LICENSE_EXPIRED",
  scheduled: "LICENSE_NOT_STARTED",
  suspended: "LICENSE_SUSPENDED",
  revoked: "LICENSE_REVOKED",
} as const satisfies Record<Standing, ProblemCode | null>;

export type StandingRefusal = NonNullable<(typeof REFUSALS)[Standing]>;

/** Why a license in this standing lets no instance run, or null if it does. */
export const refusalOf = (standing: Standing): StandingRefusal | null => REFUSALS[standing];
