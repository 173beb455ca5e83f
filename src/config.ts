// The environment, parsed once into a Config. The only reader of env: everything else gets what it
// needs from the Config or from a service made of it.
import * as z from "zod/mini";
import { addressesIn, isSameAddress } from "./field/addresses.ts";

/** What the Worker is bound to; see wrangler.toml and docs/configuration.md. */
export interface Env {
  DB: D1Database;
  REFUSED_CREDENTIALS_LIMIT: RateLimit;
  LICENSE_LIMIT: RateLimit;
  SIGN_IN_LIMIT: RateLimit;
  ISSUER: string;
  ISSUER_FORMER?: string;
  PRODUCT_NAME: string;
  RATE_LIMITS: string;
  SIGNING_KEYS: string;
  RETIRED_KEYS?: string;
  SESSION_SECRET: string;
  ADMIN_TOKEN?: string;
  ACCESS_TEAM_DOMAIN?: string;
  ACCESS_AUD?: string;
  MAIL_FROM: string;
  MAIL_REPLY_TO?: string;
  ADMIN_EMAILS?: string;
  RESEND_API_KEY?: string;
  RESEND_BASE_URL?: string;
  RESEND_RATE_PER_SECOND?: string;
  RESEND_WEBHOOK_SECRET?: string;
  CF_VERSION_METADATA?: WorkerVersionMetadata;
  HEARTBEAT_URL?: string;
  DATABASE_MAX_BYTES?: string;
}

const base64url = (bytes: number) =>
  z.string().check(z.regex(new RegExp(`^[A-Za-z0-9_-]{${Math.ceil((bytes * 4) / 3)}}$`)));

const PrivateJwk = z.object({
  kty: z.literal("OKP"),
  crv: z.literal("Ed25519"),
  x: base64url(32),
  d: base64url(32),
  kid: z.string().check(z.minLength(1), z.maxLength(128)),
});

export type PrivateJwk = z.infer<typeof PrivateJwk>;

const SigningKeys = z
  .object({ keys: z.array(PrivateJwk).check(z.minLength(1)) })
  .check(
    z.refine((set) => new Set(set.keys.map((key) => key.kid)).size === set.keys.length, "repeats a kid"),
  );

/** The public half of a key that no longer signs anything, and the number of the last seal that it signed. */
const RetiredKey = z.object({
  kty: z.literal("OKP"),
  crv: z.literal("Ed25519"),
  x: base64url(32),
  kid: z.string().check(z.minLength(1), z.maxLength(128)),
  // A private half belongs only in the secret SIGNING_KEYS.
  d: z.optional(z.never()),
  last_seal: z.optional(z.int().check(z.minimum(0))),
});

export type RetiredKey = z.infer<typeof RetiredKey>;

const RetiredKeys = z
  .object({ keys: z.array(RetiredKey) })
  .check(
    z.refine((set) => new Set(set.keys.map((key) => key.kid)).size === set.keys.length, "repeats a kid"),
  );

const json = z.pipe(
  z.string(),
  z.transform((text, context) => {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      context.issues.push({ code: "custom", message: "is not JSON", input: text });
      return z.NEVER;
    }
  }),
);

const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);

