// The conformance table of the clients, src/clients/conformance.json, with its documents signed: by keys that
// are made for this run, so that the repository holds none. Both clients' tests read what this writes.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { base64url, CompactSign, exportJWK, generateKeyPair, type JWK } from "jose";

const TABLE = join(import.meta.dirname, "../../src/clients/conformance.json");

type Kind = "license_key" | "certificate" | "revocations";
type Claims = Record<string, unknown>;

/** A document as the table describes it; what it leaves out is as in the table's `defaults`. */
type Document =
  | { raw: string }
  | { signed_by?: string; header?: Claims; claims?: Claims; remove?: string[]; twist?: Twist };

type Answer =
  | "unreachable"
  | {
      status: number;
      headers?: Record<string, string>;
      body?: Claims & { certificate?: Document | null; license_key?: Document | null };
      problem?: Claims;
      html?: string;
      json?: unknown;
    };

interface Step {
  at: string;
  restart?: true;
  install?: Document;
  activate?: Document;
  count?: number;
  published?: string[];
  answer?: Answer | Answer[];
  requests?: string[];
  usage?: Record<string, number>;
  expect?: Claims;
}

interface Case {
  name: string;
  instance_id?: string;
  trusted?: string[];
  published?: string[];
  license_key?: Document | null;
  certificate?: Document | null;
  revocations?: Document | null;
  high_water?: string;
  on_indeterminate?: "allow" | "deny";
  steps: Step[];
}

interface Table {
  issuer: string;
  defaults: Record<Kind, Claims>;
  cases: Case[];
}

/** What the service answers, as it comes over the wire. */
export type ResolvedAnswer =
  | "unreachable"
  | { status: number; headers: Record<string, string>; body: string };

export interface ResolvedStep {
  at: string;
  restart?: true;
  /** A license key that the operator installs. */
  install?: string;
  /** A license key that the operator activates with: the answers are to that, not to a check-in. */
  activate?: string;
  /** Requests that are counted. */
  count?: number;
  /** What /.well-known/jwks.json says from now on. */
  published?: { keys: JWK[] };
  /** The answers to the requests of one check-in, in turn. */
  answers?: ResolvedAnswer[];
  /** The paths that are asked for in it, where that matters; the published keys are not counted. */
  requests?: string[];
  /** The requests by day that the last of them tells. */
  usage?: Record<string, number>;
  /** Members of the status, compared one by one; `next_check_in` is a range, `passes` what guards of features say. */
  expect?: Record<string, unknown>;
}

export interface ResolvedCase {
  name: string;
  instance_id: string;
  /** The keys that the client is given. */
  jwks: { keys: JWK[] };
  /** What /.well-known/jwks.json says; null: it cannot be reached. */
  published: { keys: JWK[] } | null;
  license_key: string | null;
  certificate: string | null;
  revocations: string | null;
  high_water: string | null;
  on_indeterminate: "allow" | "deny";
  steps: ResolvedStep[];
}

interface ResolvedTable {
  issuer: string;
  cases: ResolvedCase[];
}

interface SigningKey {
  kid: string;
  privateKey: CryptoKey;
  jwk: JWK;
}

const TYPES: Record<Kind, string> = {
  license_key: "license+jwt",
  certificate: "activation+jwt",
  revocations: "revocations+jwt",
};

const utf8 = new TextEncoder();
const encode = (value: unknown): string => base64url.encode(JSON.stringify(value));
const decode = (part: string): Claims => JSON.parse(new TextDecoder().decode(base64url.decode(part)));
const partsOf = (token: string) => token.split(".") as [string, string, string];

