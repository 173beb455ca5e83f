// Whether a feature may be used, as a guard.
import { LicenseError, type Status } from "./vocabulary.ts";

/** @throws LicenseError FEATURE_NOT_LICENSED, or the status's code if the installation may not run */
export function requireFeature({ mayRun, code, detail, features, licenseId }: Status, feature: string): void {
  if (!mayRun) throw new LicenseError(code ?? "LICENSE_EXPIRED", detail);
  const isKnown = licenseId !== null || features.length > 0;
  if (isKnown && !features.includes(feature))
    throw new LicenseError("FEATURE_NOT_LICENSED", `The license does not include ${feature}.`);
}
