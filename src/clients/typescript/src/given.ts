// A license key as somebody gave it.
import type { Given } from "./candidates.ts";
import { verifyLicenseKey } from "./documents.ts";
import type { Evidence } from "./evidence.ts";
import { sha256 } from "./proofs.ts";
import type { State } from "./state.ts";
import { cleanKey, hasMarks } from "./texts.ts";

/** Examines a license key; null if there is none in the text. */
export async function lookAt(
  evidence: Evidence,
  state: State,
  text: string | undefined,
): Promise<Given | null> {
  const licenseKey = cleanKey(text ?? "");
  if (licenseKey === "") return null;
  const hash = await sha256(licenseKey);
  const isMarked = hasMarks(text!);
  if (isMarked) evidence.marked.add(hash);
  const verdict = await verifyLicenseKey(licenseKey, evidence.trust(state));
  return { licenseKey, hash, verdict, isMarked };
}
