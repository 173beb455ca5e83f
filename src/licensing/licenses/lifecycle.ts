// The life of a license after it is issued: which changes its status allows, and making them.
import { and, eq, type SQL } from "drizzle-orm";
import * as z from "zod/mini";
import { allow } from "../../kernel/permissions.ts";
import { recordChange } from "../../record/events.ts";
import type { Context } from "../../context.ts";
import { invalid, Problem } from "../../problems.ts";
import { isForeignKeyFailure } from "../../storage/failures.ts";
import { type License, licenses } from "../../storage/schema.ts";
import { ceilToSecond, DAY, LAST_INSTANT } from "../../kernel/dates.ts";
import { licenseKeyOf } from "./license-keys.ts";
import { noted, recordableChanges } from "../customers/noted.ts";
import { replaceLicenseTerms } from "./search/license-terms.ts";
import { graceUntil } from "./standing.ts";
import { LicenseTypeId, unknownTypeIn } from "./license-types.ts";
import { endFault, getLicense } from "./licenses.ts";
import {
  assertMatch,
  type Changes,
  changesBetween,
  columnsToSet,
  given,
  MAX_ATTEMPTS,
  overtaken,
} from "../../kernel/resources.ts";
import {
  CheckInHours,
  ClonePolicy,
  Days,
  Features,
  GraceDays,
  LeaseDays,
  Limit,
  NoticeDays,
  UnprovenLeaseHours,
} from "./terms.ts";
import { EndInstant, Reason, StartInstant } from "../../kernel/inputs.ts";
import { Metadata } from "../../kernel/metadata.ts";

/** What each stored status allows. A revocation is final. */
export const TRANSITIONS = {
  active: ["change", "renew", "suspend", "revoke", "reissue"],
  suspended: ["change", "renew", "reinstate", "revoke", "reissue"],
  revoked: [],
} as const satisfies Record<License["status"], readonly string[]>;

export type Transition = (typeof TRANSITIONS)["active" | "suspended"][number];

const EVENTS: Record<Transition, string> = {
  change: "license.changed",
  renew: "license.renewed",
  suspend: "license.suspended",
  reinstate: "license.reinstated",
  revoke: "license.revoked",
  reissue: "license.reissued",
};

export const LicenseChanges = z.strictObject({
  license_type: z.optional(LicenseTypeId),
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
});

export const Renewal = z
  .strictObject({ expires_days: z.optional(Days), expires_at: z.optional(z.nullable(EndInstant)) })
  .check(
    z.refine((input) => (input.expires_days === undefined) !== (input.expires_at === undefined), {
      message: "Give either expires_days or expires_at",
      path: ["expires_days"],
    }),
  );

export const Reasoned = z.strictObject({ reason: Reason });

/** Good news needs no reason. */
export const Reinstatement = z.strictObject({ reason: z.optional(Reason) });

export type LicenseChanges = z.output<typeof LicenseChanges>;
export type Renewal = z.output<typeof Renewal>;
export type Reasoned = z.output<typeof Reasoned>;
export type Reinstatement = z.output<typeof Reinstatement>;

/** What a transition would do: the license before and after it, and the differences. */
export interface Plan {
  before: License;
  after: License;
  changes: Changes;
}

/** @throws Problem INVALID_TRANSITION */
function assertAllowed(license: License, transition: Transition): void {
  const allowed: readonly Transition[] = TRANSITIONS[license.status];
  if (allowed.includes(transition)) return;
  const instead = allowed.length > 0 ? `it allows ${allowed.join(", ")}` : "nothing can change that any more";
  throw new Problem("INVALID_TRANSITION", `The license is ${license.status}; ${instead}.`, {
    allowed_transitions: [...allowed],
  });
}

/** Decides the new terms of a license. @throws Problem REQUEST_INVALID, INVALID_TRANSITION */
export type Decision = (license: License, now: number) => Partial<License>;

export async function plan(
  context: Context,
  id: string,
  transition: Transition,
  decide: Decision,
  ifMatch?: string,
): Promise<Plan> {
  const before = await getLicense(context, id);
  assertMatch(before, ifMatch);
  assertAllowed(before, transition);
  const now = context.clock.now();
  const wanted = { ...before, ...decide(before, now) };
  // An end in the past is allowed: it ends the license early.
  const fault = endFault(wanted, 0);
  if (fault !== null) throw invalid("expires_at", fault);
  const changes = changesBetween(before, wanted);
  const after = {
    ...wanted,
    signed_until: signedUntil(before, wanted),
    version: before.version + 1,
    terms_at: before.version + 1,
    updated_at: now,
  };
  return { before, after, changes };
}

/** Until when documents signed for a later end hold, if the license was ever shortened; otherwise null. Pure. */
function signedUntil(before: License, after: License): number | null {
  const [was, is] = [before, after].map((license) => graceUntil(license) ?? LAST_INSTANT) as [number, number];
  return is < was ? Math.max(was, before.signed_until ?? 0) : before.signed_until;
}

