import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CompactSign, exportJWK, generateKeyPair } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { signedByNobody, WEAK } from "../../support/weak-key.ts";
import { caioLicense, LAUNCHER, type Outcome, run } from "../support/cli.ts";

const ISSUER = "https://licensing.example";
const DAY = 86_400;
const now = Math.floor(Date.now() / 1000);

type Keys = Awaited<ReturnType<typeof generateKeyPair>>;

let folder: string;
let ours: Keys;
let theirs: Keys;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "caio-license-verify-"));
  ours = await generateKeyPair("Ed25519", { extractable: true });
  theirs = await generateKeyPair("Ed25519");
  const jwk = { ...(await exportJWK(ours.publicKey)), kid: "ours", use: "sig" };
  writeFileSync(join(folder, "jwks.json"), JSON.stringify({ keys: [jwk, WEAK] }));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const sign = (claims: object, { typ = "license+jwt", kid = "ours", keys = ours, iss = ISSUER } = {}) =>
  new CompactSign(new TextEncoder().encode(JSON.stringify({ iss, ...claims })))
    .setProtectedHeader({ alg: "EdDSA", kid, typ })
    .sign(keys.privateKey);

const terms = {
  license_type: "standard",
  features: ["a"],
  max_instances: 2,
  max_services: null,
  max_requests_per_day: null,
};

const key = { ...terms, sub: "acme", jti: "lic_1", iat: now - DAY, exp: now + 100 * DAY, rev: 2 };

const iso = (at: number): string => new Date(at * 1000).toISOString();

const certificate = {
  ...terms,
  sub: "caio-berlin",
  jti: "act_1",
  iat: now,
  exp: now + 30 * DAY,
  license_id: "lic_1",
  customer_id: "acme",
  license_expires_at: iso(key.exp),
  grace_until: iso(key.exp + 14 * DAY),
};

const list = { iat: now, exp: now + 7 * DAY, revoked: [], suspended: [], superseded: {} };

const verify = (content: string, ...options: string[]): Promise<Outcome> =>
  caioLicense(["verify", "-", "--jwks", "jwks.json", "--issuer", ISSUER, ...options], {
    cwd: folder,
    input: content,
    env: {
      XDG_CONFIG_HOME: folder,
      XDG_CACHE_HOME: join(tmpdir(), "caio-license-test-cache"),
      // Nobody listens there: whoever asks the service fails.
      CAIO_LICENSE_URL: "http://127.0.0.1:9",
      CAIO_LICENSE_TOKEN: "none",
    },
  });

const judged = async (content: string, ...options: string[]): Promise<any> => {
  const { code, out } = await verify(content, "--json", ...options);
  const verdict = JSON.parse(out) as { valid: boolean };
  expect(code).toBe(verdict.valid ? 0 : 5);
  return verdict;
};

const saved = async (name: string, content: Promise<string>): Promise<string> => {
  writeFileSync(join(folder, name), await content);
  return name;
};

describe("the issuer", () => {
  it.each([
    ["HTTPS://Licensing.Example:443/", true],
    [" https://licensing.example.\n", true],
    ["https://former.example,https://licensing.example/", true],
    ["https://licensing.example:8443", false],
    ["http://licensing.example", false],
    ["https://former.example", false],
  ])("%j is an address like any other: %j", async (issuer, valid) => {
    const verdict = await judged(await sign(key), "--issuer", issuer);
    expect(verdict).toMatchObject(valid ? { valid } : { valid, code: "ISSUER_UNKNOWN" });
  });

  it("of a document without one is none", async () => {
    expect(await judged(await sign({ ...key, iss: undefined }))).toMatchObject({ code: "ISSUER_UNKNOWN" });
  });
});

