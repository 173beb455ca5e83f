// Signed documents as a stranger can use them: verified with nothing but the published keys, or forged.
import {
  base64url,
  createLocalJWKSet,
  type JWTPayload,
  jwtVerify,
  type JWTVerifyResult,
  SignJWT,
} from "jose";
import { call, ORIGIN } from "./service.ts";

/** Verifies with any key of the published JWKS, as a client would. @throws if it does not verify */
export async function verifyPublished(
  token: string,
  typ: "license+jwt" | "activation+jwt" | "revocations+jwt" | "refusal+jwt",
  issuer: string = ORIGIN,
): Promise<JWTVerifyResult<Record<string, unknown> & JWTPayload>> {
  const { body } = await call("/.well-known/jwks.json");
  return jwtVerify(token, createLocalJWKSet(body), {
    typ,
    issuer,
    algorithms: ["EdDSA"],
    currentDate: new Date(Date.now()),
  });
}

const encode = (value: object | string): string =>
  btoa(typeof value === "string" ? value : JSON.stringify(value))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");

const decode = (part: string) => JSON.parse(new TextDecoder().decode(base64url.decode(part)));

/** The three parts of a compact JWS, the first two as JSON. */
export function dissect(token: string) {
  const [header, payload, signature] = token.split(".") as [string, string, string];
  return { header: decode(header), payload: decode(payload), signature, parts: [header, payload, signature] };
}

/** A compact token of these parts, with no valid signature. */
export const unsigned = (header: object, payload: object, signature = ""): string =>
  `${encode(header)}.${encode(payload)}.${signature}`;

/** The same claims, signed with the forger's own key. */
export async function resigned(token: string, header: object, key: CryptoKey | Uint8Array): Promise<string> {
  const { header: original, payload } = dissect(token);
  return new SignJWT(payload).setProtectedHeader({ ...original, ...header }).sign(key);
}
