// The signing keys of this deployment, and the JWS that are made and checked with them.
//
// EdDSA in compact serialization (RFC 7515, RFC 8037), because any JWT library can verify it. Ed25519 is deterministic
// (RFC 8032 section 5.1.6): the same claims under the same key give the same bytes. That is why a license key can be
// derived each time and need not be stored.
import { CompactSign, compactVerify, type CryptoKey, importJWK, type JWK } from "jose";
import type { PrivateJwk, RetiredKey } from "../field/variables.ts";
import { isSameAddress } from "../field/addresses.ts";
import { isCompactJws } from "./compact.ts";
import { createRecent } from "./recent.ts";

type DocumentType =
  | "license+jwt"
  | "activation+jwt"
  | "revocations+jwt"
  | "refusal+jwt"
  | "audit-seal+jwt"
  | "backup+jwt"
  | "usage-statement+jwt";

export type Claims = Record<string, unknown> & { iss: string };

export interface Keyring {
  /** Makes a compact JWS with the active key. */
  sign(type: DocumentType, claims: Claims): Promise<string>;
  /** The claims of a document that this ring signed as exactly this type for one of these issuers; otherwise null. */
  verify(type: DocumentType, issuers: readonly string[], token: string): Promise<Claims | null>;
  /** Whether the two halves of each key belong together: if not, nobody could verify what it signs. */
  isSound(): Promise<boolean>;
  /** The `kid` that `sign` puts into what it signs. */
  activeKeyId: string;
  /** The public halves, the active one first, as a JWK Set without `alg`, because libraries spell it differently. */
  publicKeys(): { keys: JWK[] };
}

// "Ed25519" is RFC 9864's name for the same algorithm; it is accepted, never produced.
const ALGORITHMS = ["EdDSA", "Ed25519"];

/** How many license keys an isolate remembers: well below a megabyte, and more than it meets for a long time. */
const REMEMBERED = 1_000;

const utf8 = new TextEncoder();
const text = new TextDecoder();

/** The configuration may now spell the address differently than when the document was signed. */
const isOf = (issuers: readonly string[], { iss }: Record<string, unknown>): boolean =>
  typeof iss === "string" && (issuers.includes(iss) || issuers.some((issuer) => isSameAddress(issuer, iss)));

const publicHalf = ({ kty, crv, x }: Pick<PrivateJwk, "kty" | "crv" | "x">): JWK => ({ kty, crv, x });

/**
 * @param retired public halves of keys that no longer sign anything: they verify activation certificates, and seals up
 *   to the last one that they signed
 */
export function createKeyring(jwks: PrivateJwk[], retired: RetiredKey[] = []): Keyring {
  // Imported on first use and once per isolate: importing costs more than signing.
  const imported = new Map<string, Promise<CryptoKey>>();
  const load = (id: string, jwk: JWK): Promise<CryptoKey> => {
    const known = imported.get(id);
    if (known) return known;
    const key = importJWK(jwk, "EdDSA") as Promise<CryptoKey>;
    imported.set(id, key);
    return key;
  };
  const active = jwks[0]!;
  const listed = new Map<string, PrivateJwk | RetiredKey>(jwks.map((jwk) => [jwk.kid, jwk]));
  const former = new Map([...retired.map((jwk) => [jwk.kid, jwk] as const), ...listed]);
  // Whoever has a retired key can sign with it, so it counts for the seals of its time only.
  const lastSeals = new Map(
    retired.filter(({ kid }) => !listed.has(kid)).map(({ kid, last_seal = 0 }) => [kid, last_seal] as const),
  );

  // License keys come again and again, and whether this ring signed one never changes, so the results are remembered.
  // What the license is worth is still read from the database each time. Both maps are keyed by all that was signed.
  const verified = createRecent<Claims>(REMEMBERED);
  const signed = createRecent<string>(REMEMBERED);

  const isPair = async ({ kid, kty, crv, x, d }: PrivateJwk): Promise<boolean> => {
    try {
      const token = await new CompactSign(utf8.encode(kid))
        .setProtectedHeader({ alg: "EdDSA" })
        .sign(await load(`private:${kid}`, { kty, crv, x, d }));
      await compactVerify(token, await load(`public:${kid}`, { kty, crv, x }));
      return true;
    } catch {
      return false;
    }
  };
  let sound: Promise<boolean> | undefined;

  return {
    activeKeyId: active.kid,

    isSound: () => (sound ??= Promise.all(jwks.map(isPair)).then((pairs) => pairs.every(Boolean))),

    async sign(typ, claims) {
      const payload = JSON.stringify(claims);
      const isKept = typ === "license+jwt";
      const known = isKept ? signed.get(payload) : undefined;
      if (known !== undefined) return known;
      const { kty, crv, x, d, kid } = active;
      const key = await load(`private:${kid}`, { kty, crv, x, d });
      const token = await new CompactSign(utf8.encode(payload))
        .setProtectedHeader({ alg: "EdDSA", kid, typ })
        .sign(key);
      if (isKept) signed.set(payload, token);
      return token;
    },

    async verify(typ, issuers, token) {
      const known = typ === "license+jwt" ? verified.get(token) : undefined;
      if (known) return isOf(issuers, known) ? known : null;
      if (!isCompactJws(token)) return null;
      try {
        // The key comes from this ring, by kid alone. jwk, jku, x5u and x5c in the header would let an attacker choose
        // the key (RFC 8725 section 3.10) and are ignored. jose refuses any unknown crit.
        const { payload, protectedHeader } = await compactVerify(
          token,
          ({ kid }) => {
            const byKid = typ === "activation+jwt" || typ === "audit-seal+jwt" ? former : listed;
            const jwk = kid === undefined ? undefined : byKid.get(kid);
            if (!jwk) throw new Error("unknown kid");
            return load(`public:${jwk.kid}`, publicHalf(jwk));
          },
          { algorithms: ALGORITHMS },
        );
        // One document type must not pass for another (RFC 8725 section 3.11).
        if (protectedHeader.typ !== typ) return null;
        const json = text.decode(payload);
        const claims = JSON.parse(json) as Claims;
        const lastSeal = lastSeals.get(protectedHeader.kid ?? "");
        if (typ === "audit-seal+jwt" && lastSeal !== undefined && !(Number(claims["seal"]) <= lastSeal))
          return null;
        if (typ === "license+jwt") {
          verified.set(token, claims);
          // Ed25519 is deterministic: signing the same claims with the active key would give this same token.
          if (protectedHeader.kid === active.kid) signed.set(json, token);
        }
        return isOf(issuers, claims) ? claims : null;
      } catch {
        return null;
      }
    },

    publicKeys: () => ({
      keys: jwks.map((jwk) => ({ ...publicHalf(jwk), kid: jwk.kid, use: "sig" })),
    }),
  };
}
