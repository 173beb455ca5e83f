// Licenses: issuing and reading them, and how the API shows them.
import { eq } from "drizzle-orm";
import * as z from "zod/mini";
import { allow } from "../../kernel/permissions.ts";
import { recordChange } from "../../record/events.ts";
import { recordableRow } from "../../record/personal.ts";
import type { Context } from "../../context.ts";
import { invalid, Problem } from "../../problems.ts";
import { isForeignKeyFailure } from "../../storage/failures.ts";
import { readOf } from "../../storage/reads.ts";
import {
  type Customer,
  customers,
  type License,
  licenses,
  type LicenseType,
  licenseTypes,
} from "../../storage/schema.ts";
import { CustomerId } from "../customers/customers.ts";
import { addDuration } from "../../kernel/calendar.ts";
import { floorToSecond, formatInstant, formatInstantOrNull } from "../../kernel/dates.ts";
import { noted } from "../customers/noted.ts";
import { licenseKeyOf } from "./license-keys.ts";
import { addLicenseTerms } from "./search/license-terms.ts";
import { LicenseTypeId, readType, unknownTypeIn } from "./license-types.ts";
import { graceUntil, standingOf } from "./standing.ts";
import {
  ClonePolicy,
  Days,
  Duration,
  Features,
  GraceDays,
  Limit,
  NoticeDays,
  UnprovenLeaseHours,
} from "./terms.ts";
import { entitlementsIn } from "../entitlements/inputs.ts";
import {
  EntitlementsInput,
  type EntitlementsPatch,
  inForce,
  patched,
  presentEntitlements,
} from "../entitlements/values.ts";
import { EndInstant, StartInstant } from "../../kernel/inputs.ts";
import { overtaken } from "../../kernel/resources.ts";
import { Metadata } from "../../kernel/metadata.ts";

/** A license as an instance sees it: without the vendor's own data. */
export type Terms = Omit<
  License,
  | "metadata"
  | "notice_days"
  | "updated_at"
  | "version"
  | "signed_until"
  | "term_began_at"
  | "notes"
  | "tags"
  | "terms_at"
  | "suspension"
>;

export const NewLicense = z
  .strictObject({
    customer_id: CustomerId,
    license_type: LicenseTypeId,
    /** A duration or days from issue, or an end, or none for the type's duration. `expires_at: null` is perpetual. */
    expires_in: z.optional(Duration),
    expires_days: z.optional(Days),
    expires_at: z.optional(z.nullable(EndInstant)),
    starts_at: z.nullish(StartInstant),
    grace_days: z.optional(GraceDays),
    features: z.optional(Features),
    max_instances: z.optional(Limit),
    max_services: z.optional(Limit),
    max_requests_per_day: z.optional(Limit),
    metadata: z.optional(Metadata),
    ...noted,
    /** The license's own days, instead of its type's. */
    notice_days: z.optional(z.nullable(NoticeDays)),
    unproven_lease_hours: z.optional(UnprovenLeaseHours),
    clone_policy: z.optional(ClonePolicy),
    /** Up to when the versions may be built that the license covers; null: all that appear while it runs. */
    updates_until: z.optional(z.nullable(EndInstant)),
    /** Instead of those of the type, code by code; null leaves one of them out. */
    entitlements: z.optional(EntitlementsInput),
  })
  .check(
    z.refine(
      ({ expires_in, expires_days, expires_at }) =>
        [expires_in, expires_days, expires_at].filter((end) => end !== undefined).length <= 1,
      { message: "Give only one of expires_in, expires_days and expires_at", path: ["expires_at"] },
    ),
  );

export type NewLicense = z.output<typeof NewLicense>;

export const IssueRequest = z.safeExtend(NewLicense, {
  /** Mails the key to the customer. */
  send_email: z.optional(z.boolean()),
});

type IssueRequest = z.output<typeof IssueRequest>;

function expiryOf(
  { expires_at, expires_days, expires_in }: NewLicense,
  issuedAt: number,
  { duration }: LicenseType,
): number | null {
  if (expires_at !== undefined) return expires_at;
  const runs = expires_in ?? (expires_days === undefined ? duration : `P${expires_days}D`);
  return runs === null ? null : addDuration(issuedAt, runs);
}

/**
 * The license that an input describes; what it leaves out comes from the license type. Pure.
 * @param entitled the entitlements of the input
 */
export const licenseOf = (
  input: NewLicense,
  type: LicenseType,
  entitled: EntitlementsPatch | undefined,
  id: string,
  issuedAt: number,
  now: number,
): License => ({
  id,
  customer_id: input.customer_id,
  license_type: type.id,
  status: "active",
  revision: 1,
  issued_at: issuedAt,
  starts_at: input.starts_at ?? null,
  expires_at: expiryOf(input, issuedAt, type),
  grace_days: input.grace_days ?? type.grace_days,
  lease_days: type.lease_days,
  check_in_hours: type.check_in_hours,
  features: input.features ?? type.features,
  max_instances: input.max_instances === undefined ? type.max_instances : input.max_instances,
  max_services: input.max_services === undefined ? type.max_services : input.max_services,
  max_requests_per_day:
    input.max_requests_per_day === undefined ? type.max_requests_per_day : input.max_requests_per_day,
  metadata: input.metadata ?? {},
  version: 1,
  updated_at: now,
  notice_days: input.notice_days ?? null,
  signed_until: null,
  unproven_lease_hours: input.unproven_lease_hours ?? type.unproven_lease_hours,
  clone_policy: input.clone_policy ?? type.clone_policy,
  unproven_until: null,
  term_began_at: null,
  updates_until: input.updates_until ?? null,
  notes: input.notes ?? null,
  tags: input.tags ?? [],
  terms_at: 1,
  suspension: null,
  entitlements: patched(type.entitlements, entitled ?? {}, now),
});

