// What a bulk change enters, as a change of each license: what is left empty stays as it is.
import { entitlementsIn } from "../../../../licensing/entitlements/inputs.ts";
import { LicenseChanges } from "../../../../licensing/licenses/decisions.ts";
import type { previewChange } from "../../../../licensing/licenses/preview.ts";
import type { Changes } from "../../../../kernel/resources.ts";
import type { Context } from "../../../../context.ts";
import { invalid } from "../../../../problems.ts";
import type { Entitlements, License, LicenseType } from "../../../../storage/schema.ts";
import { type Entry, parsed } from "../../../ui/entry.ts";
import { plural } from "../../../ui/show.tsx";
import { entitlementInWords, formatTerm, wordsFor } from "../../../ui/terms.ts";
import { changedNoticeDaysOf } from "../../parts/notice-days.tsx";
import { changedEntitlementsOf } from "./entitlement-changes.tsx";

export const LIMITS = ["max_instances", "max_services", "max_requests_per_day"] as const;

/** A number, unlimited, or as it is. */
function limitIn(entry: Entry, name: (typeof LIMITS)[number]): number | null | undefined {
  const entered = entry.number(name);
  if (!entry.has(`${name}.unlimited`)) return entered;
  if (entered === undefined) return null;
  throw invalid(name, "Enter a number, or choose unlimited");
}

/** What is the same for all: the entered change without its features. @throws Problem REQUEST_INVALID */
function commonIn(entry: Entry): LicenseChanges {
  const type = entry.text("license_type");
  return parsed(LicenseChanges, {
    license_type: type,
    terms: type === undefined ? undefined : "type",
    ...Object.fromEntries(LIMITS.map((name) => [name, limitIn(entry, name)])),
    grace_days: entry.number("grace_days"),
    lease_days: entry.number("lease_days"),
    check_in_hours: entry.number("check_in_hours"),
    unproven_lease_hours: entry.number("unproven_lease_hours"),
    clone_policy: entry.text("clone_policy"),
    notice_days: changedNoticeDaysOf(entry),
    entitlements: changedEntitlementsOf(entry),
  });
}

/** The features to add and to take away. @throws Problem REQUEST_INVALID */
function featuresIn(entry: Entry): { add: string[]; remove: string[] } {
  const [add, remove] = (["features_add", "features_remove"] as const).map((name) => {
    const words = [...new Set(entry.words(name))];
    try {
      return parsed(LicenseChanges, { features: words }).features ?? [];
    } catch {
      throw invalid(name, "Names have 1 to 64 letters, digits or . _ : / -, and there are at most 100");
    }
  }) as [string[], string[]];
  const both = remove.find((feature) => add.includes(feature));
  if (both !== undefined) throw invalid("features_remove", `“${both}” is to be added, too`);
  return { add, remove };
}

const members = (changes: LicenseChanges): string[] =>
  Object.entries(changes).flatMap(([name, value]) => (value === undefined ? [] : [name]));

/** Refuses what is wrong for all licenses alike. @throws Problem REQUEST_INVALID */
export async function assertChange(context: Context, entry: Entry): Promise<void> {
  const common = commonIn(entry);
  const { add, remove } = featuresIn(entry);
  await entitlementsIn(context, common.entitlements);
  if (members(common).length === 0 && add.length === 0 && remove.length === 0)
    throw invalid("license_type", "Enter what is to change");
}

/**
 * The change of one license.
 * @param type the chosen type, whose features come before those that are added and taken away
 * @throws Problem REQUEST_INVALID
 */
export function changeOf(entry: Entry, license: License, type: LicenseType | undefined): LicenseChanges {
  const common = commonIn(entry);
  const { add, remove } = featuresIn(entry);
  const { features: held } = type && type.id !== license.license_type ? type : license;
  const features =
    add.length === 0 && remove.length === 0
      ? {}
      : { features: [...new Set([...held, ...add])].filter((feature) => !remove.includes(feature)) };
  const changes = { ...common, ...features };
  return entry.has("send_email") && members(changes).length > 0 ? { ...changes, send_email: true } : changes;
}

const featuresInWords = (from: string[], to: string[]): string =>
  [
    ...to.filter((one) => !from.includes(one)).map((one) => `with ${one}`),
    ...from.filter((one) => !to.includes(one)).map((one) => `without ${one}`),
  ].join(", ");

const entitlementsInWords = (from: Entitlements, to: Entitlements): string =>
  [...new Set([...Object.keys(from), ...Object.keys(to)])]
    .filter((code) => JSON.stringify(from[code]) !== JSON.stringify(to[code]))
    .map((code) => (to[code] ? entitlementInWords(code, to[code]) : `without ${code}`))
    .join(", ");

/** The differences in words; empty without any. */
export const changesInWords = (changes: Changes): string =>
  Object.entries(changes)
    .map(([name, { from, to }]) => {
      if (name === "features")
        return `features: ${featuresInWords(from as string[], to as string[]) || "in another order"}`;
      if (name === "entitlements")
        return `entitlements: ${entitlementsInWords(from as Entitlements, to as Entitlements)}`;
      return `${wordsFor(name)}: ${formatTerm(name, to)} instead of ${formatTerm(name, from)}`;
    })
    .join("; ");

/** What a change would do to a license, and what its running instances notice. */
export function previewInWords({
  changes,
  effects,
  instances,
  limits,
}: Awaited<ReturnType<typeof previewChange>>): string {
  const words = changesInWords(changes);
  if (words === "") return "Nothing changes.";
  const over =
    limits.length > 0 && "max_instances" in changes ? [`Over its limit: ${effects["max_instances"]}`] : [];
  const next =
    instances.active === 0
      ? "No instance runs on it."
      : `${plural(instances.active, "instance")} would get it at the next check-in.`;
  return [`${words}.`, ...over, next].join(" ");
}
