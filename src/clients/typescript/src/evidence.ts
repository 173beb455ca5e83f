// What the documents prove: those that are stored, and those that an answer or a file brings.
import {
  type KeySet,
  parseObject,
  readKeySet,
  type Trust,
  verifyCertificate,
  verifyLicenseKey,
  verifyRevocations,
} from "./documents.ts";
import type { LicenseOptions } from "./options.ts";
import type { Grant } from "./outcomes.ts";
import { type Facts, usableCertificate } from "./rules.ts";
import type { State } from "./state.ts";
import type { Transport } from "./transport.ts";

/** Documents that were brought, not verified yet. */
export interface Brought {
  licenseKey: string;
  certificate: string;
  warnings: string[];
  /** Instances that hold a seat, where it is told. */
  seatsActive: number | null;
}

export class Evidence {
  readonly #options: LicenseOptions;
  readonly #issuer: string;
  readonly #transport: Transport | null;
  /** What `facts` were read from. */
  #source = "";
  facts: Facts;

  constructor(options: LicenseOptions, instanceId: string, transport: Transport | null) {
    this.#options = options;
    this.#issuer = issuerOf(options);
    this.#transport = transport;
    this.facts = {
      instanceId,
      licenseKey: null,
      certificate: null,
      revocations: null,
      refusal: null,
      warnings: [],
      nextCheckIn: null,
      highWater: 0,
      onIndeterminate: options.onIndeterminate ?? "allow",
    };
  }

  trust({ jwks }: Pick<State, "jwks">): Trust {
    const { trustedKeys, fetchKeys } = this.#options;
    const published = fetchKeys === false ? [] : (jwks?.keys ?? []);
    // Pinned first: what is published under the same kid does not replace it.
    return { issuer: this.#issuer, keys: { keys: [...(trustedKeys?.keys ?? []), ...published] } };
  }

  /** Takes in a state. Signatures are verified when a document changes, not when somebody asks. */
  async read(state: State): Promise<void> {
    const { license_key, certificate, revocations, jwks, refusal, warnings, high_water } = state;
    const source = JSON.stringify([license_key, certificate, revocations, jwks]);
    if (source !== this.#source) {
      const trust = this.trust(state);
      const [licenseKey, held, list] = await Promise.all([
        license_key === null ? null : verifyLicenseKey(license_key, trust),
        certificate === null ? null : verifyCertificate(certificate, trust),
        revocations === null ? null : verifyRevocations(revocations, trust),
      ]);
      this.facts = {
        ...this.facts,
        licenseKey,
        certificate: held?.claims ?? null,
        revocations: list?.claims ?? null,
      };
      this.#source = source;
    }
    const hash = license_key === null ? null : await sha256(license_key);
    const { certificate: read, revocations: listed } = this.facts;
    this.facts = {
      ...this.facts,
      refusal: refusal?.key_sha256 === hash ? refusal : null,
      warnings,
      nextCheckIn: state.next_check_in,
      highWater: Math.max(
        high_water === null ? 0 : Date.parse(high_water) / 1000,
        read?.iat ?? 0,
        listed?.iat ?? 0,
      ),
    };
  }

  /**
   * Documents that verify, belong together, to this instance and to the license key that was sent (null: none
   * was), and are not older than those held; or a sentence that says why not.
   */
  async judge(brought: Brought, sent: string | null, state: State): Promise<Grant | string> {
    const known = await this.#judge(brought, sent, this.trust(state));
    if (known !== "unknown_key") return known;
    const keys = await this.publishedKeys();
    const judged = keys && (await this.#judge(brought, sent, this.trust({ jwks: keys })));
    if (judged === null || judged === "unknown_key") return "The documents are signed by an unknown key.";
    return typeof judged === "string" ? judged : { ...judged, keys };
  }

  async #judge(brought: Brought, sent: string | null, trust: Trust): Promise<Grant | string> {
    const { licenseKey, certificate, warnings, seatsActive } = brought;
    const [key, read, asked] = await Promise.all([
      verifyLicenseKey(licenseKey, trust),
      verifyCertificate(certificate, trust),
      sent === null ? null : verifyLicenseKey(sent, trust),
    ]);
    if (key.fault === "unknown_key" || read.fault === "unknown_key") return "unknown_key";
    if (!key.claims || !read.claims) return "The documents do not verify.";
    const { claims } = read;
    const { instanceId } = this.facts;
    if (claims.sub !== instanceId) return "The certificate is of another instance.";
    if (claims.license_id !== key.claims.jti)
      return "The certificate and the license key are of two licenses.";
    if (asked && asked.claims?.jti !== claims.license_id) return "The documents are of another license.";
    const held = usableCertificate(this.facts);
    // An answer of old, played again, must not lift what was said since.
    if (held?.license_id === claims.license_id && claims.iat < held.iat)
      return "The certificate is older than the one held.";
    return {
      licenseKey: licenseKey.trim(),
      certificate: certificate.trim(),
      claims,
      warnings,
      seatsActive,
      keys: null,
    };
  }

  /** The keys that the service publishes; null where only pinned ones count, or nothing useful came. */
  async publishedKeys(): Promise<KeySet | null> {
    if (this.#options.fetchKeys === false || this.#transport === null) return null;
    const answer = await this.#transport.get("/.well-known/jwks.json");
    return answer.unreachable === null && answer.status === 200 ? readKeySet(parseObject(answer.body)) : null;
  }
}

function issuerOf({ issuer, url }: LicenseOptions): string {
  if (issuer) return issuer;
  if (!url) throw new TypeError("Where is the license service? Give its url, or the issuer.");
  return url.replace(/\/+$/, "");
}

export async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
