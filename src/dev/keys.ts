// `npm run keys -- generate|rotate|retire`: makes the value of the secret SIGNING_KEYS, a private JWK Set.
import { readFileSync } from "node:fs";
import { commandLine, CommandError, runCommand, wrongUsage } from "./command.ts";
import { calculateJwkThumbprint, exportJWK, generateKeyPair } from "jose";

const USAGE = `Makes the value of the secret SIGNING_KEYS: a private JWK Set whose first key signs.

  npm run --silent keys -- generate            a new set with one key
  npm run --silent keys -- rotate < OLD.json   the set on standard input with a new key in front;
                                               the old keys go on verifying what they signed

  npm run --silent keys -- retire KID < SET.json
                                               the set without this key: what it signed is good no more

All print the set, a secret, to standard output. Keep a copy in your password store, since Cloudflare
never shows it again:

  umask 077
  npm run --silent keys -- generate > signing-keys.json
  npx wrangler secret put SIGNING_KEYS --env production < signing-keys.json`;

interface KeySet {
  keys: { kid: string }[];
}

/** A new Ed25519 private JWK; its `kid` is its RFC 7638 thumbprint. */
async function newKey() {
  const { privateKey } = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });
  const { kty, crv, x, d } = await exportJWK(privateKey);
  return { kty, crv, x, d, kid: await calculateJwkThumbprint({ kty: kty!, crv: crv!, x: x! }) };
}

/** @returns a private JWK Set with one new key, as JSON on one line */
export const generateKeys = async (): Promise<string> => JSON.stringify({ keys: [await newKey()] });

function readSet(text: string): KeySet {
  try {
    const set = JSON.parse(text) as KeySet;
    if (Array.isArray(set.keys) && set.keys.length > 0) return set;
  } catch {
    // Reported below.
  }
  throw new CommandError("What came on standard input is not a JWK Set with keys.");
}

/** @returns the set with a new key in front */
export const rotateKeys = async (set: string): Promise<string> =>
  JSON.stringify({ keys: [await newKey(), ...readSet(set).keys] });

/** @returns the set without one of its keys. The first key signs, and cannot be removed before another one does. */
function retireKey(text: string, kid: string): string {
  const { keys } = readSet(text);
  if (keys[0]!.kid === kid) throw new CommandError(`${kid} is the key that signs: rotate first.`);
  const kept = keys.filter((key) => key.kid !== kid);
  if (kept.length === keys.length) throw new CommandError(`The set has no key ${kid}.`);
  return JSON.stringify({ keys: kept });
}

async function main(): Promise<void> {
  // A kid may begin with a hyphen, as an option does.
  const args = process.argv.slice(2);
  if (args[0] === "retire") args.splice(1, 0, "--");
  const { positionals } = commandLine(USAGE, { allowPositionals: true, args });
  const [command, kid, ...more] = positionals;
  const is = (name: string, takesKid = false): boolean =>
    command === name && more.length === 0 && (kid !== undefined) === takesKid;
  if (is("generate")) console.log(await generateKeys());
  else if (is("rotate")) console.log(await rotateKeys(readFileSync(0, "utf8")));
  else if (is("retire", true)) console.log(retireKey(readFileSync(0, "utf8"), kid!));
  // To standard error: standard output may go into the file of the keys.
  else
    wrongUsage(
      USAGE,
      positionals.length === 0 ? "What is to be done?" : `Not known: ${positionals.join(" ")}`,
    );
}

if (import.meta.main) await runCommand(main);
