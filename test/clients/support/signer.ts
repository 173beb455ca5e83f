// Documents signed by a key that is made for this run, for tests that need other ones than the table has.
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import type { KeySet } from "../../../src/clients/typescript/src/node.ts";

export interface Signer {
  trustedKeys: KeySet;
  licenseKey(id: string): Promise<string>;
  /** For the instance i-1, with a lease of thirty days from `iat` (seconds). */
  certificate(id: string, iat: number, more?: object): Promise<string>;
  revocations(iat: number, revoked: string[]): Promise<string>;
  /** Any other one. */
  document(typ: string, claims: Record<string, unknown>): Promise<string>;
}

const DAY = 86_400;

export async function createSigner(issuer: string): Promise<Signer> {
  const { privateKey, publicKey } = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });
  const sign = (typ: string, claims: Record<string, unknown>): Promise<string> =>
    new SignJWT(claims)
      .setProtectedHeader({ alg: "EdDSA", kid: "made", typ })
      .setIssuer(issuer)
      .sign(privateKey);
  return {
    trustedKeys: { keys: [{ ...(await exportJWK(publicKey)), kid: "made" }] },
    licenseKey: (id) => sign("license+jwt", { sub: "acme", jti: id, rev: 1, features: ["audit"] }),
    certificate: (id, iat, more = {}) =>
      sign("activation+jwt", {
        sub: "i-1",
        iat,
        exp: iat + 30 * DAY,
        license_id: id,
        customer_id: "acme",
        features: ["audit"],
        ...more,
      }),
    revocations: (iat, revoked) =>
      sign("revocations+jwt", { iat, exp: iat + 7 * DAY, revoked, suspended: [], superseded: {} }),
    document: sign,
  };
}
