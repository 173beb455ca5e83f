// License types: the templates from which a license takes its terms when it is issued.
import { and, eq, gt, sql, type SQL } from "drizzle-orm";
import * as z from "zod/mini";
import { allow } from "../../kernel/permissions.ts";
import { recordChange } from "../../record/events.ts";
import type { Context } from "../../context.ts";
import { invalid, Problem } from "../../problems.ts";
import { isForeignKeyFailure } from "../../storage/failures.ts";
import { type LicenseType, licenseTypes } from "../../storage/schema.ts";
import { daysOf } from "../../kernel/calendar.ts";
import { formatInstant } from "../../kernel/dates.ts";
import { openList, type Page, type PageRequest } from "../../kernel/pages.ts";
import {
  assertMatch,
  changesBetween,
  columnsToSet,
  MAX_ATTEMPTS,
  overtaken,
} from "../../kernel/resources.ts";
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
import { ChosenId, Text } from "../../kernel/inputs.ts";
import { entitlementsIn } from "../entitlements/inputs.ts";
import { EntitlementsInput, patched, presentEntitlements } from "../entitlements/values.ts";

// In the statistics, types are members of an object, and many programs do not treat this name as a member.
export const LicenseTypeId = ChosenId.check(z.refine((id) => id !== "__proto__", "Must not be __proto__"));

/** How long a license of the type runs: null is perpetual, and nothing given is a year. */
const duration = {
  duration: z.optional(z.nullable(Duration)),
  duration_days: z.optional(z.nullable(Days)),
};

/** A whole license type: what is left out gets the default, even when it replaces an existing type. */
export const LicenseTypeTerms = z
  .strictObject({
    name: Text(200),
    ...duration,
    grace_days: z._default(GraceDays, 14),
    lease_days: z._default(LeaseDays, 30),
    check_in_hours: z._default(CheckInHours, 24),
    features: z._default(Features, []),
    max_instances: z._default(Limit, null),
    max_services: z._default(Limit, null),
    max_requests_per_day: z._default(Limit, null),
    notice_days: z._default(NoticeDays, [30, 14, 7, 1, 0]),
    unproven_lease_hours: z._default(UnprovenLeaseHours, 72),
    clone_policy: z._default(ClonePolicy, "warn"),
    entitlements: z._default(EntitlementsInput, {}),
  })
  .check(
    z.refine((terms) => terms.duration === undefined || terms.duration_days === undefined, {
      message: "Give duration or duration_days, not both",
      path: ["duration"],
    }),
  );

export type LicenseTypeTerms = z.output<typeof LicenseTypeTerms>;

/** Both ways to say how long a license of the type runs. Pure. */
function durationIn({ duration: period = "P1Y", duration_days: days }: LicenseTypeTerms) {
  if (days !== undefined) return { duration: days === null ? null : `P${days}D`, duration_days: days };
  return { duration: period, duration_days: period === null ? null : daysOf(period) };
}

/**
 * A type as it was stored. A release from before `duration` wrote the days alone: then they count.
 */
export function readType(type: LicenseType): LicenseType {
  const { duration: period, duration_days: days } = type;
  if (period !== null && daysOf(period) === days) return type;
  return { ...type, duration: days === null ? null : `P${days}D` };
}

const unknownType = (id: string): Problem => new Problem("NOT_FOUND", `There is no license type ${id}.`);

/** The refusal of an input that names an unknown license type. */
export const unknownTypeIn = (id: string): Problem =>
  invalid("license_type", `There is no license type ${id}`);

export async function findLicenseType(context: Context, id: string): Promise<LicenseType | undefined> {
  const [type] = await context.db.orm.select().from(licenseTypes).where(eq(licenseTypes.id, id));
  return type && readType(type);
}

/** The type that an input names; undefined if it names none, or one that there is not. */
export const typeNamedBy = async (
  context: Context,
  { license_type }: { license_type?: string | undefined },
): Promise<LicenseType | undefined> =>
  license_type === undefined ? undefined : findLicenseType(context, license_type);

/** @throws Problem NOT_FOUND */
export async function getLicenseType(context: Context, id: string): Promise<LicenseType> {
  allow(context, "read");
  const type = await findLicenseType(context, id);
  if (!type) throw unknownType(id);
  return type;
}

/** License types by id. */
export async function listLicenseTypes(context: Context, request: PageRequest): Promise<Page<LicenseType>> {
  allow(context, "read");
  const list = await openList(context, "license-types", request);
  const rows = await context.db.orm
    .select()
    .from(licenseTypes)
    .where(gt(licenseTypes.id, String(list.after?.[0] ?? "")))
    .orderBy(licenseTypes.id)
    .limit(request.limit + 1);
  return list.page(rows.map(readType), request.limit + 1, (row) => [row.id]);
}