/** What is wrong with the end of a license that is valid from `from` on, or null. */
export function endFault({ starts_at, expires_at }: License, from: number): string | null {
  if (expires_at === null) return null;
  if (expires_at <= from) return "Must be in the future";
  return starts_at !== null && expires_at <= starts_at ? "Must be after starts_at" : null;
}

/**
 * Issues a license; what the input leaves out comes from the current license type.
 * @throws Problem CUSTOMER_NOT_FOUND
 * @throws Problem REQUEST_INVALID for an unknown type, an end before the license begins, or a mail to a customer
 *   without an e-mail address
 */
export async function issueLicense(
  context: Context,
  input: IssueRequest,
): Promise<{ license: License; licenseKey: string }> {
  allow(context, "licenses");
  const { db } = context;
  const now = context.clock.now();
  const noCustomer = () =>
    new Problem("CUSTOMER_NOT_FOUND", `There is no customer with the id ${input.customer_id}.`);

  const [[customer], [type]] = await db.orm.batch([
    db.orm.select().from(customers).where(eq(customers.id, input.customer_id)),
    db.orm.select().from(licenseTypes).where(eq(licenseTypes.id, input.license_type)),
  ]);
  if (!customer) throw noCustomer();
  if (!type) throw unknownTypeIn(input.license_type);

  const entitled = await entitlementsIn(context, input.entitlements);
  const id = `lic_${context.ids.ulid(now)}`;
  const license = licenseOf(input, readType(type), entitled, id, floorToSecond(now), now);
  const fault = endFault(license, now);
  if (fault !== null) throw invalid("expires_at", fault);
  const mail = input.send_email ? await context.mail.delivery(context, license, customer) : [];
  try {
    await db.batch([
      db.compile(db.orm.insert(licenses).values(license)),
      recordChange(context, now, "license.issued", ["license", license.id], recordableRow(license)),
      ...addLicenseTerms(context, license, "true"),
      ...mail,
    ]);
  } catch (error) {
    // The customer, the type, or the definition of an entitlement was deleted after it was read above.
    if (!isForeignKeyFailure(error)) throw error;
    throw Object.keys(license.entitlements).length > 0 ? overtaken(undefined) : noCustomer();
  }
  if (mail.length > 0) context.mail.sendSoon(context);
  return { license, licenseKey: await licenseKeyOf(context, license) };
}

export const unknownLicense = (id: string): Problem =>
  new Problem("LICENSE_NOT_FOUND", `There is no license with the id ${id}.`);

const BY_ID = readOf(licenses, "id = ?1");
const HOLDER = readOf(customers, "id = (SELECT customer_id FROM licenses WHERE id = ?1)");

/** @throws Problem LICENSE_NOT_FOUND */
export async function getLicense(context: Context, id: string): Promise<License> {
  allow(context, "read");
  const [found] = await context.db.batch([BY_ID.statement(context.db, id)]);
  const license = BY_ID.rowOf(found!);
  if (!license) throw unknownLicense(id);
  return license;
}

/**
 * A license and its customer.
 * @throws Problem LICENSE_NOT_FOUND
 */
export async function getLicenseAndCustomer(
  context: Context,
  id: string,
): Promise<{ license: License; customer: Customer }> {
  allow(context, "read");
  const { db } = context;
  const [held, holder] = await db.batch([BY_ID.statement(db, id), HOLDER.statement(db, id)]);
  const [license, customer] = [BY_ID.rowOf(held!), HOLDER.rowOf(holder!)];
  if (!license || !customer) throw unknownLicense(id);
  return { license, customer };
}

/** A license as the API shows it at the instant `now`. */
export const presentLicense = (license: License, now: number) => ({
  ...presentTerms(license, now),
  /** Those that have ended, too. */
  entitlements: presentEntitlements(license.entitlements),
  metadata: license.metadata,
  updated_at: formatInstant(license.updated_at),
  notice_days: license.notice_days,
  notes: license.notes,
  tags: license.tags,
});

/** What everybody with its key may know about a license. */
export const presentTerms = (license: Terms, now: number) => ({
  id: license.id,
  customer_id: license.customer_id,
  license_type: license.license_type,
  status: license.status,
  standing: standingOf(license, now),
  revision: license.revision,
  issued_at: formatInstant(license.issued_at),
  starts_at: formatInstantOrNull(license.starts_at),
  expires_at: formatInstantOrNull(license.expires_at),
  grace_days: license.grace_days,
  grace_until: formatInstantOrNull(graceUntil(license)),
  lease_days: license.lease_days,
  check_in_hours: license.check_in_hours,
  features: license.features,
  max_instances: license.max_instances,
  max_services: license.max_services,
  max_requests_per_day: license.max_requests_per_day,
  unproven_lease_hours: license.unproven_lease_hours,
  clone_policy: license.clone_policy,
  updates_until: formatInstantOrNull(license.updates_until),
  entitlements: presentEntitlements(inForce(license.entitlements, now)),
});
