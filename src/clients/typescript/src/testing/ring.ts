// The signing keys of a drill. Real ones: Ed25519, made when the drill starts, and gone with it.
import { CompactSign, compactVerify, type CryptoKey, exportJWK, generateKeyPair } from "jose";
import { type KeySet, parseObject } from "../documents.ts";
import { DRILL_ISSUER, DRILL_KEYS } from "../drill.ts";

interface Pair {
  kid: string;
  x: string;
  privateKey: CryptoKey;
  publicKey: CryptoKey;
}

export class Ring {
  /** The newest first: it signs. The others verify. */
  readonly #pairs: Pair[] = [];

  /** Makes a key that signs from now on. */
  async rotate(): Promise<void> {
    const { privateKey, publicKey } = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });
    const kid = `${DRILL_KEYS}${crypto.randomUUID().slice(0, 8)}`;
    this.#pairs.unshift({ kid, x: (await exportJWK(publicKey)).x!, privateKey, publicKey });
  }

  /** The public halves, the active one first. */
  get published(): KeySet {
    return {
      keys: this.#pairs.map(({ kid, x }) => ({ kty: "OKP", crv: "Ed25519", x, kid, use: "sig" })),
    };
  }

  sign(typ: string, claims: Record<string, unknown>): Promise<string> {
    const { kid, privateKey } = this.#pairs[0]!;
    return new CompactSign(new TextEncoder().encode(JSON.stringify({ iss: DRILL_ISSUER, ...claims })))
      .setProtectedHeader({ alg: "EdDSA", kid, typ })
      .sign(privateKey);
  }

  /** The claims of a document that this ring signed as exactly this type; otherwise null. */
  async verify(typ: string, token: string): Promise<Record<string, unknown> | null> {
    try {
      const { payload, protectedHeader } = await compactVerify(token, ({ kid }) => {
        const pair = this.#pairs.find((one) => one.kid === kid);
        if (!pair) throw new Error("unknown kid");
        return pair.publicKey;
      });
      if (protectedHeader.typ !== typ) return null;
      return parseObject(new TextDecoder().decode(payload));
    } catch {
      return null;
    }
  }
}
