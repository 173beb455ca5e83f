// The life of a license after it is issued: which actions its status allows, what they take, and what they decide. Pure.
import * as z from "zod/mini";
import { addDuration, addToEnd } from "../../kernel/calendar.ts";
import { ceilToSecond, HOUR } from "../../kernel/dates.ts";
import { EndInstant, Reason, StartInstant } from "../../kernel/inputs.ts";
import { Metadata } from "../../kernel/metadata.ts";
import { changesBetween, given } from "../../kernel/resources.ts";
import { invalid, Problem } from "../../problems.ts";
import type { License, LicenseType } from "../../storage/schema.ts";
import {
  EntitlementsInput,
  type EntitlementsPatch,
  isLessEntitled,
  patched,
} from "../entitlements/values.ts";
import { CustomerId } from "../customers/customers.ts";
import { noted } from "../customers/noted.ts";
import { LicenseTypeId, unknownTypeIn } from "./license-types.ts";
import {
  CheckInHours,
  ClonePolicy,
  Days,
  Duration,
  Features,
  GraceDays,
  LeaseDays,
  Limit,
  NoticeDays,
  UnprovenLeaseHours,
} from "./terms.ts";

/** What each stored status allows. A revocation is final. */
export const TRANSITIONS = {
  active: ["change", "renew", "suspend", "revoke", "reissue", "transfer"],
  suspended: ["change", "renew", "reinstate", "revoke", "reissue", "transfer"],
  revoked: [],
} as const satisfies Record<License["status"], readonly string[]>;

export type Transition = (typeof TRANSITIONS)["active" | "suspended"][number];

export const LicenseChanges = z.strictObject({
  license_type: z.optional(LicenseTypeId),
  /** Which terms the license has under another type: those of the type, or the ones it has. */
  terms: z.optional(z.enum(["type", "keep"])),
  expires_at: z.optional(z.nullable(EndInstant)),
  starts_at: z.optional(z.nullable(StartInstant)),
  grace_days: z.optional(GraceDays),
  lease_days: z.optional(LeaseDays),
  check_in_hours: z.optional(CheckInHours),
  features: z.optional(Features),
  max_instances: z.optional(Limit),
  max_services: z.optional(Limit),
  max_requests_per_day: z.optional(Limit),
  metadata: z.optional(Metadata),
  notice_days: z.optional(z.nullable(NoticeDays)),
  unproven_lease_hours: z.optional(UnprovenLeaseHours),
  clone_policy: z.optional(ClonePolicy),
  ...noted,
  updates_until: z.optional(z.nullable(EndInstant)),
  entitlements: z.optional(EntitlementsInput),
  /** Tells the customer what changed. */
  send_email: z.optional(z.boolean()),
});

export const Renewal = z
  .strictObject({
    expires_in: z.optional(Duration),
    expires_days: z.optional(Days),
    expires_at: z.optional(z.nullable(EndInstant)),
  })
  .check(
    z.refine(
      ({ expires_in, expires_days, expires_at }) =>
        [expires_in, expires_days, expires_at].filter((end) => end !== undefined).length === 1,
      { message: "Give exactly one of expires_in, expires_days and expires_at", path: ["expires_days"] },
    ),
  );

export const Reasoned = z.strictObject({ reason: Reason });

export const Transfer = z.strictObject({
  customer_id: CustomerId,
  reason: Reason,
  /** Mails the new key to the new customer. */
  send_email: z.optional(z.boolean()),
});

/** Good news needs no reason. */
export const Reinstatement = z.strictObject({ reason: z.optional(Reason) });

export type LicenseChanges = z.output<typeof LicenseChanges>;
export type Renewal = z.output<typeof Renewal>;
export type Reasoned = z.output<typeof Reasoned>;
export type Transfer = z.output<typeof Transfer>;
export type Reinstatement = z.output<typeof Reinstatement>;

/** Decides the new terms of a license. @throws Problem REQUEST_INVALID, INVALID_TRANSITION */
export type Decision = (license: License, now: number) => Partial<License>;

/** The terms that a license has from its type. Its end stays; its days of notice are those of the type again. */
const termsFrom = (type: LicenseType): Partial<License> => ({
  grace_days: type.grace_days,
  lease_days: type.lease_days,
  check_in_hours: type.check_in_hours,
  features: type.features,
  max_instances: type.max_instances,
  max_services: type.max_services,
  max_requests_per_day: type.max_requests_per_day,
  notice_days: null,
  unproven_lease_hours: type.unproven_lease_hours,
  clone_policy: type.clone_policy,
  entitlements: type.entitlements,
});

/**
 * @param type the type that the input names, if it names one that there is
 * @param entitled the entitlements of the input
 */
