// What the state's documents are good for, read without verifying them: who may prove what, and when it ends.
import { claimOf, dateOf } from "./documents.ts";
import type { Holding } from "./facts.ts";
import type { State } from "./state.ts";

/** The certificate that proves who that instance is to that license: the last proven one, verified or not. */
export function proofOf(state: State, licenseKey: string, instanceId: string): string | null {
  const proven = state.proven_certificate ?? state.certificate;
  if (proven === null) return null;
  const fits =
    claimOf(proven, "license_id") === claimOf(licenseKey, "jti") && claimOf(proven, "sub") === instanceId;
  return fits ? proven : null;
}

/** Verified or not: keys that went missing must not shorten what was promised. */
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

/** A client of before wrote no hash down; what it held beside a certificate had been granted. */
export const isVouched = (state: State, hash: string | null): boolean =>
  state.vouched_key_sha256 === null
    ? state.bounded_since === null && state.license_key !== null && state.certificate !== null
    : state.vouched_key_sha256 === hash;

export async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