/** A host or an origin, as an origin. Plain http is allowed only on loopback: nobody may change the keys on the way. */
const TeamDomain = z.pipe(
  z.string(),
  z.transform((text, context) => {
    const url = URL.parse(/^https?:\/\//.test(text) ? text : `https://${text}`);
    const isOrigin = url !== null && url.href === `${url.origin}/` && /^[a-z0-9.:[\]-]+$/.test(url.host);
    if (isOrigin && (url.protocol === "https:" || LOOPBACK.has(url.hostname))) return url.origin;
    context.issues.push({ code: "custom", message: "is not the domain of a team", input: text });
    return z.NEVER;
  }),
);

const Address = z.email().check(z.maxLength(254));

/** An address, or a name and an address: `CAIO Licensing <licensing@smarthaus.example>`. */
const Sender = z.string().check(
  z.maxLength(320),
  z.refine((text) => {
    const named = /^[^<>\p{Cc}]{1,64}<([^<>]+)>$/u.exec(text);
    return Address.safeParse(named ? named[1] : text).success;
  }),
);

/** A comma-separated list of e-mail addresses, which may be empty. */
const Addresses = z.pipe(
  z.pipe(
    z.string(),
    z.transform((text) =>
      text
        .split(",")
        .map((address) => address.trim())
        .filter((address) => address !== ""),
    ),
  ),
  z.array(Address).check(z.maxLength(50)),
);

const Issuer = z.url({ protocol: /^https?$/ });

/** A comma-separated list of former addresses of the service, which may be empty. */
const Issuers = z.pipe(z.pipe(z.string(), z.transform(addressesIn)), z.array(Issuer).check(z.maxLength(20)));

/** 10 GB: https://developers.cloudflare.com/d1/platform/limits/ */
const DATABASE_MAX_BYTES = 10_000_000_000;

const Variables = z.object({
  ISSUER: Issuer,
  ISSUER_FORMER: z._default(Issuers, []),
  PRODUCT_NAME: z._default(z.string().check(z.minLength(1), z.maxLength(80)), "CAIO"),
  RATE_LIMITS: z._default(z.enum(["on", "off"]), "on"),
  SIGNING_KEYS: z.pipe(json, SigningKeys),
  RETIRED_KEYS: z.optional(z.pipe(json, RetiredKeys)),
  SESSION_SECRET: z.string().check(z.minLength(32), z.maxLength(512)),
  ADMIN_TOKEN: z.optional(z.string().check(z.minLength(16), z.maxLength(512))),
  ACCESS_TEAM_DOMAIN: z.optional(TeamDomain),
  ACCESS_AUD: z.optional(z.string().check(z.regex(/^[\x21-\x7e]{1,512}$/))),
  MAIL_FROM: Sender,
  MAIL_REPLY_TO: z.optional(Address),
  ADMIN_EMAILS: z._default(Addresses, []),
  RESEND_API_KEY: z.optional(z.string().check(z.regex(/^[\x21-\x7e]{1,512}$/))),
  RESEND_BASE_URL: z._default(z.url({ protocol: /^https?$/ }), "https://api.resend.com"),
  RESEND_RATE_PER_SECOND: z._default(z.coerce.number().check(z.minimum(0.1), z.maximum(1_000)), 2),
  // Its length is chosen by whoever creates it.
  RESEND_WEBHOOK_SECRET: z.optional(z.string().check(z.regex(/^whsec_[A-Za-z0-9+/]{2,}={0,2}$/))),
  CF_VERSION_METADATA: z.optional(z.object({ id: z.string() })),
  // A fault in what only watches the service must not stop it.
  HEARTBEAT_URL: z.optional(z.string()),
  DATABASE_MAX_BYTES: z.catch(z.coerce.number().check(z.int(), z.minimum(1)), DATABASE_MAX_BYTES),
});

/** Cloudflare Access, if it stands in front of the service. */
export interface AccessConfig {
  /** The origin of the team: the `iss` of its assertions, and the place of its keys. */
  team: string;
  /** The tag of the application: the `aud` of assertions meant for this service. */
  audience: string;
}

interface MailConfig {
  from: string;
  replyTo: string | null;
  /** Who gets the staff digest. */
  staff: string[];
  /** If null, mail is written and shown, but not sent. */
  apiKey: string | null;
  baseUrl: string;
  ratePerSecond: number;
  /** If null, receipts are not accepted. */
  webhookSecret: string | null;
}

export interface Config {
  /** `iss` of every signed document, without a trailing slash. Part of the contract with issued keys. */
  issuer: string;
  /** The issuers whose documents are accepted: `issuer`, and the former addresses of this service. */
  issuers: string[];
  productName: string;
  rateLimits: boolean;
  /** Private halves; the first signs, all verify. */
  signingKeys: PrivateJwk[];
  /** Public halves of keys that are no longer listed. What they signed proves a seat, and nothing else. */
  retiredKeys: RetiredKey[];
  /** Encrypts or authenticates everything that only this service reads again. */
  sessionSecret: string;
  /** Break-glass owner credential, or null if none is set. */
  adminToken: string | null;
  /** The deployed version of the Worker; null if it was not deployed. */
  version: string | null;
  /** The service that signs people in, or null if there is none. */
  access: AccessConfig | null;
  mail: MailConfig;
  /** What is called after each good night; null if nothing is. */
  heartbeat: { url: string } | "malformed" | null;
  /** The size at which D1 refuses writes. */
  databaseMaxBytes: number;
  /** Whether a bucket for backups is bound. */
  hasBackups: boolean;
}

/** Names the variables that are missing or malformed. Never shows a value: most of them are secrets. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** @throws ConfigError naming each variable that is missing or malformed */
export function parseConfig(env: object): Config {
  const parsed = Variables.safeParse(env);
  if (!parsed.success) {
    const names = new Set(parsed.error.issues.map((issue) => String(issue.path[0])));
    const faults = [...names].map((name) =>
      (env as Record<string, unknown>)[name] === undefined ? `${name} is missing` : `${name} is malformed`,
    );
    throw new ConfigError(faults.join("; "));
  }
  const access = accessOf(parsed.data);
  const { ISSUER, PRODUCT_NAME, RATE_LIMITS, SIGNING_KEYS, RETIRED_KEYS, SESSION_SECRET, ADMIN_TOKEN } =
    parsed.data;
  const issuer = ISSUER.replace(/\/+$/, "");
  return {
    issuer,
    issuers: [issuer, ...parsed.data.ISSUER_FORMER.filter((former) => !isSameAddress(former, issuer))],
    productName: PRODUCT_NAME,
    // Only tests and benchmarks may switch the rate limits off: a public address always keeps them.
    rateLimits: !(RATE_LIMITS === "off" && isLoopback(ISSUER)),
    signingKeys: SIGNING_KEYS.keys,
    retiredKeys: RETIRED_KEYS?.keys ?? [],
    sessionSecret: SESSION_SECRET,
    adminToken: ADMIN_TOKEN ?? null,
    version: parsed.data.CF_VERSION_METADATA?.id || null,
    access,
    mail: mailOf(parsed.data),
    heartbeat: heartbeatOf(parsed.data),
    databaseMaxBytes: parsed.data.DATABASE_MAX_BYTES,
    hasBackups: (env as { BACKUPS?: unknown }).BACKUPS !== undefined,
  };
}

const isLoopback = (url: string): boolean => LOOPBACK.has(new URL(url).hostname);

/** https; http only on this machine, while the service itself is on it. */
function heartbeatOf({ HEARTBEAT_URL, ISSUER }: z.output<typeof Variables>): Config["heartbeat"] {
  if (HEARTBEAT_URL === undefined || HEARTBEAT_URL === "") return null;
  const url = URL.parse(HEARTBEAT_URL);
  const isLocal = url?.protocol === "http:" && LOOPBACK.has(url.hostname) && isLoopback(ISSUER);
  return url?.protocol === "https:" || isLocal ? { url: HEARTBEAT_URL } : "malformed";
}

const mailOf = (variables: z.output<typeof Variables>): MailConfig => ({
  from: variables.MAIL_FROM,
  replyTo: variables.MAIL_REPLY_TO ?? null,
  staff: [...new Set(variables.ADMIN_EMAILS)],
  apiKey: variables.RESEND_API_KEY ?? null,
  baseUrl: variables.RESEND_BASE_URL.replace(/\/+$/, ""),
  ratePerSecond: variables.RESEND_RATE_PER_SECOND,
  webhookSecret: variables.RESEND_WEBHOOK_SECRET ?? null,
});

/** With only one of the two, nobody could sign in, or people of any application could: neither can be intended. */
function accessOf({ ACCESS_TEAM_DOMAIN, ACCESS_AUD }: z.output<typeof Variables>): AccessConfig | null {
  if (ACCESS_TEAM_DOMAIN === undefined && ACCESS_AUD === undefined) return null;
  if (ACCESS_TEAM_DOMAIN === undefined) throw new ConfigError("ACCESS_TEAM_DOMAIN is missing");
  if (ACCESS_AUD === undefined) throw new ConfigError("ACCESS_AUD is missing");
  return { team: ACCESS_TEAM_DOMAIN, audience: ACCESS_AUD };
}
