// The key of an installation without a network: the installation makes it, names it in its request file, and proves
// that it has the private half.
import { base64url, compactVerify, importJWK } from "jose";
import * as z from "zod/mini";
import { isCompactJws } from "../../../crypto/compact.ts";
import { isSoundKey } from "../../../field/ed25519.ts";
import { cleaned, instanceIdOf } from "../../../field/pasted.ts";
import { formatInstant } from "../../../kernel/dates.ts";
import { invalid, Problem } from "../../../problems.ts";
import type { InstanceKey } from "../certificates.ts";
import type { FileClaim } from "../claimant.ts";
import { provenUntil, type View } from "../view.ts";

export const InstanceKeyInput = z.object({
  kty: z.literal("OKP"),
  crv: z.literal("Ed25519"),
  x: z
    .string()
    .check(
      z.regex(/^[A-Za-z0-9_-]{43}$/, { abort: true }),
      z.refine(isSoundKey, "Is not a public key that a private one belongs to"),
    ),
});

/** The payload of a document that an installation signed with its own key, or null if that key did not sign it. */
export async function readSigned(
  document: string,
  type: string,
  key: InstanceKey,
): Promise<Record<string, unknown> | null> {
  const signed = cleaned(document);
  if (!isCompactJws(signed) || !isSoundKey(key.x)) return null;
  try {
    const { kty, crv, x } = key;
    const imported = await importJWK({ kty, crv, x }, "EdDSA");
    const { payload, protectedHeader } = await compactVerify(signed, imported, {
      algorithms: ["EdDSA", "Ed25519"],
    });
    // It may have no extensions, such as an unencoded payload (RFC 7797).
    if (protectedHeader.typ !== type || protectedHeader.crit !== undefined) return null;
    const claims: unknown = JSON.parse(new TextDecoder().decode(payload));
    return typeof claims === "object" && claims !== null ? (claims as Record<string, unknown>) : null;
  } catch {
    // Every failure here is the sender's fault: nothing here talks to the database.
    return null;
  }
}

/** What a document says, whoever signed it; an empty object if it is not a JWS. */
export function unverified(document: string): Record<string, unknown> {
  const signed = cleaned(document);
  if (!isCompactJws(signed)) return {};
  try {
    const claims: unknown = JSON.parse(
      new TextDecoder().decode(base64url.decode(signed.split(".")[1] ?? "")),
    );
    return typeof claims === "object" && claims !== null ? (claims as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

const PROOF_TYPE = "activation-request+jwt";

interface KeyedRequest {
  instance_id: string;
  nonce?: string | null | undefined;
  public_key?: InstanceKey | null | undefined;
  proof?: string | null | undefined;
}

/**
 * The public key, if a request file proves that its sender has the private half; null if it names a key without a proof
 * (older clients) or no key. The time in the proof is not judged: couriers travel for weeks, and an installation's
 * clock may be wrong.
 * @throws Problem REQUEST_INVALID for a proof that is wrong
 */
export async function keyProvenBy({
  instance_id,
  nonce,
  public_key,
  proof,
}: KeyedRequest): Promise<string | null> {
  if (proof == null) return null;
  if (!public_key) throw invalid("request.proof", "Proves nothing without public_key");
  const claims = await readSigned(proof, PROOF_TYPE, public_key);
  if (!claims) throw invalid("request.proof", "Is not signed by public_key as a proof");
  if (nonce == null || claims["nonce"] !== nonce)
    throw invalid("request.proof", "Does not have the nonce of the request");
  const { instance_id: named } = claims;
  if (typeof named !== "string" || instanceIdOf(named) !== instanceIdOf(instance_id))
    throw invalid("request.proof", "Is of another instance");
  if (!Number.isFinite(claims["iat"])) throw invalid("request.proof", "Does not say when it was made");
  return public_key.x;
}

/** The file of another key that also runs on the seat, or null. The same rule as in the claim's statement. */
export const otherFileOf = (
  { seat }: View,
  { provenKey, replace }: FileClaim,
): { since: number; until: number } | null =>
  seat === null || replace || seat.public_key === null || seat.public_key === provenKey
    ? null
    : { since: seat.public_key_since ?? seat.activated_at, until: provenUntil(seat) };

/** @throws Problem CONFLICT if a file of another key runs on the seat */
export function assertNoOtherFile(view: View, file: FileClaim): void {
  const other = otherFileOf(view, file);
  if (!other) return;
  const since = formatInstant(other.since);
  const until = formatInstant(other.until);
  throw new Problem(
    "CONFLICT",
    `${view.seat?.instance_id} has run by files of another key since ${since}, the last of them until ${until}, and this request has no proof of that key. If it takes the place of that installation, send "replace": true.`,
  );
}
