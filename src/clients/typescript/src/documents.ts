// Signed documents, verified without a network: the license key, the certificate and the revocation list.
// Compact JWS (RFC 7515), Ed25519. Algorithm, type and issuer are pinned; the key comes from the trusted set by
// kid alone, since jwk, jku, x5u and x5c in a header are an attacker's choice of key (RFC 8725 section 3.10).
import { base64url, compactVerify, decodeJwt, decodeProtectedHeader, importJWK } from "jose";
import { strangerIn } from "./drill.ts";
import { canonicalAddress, withoutMark } from "./texts.ts";

/** A public key of a JWK Set (RFC 7517). */
export interface PublicKey {
  kty?: string;
  crv?: string;
  x?: string;
  kid?: string;
  [member: string]: unknown;
}

export interface KeySet {
  keys: PublicKey[];
}

interface Limits {
  license_type: string | null;
  features: string[];
  max_instances: number | null;
  max_services: number | null;
  max_requests_per_day: number | null;
  updates_until: string | null;
  /** As signed: what of them can be read is told with the time. */
  entitlements: unknown;
}

export interface LicenseKeyClaims extends Limits {
  sub: string;
  jti: string;
  rev: number;
  nbf: number | null;
  exp: number | null;
}

export interface CertificateClaims extends Limits {
  /** The instance. */
  sub: string;
  iat: number;
  exp: number;
  license_id: string;
  customer_id: string;
  license_expires_at: string | null;
  grace_until: string | null;
  check_in_at: string | null;
  nonce: string | null;
  /** The activation that it proves. */
  jti: string | null;
  /** False where the request did not prove that it came from the seat's holder. */
  proven: boolean;
  /** The installation's own key (RFC 7800), if the request had one: the x of its JWK. */
  confirmed_key: string | null;
}

export interface RevocationClaims {
  iat: number;
  exp: number;
  revoked: string[];
  suspended: string[];
  superseded: Record<string, number>;
}

export interface RefusalClaims {
  /** The instance. */
  sub: string;
  license_id: string;
  code: string;
  iat: number;
  /** Of the request that it answers. */
  nonce: string | null;
}

/**
 * `unknown_key`: signed by a key that we do not know yet, but a newer key set may have. `other_issuer`: signed by a
 * key that we trust, for an issuer that we do not expect. `invalid`: nothing can make it valid.
 */
export type Verdict<Claims> =
  | { claims: Claims; fault: null }
  | { claims: null; fault: "unknown_key" | "invalid" }
  | { claims: null; fault: "other_issuer"; issuer: string };

export interface Trust {
  /** Canonical addresses. */
  issuers: readonly string[];
  keys: KeySet;
}

const ALGORITHMS = ["EdDSA", "Ed25519"];

/** Larger than any document of the service; bounds the work that a hostile one can cause. */
const MAX_LENGTH = 16_384;

/** A revocation list names every license that was ever revoked, so it grows. */
export const MAX_LIST_LENGTH = 4 * 1024 * 1024;

const COMPACT_JWS = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{86}$/;

/** The prime of Ed25519's field, and the y of the points of small order. */
const P = 2n ** 255n - 19n;
const Y8 =
  2_707_385_501_144_840_649_318_225_287_225_658_788_936_804_267_575_313_519_463_743_609_750_303_402_022n;
const SMALL_ORDER = new Set([0n, 1n, P - 1n, Y8, P - Y8]);

/** Whether only the holder of a private half can sign for this public key: for one of small order, anybody can. */
function isSoundKey(x: string): boolean {
  try {
    const bytes = base64url.decode(x);
    const y = bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n) & (2n ** 255n - 1n);
    return bytes.length === 32 && y < P && !SMALL_ORDER.has(y);
  } catch {
    return false;
  }
}

const INVALID = { claims: null, fault: "invalid" } as const;
const UNKNOWN_KEY = { claims: null, fault: "unknown_key" } as const;

async function verify<Claims>(
  text: string,
  typ: string,
  trust: Trust,
  read: (payload: Record<string, unknown>) => Claims | null,
  maxLength = MAX_LENGTH,
): Promise<Verdict<Claims>> {
  const token = text.trim();
  if (token.length > maxLength || !COMPACT_JWS.test(token)) return INVALID;
  try {
    const header = decodeProtectedHeader(token);
    // One document type must not pass for another (RFC 8725 section 3.11).
    if (header.typ !== typ || !ALGORITHMS.includes(header.alg ?? "") || header.crit !== undefined)
      return INVALID;
    if (typeof header.kid !== "string") return INVALID;
    const stranger = strangerIn(trust.issuers, token);
    if (stranger !== null) return { claims: null, fault: "other_issuer", issuer: stranger };
    const jwk = trust.keys.keys.find(
      ({ kid, kty, crv, x }) =>
        kid === header.kid && kty === "OKP" && crv === "Ed25519" && isSoundKey(x ?? ""),
    );
    if (!jwk) return UNKNOWN_KEY;
    // Only the members that make the key: runtimes differ in the spelling of `alg` that they accept.
    const key = await importJWK({ kty: "OKP", crv: "Ed25519", x: jwk.x! }, "EdDSA");
    const { payload } = await compactVerify(token, key, { algorithms: ALGORITHMS });
    const body = parseObject(new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(payload));
    const issuer = body?.["iss"];
    if (!body || typeof issuer !== "string") return INVALID;
    if (!trust.issuers.includes(canonicalAddress(issuer)))
      return { claims: null, fault: "other_issuer", issuer };
    const claims = read(body);
    return claims === null ? INVALID : { claims, fault: null };
  } catch {
    return INVALID;
  }
}