describe("a license key", () => {
  it("is taken as it was pasted, and told of its marks where it is none", async () => {
    const genuine = await sign(key);
    for (const pasted of [
      genuine.replaceAll(/(.{76})/g, "$1\r\n"),
      `export CAIO_LICENSE_KEY="${genuine}"`,
      `\ufeff<${genuine}>\u200b`,
    ]) {
      expect(await judged(pasted)).toMatchObject({ valid: true, kind: "license key" });
    }
    const { code, detail } = await judged(`"${genuine.slice(0, -20)}"`);
    expect(code).not.toBe("VALID");
    expect(detail).toContain("were ignored");
    expect((await judged(genuine.slice(0, -20))).detail).not.toContain("were ignored");
  });

  it("that holds is valid, with its terms and its end", async () => {
    const { code, out, err } = await verify(`${await sign(key)}\n`);
    expect(code).toBe(0);
    expect(out).toMatch(
      /^valid: license key\. It is genuine and valid\.\nlicense +lic_1\ncustomer +acme\nrevision +2\n/,
    );
    expect(out).toMatch(/standing +active\nvalid until +\d{4}-\d\d-\d\d \d\d:\d\dZ \(in \d+ (days|months)\)/);
    expect(out).toMatch(/features +a\ninstances +2\nservices +unlimited\n/);
    expect(err).toContain("Checked without a revocation list");
    expect(await judged(await sign(key))).toMatchObject({
      valid: true,
      code: "VALID",
      terms,
      issuer: ISSUER,
    });
  });

  it.each([
    ["expired at its end", { exp: now - 1 }, "LICENSE_EXPIRED", "expired"],
    ["not started", { nbf: now + DAY }, "LICENSE_NOT_STARTED", "scheduled"],
  ])("%s is not valid", async (_, claims, code, standing) => {
    expect(await judged(await sign({ ...key, ...claims }))).toMatchObject({ valid: false, code, standing });
  });

  it("without an end never expires", async () => {
    const { exp: _, ...perpetual } = key;
    expect(await judged(await sign(perpetual), "--at", "2999-01-01T00:00:00Z")).toMatchObject({
      valid: true,
      valid_until: null,
    });
  });

  it("is judged as of another moment", async () => {
    expect(await judged(await sign(key), "--at", iso(key.exp - 1))).toMatchObject({ standing: "expiring" });
    expect(await judged(await sign(key), "--at", iso(key.exp))).toMatchObject({ code: "LICENSE_EXPIRED" });
  });

  it("that is forged, altered or somebody else's is not valid", async () => {
    const genuine = await sign(key);
    const [header, , signature] = genuine.split(".") as [string, string, string];
    const greedy = Buffer.from(JSON.stringify({ iss: ISSUER, ...key, max_instances: 999 })).toString(
      "base64url",
    );
    const outcomes = await Promise.all([
      judged(await sign(key, { keys: theirs })),
      judged(await sign(key, { keys: theirs, kid: "theirs" })),
      judged(`${header}.${greedy}.${signature}`),
      judged(await sign(key, { iss: "https://other.example" })),
      judged(await sign(key, { typ: "JWT" })),
      judged("nonsense"),
      // The key is in the set, but anybody can sign for it.
      judged(signedByNobody("license+jwt", { iss: ISSUER, ...key })),
    ]);
    expect(outcomes.map(({ valid, code }) => [valid, code])).toEqual([
      [false, "SIGNATURE_INVALID"],
      [false, "KEY_UNKNOWN"],
      [false, "SIGNATURE_INVALID"],
      [false, "ISSUER_UNKNOWN"],
      [false, "NOT_A_DOCUMENT"],
      [false, "NOT_A_DOCUMENT"],
      [false, "KEY_UNKNOWN"],
    ]);
  });

  it("does not bring its own key along", async () => {
    const own = await generateKeyPair("Ed25519", { extractable: true });
    const forged = await new CompactSign(new TextEncoder().encode(JSON.stringify({ iss: ISSUER, ...key })))
      .setProtectedHeader({
        alg: "EdDSA",
        kid: "ours",
        typ: "license+jwt",
        jwk: await exportJWK(own.publicKey),
      })
      .sign(own.privateKey);
    expect(await judged(forged)).toMatchObject({ valid: false, code: "SIGNATURE_INVALID" });
  });
});

