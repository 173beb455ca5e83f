// The instances as staff see them: which hold a seat, which did, and taking a seat back.
import { and, count, eq, gt, gte, sql } from "drizzle-orm";
import * as z from "zod/mini";
import { allow } from "../../kernel/permissions.ts";
import type { Context } from "../../context.ts";
import { Problem } from "../../problems.ts";
import { type Activation, activations, licenses } from "../../storage/schema.ts";
import { licenseIdOf } from "../seats/ids/activation-ids.ts";
import { dayOf, formatInstant, formatInstantOrNull } from "../../kernel/dates.ts";
import { isByFile } from "./census.ts";
import { type ActivationFilter, belongs, isActive } from "./instance-filter.ts";
import {
  type Key,
  type List,
  MAX_COUNTED,
  MAX_SCAN,
  openList,
  type Page,
  type PageRequest,
  scanFor,
  type Total,
  totalOf,
} from "../../kernel/pages.ts";
import { QUIET } from "../seats/seat-rules.ts";
import { freeSeats } from "../seats/seat-ends.ts";

/** How many rows a page looks at if each may also cost a license to read. */
const MAX_JOINED = 60;

/**
 * A page of activations, license by license; those that hold a seat come first. Looks at a bounded number of rows, so a
 * page may be shorter than its limit and still have a next one.
 */
export async function listActivations(
  context: Context,
  request: PageRequest,
  filter: ActivationFilter,
): Promise<Page<Activation>> {
  allow(context, "read");
  const now = context.clock.now();
  const list = await openList(context, "activations", request, filter);
  const keep = (row: Activation): boolean => belongs(row, filter, now);
  const { license_id, customer_id } = filter;
  if (customer_id !== undefined) {
    const joined = scanFor(request.limit, MAX_JOINED);
    return listOfCustomer(context, list, customer_id, license_id, joined, keep);
  }
  const { license_id: _walked, ...others } = filter;
  // If every row matches, one page of rows is enough.
  const exact = Object.values(others).every((value) => value === undefined);
  const scan = exact ? request.limit + 1 : scanFor(request.limit, MAX_SCAN);
  const [license, ended, instance] = list.after ?? ["", -1, ""];
  const rows = await context.db.orm
    .select()
    .from(activations)
    .where(
      and(
        license_id === undefined ? undefined : eq(activations.license_id, license_id),
        sql`(${activations.license_id}, ${activations.ended_at}, ${activations.instance_id})
          > (${license}, ${ended}, ${instance})`,
      ),
    )
    .orderBy(activations.license_id, activations.ended_at, activations.instance_id)
    .limit(scan);
  return list.page(rows, scan, keyOf, keep);
}

/** How many activations there are, or those of a license; null where another filter chooses them. */
export async function countActivations(context: Context, filter: ActivationFilter): Promise<Total | null> {
  allow(context, "read");
  const { license_id, ...others } = filter;
  if (Object.values(others).some((value) => value !== undefined)) return null;
  const rows = await context.db.orm
    .select({ id: activations.instance_id })
    .from(activations)
    .where(license_id === undefined ? undefined : eq(activations.license_id, license_id))
    .limit(MAX_COUNTED + 1);
  return totalOf(rows.length);
}

export const keyOf = (row: Activation): Key => [row.license_id, row.ended_at, row.instance_id];

/** The activations of a customer, license by license. */
async function listOfCustomer(
  { db }: Context,
  list: List,
  customerId: string,
  licenseId: string | undefined,
  scan: number,
  keep: (row: Activation) => boolean,
): Promise<Page<Activation>> {
  const [license, ended, instance] = list.after ?? ["", -1, ""];
  const rows = await db.orm
    .select({ license: licenses.id, activation: activations })
    .from(licenses)
    .leftJoin(
      activations,
      and(
        eq(activations.license_id, licenses.id),
        sql`(${activations.ended_at}, ${activations.instance_id})
          > (iif(${licenses.id} = ${license}, ${ended}, -1), iif(${licenses.id} = ${license}, ${instance}, ''))`,
      ),
    )
    .where(
      and(
        eq(licenses.customer_id, customerId),
        licenseId === undefined ? undefined : eq(licenses.id, licenseId),
        gte(licenses.id, String(license)),
      ),
    )
    // Within a license, the rows come in the order of the primary key, because it is the only index for them. Asking
    // for that order would make SQLite sort, and so read all activations of a license before it returns the first.
    .orderBy(licenses.id)
    .limit(scan);
  // A license without (more) activations gives a row without an activation, so that the walk gets past it.
  const page = await list.page(
    rows,
    scan,
    (row) => (row.activation ? keyOf(row.activation) : [row.license, Number.MAX_SAFE_INTEGER, ""]),
    (row) => row.activation !== null && keep(row.activation),
  );
  return { ...page, data: page.data.map((row) => row.activation).filter((found) => found !== null) };
}

