// What a customer sees of their own: each statement names the customer who is signed in, so another's id finds nothing.
import { and, asc, eq, gt, sql, type SQL } from "drizzle-orm";
import type { Context, SiteVisitor } from "../../context.ts";
import { dayOf, DAY } from "../../kernel/dates.ts";
import { allowOnSite } from "../../kernel/permissions.ts";
import { Problem } from "../../problems.ts";
import { recordChange } from "../../record/events.ts";
import { type Activation, activations, type License, licenses, type Meters } from "../../storage/schema.ts";
import { licenseKeyOf } from "../licenses/license-keys.ts";
import { licenseIdOf } from "../seats/ids/activation-ids.ts";
import { FREEING_WINDOW, freeOwnSeat } from "../seats/seat-ends.ts";

/** Licenses, and seats of a license, on a page. */
const ON_A_PAGE = 50;

/** The licenses of the customer; for whoever signed in by a key, that one alone. */
const own = ({ customerId, licenseId }: SiteVisitor): SQL | undefined =>
  and(eq(licenses.customer_id, customerId), licenseId === null ? undefined : eq(licenses.id, licenseId));

/** What the customer's site shows of a license: nothing that staff noted. */
const SHOWN = {
  id: licenses.id,
  customer_id: licenses.customer_id,
  license_type: licenses.license_type,
  status: licenses.status,
  revision: licenses.revision,
  issued_at: licenses.issued_at,
  starts_at: licenses.starts_at,
  expires_at: licenses.expires_at,
  grace_days: licenses.grace_days,
  features: licenses.features,
  max_instances: licenses.max_instances,
  max_services: licenses.max_services,
  max_requests_per_day: licenses.max_requests_per_day,
  updates_until: licenses.updates_until,
  entitlements: licenses.entitlements,
  seated: sql<number>`coalesce((SELECT seated FROM license_seats WHERE license_id = ${licenses.id}), 0)`,
};

export type OwnLicense = Pick<License, Exclude<keyof typeof SHOWN, "seated">> & { seated: number };

interface Listed<T> {
  rows: T[];
  /** The key after which the next page begins; null on the last one. */
  next: string | null;
}

function listed<T>(found: T[], keyOf: (row: T) => string): Listed<T> {
  const rows = found.slice(0, ON_A_PAGE);
  const last = rows.at(-1);
  return { rows, next: found.length > ON_A_PAGE && last !== undefined ? keyOf(last) : null };
}

/** A page of the customer's licenses, the oldest first. @throws Problem UNAUTHENTICATED, FORBIDDEN */
export async function ownLicenses(context: Context, after = ""): Promise<Listed<OwnLicense>> {
  const visitor = allowOnSite(context, "licenses");
  const found = await context.db.orm
    .select(SHOWN)
    .from(licenses)
    .where(and(own(visitor), gt(licenses.id, after)))
    .orderBy(asc(licenses.id))
    .limit(ON_A_PAGE + 1);
  return listed(found, ({ id }) => id);
}

const notTheirs = (): Problem => new Problem("LICENSE_NOT_FOUND", "You have no license with this id.");

/** @throws Problem LICENSE_NOT_FOUND also for a license of another customer */
export async function ownLicense(context: Context, id: string): Promise<OwnLicense> {
  const visitor = allowOnSite(context, "licenses");
  const [license] = await context.db.orm
    .select(SHOWN)
    .from(licenses)
    .where(and(own(visitor), eq(licenses.id, id)));
  if (!license) throw notTheirs();
  return license;
}

/** The seats of a license that are taken, by instance id. */
export async function ownSeats(context: Context, id: string, after = ""): Promise<Listed<Activation>> {
  const visitor = allowOnSite(context, "seats");
  const found = await context.db.orm
    .select()
    .from(activations)
    .where(
      and(
        eq(activations.license_id, id),
        eq(activations.ended_at, 0),
        gt(activations.instance_id, after),
        gt(activations.lease_expires_at, context.clock.now()),
        sql`EXISTS (SELECT 1 FROM licenses WHERE ${licenses.id} = ${activations.license_id} AND ${own(visitor)})`,
      ),
    )
    .orderBy(asc(activations.instance_id))
    .limit(ON_A_PAGE + 1);
  return listed(found, ({ instance_id }) => instance_id);
}

