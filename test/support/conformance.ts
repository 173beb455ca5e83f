// Signs the documents of the clients' conformance table, src/clients/conformance.json. The keys are made for this run,
// so that the repository holds none. Both clients' tests read the result.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { base64url, CompactSign, exportJWK, generateKeyPair, type JWK } from "jose";
import {
  type Claims,
  encode,
  type Kind,
  PADDINGS,
  partsOf,
  type SigningKey,
  TWISTS,
  utf8,
} from "./twists.ts";

const TABLE = join(import.meta.dirname, "../../src/clients/conformance.json");

/** A document as the table describes it; missing members come from the table's `defaults`. */
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
      /** The signed document of the problem. */
      refusal?: Document;
      html?: string;
      json?: unknown;
    };

/** Members that are the same in the table and in the signed table. */
interface Plain {
  /** The wall clock. */
  at: string;
  restart?: true;
  /** Whether the monotonic clock of the process moved with the wall clock since the previous step. */
  running?: true;
  /** What happened to the state file before the restart. */
  break?: "cut" | "garbage" | "empty";
  /** The issuers that are configured from the restart on. */
  issuer?: string;
  /** The instance id that is configured from the restart on. */
  configure_instance?: string;
  /** How many requests the client counts. */
  count?: number;
  /** What the client adds to meters, by code. */
  metered?: Record<string, number>;
  /** What the client observes, by code. */
  observed?: Record<string, number>;
  /** The requested paths, if they matter; without that of the published keys. */
  requests?: string[];
  /** What each of these requests says: `license_id`, `instance_id`, `lease_hours`, `certificate_iat`; null: nothing. */
  sent?: Record<string, string | number | null>[];
  /** The usage by day in the last of these requests. */
  usage?: Record<string, number>;
  /** The meters by day and code in the last of these requests. */
  meters?: Record<string, Record<string, number>>;
  /**
   * Members of the status, compared one by one. `next_check_in` is a range, `passes` the results of feature guards,
   * `detail_has` a part of the detail, `values` and `allows` are about entitlements, `statement` about a month. Of a `candidate`, only the named members are compared.
   */
  expect?: Record<string, unknown>;
}

interface Step extends Plain {
  install?: Document;
  activate?: Document;
  configure?: Document;
  trusted?: string[];
  published?: string[];
  answer?: Answer | Answer[];
}

interface Options {
  /** A list of addresses. */
  issuer?: string;
  fetch_keys?: false;
  indeterminate_days?: number | null;
  lease_hours?: number;
  built_at?: string;
  on_indeterminate?: "allow" | "deny";
  no_place?: true;
}

interface Case extends Options {
  name: string;
  instance_id?: string;
  trusted?: string[];
  published?: string[];
  license_key?: Document | null;
  held?: Document;
  certificate?: Document | null;
  revocations?: Document | null;
  high_water?: string;
  steps: Step[];
}

interface Table {
  issuer: string;
  defaults: Record<Kind, Claims>;
  cases: Case[];
}

/** The answer of the service, as it comes over the wire. */
export type ResolvedAnswer =
  | "unreachable"
  | { status: number; headers: Record<string, string>; body: string };

export interface ResolvedStep extends Plain {
  /** A license key that the operator installs. */
  install?: string;
  /** A license key that the operator activates with: the answers are for that, not for a check-in. */
  activate?: string;
  /** The license key that is configured from now on. */
  configure?: string;
  /** The keys that the client is given from the restart on. */
  jwks?: { keys: JWK[] };
  /** What /.well-known/jwks.json says from now on. */
  published?: { keys: JWK[] };
  /** The answers to the requests of one check-in, in turn. */
  answers?: ResolvedAnswer[];
}

export interface ResolvedCase extends Options {
  name: string;
  instance_id: string;
  /** The keys that the client is given. */
  jwks: { keys: JWK[] };
  /** What /.well-known/jwks.json says; null: unreachable. */
  published: { keys: JWK[] } | null;
  /** The configured one. */
  license_key: string | null;
  /** The one that an earlier client kept in its state. */
  held: string | null;
  certificate: string | null;
  revocations: string | null;
  high_water: string | null;
  issuer: string;
  on_indeterminate: "allow" | "deny";
  steps: ResolvedStep[];
}