export const decideChange =
  (
    { terms, send_email: _told, entitlements: _given, ...input }: LicenseChanges,
    type?: LicenseType,
    entitled?: EntitlementsPatch,
  ): Decision =>
  ({ license_type, entitlements: present }, now) => {
    const over = (held: License["entitlements"]) =>
      entitled ? { entitlements: patched(held, entitled, now) } : {};
    if (input.license_type === undefined && terms !== undefined) {
      throw invalid("terms", "Goes with a license_type");
    }
    if (input.license_type === undefined || input.license_type === license_type)
      return { ...given(input), ...over(present) };
    if (!type) throw unknownTypeIn(input.license_type);
    if (terms === undefined) {
      throw invalid(
        "terms",
        `Say "type" to give the license the terms of ${input.license_type}, or "keep" to leave those that it has`,
      );
    }
    const own = terms === "type" ? termsFrom(type) : {};
    return { ...own, ...given(input), ...over(own.entitlements ?? present) };
  };

/**
 * What of a form is a change: the members that differ from what the license, or the type that it gets, has anyway. The
 * others must not undo at a later time what somebody changes until then.
 * @throws Problem as `decideChange`
 */
export function changesIn(input: LicenseChanges, license: License, type?: LicenseType): LicenseChanges {
  const { license_type, terms, send_email, entitlements, ...members } = input;
  const named = { license_type, terms };
  const present = { ...license, ...decideChange(named, type)(license, 0) };
  const changed = changesBetween(present, given(members));
  return {
    ...(present.license_type === license.license_type ? {} : named),
    ...Object.fromEntries(Object.entries(changed).map(([name, { to }]) => [name, to])),
    ...entitlementsThatDiffer(entitlements, present.entitlements),
    send_email,
  };
}

function entitlementsThatDiffer(input: LicenseChanges["entitlements"], present: License["entitlements"]) {
  const differing = Object.entries(input ?? {}).filter(([code, wanted]) => {
    const held = present[code];
    if (!wanted || !held) return (wanted === null) !== (held === undefined);
    return wanted.value !== held.value || (wanted.until ?? undefined) !== held.until;
  });
  return differing.length > 0 ? { entitlements: Object.fromEntries(differing) } : {};
}

export const decideSuspend: Decision = () => ({ status: "suspended" });
export const decideReinstatement: Decision = () => ({ status: "active" });
export const decideRevoke: Decision = () => ({ status: "revoked" });

/** The end that a renewal for a duration gives: counted from the present end, or from now if that is past. */
export function renewedFor(end: number, duration: string, now: number): number {
  const present = ceilToSecond(now);
  return end > present ? addToEnd(end, duration) : addDuration(present, duration);
}

/** A renewal counts from the end, or from now if the end is past; it never makes a license shorter. */
export const decideRenewal =
  ({ expires_days, expires_in = `P${expires_days}D`, expires_at }: Renewal): Decision =>
  ({ status, expires_at: end }, now) => {
    if (end === null) {
      throw new Problem("INVALID_TRANSITION", "The license is perpetual: it needs no renewal.", {
        allowed_transitions: TRANSITIONS[status].filter((transition) => transition !== "renew"),
      });
    }
    if (expires_at === null) return { expires_at };
    if (expires_at === undefined) return { expires_at: renewedFor(end, expires_in, now) };
    if (expires_at > Math.max(end, ceilToSecond(now))) return { expires_at };
    throw invalid("expires_at", "Must be later than now and than the end that the license has");
  };

/** For how long a replaced key still renews running instances without proof, unless staff say otherwise. */
export const UNPROVEN_HOURS = 72;

/** Replaces the key. The replaced one still renews running instances without proof for so many hours. */
export const decideReissue =
  (unprovenHours: number): Decision =>
  ({ revision }, now) => ({
    revision: revision + 1,
    unproven_until: unprovenHours === 0 ? null : ceilToSecond(now) + unprovenHours * HOUR,
  });

/** The former customer's key installs nothing any more. What runs goes on. */
export const decideTransfer =
  ({ customer_id }: Transfer): Decision =>
  (license, now) => {
    if (license.customer_id === customer_id) {
      throw new Problem("CONFLICT", `The license is the customer's already: ${customer_id}.`);
    }
    return { customer_id, ...decideReissue(UNPROVEN_HOURS)(license, now) };
  };

/** Whether a limit allows less than before; null is unlimited. */
export const isLower = (was: number | null, is: number | null): boolean =>
  is !== null && (was === null || is < was);

/** Members that give the customer less where they are smaller; null is unlimited or perpetual. */
const MEASURES = [
  "expires_at",
  "grace_days",
  "lease_days",
  "max_instances",
  "max_services",
  "max_requests_per_day",
  "unproven_lease_hours",
  "updates_until",
] as const satisfies (keyof License)[];

/** Whether a change stops a license or gives its customer less in any respect. */
export const isLessThan = (after: License, before: License): boolean =>
  (after.status !== before.status && after.status !== "active") ||
  MEASURES.some((name) => isLower(before[name], after[name])) ||
  before.features.some((feature) => !after.features.includes(feature)) ||
  isLessEntitled(after.entitlements, before.entitlements) ||
  (after.starts_at ?? 0) > (before.starts_at ?? 0) ||
  (after.clone_policy === "refuse" && before.clone_policy !== "refuse");