export const verifyLicenseKey = (token: string, trust: Trust): Promise<Verdict<LicenseKeyClaims>> =>
  verify(token, "license+jwt", trust, (body) => {
    const { sub, jti, rev, nbf = null, exp = null } = body;
    const limits = limitsOf(body);
    if (typeof sub !== "string" || typeof jti !== "string" || !isWhole(rev) || !limits) return null;
    if (!isDateOrNull(nbf) || !isDateOrNull(exp)) return null;
    return { ...limits, sub, jti, rev, nbf, exp };
  });

export const verifyCertificate = (token: string, trust: Trust): Promise<Verdict<CertificateClaims>> =>
  verify(token, "activation+jwt", trust, (body) => {
    const { sub, iat, exp, license_id, customer_id, license_expires_at, grace_until, check_in_at } = body;
    const limits = limitsOf(body);
    if (typeof sub !== "string" || typeof license_id !== "string" || !isDate(iat) || !isDate(exp))
      return null;
    if (typeof customer_id !== "string" || !limits) return null;
    const instants = [license_expires_at, grace_until, check_in_at].map((value) => value ?? null);
    if (!instants.every(isInstantOrNull)) return null;
    const [expires, grace, checkIn] = instants as [string | null, string | null, string | null];
    return {
      ...limits,
      sub,
      iat,
      exp,
      license_id,
      customer_id,
      license_expires_at: expires,
      grace_until: grace,
      check_in_at: checkIn,
      nonce: textOrNull(body["nonce"]),
      jti: textOrNull(body["jti"]),
      proven: body["proven"] !== false,
      confirmed_key: confirmedKeyOf(body["cnf"]),
    };
  });

export const verifyRevocations = (token: string, trust: Trust): Promise<Verdict<RevocationClaims>> =>
  verify(
    token,
    "revocations+jwt",
    trust,
    ({ iat, exp, revoked, suspended, superseded }) => {
      if (!isDate(iat) || !isDate(exp) || !isTexts(revoked) || !isTexts(suspended)) return null;
      if (!isObject(superseded) || !Object.values(superseded).every(isWhole)) return null;
      return { iat, exp, revoked, suspended, superseded: superseded as Record<string, number> };
    },
    MAX_LIST_LENGTH,
  );

export const verifyRefusal = (token: string, trust: Trust): Promise<Verdict<RefusalClaims>> =>
  verify(token, "refusal+jwt", trust, ({ sub, license_id, code, iat, nonce }) =>
    typeof sub === "string" && typeof license_id === "string" && typeof code === "string" && isDate(iat)
      ? { sub, license_id, code, iat, nonce: textOrNull(nonce) }
      : null,
  );

/** The claims of a document, verified or not. */
export function claimsOf(token: string): Record<string, unknown> {
  try {
    return decodeJwt(token);
  } catch {
    return {};
  }
}

/** A text claim of a document, verified or not. */
export const claimOf = (token: string, name: string): string | null => textOrNull(claimsOf(token)[name]);

/** A date claim of a document, verified or not: seconds since the epoch. */
export function dateOf(token: string, name: string): number | null {
  const value = claimsOf(token)[name];
  return isDate(value) ? value : null;
}

/** The keys of a JWK Set that can verify our documents, or null if `value` is not a JWK Set. */
export function readKeySet(value: unknown): KeySet | null {
  if (!isObject(value) || !Array.isArray(value["keys"])) return null;
  const keys = value["keys"]
    .filter(isObject)
    .flatMap(({ kty, crv, x, kid }) =>
      kty === "OKP" && crv === "Ed25519" && typeof x === "string" && typeof kid === "string"
        ? [{ kty, crv, x, kid }]
        : [],
    );
  return keys.length === 0 ? null : { keys };
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The JSON object in a text, or null. */
export function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(withoutMark(text));
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

/** The last second of the year 9999, where RFC 3339 ends. */
export const LAST_SECOND = 253_402_300_799;

/** A NumericDate (RFC 7519 section 2). */
const isDate = (value: unknown): value is number =>
  typeof value === "number" && value >= 0 && value <= LAST_SECOND;

const isDateOrNull = (value: unknown): value is number | null => value === null || isDate(value);

const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|[+-]\d{2}:\d{2})$/;

export const isInstant = (value: unknown): value is string =>
  typeof value === "string" && INSTANT.test(value) && !Number.isNaN(Date.parse(value));

const isInstantOrNull = (value: unknown): value is string | null => value === null || isInstant(value);

const isWhole = (value: unknown): value is number => Number.isSafeInteger(value);

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === "string");

const textOrNull = (value: unknown): string | null => (typeof value === "string" ? value : null);

/** What a license allows; null if it cannot be read, which must not count as "unlimited". */
function limitsOf(body: Record<string, unknown>): Limits | null {
  const features = body["features"] ?? [];
  const limits = ["max_instances", "max_services", "max_requests_per_day"].map((name) => body[name] ?? null);
  if (!isTexts(features) || !limits.every((limit) => limit === null || isWhole(limit))) return null;
  const [max_instances, max_services, max_requests_per_day] = limits as [
    number | null,
    number | null,
    number | null,
  ];
  const license_type = textOrNull(body["license_type"]);
  // It stops nothing, so one that cannot be read is none.
  const updates_until = isInstant(body["updates_until"]) ? body["updates_until"] : null;
  const numbers = { max_instances, max_services, max_requests_per_day };
  return { license_type, features, ...numbers, updates_until, entitlements: body["entitlements"] };
}

const confirmedKeyOf = (cnf: unknown): string | null =>
  isObject(cnf) && isObject(cnf["jwk"]) ? textOrNull(cnf["jwk"]["x"]) : null;
