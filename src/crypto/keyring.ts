// The signing keys of this deployment and the JWS made and checked with them.
//
// EdDSA in its compact serialization (RFC 7515, RFC 8037), because every JWT library verifies it with
// no code of ours. Ed25519 is deterministic (RFC 8032 section 5.1.6): the same claims under the same
// key give the same bytes, which is what lets a license key be derived each time instead of stored.
import { CompactSign, compactVerify, type CryptoKey, importJWK, type JWK } from "jose";
import type { PrivateJwk, RetiredKey } from "../config.ts";
import { isCompactJws } from "./compact.ts";
import { createRecent } from "./recent.ts";

type DocumentType = "license+jwt" | "activation+jwt" | "revocations+jwt" | "audit-seal+jwt";

type Claims = Record<string, unknown> & { iss: string };

export interface Keyring {
  /** Compact JWS by the active key. */
  sign(type: DocumentType, claims: Claims): Promise<string>;
  /** The claims of a document that this ring signed as exactly this type and issuer; null for anything else. */
  verify(type: DocumentType, issuer: string, token: string): Promise<Claims | null>;
  /** Whether the halves of each key belong together: if not, nobody could verify what it signs. */
  isSound(): Promise<boolean>;
  /** The `kid` that `sign` puts into what it signs. */
  activeKeyId: string;
  /** The public halves, active first, as a JWK Set without `alg`: libraries differ in its spelling. */
  publicKeys(): { keys: JWK[] };
}

// "Ed25519" is RFC 9864's name for the same algorithm; it is accepted, never produced.
const ALGORITHMS = ["EdDSA", "Ed25519"];

/** How many license keys an isolate remembers: well below a megabyte, and more than come to one in a while. */
const REMEMBERED = 1_000;

const utf8 = new TextEncoder();
const text = new TextDecoder();

const publicHalf = ({ kty, crv, x }: Pick<PrivateJwk, "kty" | "crv" | "x">): JWK => ({ kty, crv, x });

/** @param retired public halves of keys that sign nothing any more: they verify activation certificates alone */
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

  // License keys come again and again, and only here is time saved: that a signature is ours never changes.
  // What the license is worth is asked of the database each time. Both are keyed by all of what was signed.
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

    async verify(typ, issuer, token) {
      const known = typ === "license+jwt" ? verified.get(token) : undefined;
      if (known) return known.iss === issuer ? known : null;
      if (!isCompactJws(token)) return null;
      try {
        // The key comes from our ring by kid alone: jwk, jku, x5u and x5c in the header are an attacker's
        // choice of key (RFC 8725 section 3.10) and are not looked at. jose refuses any unknown crit.
        const { payload, protectedHeader } = await compactVerify(
          token,
          ({ kid }) => {
            const byKid = typ === "activation+jwt" ? former : listed;
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
        if (typ === "license+jwt") {
          verified.set(token, claims);
          // Ed25519 is deterministic: what the active key signed once is what it would sign again.
          if (protectedHeader.kid === active.kid) signed.set(json, token);
        }
        return claims.iss === issuer ? claims : null;
      } catch {
        return null;
      }
    },

    publicKeys: () => ({
      keys: jwks.map((jwk) => ({ ...publicHalf(jwk), kid: jwk.kid, use: "sig" })),
    }),
  };
}
