// The environment, parsed once into a Config. The only reader of env: everything else gets what it
// needs from the Config or from a service made of it.
// Types of the module, not globals: tools on Node read this file too.
import type { D1Database, R2Bucket, RateLimit, WorkerVersionMetadata } from "@cloudflare/workers-types";
import * as z from "zod/mini";
import { addressesIn, isSameAddress } from "./field/addresses.ts";
import { isSoundKey } from "./field/ed25519.ts";
import { asciiMailbox, Mailbox, senderOf } from "./field/mailboxes.ts";
import { type Brand, readBrand } from "./field/brand.ts";

/** What the Worker is bound to; see wrangler.toml and docs/configuration.md. */
export interface Env {
  DB: D1Database;
  /** Absent where the account has no R2. */
  BACKUPS?: R2Bucket;
  REFUSED_CREDENTIALS_LIMIT: RateLimit;
  LICENSE_LIMIT: RateLimit;
  SIGN_IN_LIMIT: RateLimit;
  ISSUER: string;
  ISSUER_FORMER?: string;
  PRODUCT_NAME: string;
  BRAND?: string;
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
  RETAIN_USAGE_DAYS?: string;
  RETAIN_MAIL_DAYS?: string;
  RETAIN_ENDED_MONTHS?: string;
}

const base64url = (bytes: number) =>
  z.string().check(z.regex(new RegExp(`^[A-Za-z0-9_-]{${Math.ceil((bytes * 4) / 3)}}$`)));

const PublicX = z.string().check(z.refine(isSoundKey, "is not a key that a private one belongs to"));