describe("with a revocation list", () => {
  const typ = "revocations+jwt";

  it.each([
    [{ revoked: ["lic_1"] }, "LICENSE_REVOKED", "revoked"],
    [{ suspended: ["lic_1"] }, "LICENSE_SUSPENDED", "suspended"],
    [{ superseded: { lic_1: 3 } }, "LICENSE_KEY_SUPERSEDED", "active"],
    [{ superseded: { lic_1: 2 }, revoked: ["lic_2"] }, "VALID", "active"],
  ])("%j a key is %s", async (entries, code, standing) => {
    const file = await saved("list.jwt", sign({ ...list, ...entries }, { typ }));
    expect(await judged(await sign(key), "--revocations", file)).toMatchObject({ code, standing });
  });

  it("that is forged nothing is decided", async () => {
    const file = await saved("forged.jwt", sign({ ...list, revoked: ["lic_1"] }, { typ, keys: theirs }));
    const refused = await verify(await sign(key), "--revocations", file);
    expect(refused).toMatchObject({ code: 5, out: "" });
    expect(refused.err).toContain("The revocation list is not valid.");
    const notAList = await saved("key.jwt", sign(key));
    expect((await verify(await sign(key), "--revocations", notAList)).err).toContain("not a revocation list");
  });

  it("that is old its entries count, and its age is told", async () => {
    const file = await saved("old.jwt", sign({ ...list, exp: now - 1, revoked: ["lic_1"] }, { typ }));
    const { code, err } = await verify(await sign(key), "--revocations", file);
    expect(code).toBe(5);
    expect(err).toContain("older than its seven days");
  });

  it("itself is valid for seven days", async () => {
    const counted = await judged(await sign({ ...list, revoked: ["lic_1"] }, { typ }));
    expect(counted).toMatchObject({ valid: true, entries: { revoked: 1, suspended: 0, superseded: 0 } });
    expect(await judged(await sign({ ...list, exp: now }, { typ }))).toMatchObject({ code: "LIST_EXPIRED" });
  });
});

describe("a usage statement", () => {
  const typ = "usage-statement+jwt";
  const figures = {
    meters: {
      tokens: { total: 120, peak: 80, value: 100, days_over: 2 },
      old: { total: 1, peak: 1, days_over: 0 },
    },
    requests: { total: 30, peak: 10, value: null, days_over: 0 },
    services: { total: 6, peak: 2, value: null, days_over: 0 },
    days_without_report: ["2026-10-03"],
  };
  const claims = {
    sub: "lic_1",
    iat: Date.parse("2026-12-10T03:00:00Z") / 1000,
    license_id: "lic_1",
    customer_id: "acme",
    month: "2026-10",
    revision: 2,
    previous: "ab".repeat(32),
    ...figures,
  };

  it("is genuine for ever, with its figures, and the hash that the next revision names", async () => {
    const token = await sign(claims, { typ });
    const { sub: _sub, iat: _iat, license_id, customer_id, revision, ...said } = claims;
    const hash = createHash("sha256").update(token).digest("hex");
    expect(await judged(`${token}\n`, "--at", "2999-01-01T00:00:00Z")).toEqual({
      valid: true,
      code: "VALID",
      detail: "It is genuine and valid.",
      kind: "usage statement",
      issuer: ISSUER,
      kid: "ours",
      license_id,
      customer_id,
      revision,
      statement: { ...said, hash, closed_at: "2026-12-10T03:00:00.000Z" },
    });
    const { out, err } = await verify(token);
    expect(out).toMatch(
      /^valid: usage statement\..*\nlicense +lic_1\ncustomer +acme\nrevision +2\nmonth +2026-10\n/,
    );
    expect(out).toContain(hash);
    expect(out).toMatch(/\ntokens +120 +80 +100 +2\nold +1 +1 +0\nrequests +30 +10 +unlimited +0\n/);
    expect(err).toBe("Days without a report: 2026-10-03.\n");
  });

  it("that was altered, or is signed by somebody else, is not", async () => {
    const [header, , signature] = (await sign(claims, { typ })).split(".") as [string, string, string];
    const less = { iss: ISSUER, ...claims, requests: { ...figures.requests, total: 3 } };
    const altered = Buffer.from(JSON.stringify(less)).toString("base64url");
    expect((await judged(`${header}.${altered}.${signature}`)).code).toBe("SIGNATURE_INVALID");
    expect((await judged(await sign(claims, { typ, keys: theirs }))).code).toBe("SIGNATURE_INVALID");
    expect((await judged(await sign(claims, { typ: "usage+jwt" }))).code).toBe("NOT_A_DOCUMENT");
  });
});