/** The members of a type that an input describes. @throws Problem REQUEST_INVALID for entitlements that are not defined */
async function membersOf(context: Context, terms: LicenseTypeTerms, now: number) {
  const given = await entitlementsIn(context, terms.entitlements);
  return { ...terms, ...durationIn(terms), entitlements: patched({}, given ?? {}, now) };
}

/** The new type; null if the id is taken. */
async function insertLicenseType(
  context: Context,
  id: string,
  terms: LicenseTypeTerms,
  now: number,
): Promise<LicenseType | null> {
  const { db } = context;
  const type: LicenseType = {
    id,
    ...(await membersOf(context, terms, now)),
    version: 1,
    created_at: now,
    updated_at: now,
  };
  const [inserted] = await db
    .batch([
      db.compile(db.orm.insert(licenseTypes).values(type).onConflictDoNothing()),
      recordChange(context, now, "license_type.created", ["license_type", id], { after: type }),
    ])
    .catch(entitlementsGone);
  return inserted?.meta.changes === 0 ? null : type;
}

/** A definition was deleted after it was read. */
function entitlementsGone(error: unknown): never {
  throw isForeignKeyFailure(error) ? overtaken(undefined) : error;
}

/**
 * Creates a license type; never replaces one.
 * @throws Problem CONFLICT if the id is taken
 */
export async function createLicenseType(
  context: Context,
  id: string,
  terms: LicenseTypeTerms,
): Promise<LicenseType> {
  allow(context, "license-types");
  const type = await insertLicenseType(context, id, terms, context.clock.now());
  if (!type) throw new Problem("CONFLICT", `A license type with the id ${id} exists already.`);
  return type;
}

/**
 * Creates the license type or replaces its terms. Licenses already issued keep theirs.
 * @throws Problem PRECONDITION_FAILED, CONFLICT
 */
export async function putLicenseType(
  context: Context,
  id: string,
  terms: LicenseTypeTerms,
  ifMatch?: string,
): Promise<{ type: LicenseType; created: boolean }> {
  allow(context, "license-types");
  const { db } = context;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const before = await findLicenseType(context, id);
    const now = context.clock.now();
    if (!before) {
      if (ifMatch !== undefined) throw new Problem("PRECONDITION_FAILED");
      const type = await insertLicenseType(context, id, terms, now);
      if (type) return { type, created: true };
      continue;
    }
    assertMatch(before, ifMatch);
    const wanted: LicenseType = { ...before, ...(await membersOf(context, terms, now)) };
    const changes = changesBetween(before, wanted);
    if (Object.keys(changes).length === 0) return { type: before, created: false };
    const type: LicenseType = { ...wanted, version: before.version + 1, updated_at: now };
    const [updated] = await db
      .batch([
        db.compile(db.orm.update(licenseTypes).set(columnsToSet(before, type)).where(isStill(before))),
        recordChange(context, now, "license_type.changed", ["license_type", id], { changes }),
      ])
      .catch(entitlementsGone);
    if (updated?.meta.changes !== 0) return { type, created: false };
  }
  throw overtaken(ifMatch);
}

/** Exactly the type that was read: not another one with this id, nor another version. */
const isStill = ({ id, version, created_at }: LicenseType): SQL | undefined =>
  and(eq(licenseTypes.id, id), eq(licenseTypes.version, version), eq(licenseTypes.created_at, created_at));

/**
 * Deletes a license type that no license was issued from.
 * @throws Problem NOT_FOUND, PRECONDITION_FAILED, CONFLICT while it is used
 */
export async function deleteLicenseType(context: Context, id: string, ifMatch?: string): Promise<void> {
  allow(context, "license-types");
  const { db } = context;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const before = await getLicenseType(context, id);
    assertMatch(before, ifMatch);
    const unused = sql`NOT EXISTS (SELECT 1 FROM licenses WHERE licenses.license_type = ${id})`;
    const [deleted, , used] = await db.batch([
      db.compile(db.orm.delete(licenseTypes).where(and(isStill(before), unused))),
      recordChange(context, context.clock.now(), "license_type.deleted", ["license_type", id], { before }),
      db.sql("SELECT 1 FROM licenses WHERE license_type = ? LIMIT 1", id),
    ]);
    if (deleted?.meta.changes !== 0) return;
    if (used?.results.length !== 0)
      throw new Problem("CONFLICT", `Licenses were issued from the type ${id}.`);
  }
  throw overtaken(ifMatch);
}

export const presentLicenseType = ({ version: _etag, ...type }: LicenseType) => ({
  ...type,
  entitlements: presentEntitlements(type.entitlements),
  created_at: formatInstant(type.created_at),
  updated_at: formatInstant(type.updated_at),
});
