// Whether a signed document is genuine. Keys come from the trusted set by kid alone, so that a token cannot
// bring its own (RFC 8725 section 3.10); algorithm, type and issuer are pinned.
import { compactVerify, importJWK, type JWK } from "jose";
import type { SealClaims } from "../../audit/chain.ts";
import { isSameAddress } from "../../field/addresses.ts";
import { isSoundKey } from "../../field/ed25519.ts";

/** A public key. With `last_seal` it was retired: of the seals it verifies those up to that one. */
export type TrustedKey = JWK & { last_seal?: number | undefined };

export interface Trust {
  jwks: { keys: TrustedKey[] };
  /** The issuer whose documents count; null: any issuer that these keys belong to. */
  issuers: string[] | null;
}

export const KINDS = {
  "license+jwt": "license key",
  "activation+jwt": "activation certificate",
  "revocations+jwt": "revocation list",
  "usage-statement+jwt": "usage statement",
} as const;

type Type = keyof typeof KINDS;

/** Why a document is not genuine, with a code. */
export class NotAuthentic extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

interface Signed {
  typ: string;
  kid: string;
  issuer: string;
  claims: unknown;
}

interface Authentic extends Omit<Signed, "typ"> {
  type: Type;
}

/** A document of any type that a trusted key signed. @throws NotAuthentic */
async function verifySignature(token: string, { jwks, issuers }: Trust): Promise<Signed> {
  const unknownKey = new NotAuthentic("KEY_UNKNOWN", "It is not signed with any of the trusted keys.");
  let verified;
  try {
    verified = await compactVerify(
      token,
      ({ kid }) => {
        const jwk = kid === undefined ? undefined : jwks.keys.find((candidate) => candidate.kid === kid);
        if (jwk?.kty !== "OKP" || jwk.crv !== "Ed25519" || !jwk.x || !isSoundKey(jwk.x)) throw unknownKey;
        return importJWK({ kty: jwk.kty, crv: jwk.crv, x: jwk.x }, "EdDSA");
      },
      { algorithms: ["EdDSA", "Ed25519"] },
    );
  } catch (error) {
    if (error === unknownKey) throw error;
    const { code } = error as { code?: string };
    throw code === "ERR_JWS_SIGNATURE_VERIFICATION_FAILED"
      ? new NotAuthentic("SIGNATURE_INVALID", "Its signature is not genuine: it is forged or was altered.")
      : new NotAuthentic("NOT_A_DOCUMENT", "It is not a signed document of this service.");
  }
  const { typ = "none", kid = "" } = verified.protectedHeader;
  const claims = JSON.parse(new TextDecoder().decode(verified.payload)) as { iss?: unknown };
  const issuer = String(claims.iss);
  if (issuers !== null && !issuers.some((trusted) => isSameAddress(trusted, issuer)))
    throw new NotAuthentic("ISSUER_UNKNOWN", `It was issued by ${issuer}, not by ${issuers.join(" or ")}.`);
  return { typ, kid, issuer, claims };
}

/** @throws NotAuthentic */
export async function authenticate(token: string, trust: Trust): Promise<Authentic> {
  const { typ, ...document } = await verifySignature(token, trust);
  if (!Object.hasOwn(KINDS, typ)) throw new NotAuthentic("NOT_A_DOCUMENT", `It is signed, but as ${typ}.`);
  return { type: typ as Type, ...document };
}

/** @throws NotAuthentic for a document of another type */
export async function authenticateAs(type: Type, token: string, trust: Trust): Promise<Authentic> {
  const document = await authenticate(token, trust);
  if (document.type === type) return document;
  throw new NotAuthentic("NOT_A_DOCUMENT", `It is a ${KINDS[document.type]}, not a ${KINDS[type]}.`);
}

/** What a seal's token says, with the second in which it was signed. */
type SignedSeal = SealClaims & { iat: number };

/** The claims of a seal over the record. @throws NotAuthentic */
export async function authenticateSeal(token: string, trust: Trust): Promise<SignedSeal> {
  const { typ, kid, claims } = await verifySignature(token, trust);
  if (typ !== "audit-seal+jwt") throw new NotAuthentic("NOT_A_DOCUMENT", `It is signed, but as ${typ}.`);
  const { seal } = claims as SealClaims;
  const last = trust.jwks.keys.find((key) => key.kid === kid)?.last_seal;
  if (last !== undefined && !(seal <= last))
    throw new NotAuthentic("KEY_RETIRED", `It is signed with a key that counts up to seal ${last} only.`);
  return claims as SignedSeal;
}
