import { beforeAll, describe, expect, it } from "vitest";
import { parseConfig } from "../src/config.ts";
import { generateKeys } from "../src/dev/keys.ts";
import { DEFAULT_BRAND } from "../src/field/brand.ts";
import { env } from "./support/env.ts";
import { Browser } from "./support/portal.ts";
import { call } from "./support/service.ts";

let good: Record<string, string>;

beforeAll(async () => {
  good = {
    ISSUER: "https://licensing.acme.example/",
    SIGNING_KEYS: await generateKeys(),
    SESSION_SECRET: "s".repeat(32),
    MAIL_FROM: "CAIO Licensing <licensing@acme.example>",
  };
});

const faultOf = (changes: Record<string, string | undefined>): string => {
  try {
    parseConfig({ ...good, ...changes });
    return "";
  } catch (error) {
    return String(error);
  }
};

describe("the configuration", () => {
  it("fills in what may be left out", () => {
    expect(parseConfig(good)).toEqual({
      issuer: "https://licensing.acme.example",
      issuers: ["https://licensing.acme.example"],
      productName: "CAIO",
      brand: DEFAULT_BRAND,
      rateLimits: true,
      signingKeys: JSON.parse(good["SIGNING_KEYS"]!).keys,
      retiredKeys: [],
      sessionSecret: "s".repeat(32),
      adminToken: null,
      version: null,
      access: null,
      mail: {
        from: "CAIO Licensing <licensing@acme.example>",
        replyTo: null,
        staff: [],
        apiKey: null,
        baseUrl: "https://api.resend.com",
        ratePerSecond: 2,
        webhookSecret: null,
        heldBy: null,
      },
      faults: [],
      portal: true,
      heartbeat: null,
      databaseMaxBytes: 10_000_000_000,
      retention: { usageDays: 90, mailDays: 90, endedMonths: 25 },
    });
  });

  it("is not stopped by a fault in what only watches the service", () => {
    const watched = (more: object) => {
      const { heartbeat, databaseMaxBytes } = parseConfig({ ...good, ...more });
      return { heartbeat, databaseMaxBytes };
    };
    const limit = 10_000_000_000;
    const cases: [object, object][] = [
      [{ HEARTBEAT_URL: "" }, { heartbeat: null, databaseMaxBytes: limit }],
      [
        { HEARTBEAT_URL: "https://w.example/x" },
        { heartbeat: { url: "https://w.example/x" }, databaseMaxBytes: limit },
      ],
      // The issuer is not on this machine.
      [{ HEARTBEAT_URL: "http://localhost:1/x" }, { heartbeat: "malformed", databaseMaxBytes: limit }],
      [{ DATABASE_MAX_BYTES: "500000000" }, { heartbeat: null, databaseMaxBytes: 500_000_000 }],
      [{ DATABASE_MAX_BYTES: "ten" }, { heartbeat: null, databaseMaxBytes: limit }],
      [{ DATABASE_MAX_BYTES: "0" }, { heartbeat: null, databaseMaxBytes: limit }],
    ];
    for (const [given, wanted] of cases) expect(watched(given)).toEqual(wanted);
  });

  it("knows former issuers, each once", () => {
    const issuersOf = (ISSUER_FORMER: string) => parseConfig({ ...good, ISSUER_FORMER }).issuers.slice(1);
    expect(issuersOf("")).toEqual([]);
    expect(issuersOf("https://a.example/, http://b.example:8080\n")).toEqual([
      "https://a.example",
      "http://b.example:8080",
    ]);
    // The present one, in whatever spelling, is none of before.
    expect(issuersOf("HTTPS://Licensing.Acme.Example:443/,https://a.example")).toEqual(["https://a.example"]);
  });

  it("tells which version was deployed, and of none where nobody deployed it", async () => {
    const version = (id: string) => parseConfig({ ...good, CF_VERSION_METADATA: { id, tag: "" } }).version;
    expect(version("0c5f0f5e-8b8a-4c7e-9f0e-1d2c3b4a5f60")).toBe("0c5f0f5e-8b8a-4c7e-9f0e-1d2c3b4a5f60");
    expect(version("")).toBeNull();
    const bindings = { ...env, CF_VERSION_METADATA: { id: "the-version", tag: "", timestamp: "" } };
    const { headers } = await call("/healthz", { bindings });
    expect(headers.get("X-Worker-Version")).toBe("the-version");
  });

  it.each([
    ["ISSUER", undefined, "is missing"],
    ["ISSUER", "licensing", "is malformed"],
    ["ISSUER", "ftp://licensing.example", "is malformed"],
    ["ISSUER", "HTTPS://Drill.invalid:443/", "is malformed"],
    ["ISSUER_FORMER", "https://drill.invalid", "is malformed"],
    ["ISSUER_FORMER", "licensing.acme.example", "is malformed"],
    ["ISSUER_FORMER", "https://a.example,ftp://b.example", "is malformed"],
    ["ISSUER_FORMER", Array.from({ length: 21 }, (_, n) => `https://${n}.example`).join(), "is malformed"],
    ["SIGNING_KEYS", undefined, "is missing"],
    ["SIGNING_KEYS", "not json", "is malformed"],
    ["SIGNING_KEYS", '{"keys":[]}', "is malformed"],
    [
      "SIGNING_KEYS",
      '{"keys":[{"kty":"OKP","crv":"Ed25519","x":"short","d":"short","kid":"1"}]}',
      "is malformed",
    ],
    ["SESSION_SECRET", undefined, "is missing"],
    ["SESSION_SECRET", "short", "is malformed"],
  ])("says that %s = %j %s, and never its value", (name, value, fault) => {
    const message = faultOf({ [name]: value });
    expect(message).toBe(`ConfigError: ${name} ${fault}`);
  });

  it.each([
    ["ADMIN_TOKEN", "short", "is malformed"],
    ["RATE_LIMITS", "sometimes", "is malformed"],
    ["ACCESS_TEAM_DOMAIN", "smarthaus.example/login", "is malformed"],
    ["ACCESS_TEAM_DOMAIN", "https://smarthaus.example/login", "is malformed"],
    ["ACCESS_TEAM_DOMAIN", "https://user@smarthaus.example", "is malformed"],
    ["ACCESS_TEAM_DOMAIN", "http://smarthaus.example", "is malformed"],
    ["ACCESS_TEAM_DOMAIN", "http://localhost.evil.example", "is malformed"],
    ["ACCESS_TEAM_DOMAIN", "ftp://smarthaus.example", "is malformed"],
    ["ACCESS_TEAM_DOMAIN", "", "is malformed"],
    ["ACCESS_AUD", "", "is malformed"],
    ["ACCESS_AUD", "two words", "is malformed"],
    ["MAIL_FROM", undefined, "is missing"],
    ["MAIL_FROM", "", "is malformed"],
    ["MAIL_FROM", "licensing", "is malformed"],
    ["MAIL_FROM", "CAIO <licensing>", "is malformed"],
    ["MAIL_FROM", "CAIO\nBcc: x@y.example <licensing@acme.example>", "is malformed"],
    ["MAIL_REPLY_TO", "nobody", "is malformed"],
    ["ADMIN_EMAILS", "ada@acme.example, bob", "is malformed"],
    ["RESEND_BASE_URL", "api.resend.com", "is malformed"],
    ["RESEND_RATE_PER_SECOND", "0", "is malformed"],
    ["RESEND_RATE_PER_SECOND", "fast", "is malformed"],
    ["RESEND_API_KEY", "", "is malformed"],
    ["RESEND_WEBHOOK_SECRET", "secret", "is malformed"],
    ["RESEND_WEBHOOK_SECRET", "whsec_", "is malformed"],
  ])("goes on where %s = %j %s, tells it, and never its value", (name, value, fault) => {
    const config = parseConfig({ ...good, [name]: value });
    const alone = name === "ACCESS_AUD" || name === "ACCESS_TEAM_DOMAIN";
    expect(config.faults).toEqual([`${name} ${fault}`]);
    if (alone) expect(config.access).toBeNull();
    const holds = ["MAIL_FROM", "RESEND_API_KEY", "RESEND_BASE_URL"].includes(name);
    expect(config.mail.heldBy).toBe(holds ? name : null);
  });

  it.each([
    ["licensing@acme.example", "licensing@acme.example"],
    ["CAIO Licensing <licensing@acme.example>", "CAIO Licensing <licensing@acme.example>"],
    [
      "SmartHaus, Inc. (Licensing) <licensing@acme.example>",
      '"SmartHaus, Inc. (Licensing)" <licensing@acme.example>',
    ],
    ['"SmartHaus, Inc." <licensing@acme.example>', '"SmartHaus, Inc." <licensing@acme.example>'],
    ['The "best" <a@b.example>', '"The \\"best\\"" <a@b.example>'],
    ["Bücher <it@bücher.example>", "Bücher <it@xn--bcher-kva.example>"],
    [" <a@b.example>", "a@b.example"],
  ])("takes the sender %s as %s", (MAIL_FROM, from) => {
    const { mail, faults } = parseConfig({ ...good, MAIL_FROM });
    expect([mail.from, faults]).toEqual([from, []]);
  });

  it.each([
    ["smarthaus.cloudflareaccess.com", "https://smarthaus.cloudflareaccess.com"],
    ["https://SmartHaus.cloudflareaccess.com/", "https://smarthaus.cloudflareaccess.com"],
    ["http://127.0.0.1:4999", "http://127.0.0.1:4999"],
    ["http://localhost:4999/", "http://localhost:4999"],
  ])("takes the team domain %s as %s", (ACCESS_TEAM_DOMAIN, team) => {
    const config = parseConfig({ ...good, ACCESS_TEAM_DOMAIN, ACCESS_AUD: "aud" });
    expect(config.access).toEqual({ team, audience: "aud" });
  });

  it("names the one of the two variables of Cloudflare Access that is missing", () => {
    const faultsOf = (changes: object) => parseConfig({ ...good, ...changes }).faults;
    expect(faultsOf({ ACCESS_AUD: "aud" })).toEqual(["ACCESS_TEAM_DOMAIN is missing"]);
    expect(faultsOf({ ACCESS_TEAM_DOMAIN: "smarthaus.cloudflareaccess.com" })).toEqual([
      "ACCESS_AUD is missing",
    ]);
  });

  it("takes a secret for receipts of whatever length its maker chose", () => {
    const secretOf = (RESEND_WEBHOOK_SECRET: string) =>
      parseConfig({ ...good, RESEND_WEBHOOK_SECRET }).mail.webhookSecret;
    for (const secret of ["whsec_dGVzdA==", `whsec_${"MfKQ9r8G".repeat(4)}`]) {
      expect(secretOf(secret)).toBe(secret);
    }
  });

  it("reads the addresses of staff, each once", () => {
    const ADMIN_EMAILS = " ada@acme.example,bob@acme.example , ada@acme.example,";
    expect(parseConfig({ ...good, ADMIN_EMAILS }).mail.staff).toEqual([
      "ada@acme.example",
      "bob@acme.example",
    ]);
    expect(parseConfig({ ...good, MAIL_FROM: "licensing@acme.example" }).mail.from).toBe(
      "licensing@acme.example",
    );
  });

  it("names every fault at once", () => {
    expect(faultOf({ ISSUER: undefined, RATE_LIMITS: "x" })).toBe(
      "ConfigError: ISSUER is missing; RATE_LIMITS is malformed",
    );
  });

  it("refuses a key set that repeats a kid", () => {
    const { keys } = JSON.parse(good["SIGNING_KEYS"]!);
    expect(faultOf({ SIGNING_KEYS: JSON.stringify({ keys: [...keys, ...keys] }) })).toMatch(/SIGNING_KEYS/);
  });

  it.each([
    ["off", "http://localhost:8787", false],
    ["off", "http://127.0.0.1", false],
    ["off", "https://licensing.acme.example", true],
    ["off", "https://localhost.evil.example", true],
    ["on", "http://localhost:8787", true],
  ])("RATE_LIMITS %s with the issuer %s: limits %s", (RATE_LIMITS, ISSUER, limited) => {
    expect(parseConfig({ ...good, RATE_LIMITS, ISSUER }).rateLimits).toBe(limited);
  });
});

describe("a service that is not configured", () => {
  it("answers 503 and tells callers nothing about it", async () => {
    const bindings = { ...env, SIGNING_KEYS: "leak me" };
    const answer = await call("/v1/validate", { body: { license_key: "x" }, bindings });
    expect(answer).toMatchObject({ status: 503, body: { code: "SERVICE_UNAVAILABLE" } });
    expect(answer.text).not.toMatch(/SIGNING_KEYS|leak me/);
  });

  it.each(["/admin", "/admin/licenses", "/portal", "/portal/sign-in"])(
    "shows people a page at %s, with the headers of all pages",
    async (path) => {
      const answer = await new Browser({ ...env, SIGNING_KEYS: "leak me" }).get(path);
      expect(answer.status).toBe(503);
      expect(answer.text).toContain("nstallations go on");
      expect(answer.html).not.toMatch(/SIGNING_KEYS|leak me/);
      expect(answer.headers.get("Content-Type")).toContain("text/html");
      expect(answer.headers.get("Content-Security-Policy")).toContain("frame-ancestors 'none'");
      expect(answer.headers.get("X-Request-Id")).not.toBeNull();
      expect(answer.headers.get("Retry-After")).toBe("60");
    },
  );
});