/** How many seats of a license are taken now. */
export async function countSeats(context: Context, licenseId: string): Promise<number> {
  allow(context, "read");
  const [found] = await context.db.orm
    .select({ n: count() })
    .from(activations)
    .where(
      and(
        eq(activations.license_id, licenseId),
        eq(activations.ended_at, 0),
        gt(activations.lease_expires_at, context.clock.now()),
      ),
    );
  return found?.n ?? 0;
}

const unknownActivation = (id: string): Problem => new Problem("NOT_FOUND", `There is no activation ${id}.`);

/** @throws Problem NOT_FOUND */
export async function getActivation(context: Context, id: string): Promise<Activation> {
  allow(context, "read");
  const [activation] = await context.db.orm
    .select()
    .from(activations)
    .where(and(eq(activations.license_id, licenseIdOf(id)), eq(activations.id, id)));
  if (!activation) throw unknownActivation(id);
  return activation;
}

export const Freeing = z.strictObject({
  /** The seat of a file no longer counts, even without a receipt that its installation stopped. */
  force: z.optional(z.boolean()),
});

/**
 * Takes the seat of an activation back. Its instance learns so at its next check-in; until then its certificate is
 * valid. An instance with a file does not check in: without its receipt, the seat counts until the file ends, unless
 * `force` is set.
 * @throws Problem NOT_FOUND
 */
export async function endActivation(
  context: Context,
  id: string,
  { force = false }: z.output<typeof Freeing> = {},
): Promise<void> {
  allow(context, "activations");
  await getActivation(context, id);
  const licenseId = licenseIdOf(id);
  const now = context.clock.now();
  await context.db.batch(freeSeats(context, now, force, "license_id = ? AND id = ?", licenseId, id));
}

/** Those of the last seven days with requests for the seat without proof, the earliest first. */
function unprovenDays({ unproven }: Activation, now: number) {
  const from = dayOf(Math.max(0, now - QUIET));
  return Object.values(unproven ?? {})
    .filter(({ day }) => day > from)
    .toSorted((one, other) => (one.day < other.day ? -1 : 1))
    .map(({ day, count: requests, at, ip, hostname }) => ({
      date: day,
      requests,
      last_at: formatInstant(at),
      ip,
      hostname,
    }));
}

/** When the seat was last suspected to be cloned, or null if that is long ago. */
const markedAt = ({ clone_suspected_at }: Activation, now: number): number | null =>
  clone_suspected_at !== null && clone_suspected_at > now - QUIET ? clone_suspected_at : null;

/** An activation as the API shows it. */
export const presentActivation = (activation: Activation, now: number) => {
  const { id, license_id, instance_id, replaces, ended_by, fingerprint, hostname, app_version, labels, ip } =
    activation;
  return {
    id,
    license_id,
    instance_id,
    active: isActive(activation, now),
    activated_at: formatInstant(activation.activated_at),
    last_seen_at: formatInstant(activation.last_seen_at),
    lease_expires_at: formatInstant(activation.lease_expires_at),
    check_in_at: formatInstant(activation.check_in_at),
    ended_at: formatInstantOrNull(activation.ended_at === 0 ? null : activation.ended_at),
    ended_by,
    replaces,
    fingerprint,
    fingerprint_changed_at: formatInstantOrNull(activation.fingerprint_changed_at),
    clone_suspected_at: formatInstantOrNull(markedAt(activation, now)),
    hostname,
    app_version,
    labels,
    ip,
    usage:
      activation.usage_day === null
        ? null
        : { date: activation.usage_day, requests: activation.requests, services: activation.services },
    offline: isByFile(activation),
    key_since: formatInstantOrNull(activation.public_key_since),
    freed_at: formatInstantOrNull(activation.freed_at),
    proven_until: formatInstant(activation.proven_until ?? activation.lease_expires_at),
    unproven: unprovenDays(activation, now),
  };
};