describe("--at", () => {
  it.each([
    "5",
    "tomorrow",
    "2027-01-31",
    "2027-02-30T12:00:00Z",
    "2027-01-31T12:00:00",
    "Jan 31 2027 12:00",
  ])("does not take %j for an instant", async (at) => {
    const { code, out, err } = await verify(await sign(key), "--at", at);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toContain("--at takes an RFC 3339 instant");
  });
});

describe("a reader that has gone", () => {
  const command = (...redirects: string[]): string =>
    `${[process.execPath, LAUNCHER, "verify", "document", "--jwks", "jwks.json"].join(" ")} ${redirects.join(" ")}`;
  const codeOf = async (content: Promise<string>, script: string): Promise<string> => {
    await saved("document", content);
    const env = { XDG_CONFIG_HOME: folder, XDG_CACHE_HOME: join(tmpdir(), "caio-license-test-cache") };
    return (await run("bash", ["-c", script], { cwd: folder, env })).out;
  };

  it("of stdout does not make what is not valid valid", async () => {
    const script = `${command()} | true; echo "\${PIPESTATUS[0]}"`;
    expect(await codeOf(sign({ ...key, exp: now - 1 }), script)).toBe("5\n");
    expect(await codeOf(sign(key), script)).toBe("0\n");
  });

  it("of stderr does not make a success a failure", async () => {
    const script = `${command("2>&1", ">document.out")} | true; echo "\${PIPESTATUS[0]}"`;
    expect(await codeOf(sign(key), script)).toBe("0\n");
    expect(readFileSync(join(folder, "document.out"), "utf8")).toMatch(/^valid: /);
  });
});

