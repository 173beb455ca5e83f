// What the stored documents can prove and when they end, read without verifying them.
import { claimOf, dateOf } from "./documents.ts";
import type { Holding } from "./facts.ts";
import type { State } from "./state.ts";

/** The certificate that proves this instance to this license: the last proven one, verified or not. */
export function proofOf(state: State, licenseKey: string, instanceId: string): string | null {
  const proven = state.proven_certificate ?? state.certificate;
  if (proven === null) return null;
  const fits =
    claimOf(proven, "license_id") === claimOf(licenseKey, "jti") && claimOf(proven, "sub") === instanceId;
  return fits ? proven : null;
}

/** Verified or not: lost keys must not shorten a promise. */
export function endsOf(
  state: State,
  licenseKey: string,
  instanceId: string,
): Pick<Holding, "leaseEnd" | "keyEnd"> {
  const ends = [state.certificate, state.proven_certificate]
    .filter((text) => text !== null)
    .filter(
      (text) =>
        claimOf(text, "license_id") === claimOf(licenseKey, "jti") && claimOf(text, "sub") === instanceId,
    )
    .map((text) => (dateOf(text, "exp") ?? 0) * 1000);
  const keyEnd = dateOf(licenseKey, "exp");
  return {
    leaseEnd: ends.length === 0 ? null : Math.max(...ends),
    keyEnd: keyEnd === null ? null : keyEnd * 1000,
  };
}

/** Older clients stored no hash; a key that they held with a certificate had been granted. */
export const isVouched = (state: State, hash: string | null): boolean =>
  state.vouched_key_sha256 === null
    ? state.bounded_since === null && state.license_key !== null && state.certificate !== null
    : state.vouched_key_sha256 === hash;

export async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
