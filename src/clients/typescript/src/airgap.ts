// Files for a courier if there is no network: a request file out, a license file in, a receipt at the end.
import { CompactSign, exportJWK, generateKeyPair, importJWK } from "jose";
import { codesOf, overLimitOf } from "./answers.ts";
import { identityOf } from "./contact.ts";
import type { Contacts } from "./contacts.ts";
import { claimOf, claimsOf, isObject, parseObject } from "./documents.ts";
import type { Brought } from "./grant.ts";
import { certificateOf } from "./facts.ts";
import { afterGrant, afterSeat, owing, usageFor } from "./outcomes.ts";
import { sha256 } from "./proofs.ts";
import type { State } from "./state.ts";
import { cleanKey } from "./texts.ts";
import { giveBackOwed } from "./upkeep.ts";
import { portionOf, reportOf, settle, type Usage } from "./usage.ts";
import { LicenseError } from "./vocabulary.ts";

/** How many requests are kept whose answer may still come. */
const REMEMBERED = 3;

const invalid = (message: string): LicenseError => new LicenseError("LICENSE_FILE_INVALID", message);

/** @throws LicenseError LICENSE_KEY_MISSING; and what the storage throws: without the stored nonce no answer would count */
export async function writeRequest(contacts: Contacts): Promise<string> {
  const { store, evidence, clock } = contacts;
  const key = await instanceKey(contacts);
  const nonce = crypto.randomUUID();
  const state = await store.commit((stored) => {
    if (stored.license_key === null)
      throw new LicenseError("LICENSE_KEY_MISSING", "No license key is installed.");
    const usage = portionOf(usageFor(stored, claimOf(askedFor(stored, "").licenseKey, "jti")));
    return { ...stored, offline_requests: [...stored.offline_requests, { nonce, usage }].slice(-REMEMBERED) };
  });
  const asked = askedFor(state, evidence.instanceIn(state));
  const request = {
    ...identityOf(contacts, asked, state),
    nonce,
    public_key: key.public,
    proof: await sign(key, "activation-request+jwt", {
      instance_id: asked.instanceId,
      nonce,
      iat: Math.floor(clock() / 1000),
    }),
    usage: reportOf(state.offline_requests.at(-1)!.usage),
  };
  return `${JSON.stringify(request, null, 2)}\n`;
}

/** If a candidate waits, the request is for the candidate. */
function askedFor({ license_key, candidate }: State, instanceId: string) {
  const waits = candidate?.state === "pending" ? candidate : null;
  return { licenseKey: waits?.license_key ?? license_key!, instanceId: waits?.instance_id ?? instanceId };
}

/** @throws LicenseError LICENSE_FILE_INVALID; the stored documents then stay */
export async function takeLicenseFile(contacts: Contacts, text: string): Promise<void> {
  const { store, evidence, clock, random } = contacts;
  const file = parseLicenseFile(text);
  // Another process on the same storage may have made the request.
  const state = await store.update((stored) => stored);
  const hash = await sha256(file.certificate.trim());
  // For example at each start: loading the same file again must not replace newer documents.
  if (state.license_file_sha256 === hash || (await isOfBefore(contacts, state, file))) return;
  const instanceId = evidence.instanceIn(state);
  const asker =
    claimOf(file.certificate, "sub") === state.candidate?.instance_id ? state.candidate?.instance_id : null;
  const asked = { licenseKey: file.licenseKey, instanceId: asker ?? instanceId };
  const grant = await evidence.judge(file, asked, state, contacts.transport);
  if (typeof grant === "string") throw invalid(`The license file does not count: ${grant}.`);
  const { nonce, iat } = grant.claims;
  const answered = state.offline_requests.find((request) => request.nonce === nonce);
  if (nonce !== null && !answered && grant.certificate !== state.certificate)
    throw invalid("The license file answers a request that this installation did not make.");
  const told: Usage = answered?.usage ?? {};
  const isSame = claimOf(state.license_key ?? "", "jti") === grant.claims.license_id;
  const waited = state.candidate && claimOf(state.candidate.license_key, "jti") === grant.claims.license_id;
  const installed = waited ? await sha256(state.candidate!.license_key) : grant.keyHash;
  await store.update((stored) => {
    const granted = afterGrant(stored, grant, clock(), random);
    return {
      ...granted,
      ...owing(stored, instanceId, granted),
      ...settle(granted, told, iat * 1000),
      offline_requests: granted.offline_requests.filter((request) => request.nonce !== nonce),
      license_file_sha256: hash,
      installed_key_sha256: isSame && !waited ? stored.installed_key_sha256 : installed,
      instance_id: asker ?? stored.instance_id,
      candidate: waited ? null : stored.candidate,
    };
  });
  if (contacts.transport !== null) await giveBackOwed(contacts, contacts.transport);
}