/** The seat of a license of the customer. @throws Problem NOT_FOUND */
export async function ownSeat(context: Context, activationId: string): Promise<Activation> {
  const visitor = allowOnSite(context, "seats");
  const [found] = await context.db.orm
    .select()
    .from(activations)
    .where(
      and(
        eq(activations.license_id, licenseIdOf(activationId)),
        eq(activations.ended_at, 0),
        eq(activations.id, activationId),
        sql`EXISTS (SELECT 1 FROM licenses WHERE ${licenses.id} = ${activations.license_id} AND ${own(visitor)})`,
      ),
    );
  if (!found) throw new Problem("NOT_FOUND", "You have no such instance, or its seat is free already.");
  return found;
}

/** How many seats of a license the customer freed lately. */
export async function freedLately(context: Context, id: string): Promise<number> {
  const { customerId } = allowOnSite(context, "seats");
  const { db, clock } = context;
  const [found] = await db.batch([
    db.sql(
      `SELECT count(*) AS n FROM portal_frees WHERE license_id = ?1 AND freed_at > ?2
         AND EXISTS (SELECT 1 FROM licenses WHERE id = ?1 AND customer_id = ?3)`,
      id,
      clock.now() - FREEING_WINDOW,
      customerId,
    ),
  ]);
  return Number(found?.results[0]?.["n"] ?? 0);
}

/**
 * Gives the seat of an instance back.
 * @throws Problem NOT_FOUND, CONFLICT if its seat is held by a file, or as many as the license has were freed lately
 */
export async function freeSeat(context: Context, activationId: string): Promise<void> {
  const { customerId } = allowOnSite(context, "free");
  const licenseId = licenseIdOf(activationId);
  const seat = await ownSeat(context, activationId);
  const freed = await context.db.batch(
    freeOwnSeat(context, context.clock.now(), { customerId, licenseId, activationId }),
  );
  if (freed[0]?.meta.changes !== 0) return;
  // It was refused, or somebody else freed it meanwhile.
  await ownSeat(context, activationId);
  throw new Problem(
    "CONFLICT",
    seat.actor_type === "staff"
      ? "This installation runs by a license file: only a receipt that it stopped frees its seat."
      : "In the last 30 days you freed as many seats as this license has. Ask for this one to be freed.",
  );
}

export interface UsedDay {
  day: string;
  requests: number;
  services: number;
  meters: Meters;
}

/** How many days of usage are shown: a whole month at least. */
const USAGE_DAYS = 31;

/** What the license's instances used on each of the last days. */
export async function ownUsage(context: Context, id: string): Promise<UsedDay[]> {
  const { customerId } = allowOnSite(context, "seats");
  const { db, clock } = context;
  const [found] = await db.batch([
    db.sql(
      `WITH RECURSIVE days (day) AS (
         SELECT ?2 UNION ALL SELECT date(day, '+1 day') FROM days WHERE day < ?3)
       SELECT d.day, coalesce(u.requests, 0) AS requests, coalesce(u.services, 0) AS services,
         u.meters
       FROM days d LEFT JOIN license_usage u ON u.day = d.day AND u.license_id = ?1
       WHERE EXISTS (SELECT 1 FROM licenses WHERE id = ?1 AND customer_id = ?4) ORDER BY d.day`,
      id,
      dayOf(clock.now() - (USAGE_DAYS - 1) * DAY),
      dayOf(clock.now()),
      customerId,
    ),
  ]);
  const rows = (found?.results ?? []) as unknown as (Omit<UsedDay, "meters"> & { meters: string | null })[];
  return rows.map(({ day, requests, services, meters }) => ({
    day,
    requests,
    services,
    meters: meters === null ? {} : (JSON.parse(meters) as Meters),
  }));
}

/** A license and its current key. Each look is recorded. @throws Problem LICENSE_NOT_FOUND */
export async function ownKey(context: Context, id: string): Promise<{ license: OwnLicense; key: string }> {
  const { customerId } = allowOnSite(context, "keys");
  const { db, clock } = context;
  const license = await ownLicense(context, id);
  const key = await licenseKeyOf(context, license);
  const [looked] = await db.batch([
    recordChange(
      context,
      clock.now(),
      "license.key_revealed",
      ["license", id],
      { revision: license.revision },
      {
        sql: "FROM licenses WHERE id = ? AND customer_id = ? AND revision = ?",
        values: [id, customerId, license.revision],
      },
    ),
  ]);
  if (looked?.meta.changes === 0) throw notTheirs();
  return { license, key };
}