describe("a certificate and its file", () => {
  const typ = "activation+jwt";

  it("a certificate holds for its lease, through the grace of its license", async () => {
    expect(await judged(await sign(certificate, { typ }))).toMatchObject({
      code: "VALID",
      instance_id: "caio-berlin",
    });
    expect(await judged(await sign({ ...certificate, exp: now }, { typ }))).toMatchObject({
      code: "LEASE_EXPIRED",
    });
    const inGrace = { ...certificate, license_expires_at: iso(now - DAY), grace_until: iso(now + DAY) };
    expect(await judged(await sign(inGrace, { typ }))).toMatchObject({ valid: true, standing: "grace" });
  });

  it("a list that is older than a certificate says nothing of it, as in an installation", async () => {
    const entries = { revoked: ["lic_1"], superseded: { lic_1: 3 } };
    const listOf = (iat: number) => sign({ ...list, ...entries, iat }, { typ: "revocations+jwt" });
    const older = await saved("older.jwt", listOf(certificate.iat - 1));
    const asOld = await saved("as-old.jwt", listOf(certificate.iat));
    const held = await sign(certificate, { typ });
    const file = JSON.stringify({
      format: "caio-license",
      issuer: ISSUER,
      license_id: "lic_1",
      customer_id: "acme",
      instance_id: "caio-berlin",
      lease_expires_at: iso(certificate.exp),
      license_expires_at: certificate.license_expires_at,
      license_key: await sign(key),
      certificate: held,
    });
    for (const document of [held, file]) {
      expect(await judged(document, "--revocations", older)).toMatchObject({ code: "VALID" });
      expect((await judged(document, "--revocations", asOld)).valid).toBe(false);
    }
    expect(await judged(await sign(key), "--revocations", older)).toMatchObject({ valid: false });
  });

  it("a file is what its two documents say, and nothing else", async () => {
    const file = {
      format: "caio-license",
      version: 1,
      issuer: ISSUER,
      license_id: "lic_1",
      customer_id: "acme",
      instance_id: "caio-berlin",
      activation_id: "act_1",
      lease_expires_at: iso(certificate.exp),
      license_expires_at: certificate.license_expires_at,
      license_key: await sign(key),
      certificate: await sign(certificate, { typ }),
    };
    const other = await sign({ ...key, jti: "lic_2" });
    const list3 = await saved(
      "three.jwt",
      sign({ ...list, superseded: { lic_1: 3 } }, { typ: "revocations+jwt" }),
    );
    expect(await judged(JSON.stringify(file))).toMatchObject({ valid: true, kind: ".caio-license file" });
    expect(await judged(JSON.stringify({ ...file, license_expires_at: iso(key.exp + DAY) }))).toMatchObject({
      code: "FILE_ALTERED",
    });
    expect(await judged(JSON.stringify({ ...file, license_key: other }))).toMatchObject({
      code: "FILE_ALTERED",
    });
    expect(await judged(JSON.stringify({ ...file, certificate: file.license_key }))).toMatchObject({
      code: "NOT_A_DOCUMENT",
    });
    expect(await judged(JSON.stringify(file), "--revocations", list3)).toMatchObject({
      code: "LICENSE_KEY_SUPERSEDED",
    });
  });
});

it("says what is missing where it cannot be told", async () => {
  const env = { XDG_CONFIG_HOME: folder };
  const noKeys = await caioLicense(["verify", "-"], { env, input: await sign(key) });
  expect(noKeys.code).toBe(2);
  expect(noKeys.err).toContain("--jwks FILE");
  const noFile = await caioLicense(["verify", "none.key", "--jwks", "jwks.json"], {
    env,
    cwd: folder,
  });
  expect(noFile).toMatchObject({ code: 2, err: "error: none.key cannot be read (ENOENT).\n" });
});

it.each([
  ["a device in a file's place", "verify /dev/zero --jwks jwks.json", "/dev/zero is longer than 64 MiB."],
  [
    "a stdin without an end",
    "verify - --jwks jwks.json < /dev/zero",
    "The input on stdin is longer than 64 MiB.",
  ],
  ["a folder", "verify . --jwks jwks.json", ". cannot be read (EISDIR)."],
  [
    "a device for a backup",
    "restore /dev/zero",
    "/dev/zero is a folder, a device, or a pipe: a backup is a file.",
  ],
])("does not read %s for ever", async (_, line, message) => {
  const { code, err } = await run("sh", ["-c", `exec "${LAUNCHER}" ${line}`], {
    env: { XDG_CONFIG_HOME: folder },
    cwd: folder,
  });
  expect({ code, err }).toEqual({ code: 2, err: `error: ${message}\n` });
});

it("reads a pipe to its end", async () => {
  const line = `{ cat "$0"; sleep 0.2; echo; } | "${LAUNCHER}" verify /dev/stdin --jwks jwks.json --json`;
  writeFileSync(join(folder, "piped.key"), await sign(key));
  const { out, err } = await run("sh", ["-c", line, "piped.key"], {
    env: { XDG_CONFIG_HOME: folder },
    cwd: folder,
  });
  expect(JSON.parse(out), err).toMatchObject({ valid: true });
});
