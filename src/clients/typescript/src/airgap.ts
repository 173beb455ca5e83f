// What a courier carries where there is no network: a request file out, a license file in, a receipt at the end.
import { CompactSign, exportJWK, generateKeyPair, importJWK, type JWK } from "jose";
import { codesOf } from "./answers.ts";
import { parseObject } from "./documents.ts";
import { LicenseError } from "./vocabulary.ts";

/** A private key of the installation's own, so that it can prove later that it stopped. */
export async function makeInstanceKey(): Promise<string> {
  const { privateKey } = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });
  const { kty, crv, x, d } = await exportJWK(privateKey);
  return JSON.stringify({ kty, crv, x, d });
}

export interface InstanceKey {
  private: JWK;
  public: { kty: "OKP"; crv: "Ed25519"; x: string };
}

/** @throws LicenseError INSTANCE_KEY_INVALID */
export function readInstanceKey(text: string): InstanceKey {
  const { x, d } = parseObject(text) ?? {};
  if (typeof x !== "string" || typeof d !== "string")
    throw new LicenseError("INSTANCE_KEY_INVALID", "instance.key.json holds no key.");
  const half = { kty: "OKP", crv: "Ed25519", x } as const;
  return { private: { ...half, d }, public: half };
}

export interface LicenseFile {
  licenseKey: string;
  certificate: string;
  warnings: string[];
}

/** The documents of a `.caio-license` file, not verified yet. @throws LicenseError LICENSE_FILE_INVALID */
export function parseLicenseFile(text: string): LicenseFile {
  const { license_key, certificate, warnings } = parseObject(text) ?? {};
  if (typeof license_key !== "string" || typeof certificate !== "string")
    throw new LicenseError("LICENSE_FILE_INVALID", "This is no license file.");
  return { licenseKey: license_key.trim(), certificate: certificate.trim(), warnings: codesOf(warnings) };
}

/** The installation's word that it stopped: compact JWS, typ deactivation+jwt. */
export async function signReceipt(key: InstanceKey, certificate: string): Promise<string> {
  return new CompactSign(new TextEncoder().encode(JSON.stringify({ certificate })))
    .setProtectedHeader({ alg: "EdDSA", typ: "deactivation+jwt" })
    .sign(await importJWK(key.private, "EdDSA"));
}
