// What a license includes by code: a number, yes or no, a text, or no limit; some of it only until an end. Pure.
import { instantOf } from "./clocks.ts";
import { isInstant, isObject } from "./documents.ts";
import { type Entitlement, type EntitlementValue, LicenseError, type Status } from "./vocabulary.ts";

type Held = Pick<Status, "entitlements">;

/** Those of a document that have not ended. An entry that cannot be read is left out, and stops nothing else. */
export const entitlementsAt = (claim: unknown, now: number): Record<string, Entitlement> =>
  Object.fromEntries(
    Object.entries(isObject(claim) ? claim : {}).flatMap(([code, entry]): [string, Entitlement][] => {
      if (!isObject(entry) || entry["value"] === undefined) return [];
      const { value, until = null } = entry;
      if (until !== null && !isInstant(until)) return [];
      if (typeof value === "number" && !Number.isFinite(value)) return [];
      const end = until === null ? null : Date.parse(until);
      if (end !== null && now >= end) return [];
      return [[code, { value: value === null ? Infinity : value, until: instantOf(end) }]];
    }),
  );

export const entitlementOf = ({ entitlements }: Held, code: string): EntitlementValue | null =>
  Object.hasOwn(entitlements, code) ? entitlements[code]!.value : null;

/** Whether so much of it is included; without an amount, whether more than no and more than nothing. */
export function allows(status: Status, code: string, amount?: number): boolean {
  const value = entitlementOf(status, code);
  // The terms of a license that was granted cannot be read now.
  if (value === null) return status.mayRun && status.licenseId === null && status.features.length === 0;
  if (amount === undefined) return value !== false && value !== 0;
  return value === true || (typeof value === "number" && amount <= value);
}

/** @throws LicenseError FEATURE_NOT_LICENSED, or the status's code if the installation may not run */
export function requireEntitlement(status: Status, code: string, amount?: number): void {
  if (!status.mayRun) throw new LicenseError(status.code ?? "LICENSE_EXPIRED", status.detail);
  const wanted = amount === undefined ? code : `${amount} ${code}`;
  if (!allows(status, code, amount))
    throw new LicenseError("FEATURE_NOT_LICENSED", `The license does not include ${wanted}.`);
}