interface ResolvedTable {
  issuer: string;
  /** What the clients' source of nonces gives in these tests: documents are signed before there is a request. */
  nonce: `${string}-${string}-${string}-${string}-${string}`;
  cases: ResolvedCase[];
}

const TYPES: Record<Kind, string> = {
  license_key: "license+jwt",
  certificate: "activation+jwt",
  revocations: "revocations+jwt",
  refusal: "refusal+jwt",
};

/** What is done to a token after signing; the first three are done before. */
type Twist = "embedded-key" | "oversized" | "long" | keyof typeof TWISTS;

const NONCE = "00000000-0000-4000-8000-000000000000";

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

  /** jose refuses to sign a `crit` that it does not know, so such a header is signed here. */
  const withHeader = async (token: string, header: Claims, key: SigningKey): Promise<string> => {
    const input = `${encode(header)}.${partsOf(token)[1]}`;
    const signature = await crypto.subtle.sign("Ed25519", key.privateKey, utf8.encode(input));
    return `${input}.${base64url.encode(new Uint8Array(signature))}`;
  };

  const answerOf = async (answer: Answer, at: string, instanceId: string): Promise<ResolvedAnswer> => {
    if (answer === "unreachable") return answer;
    const { status, headers = {}, body, problem, refusal, html, json } = answer;
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
      const said = { sub: instanceId, license_id: "lic_1", code: problem["code"], iat: at, nonce: NONCE };
      const signed = refusal && { refusal: await sign("refusal", refusal, said) };
      return give("application/problem+json", JSON.stringify({ ...about, ...problem, ...signed }));
    }
    // A grant of now: a lease of thirty days, to be renewed every day.
    const now = { sub: instanceId, iat: at, exp: later(at, 30), check_in_at: later(at, 1), nonce: NONCE };
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
    const { install, activate, configure, trusted, published, answer, ...plain } = step;
    return {
      ...plain,
      ...(install && { install: await sign("license_key", install, {}) }),
      ...(activate && { activate: await sign("license_key", activate, {}) }),
      ...(configure && { configure: await sign("license_key", configure, {}) }),
      ...(trusted && { jwks: await setOf(trusted) }),
      ...(published && { published: await setOf(published) }),
      ...(answer && {
        answers: await Promise.all([answer].flat().map((one) => answerOf(one, step.at, instanceId))),
      }),
    };
  };

  const caseOf = async (one: Case): Promise<ResolvedCase> => {
    const { trusted = ["k1"], published, license_key = {}, held, certificate, revocations, ...plain } = one;
    const { instance_id = "i-1", steps } = plain;
    const seeded = async (kind: Kind, document: Document | null | undefined, derived: Claims = {}) =>
      document ? sign(kind, document, derived) : null;
    return {
      issuer: table.issuer,
      on_indeterminate: "allow",
      ...plain,
      instance_id,
      jwks: await setOf(trusted),
      published: published ? await setOf(published) : null,
      license_key: await seeded("license_key", license_key),
      held: await seeded("license_key", held),
      certificate: await seeded("certificate", certificate, { sub: instance_id }),
      revocations: await seeded("revocations", revocations),
      high_water: one.high_water ?? null,
      steps: await Promise.all(steps.map((step) => stepOf(step, instance_id))),
    };
  };

  // All keys are made before documents are signed in parallel, so that a name always means one key.
  for (const kid of ["k1", "k2", "stranger"]) await keyOf(kid);
  return { issuer: table.issuer, nonce: NONCE, cases: await Promise.all(table.cases.map(caseOf)) };
}

/** Writes the signed table into `file`. */
export async function writeConformance(file: string): Promise<void> {
  writeFileSync(file, JSON.stringify(await resolveConformance()), { mode: 0o600 });
}
