// The forms that the variables of the environment have; docs/configuration.md explains each.
import * as z from "zod/mini";
import { addressesIn, isSameAddress } from "./addresses.ts";
import { isSoundKey } from "./ed25519.ts";
import { asciiMailbox, Mailbox, senderOf } from "./mailboxes.ts";

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

export const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);

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

/** The clients' drills sign for it, and their clocks can be moved: no service may. */
const DRILL_ISSUER = "https://drill.invalid";

const Issuer = z
  .url({ protocol: /^https?$/ })
  .check(z.refine((address) => !isSameAddress(address, DRILL_ISSUER)));

/** A comma-separated list of former addresses of the service, which may be empty. */
const Issuers = z.pipe(z.pipe(z.string(), z.transform(addressesIn)), z.array(Issuer).check(z.maxLength(20)));

/** 10 GB: https://developers.cloudflare.com/d1/platform/limits/ */
const DATABASE_MAX_BYTES = 10_000_000_000;

const whole = (least: number, most: number) =>
  z.coerce.number().check(z.int(), z.minimum(least), z.maximum(most));

/** Every variable of the environment but the bindings. */
export const Variables = z.object({
  ISSUER: Issuer,
  ISSUER_FORMER: z._default(Issuers, []),
  PRODUCT_NAME: z._default(z.string().check(z.minLength(1), z.maxLength(80)), "CAIO"),
  // Read apart: a fault in it stops nothing.
  BRAND: z.optional(z.unknown()),
  RATE_LIMITS: z._default(z.enum(["on", "off"]), "on"),
  PORTAL: z._default(z.enum(["on", "off"]), "on"),
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