async function hs256(token: string, key: SigningKey): Promise<string> {
  // The classic confusion: the public key, which everybody has, taken as an HMAC secret.
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

const TWISTS = {
  "flip-signature": (token: string) => {
    const [header, payload, signature] = partsOf(token);
    const bytes = base64url.decode(signature);
    bytes[0]! ^= 1;
    return `${header}.${payload}.${base64url.encode(bytes)}`;
  },
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
} satisfies Record<string, (token: string, key: SigningKey) => string | Promise<string>>;

/** Longer than documents of the kind may be. */
const OVERSIZED: Record<Kind, number> = {
  license_key: 16_384,
  certificate: 16_384,
  revocations: 4 * 1024 * 1024,
};

/** What is done to a document before it is signed. */
const PADDINGS: Record<string, (kind: Kind) => number> = {
  oversized: (kind) => OVERSIZED[kind],
  // As a list that names many thousand licenses.
  long: () => 1024 * 1024,
};

/** What is done to a token after it was signed, or in the first three of them before. */
type Twist = "embedded-key" | "oversized" | "long" | keyof typeof TWISTS;

const NUMERIC_DATES = new Set(["iat", "nbf", "exp"]);

const numericDates = (claims: Claims): Claims =>
  Object.fromEntries(
    Object.entries(claims).map(([name, value]) => [
      name,
      NUMERIC_DATES.has(name) && typeof value === "string" ? Date.parse(value) / 1000 : value,
    ]),
  );

const later = (at: string, days: number): string =>
  new Date(Date.parse(at) + days * 86_400_000).toISOString();

/** Signs the whole table. */
export async function resolveConformance(): Promise<ResolvedTable> {
  const table = JSON.parse(readFileSync(TABLE, "utf8")) as Table;
  const keys = new Map<string, SigningKey>();
  const keyOf = async (kid: string): Promise<SigningKey> => {
    const known = keys.get(kid);
    if (known) return known;
    const { privateKey, publicKey } = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });
    const { kty, crv, x } = await exportJWK(publicKey);
    const key = { kid, privateKey, jwk: { kty: kty!, crv: crv!, x: x!, kid, use: "sig" } };
    keys.set(kid, key);
    return key;
  };
  const setOf = async (kids: string[]) => ({
    keys: await Promise.all(kids.map(async (kid) => (await keyOf(kid)).jwk)),
  });

  const sign = async (kind: Kind, document: Document, derived: Claims): Promise<string> => {
    if ("raw" in document) return document.raw;
    const key = await keyOf(document.signed_by ?? "k1");
    const claims = numericDates({
      iss: table.issuer,
      ...table.defaults[kind],
      ...derived,
      ...document.claims,
    });
    for (const name of document.remove ?? []) delete claims[name];
    const { twist } = document;
    const padding = PADDINGS[twist ?? ""]?.(kind);
    if (padding !== undefined) claims["padding"] = "x".repeat(padding);
    const header: Claims = { alg: "EdDSA", kid: key.kid, typ: TYPES[kind], ...document.header };
    if (twist === "embedded-key") header["jwk"] = key.jwk;
    for (const [name, value] of Object.entries(header)) if (value === null) delete header[name];
    const { crit: _crit, ...safe } = header;
    let token = await new CompactSign(utf8.encode(JSON.stringify(claims)))
      .setProtectedHeader({ ...safe, alg: safe["alg"] === "Ed25519" ? "Ed25519" : "EdDSA" })
      .sign(key.privateKey);
    if (header["crit"] !== undefined) token = await withHeader(token, header, key);
    return twist && twist in TWISTS ? TWISTS[twist as keyof typeof TWISTS](token, key) : token;
  };

  /** jose signs no `crit` that it does not know, so such a header is signed here. */
  const withHeader = async (token: string, header: Claims, key: SigningKey): Promise<string> => {
    const input = `${encode(header)}.${partsOf(token)[1]}`;
    const signature = await crypto.subtle.sign("Ed25519", key.privateKey, utf8.encode(input));
    return `${input}.${base64url.encode(new Uint8Array(signature))}`;
  };

  const answerOf = async (answer: Answer, at: string, instanceId: string): Promise<ResolvedAnswer> => {
    if (answer === "unreachable") return answer;
    const { status, headers = {}, body, problem, html, json } = answer;
    const give = (type: string, text: string): ResolvedAnswer => ({
      status,
      headers: { "content-type": type, ...headers },
      body: text,
    });
    if (html !== undefined) return give("text/html; charset=utf-8", html);
    if (json !== undefined) return give("application/json", JSON.stringify(json));
    if (problem) {
      const about = {
        type: "about:blank",
        title: String(problem["code"]),
        status,
        detail: "Said by the service.",
      };
      return give("application/problem+json", JSON.stringify({ ...about, ...problem }));
    }
    // A grant of now: a lease of thirty days, to be renewed every day.
    const now = { sub: instanceId, iat: at, exp: later(at, 30), check_in_at: later(at, 1) };
    const { certificate = {}, license_key = {}, ...rest } = body ?? {};
    return give(
      "application/json",
      JSON.stringify({
        status: "checked_in",
        check_in_at: now.check_in_at,
        server_time: at,
        warnings: [],
        ...(certificate && { certificate: await sign("certificate", certificate, now) }),
        ...(license_key && { license_key: await sign("license_key", license_key, {}) }),
        ...rest,
      }),
    );
  };

  const stepOf = async (step: Step, instanceId: string): Promise<ResolvedStep> => {
    const { at, restart, install, activate, count, published, answer, requests, usage, expect } = step;
    return {
      at,
      ...(restart && { restart }),
      ...(install && { install: await sign("license_key", install, {}) }),
      ...(activate && { activate: await sign("license_key", activate, {}) }),
      ...(count !== undefined && { count }),
      ...(published && { published: await setOf(published) }),
      ...(answer && {
        answers: await Promise.all([answer].flat().map((one) => answerOf(one, at, instanceId))),
      }),
      ...(requests && { requests }),
      ...(usage && { usage }),
      ...(expect && { expect }),
    };
  };

  const caseOf = async (one: Case): Promise<ResolvedCase> => {
    const { name, instance_id = "i-1", trusted = ["k1"], published, license_key = {}, steps } = one;
    return {
      name,
      instance_id,
      jwks: await setOf(trusted),
      published: published ? await setOf(published) : null,
      license_key: license_key && (await sign("license_key", license_key, {})),
      certificate: one.certificate ? await sign("certificate", one.certificate, { sub: instance_id }) : null,
      revocations: one.revocations ? await sign("revocations", one.revocations, {}) : null,
      high_water: one.high_water ?? null,
      on_indeterminate: one.on_indeterminate ?? "allow",
      steps: await Promise.all(steps.map((step) => stepOf(step, instance_id))),
    };
  };

  // Keys are made before anything is signed side by side, so that a name is one key.
  for (const kid of ["k1", "k2", "stranger"]) await keyOf(kid);
  return { issuer: table.issuer, cases: await Promise.all(table.cases.map(caseOf)) };
}

/** Writes the signed table into `file`. */
export async function writeConformance(file: string): Promise<void> {
  writeFileSync(file, JSON.stringify(await resolveConformance()), { mode: 0o600 });
}
