// `npm run keys -- generate|rotate`: makes the value of the secret SIGNING_KEYS, a private JWK Set.
import { readFileSync } from "node:fs";
import { calculateJwkThumbprint, exportJWK, generateKeyPair } from "jose";

const USAGE = `Makes the value of the secret SIGNING_KEYS: a private JWK Set whose first key signs.

  npm run --silent keys -- generate            a new set with one key
  npm run --silent keys -- rotate < OLD.json   the set on standard input with a new key in front;
                                               the old keys go on verifying what they signed

Both print the set, a secret, to standard output. Hand it on without a file:

  npm run --silent keys -- generate | npx wrangler secret put SIGNING_KEYS
`;

interface KeySet {
  keys: { kid: string }[];
}

/** A new Ed25519 private JWK; its `kid` is its RFC 7638 thumbprint. */
async function newKey() {
  const { privateKey } = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });
  const { kty, crv, x, d } = await exportJWK(privateKey);
  return { kty, crv, x, d, kid: await calculateJwkThumbprint({ kty: kty!, crv: crv!, x: x! }) };
}

/** @returns a private JWK Set with one new key, as JSON in a line */
export const generateKeys = async (): Promise<string> => JSON.stringify({ keys: [await newKey()] });

/** @returns the set with a new key in front */
export async function rotateKeys(set: string): Promise<string> {
  let old: KeySet;
  try {
    old = JSON.parse(set) as KeySet;
    if (!Array.isArray(old.keys) || old.keys.length === 0) throw new Error("no keys");
  } catch {
    throw new Error("What came on standard input is not a JWK Set with keys.");
  }
  return JSON.stringify({ keys: [await newKey(), ...old.keys] });
}

async function main([command]: string[]): Promise<string> {
  if (command === "generate") return generateKeys();
  if (command === "rotate") return rotateKeys(readFileSync(0, "utf8"));
  process.exitCode = 2;
  return USAGE.trimEnd();
}

if (import.meta.main) {
  try {
    console.log(await main(process.argv.slice(2)));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
