// Instances in the order of their versions. An index on the version would cost each check-in a write, so a bounded number
// is read and put in order here.
import { type ActivationFilter, belongs } from "./instance-filter.ts";
import { and, eq, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { type Key, openList, type Page, type PageRequest } from "../../kernel/pages.ts";
import { allow } from "../../kernel/permissions.ts";
import { type Activation, activations } from "../../storage/schema.ts";
import { keyOf } from "./instances.ts";
import { compareVersions, versionOf } from "./versions.ts";

/** How many are put in order. */
const MAX_SORTED = 1_000;

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** By semantic version; then versions that are not semantic, as texts; then none. */
export function byVersion(a: string | null, b: string | null): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  const [one, other] = [versionOf(a.trim()), versionOf(b.trim())];
  if (one && other) return compareVersions(one, other) || byText(a, b);
  return Number(one === null) - Number(other === null) || byText(a, b);
}

const inOrder = (a: Activation, b: Activation): number =>
  byVersion(a.app_version, b.app_version) || byText(placeOf(keyOf(a)), placeOf(keyOf(b)));

/**
 * A page of activations in the order of their versions.
 * @returns also whether there are more than are put in order: the page has only those of the first
 */
export async function listByVersion(
  context: Context,
  request: PageRequest,
  filter: ActivationFilter,
  lastFirst: boolean,
): Promise<Page<Activation> & { isPartial: boolean }> {
  allow(context, "read");
  const now = context.clock.now();
  const list = await openList(context, "activations by version", request, { ...filter, lastFirst });
  const { license_id, customer_id } = filter;
  const found = await context.db.orm
    .select()
    .from(activations)
    .where(
      and(
        license_id === undefined ? undefined : eq(activations.license_id, license_id),
        customer_id === undefined
          ? undefined
          : sql`${activations.license_id} IN (SELECT id FROM licenses WHERE customer_id = ${customer_id})`,
      ),
    )
    .limit(MAX_SORTED + 1);
  const sorted = found
    .slice(0, MAX_SORTED)
    .filter((row) => belongs(row, filter, now))
    .toSorted((a, b) => (lastFirst ? inOrder(b, a) : inOrder(a, b)));
  const rest = sorted.filter((row) => list.after === null || isAfter(list.after, row, lastFirst));
  const page = await list.page(rest, rest.length + 1, (row) => [row.app_version ?? "", ...keyOf(row)]);
  return { ...page, isPartial: found.length > MAX_SORTED };
}

/** Ids have no line ends. */
const placeOf = (key: Key): string => key.join("\n");

/** Whether a row comes after the place where the last page ended. An empty version is none. */
function isAfter([version, ...key]: Key, row: Activation, lastFirst: boolean): boolean {
  const order =
    byVersion(row.app_version, version === "" ? null : String(version)) ||
    byText(placeOf(keyOf(row)), placeOf(key));
  return lastFirst ? order < 0 : order > 0;
}
