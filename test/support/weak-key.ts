// A public key that needs no private half: the neutral point of the curve, which is of order 1. Whatever it is said to
// have signed verifies with R = 0 and s = 0, because R = s·B − h·A holds for each message.
const bytes = (first: number, length: number): string =>
  btoa(String.fromCharCode(first, ...Array.from({ length: length - 1 }, () => 0)))
    .replaceAll("/", "_")
    .replaceAll("+", "-")
    .replaceAll("=", "");

export const WEAK = { kty: "OKP", crv: "Ed25519", x: bytes(1, 32), kid: "weak" };

const encoded = (json: object): string =>
  btoa(JSON.stringify(json)).replaceAll("/", "_").replaceAll("+", "-").replaceAll("=", "");

/** A document of any content, which a verifier that takes the key takes as well. */
export const signedByNobody = (typ: string, claims: object): string =>
  `${encoded({ alg: "EdDSA", kid: WEAK.kid, typ })}.${encoded(claims)}.${bytes(1, 64)}`;