/** Older clients did not record which file they had loaded: an old file that names the current key was loaded. */
async function isOfBefore(contacts: Contacts, state: State, { certificate }: Brought): Promise<boolean> {
  if (state.license_file_sha256 !== null || state.certificate === null) return false;
  const { claims } = await contacts.evidence.verified(certificate, state);
  const held = claimsOf(state.certificate);
  if (!claims || claims.jti !== held["jti"] || claims.iat >= Number(held["iat"])) return false;
  return claims.confirmed_key === (await instanceKey(contacts)).public.x;
}

/**
 * Signs that the installation stopped, and forgets the license after `keep` has stored the receipt safely:
 * without the receipt the seat could no longer be given back.
 * @throws LicenseError NOT_ACTIVATED; and what `keep` throws
 */
export async function writeReceipt(
  contacts: Contacts,
  keep: (receipt: string) => Promise<void>,
): Promise<void> {
  const { store, evidence } = contacts;
  const key = await instanceKey(contacts);
  const state = await store.update((stored) => stored);
  const certificate = [state.certificate, state.proven_certificate].find(
    (text) => text !== null && isAskedFor(text, key.public.x),
  );
  if (!certificate || certificateOf(evidence.facts, evidence.facts.held) === null)
    throw new LicenseError(
      "NOT_ACTIVATED",
      "There is no certificate that a request file of this installation asked for.",
    );
  await keep(await sign(key, "deactivation+jwt", { certificate }));
  await store.update((stored) => afterSeat(stored, evidence.facts.highWater));
}

/** Whether a request file of this installation asked for the certificate. */
function isAskedFor(certificate: string, x: string): boolean {
  const { cnf } = claimsOf(certificate);
  return isObject(cnf) && isObject(cnf["jwk"]) && cnf["jwk"]["x"] === x;
}

const sign = async (
  key: Awaited<ReturnType<typeof instanceKey>>,
  typ: string,
  payload: object,
): Promise<string> =>
  new CompactSign(new TextEncoder().encode(JSON.stringify(payload)))
    .setProtectedHeader({ alg: "EdDSA", typ })
    .sign(await importJWK(key.private, "EdDSA"));

function parseLicenseFile(text: string): Brought {
  const { license_key, certificate, warnings } = parseObject(text) ?? {};
  if (typeof license_key !== "string" || typeof certificate !== "string")
    throw invalid("This is no license file.");
  const documents = { licenseKey: cleanKey(license_key), certificate: certificate.trim() };
  return {
    ...documents,
    warnings: codesOf(warnings),
    overLimit: overLimitOf(warnings),
    seatsActive: null,
    usageIgnored: [],
  };
}

/** The installation's own key, made when first needed. With it the installation proves later that it stopped. */
async function instanceKey({ store }: Contacts) {
  // A broken key is not replaced: certificates name it.
  const text = await store.readOrMake("instance.key.json", makeInstanceKey, () => true);
  const { x, d } = parseObject(text) ?? {};
  if (typeof x !== "string" || typeof d !== "string")
    throw new LicenseError("INSTANCE_KEY_INVALID", "instance.key.json holds no key.");
  const half = { kty: "OKP", crv: "Ed25519", x };
  return { private: { ...half, d }, public: half };
}

async function makeInstanceKey(): Promise<string> {
  const { privateKey } = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });
  const { kty, crv, x, d } = await exportJWK(privateKey);
  return JSON.stringify({ kty, crv, x, d });
}