/** Plans a change to the current license and makes it. Starts again if another change comes in between. */
export async function carryOut(
  context: Context,
  id: string,
  transition: Transition,
  decide: Decision,
  options: {
    reason?: string;
    ifMatch?: string | undefined;
    /** What else the change causes: statements for its batch that check changes() themselves. */
    also?: (after: License) => Promise<D1PreparedStatement[]>;
    /** What else must be true: `unless` throws the reason if it is not, and `where` is the same condition in SQL. */
    unless?: () => Promise<void>;
    where?: SQL | undefined;
  } = {},
): Promise<License> {
  allow(context, "licenses");
  const { db } = context;
  const { reason, ifMatch, also, unless, where } = options;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const { before, after, changes } = await plan(context, id, transition, decide, ifMatch);
    if (Object.keys(changes).length === 0) return before;
    await unless?.();
    const more = also ? await also(after) : [];
    const first = [
      ...context.mail.withdrawal(context, before, after),
      ...replaceLicenseTerms(context, before, after),
    ];
    const results = await db
      .batch([
        ...first,
        db.compile(
          db.orm
            .update(licenses)
            .set(columnsToSet(before, after))
            .where(and(eq(licenses.id, id), eq(licenses.version, before.version), where)),
        ),
        recordChange(context, after.updated_at, EVENTS[transition], ["license", id], {
          changes: recordableChanges(changes),
          reason,
        }),
        ...more,
      ])
      .catch((error: unknown) => {
        if (!isForeignKeyFailure(error)) throw error;
        throw unknownTypeIn(after.license_type);
      });
    if (results[first.length]?.meta.changes !== 0) return after;
  }
  throw overtaken(ifMatch);
}

export const decideChange =
  (input: LicenseChanges): Decision =>
  () =>
    given(input);
export const decideSuspend: Decision = () => ({ status: "suspended" });
export const decideRevoke: Decision = () => ({ status: "revoked" });

/** A renewal counts from the end, or from now if the end is past; it never makes a license shorter. */
const decideRenewal =
  (input: Renewal): Decision =>
  (license, now) => {
    if (license.expires_at === null) {
      throw new Problem("INVALID_TRANSITION", "The license is perpetual: it needs no renewal.", {
        allowed_transitions: TRANSITIONS[license.status].filter((transition) => transition !== "renew"),
      });
    }
    const from = Math.max(license.expires_at, ceilToSecond(now));
    if (input.expires_at === null) return { expires_at: null };
    if (input.expires_at !== undefined && input.expires_at <= from) {
      throw invalid("expires_at", "Must be later than now and than the end that the license has");
    }
    return { expires_at: input.expires_at ?? Math.min(from + (input.expires_days ?? 0) * DAY, LAST_INSTANT) };
  };

/**
 * Changes terms of a license. The instances get them at their next activation or check-in.
 * @throws Problem LICENSE_NOT_FOUND, INVALID_TRANSITION, REQUEST_INVALID, PRECONDITION_FAILED, CONFLICT; the
 *   transitions below throw the same, except PRECONDITION_FAILED
 */
export const changeLicense = (
  context: Context,
  id: string,
  input: LicenseChanges,
  ifMatch?: string,
): Promise<License> => carryOut(context, id, "change", decideChange(input), { ifMatch });

/** Renews a license, and tells the customer if there is an e-mail address. */
export async function renewLicense(
  context: Context,
  id: string,
  input: Renewal,
): Promise<{ license: License; licenseKey: string }> {
  const license = await carryOut(context, id, "renew", decideRenewal(input), {
    also: (after) => context.mail.renewal(context, after),
  });
  context.mail.sendSoon(context);
  return { license, licenseKey: await licenseKeyOf(context, license) };
}

/** Refuses every activation and check-in until reinstated; seats and certificates stay as they are. */
export const suspendLicense = (context: Context, id: string, { reason }: Reasoned): Promise<License> =>
  carryOut(context, id, "suspend", decideSuspend, { reason });

export const reinstateLicense = (context: Context, id: string, { reason }: Reinstatement): Promise<License> =>
  carryOut(context, id, "reinstate", () => ({ status: "active" }), given({ reason }));

/** Ends the license for good. */
export const revokeLicense = (context: Context, id: string, { reason }: Reasoned): Promise<License> =>
  carryOut(context, id, "revoke", decideRevoke, { reason });

/** Shows the current key of a license, and records that it was shown. @throws Problem LICENSE_NOT_FOUND */
export async function revealLicenseKey(context: Context, id: string): Promise<string> {
  allow(context, "keys");
  const license = await getLicense(context, id);
  await context.db.batch([
    recordChange(
      context,
      context.clock.now(),
      "license.key_revealed",
      ["license", id],
      { revision: license.revision },
      { sql: "WHERE true", values: [] },
    ),
  ]);
  return licenseKeyOf(context, license);
}
