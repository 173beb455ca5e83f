// What a courier carries where there is no network: a request file out, a license file in, a receipt at the end.
import { CompactSign, exportJWK, generateKeyPair, importJWK } from "jose";
import { codesOf } from "./answers.ts";
import { type Contacts, identityOf } from "./contact.ts";
import { claimOf, parseObject } from "./documents.ts";
import type { Brought } from "./evidence.ts";
import { afterGrant, afterSeat, usageFor } from "./outcomes.ts";
import { usableCertificate } from "./rules.ts";
import { reportOf, settle, type Usage } from "./usage.ts";
import { LicenseError } from "./vocabulary.ts";

/** Requests whose answer may still come. */
const REMEMBERED = 3;

const invalid = (message: string): LicenseError => new LicenseError("LICENSE_FILE_INVALID", message);

/** @throws LicenseError LICENSE_KEY_MISSING; and what the storage throws: without its nonce no answer would count */
export async function writeRequest(contacts: Contacts): Promise<string> {
  const { store, evidence } = contacts;
  const key = await instanceKey(contacts);
  const nonce = crypto.randomUUID();
  const { license_key, certificate, offline_requests } = await store.commit((state) => {
    if (state.license_key === null)
      throw new LicenseError("LICENSE_KEY_MISSING", "No license key is installed.");
    const usage = usageFor(state, claimOf(state.license_key, "jti"));
    return { ...state, offline_requests: [...state.offline_requests, { nonce, usage }].slice(-REMEMBERED) };
  });
  const request = {
    ...identityOf(contacts, license_key!),
    nonce,
    public_key: key.public,
    usage: reportOf(offline_requests.at(-1)!.usage),
    ...(usableCertificate(evidence.facts) ? { certificate } : {}),
  };
  return `${JSON.stringify(request, null, 2)}\n`;
}

/** @throws LicenseError LICENSE_FILE_INVALID; what is held then stays */
export async function takeLicenseFile(contacts: Contacts, text: string): Promise<void> {
  const { store, evidence, clock, random } = contacts;
  const file = parseLicenseFile(text);
  // Another process that shares the storage may have made the request.
  const state = await store.update((stored) => stored);
  const grant = await evidence.judge(file, null, state);
  if (typeof grant === "string") throw invalid(grant);
  const { nonce, iat } = grant.claims;
  const answered = state.offline_requests.find((request) => request.nonce === nonce);
  // A file that is loaded once more is no harm.
  if (nonce !== null && !answered && grant.certificate !== state.certificate)
    throw invalid("The license file answers a request that this installation did not make.");
  const told: Usage = answered?.usage ?? {};
  await store.update((stored) => {
    const granted = afterGrant(stored, grant, clock(), random);
    return {
      ...granted,
      ...settle(granted.usage, granted.acknowledged, reportOf(told), iat * 1000),
      offline_requests: granted.offline_requests.filter((request) => request.nonce !== nonce),
    };
  });
}

/**
 * Signs that the installation stopped, and forgets the license once `keep` has the receipt in a safe place:
 * without it the seat could not be given back any more.
 * @throws LicenseError NOT_ACTIVATED; and what `keep` throws
 */
export async function writeReceipt(
  contacts: Contacts,
  keep: (receipt: string) => Promise<void>,
): Promise<void> {
  const { store, evidence } = contacts;
  const key = await instanceKey(contacts);
  const { certificate } = await store.update((stored) => stored);
  if (certificate === null || usableCertificate(evidence.facts)?.confirmed_key !== key.public.x)
    throw new LicenseError(
      "NOT_ACTIVATED",
      "There is no certificate that a request file of this installation asked for.",
    );
  const receipt = await new CompactSign(new TextEncoder().encode(JSON.stringify({ certificate })))
    .setProtectedHeader({ alg: "EdDSA", typ: "deactivation+jwt" })
    .sign(await importJWK(key.private, "EdDSA"));
  await keep(receipt);
  await store.update((state) => afterSeat(state, evidence.facts.highWater));
}

function parseLicenseFile(text: string): Brought {
  const { license_key, certificate, warnings } = parseObject(text) ?? {};
  if (typeof license_key !== "string" || typeof certificate !== "string")
    throw invalid("This is no license file.");
  return { licenseKey: license_key, certificate, warnings: codesOf(warnings), seatsActive: null };
}

/** The installation's own key, made when it is first needed, by which it proves later that it stopped. */
async function instanceKey({ store }: Contacts) {
  // One that is broken is not made anew: certificates name it.
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
