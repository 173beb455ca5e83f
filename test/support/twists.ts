// Changes to tokens: those that forgers make, and those that mail programs, shells and spreadsheets make.
import { base64url, type JWK } from "jose";

export type Kind = "license_key" | "certificate" | "revocations" | "refusal";
export type Claims = Record<string, unknown>;

export interface SigningKey {
  kid: string;
  privateKey: CryptoKey;
  jwk: JWK;
}

export const utf8 = new TextEncoder();
export const encode = (value: unknown): string => base64url.encode(JSON.stringify(value));
const decode = (part: string): Claims => JSON.parse(new TextDecoder().decode(base64url.decode(part)));
export const partsOf = (token: string) => token.split(".") as [string, string, string];

async function hs256(token: string, key: SigningKey): Promise<string> {
  // The classic confusion: the public key, which everybody has, used as an HMAC secret.
  const [header, payload] = partsOf(token);
  const input = `${encode({ ...decode(header), alg: "HS256" })}.${payload}`;
  const secret = await crypto.subtle.importKey(
    "raw",
    base64url.decode(key.jwk.x!),
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["sign"],
  );
  const mac = await crypto.subtle.sign("HMAC", secret, utf8.encode(input));
  return `${input}.${base64url.encode(new Uint8Array(mac))}`;
}

function flipSignature(token: string): string {
  const [header, payload, signature] = partsOf(token);
  const bytes = base64url.decode(signature);
  bytes[0]! ^= 1;
  return `${header}.${payload}.${base64url.encode(bytes)}`;
}

/** What is done to a token after it was signed. */
export const TWISTS = {
  "flip-signature": flipSignature,
  "alg-none": (token: string) => {
    const [header, payload] = partsOf(token);
    return `${encode({ ...decode(header), alg: "none" })}.${payload}.`;
  },
  "hs256-with-public-key": hs256,
  "edited-claims": (token: string) => {
    const [header, payload, signature] = partsOf(token);
    return `${header}.${encode({ ...decode(payload), max_instances: 1_000_000 })}.${signature}`;
  },
  "trailing-byte": (token: string) => `${token}AA`,
  truncated: (token: string) => token.slice(0, -20),
  "two-parts": (token: string) => partsOf(token).slice(0, 2).join("."),
  "four-parts": (token: string) => `${token}.AAAA`,
  whitespace: (token: string) => `\n  ${token}\r\n`,
  // How mail programs, shells, wikis and spreadsheets change a key.
  wrapped: (token: string) => token.replaceAll(/.{76}/g, "$&\r\n"),
  "blank-inside": (token: string) => `${token.slice(0, 50)} ${token.slice(50)}`,
  "double-quoted": (token: string) => `"${token}"`,
  "single-quoted": (token: string) => `'${token}'`,
  "back-quoted": (token: string) => `\`${token}\``,
  angled: (token: string) => `<${token}>`,
  variable: (token: string) => `CAIO_LICENSE_KEY=${token}\n`,
  exported: (token: string) => `export CAIO_LICENSE_KEY="${token}"\n`,
  "quoted-twice": (token: string) => `'"${token}"'`,
  "quoted-variable": (token: string) => `"CAIO_LICENSE_KEY='${token}'"`,
  "zero-width": (token: string) => `${token}\u200B`,
  bom: (token: string) => `\uFEFF${token}`,
  "soft-hyphens": (token: string) =>
    `${token.slice(0, 20)}\u00AD${token.slice(20, 70)}\u00A0${token.slice(70)}`,
  ideographic: (token: string) => `\u3000${token}\u2028`,
  "half-quoted": (token: string) => `"${token}`,
  "forged-quoted": (token: string) => `"${flipSignature(token)}"`,
} satisfies Record<string, (token: string, key: SigningKey) => string | Promise<string>>;

/** Longer than such documents may be. */
const OVERSIZED: Partial<Record<Kind, number>> = {
  license_key: 16_384,
  certificate: 16_384,
  revocations: 4 * 1024 * 1024,
};

/** What is done to a document before it is signed. */
export const PADDINGS: Record<string, (kind: Kind) => number | undefined> = {
  oversized: (kind) => OVERSIZED[kind],
  // As in a list of many thousand licenses.
  long: () => 1024 * 1024,
};