const PrivateJwk = z.object({
  kty: z.literal("OKP"),
  crv: z.literal("Ed25519"),
  x: PublicX,
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
  x: PublicX,
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

const Address = z.pipe(
  Mailbox,
  z.transform((text) => asciiMailbox(text) ?? text),
);

/** An address, or a name and an address: `CAIO Licensing <licensing@smarthaus.example>`. */
const Sender = z.pipe(
  z.string().check(z.maxLength(400)),
  z.transform((text, context) => {
    const sender = senderOf(text);
    if (sender !== null) return sender;
    context.issues.push({ code: "custom", message: "is not a sender", input: text });
    return z.NEVER;
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

const whole = (least: number, most: number) =>
  z.coerce.number().check(z.int(), z.minimum(least), z.maximum(most));

const Variables = z.object({
  ISSUER: Issuer,
  ISSUER_FORMER: z._default(Issuers, []),
  PRODUCT_NAME: z._default(z.string().check(z.minLength(1), z.maxLength(80)), "CAIO"),
  // Read apart: a fault in it stops nothing.
  BRAND: z.optional(z.unknown()),
  RATE_LIMITS: z._default(z.enum(["on", "off"]), "on"),
  SIGNING_KEYS: z.pipe(json, SigningKeys),
  RETIRED_KEYS: z.optional(z.pipe(json, RetiredKeys)),
  SESSION_SECRET: z.string().check(z.minLength(32), z.maxLength(512)),
  ADMIN_TOKEN: z.optional(z.string().check(z.minLength(16), z.maxLength(512))),
  ACCESS_TEAM_DOMAIN: z.optional(TeamDomain),
  ACCESS_AUD: z.optional(z.string().check(z.regex(/^[\x21-\x7e]{1,512}$/))),
  MAIL_FROM: z.optional(Sender),
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
  // The statistics add up the days of 90 days.
  RETAIN_USAGE_DAYS: z._default(whole(90, 700), 90),
  RETAIN_MAIL_DAYS: z._default(whole(7, 3_650), 90),
  RETAIN_ENDED_MONTHS: z._default(whole(1, 120), 25),
});

/** Cloudflare Access, if it stands in front of the service. */
export interface AccessConfig {
  /** The origin of the team: the `iss` of its assertions, and the place of its keys. */
  team: string;
  /** The tag of the application: the `aud` of assertions meant for this service. */
  audience: string;
}

interface MailConfig {
  /** As a header has it. Null if MAIL_FROM cannot be used: then mail waits. */
  from: string | null;
  replyTo: string | null;
  /** Who gets the staff digest. */
  staff: string[];
  /** If null, mail is written and shown, but not sent. */
  apiKey: string | null;
  /** The variable that has to be mended before anything can be sent; until then mail waits. */
  heldBy: string | null;
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
  brand: Brand;
  rateLimits: boolean;
  /** Private halves; the first signs, all verify. */
  signingKeys: PrivateJwk[];
  /**
   * Public halves of keys that are no longer listed. They prove seats and verify seals up to `last_seal` (none without
   * it), and nothing else.
   */
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
  /** What is wrong with variables that the service can do without, one sentence each. Never shows a value. */
  faults: string[];
  /** What is called after each good night; null if nothing is. */
  heartbeat: { url: string } | "malformed" | null;
  /** The size at which D1 refuses writes. */
  databaseMaxBytes: number;
  /** How long what is old is kept as it was. */
  retention: { usageDays: number; mailDays: number; endedMonths: number };
}

/** Names the variables that are missing or malformed. Never shows a value: most of them are secrets. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** Without these nothing can be signed, verified or read. All others have a fallback: instances must go on. */
const ESSENTIAL = new Set(["ISSUER", "ISSUER_FORMER", "SIGNING_KEYS", "RETIRED_KEYS", "SESSION_SECRET"]);

type Values = z.output<typeof Variables>;

/** The variables that can be used, and what is wrong with the others. @throws ConfigError for an essential one */
function read(env: object): { values: Values; faults: string[] } {
  const given = env as Record<string, unknown>;
  const parsed = Variables.safeParse(given);
  if (parsed.success) return { values: parsed.data, faults: [] };
  const names = [...new Set(parsed.error.issues.map((issue) => String(issue.path[0])))];
  const faultOf = (name: string): string =>
    given[name] === undefined ? `${name} is missing` : `${name} is malformed`;
  if (names.some((name) => ESSENTIAL.has(name))) throw new ConfigError(names.map(faultOf).join("; "));
  const usable = Object.fromEntries(Object.entries(given).filter(([name]) => !names.includes(name)));
  return { values: Variables.parse(usable), faults: names.map(faultOf) };
}

/** @throws ConfigError naming each variable without which instances cannot be served, if it is missing or malformed */
export function parseConfig(env: object): Config {
  const { values, faults } = read(env);
  const { ISSUER, PRODUCT_NAME, RATE_LIMITS, SIGNING_KEYS, RETIRED_KEYS, SESSION_SECRET, ADMIN_TOKEN } =
    values;
  if (values.MAIL_FROM === undefined && !faults.some((fault) => fault.startsWith("MAIL_FROM "))) {
    faults.push("MAIL_FROM is missing");
  }
  const access = accessOf(values, faults);
  const issuer = ISSUER.replace(/\/+$/, "");
  const { brand, fault } = readBrand(values.BRAND, issuer);
  if (fault !== null) faults.push(fault);
  const heartbeat = heartbeatOf(values);
  if (heartbeat === "malformed") faults.push("HEARTBEAT_URL is malformed");
  return {
    issuer,
    issuers: [issuer, ...values.ISSUER_FORMER.filter((former) => !isSameAddress(former, issuer))],
    productName: PRODUCT_NAME,
    brand,
    // Only tests and benchmarks may switch the rate limits off: a public address always keeps them.
    rateLimits: !(RATE_LIMITS === "off" && isLoopback(ISSUER)),
    signingKeys: SIGNING_KEYS.keys,
    retiredKeys: RETIRED_KEYS?.keys ?? [],
    sessionSecret: SESSION_SECRET,
    adminToken: ADMIN_TOKEN ?? null,
    version: values.CF_VERSION_METADATA?.id || null,
    access,
    mail: mailOf(values, faults),
    heartbeat,
    databaseMaxBytes: values.DATABASE_MAX_BYTES,
    retention: {
      usageDays: values.RETAIN_USAGE_DAYS,
      mailDays: values.RETAIN_MAIL_DAYS,
      endedMonths: values.RETAIN_ENDED_MONTHS,
    },
    faults,
  };
}

const isLoopback = (url: string): boolean => LOOPBACK.has(new URL(url).hostname);

/** https; http only on this machine, while the service itself is on it. */
function heartbeatOf({ HEARTBEAT_URL, ISSUER }: Values): Config["heartbeat"] {
  if (HEARTBEAT_URL === undefined || HEARTBEAT_URL === "") return null;
  const url = URL.parse(HEARTBEAT_URL);
  const isLocal = url?.protocol === "http:" && LOOPBACK.has(url.hostname) && isLoopback(ISSUER);
  return url?.protocol === "https:" || isLocal ? { url: HEARTBEAT_URL } : "malformed";
}

/** Without these, right, nothing can be sent. Mail then waits: it is not lost, and not written off as unsent. */
const FOR_SENDING = ["MAIL_FROM", "RESEND_API_KEY", "RESEND_BASE_URL"];

const mailOf = (values: Values, faults: string[]): MailConfig => ({
  from: values.MAIL_FROM ?? null,
  replyTo: values.MAIL_REPLY_TO ?? null,
  staff: [...new Set(values.ADMIN_EMAILS)],
  apiKey: values.RESEND_API_KEY ?? null,
  heldBy: FOR_SENDING.find((name) => faults.some((fault) => fault.startsWith(`${name} `))) ?? null,
  baseUrl: values.RESEND_BASE_URL.replace(/\/+$/, ""),
  ratePerSecond: values.RESEND_RATE_PER_SECOND,
  webhookSecret: values.RESEND_WEBHOOK_SECRET ?? null,
});

/** With only one of the two, nobody could sign in, or people of any application could: neither can be intended. */
function accessOf({ ACCESS_TEAM_DOMAIN, ACCESS_AUD }: Values, faults: string[]): AccessConfig | null {
  if (ACCESS_TEAM_DOMAIN !== undefined && ACCESS_AUD !== undefined) {
    return { team: ACCESS_TEAM_DOMAIN, audience: ACCESS_AUD };
  }
  const told = faults.some((fault) => fault.startsWith("ACCESS_"));
  if (ACCESS_TEAM_DOMAIN !== undefined && !told) faults.push("ACCESS_AUD is missing");
  if (ACCESS_AUD !== undefined && !told) faults.push("ACCESS_TEAM_DOMAIN is missing");
  return null;
}
