// The environment, parsed once into a Config. The only reader of env: everything else gets what it
// needs from the Config or from a service made of it.
// Types of the module, not globals: tools on Node read this file too.
import type { D1Database, R2Bucket, RateLimit, WorkerVersionMetadata } from "@cloudflare/workers-types";
import type * as z from "zod/mini";
import { isSameAddress } from "./field/addresses.ts";
import { type Brand, readBrand } from "./field/brand.ts";
import { LOOPBACK, type PrivateJwk, type RetiredKey, Variables } from "./field/variables.ts";

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
  PORTAL?: string;
  DATABASE_MAX_BYTES?: string;
  RETAIN_USAGE_DAYS?: string;
  RETAIN_MAIL_DAYS?: string;
  RETAIN_ENDED_MONTHS?: string;
}

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
  /** Whether customers have their site. */
  portal: boolean;
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
    // Whoever wrote something else did not want it open.
    portal: values.PORTAL === "on" && !faults.some((told) => told.startsWith("PORTAL ")),
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
