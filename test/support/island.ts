// An installation behind an air gap: it reads and writes files, and knows nothing else.
import { CompactSign, exportJWK, generateKeyPair } from "jose";

const signed = (typ: string, claims: object, key: CryptoKey): Promise<string> =>
  new CompactSign(new TextEncoder().encode(JSON.stringify(claims)))
    .setProtectedHeader({ alg: "EdDSA", typ })
    .sign(key);

export interface Island {
  /** Its request file: the key of its license, and the proof of its own key. */
  request(more?: object): Promise<Record<string, unknown>>;
  /** That it stopped, by the certificate of its license file. */
  receipt(certificate: string): Promise<string>;
}

export async function newIsland(license_key: string, instance_id: string): Promise<Island> {
  const { publicKey, privateKey } = await generateKeyPair("EdDSA", { crv: "Ed25519" });
  const { kty, crv, x } = await exportJWK(publicKey);
  return {
    async request(more = {}) {
      const nonce = crypto.randomUUID();
      const proof = await signed(
        "activation-request+jwt",
        { instance_id, nonce, iat: Math.floor(Date.now() / 1_000) },
        privateKey,
      );
      return { license_key, instance_id, public_key: { kty, crv, x }, nonce, proof, ...more };
    },
    receipt: (certificate) => signed("deactivation+jwt", { certificate }, privateKey),
  };
}
