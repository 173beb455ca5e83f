// Cloudflare Access with a stand-in for its keys: the service fetches them over HTTP as it would theirs.
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { exportJWK, exportSPKI, generateKeyPair, type JWK, SignJWT, UnsecuredJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort, type RunningService } from "../../src/dev/service.ts";
import { startBuilt } from "./support/built.ts";
import { migrated } from "./support/migrated.ts";

const AUDIENCE = "4714c1358e65fe4b408ad6d432a5f878f08194bdb4752441fd56faefa9b2b6f2";

interface Key {
  kid: string;
  alg: string;
  privateKey: CryptoKey;
  publicKey: CryptoKey;
  jwk: JWK;
}

let folder: string;
let port: number;
let team: string;
let server: Server;
let service: RunningService;
let key: Key;
/** What the stand-in publishes, and how. */
let published: JWK[];
let status = 200;
let fetched = 0;

async function newKey(kid: string, alg = "RS256"): Promise<Key> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { kid, alg, privateKey, publicKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: "sig" } };
}

async function listen(): Promise<void> {
  server = createServer((request, response) => {
    fetched += 1;
    response.writeHead(request.url === "/cdn-cgi/access/certs" ? status : 404, {
      "Content-Type": "application/json",
    });
    response.end(JSON.stringify({ keys: published }));
  }).listen(port, "127.0.0.1");
  await once(server, "listening");
}

async function hangUp(): Promise<void> {
  server.closeAllConnections();
  server.close();
  await once(server, "close");
}

const inSeconds = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds;

/** What Cloudflare Access sends for a person, with changes. */
const claimsOf = (email: string, changes: Record<string, unknown> = {}) => ({
  aud: [AUDIENCE],
  email,
  exp: inSeconds(300),
  iat: inSeconds(0),
  nbf: inSeconds(0),
  iss: team,
  type: "app",
  sub: "7335d417-61da-459d-899c-0a01c76a2f94",
  country: "DE",
  ...changes,
});

const sign = (claims: Record<string, unknown>, by: Key = key): Promise<string> =>
  new SignJWT(claims).setProtectedHeader({ alg: by.alg, kid: by.kid, typ: "JWT" }).sign(by.privateKey);

const ask = (path: string, assertion: string, init: RequestInit = {}): Promise<Response> =>
  fetch(`http://127.0.0.1:${new URL(service.url).port}/v1/admin${path}`, {
    ...init,
    headers: { "Cf-Access-Jwt-Assertion": assertion, ...(init.headers as Record<string, string>) },
  });

const me = async (assertion: string, init: RequestInit = {}) => {
  const response = await ask("/me", assertion, init);
  return { status: response.status, body: await response.json() };
};

/** Adds a person as the owner that ADMIN_TOKEN is. */
async function add(email: string, role: string): Promise<void> {
  const response = await ask(`/people/${email}`, "", {
    method: "PUT",
    headers: { Authorization: `Bearer ${service.token}`, "Content-Type": "application/json" },
    body: JSON.stringify({ role }),
  });
  expect(response.ok).toBe(true);
}

/** Publishes these keys; a service that just read the old ones looks again after a second. */
async function publish(...keys: Key[]): Promise<void> {
  published = keys.map(({ jwk }) => jwk);
  await sleep(1_100);
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "caio-licensing-test-"));
  port = await freePort();
  team = `http://127.0.0.1:${port}`;
  key = await newKey("first");
  published = [key.jwk];
  await listen();
  service = await startBuilt({
    port: await freePort(),
    ...migrated(folder),
    vars: [`ACCESS_TEAM_DOMAIN:${team}`, `ACCESS_AUD:${AUDIENCE}`],
  });
  await add("ada@smarthaus.example", "owner");
  await add("grace@smarthaus.example", "viewer");
});

afterAll(async () => {
  await service?.stop();
  await hangUp();
  rmSync(folder, { recursive: true, force: true });
});

describe("a person who is signed in through Cloudflare Access", () => {
  it("has the role of their e-mail address, however it is spelled", async () => {
    expect(await me(await sign(claimsOf("ada@smarthaus.example")))).toEqual({
      status: 200,
      body: { actor: { type: "staff", id: "ada@smarthaus.example" }, role: "owner" },
    });
    expect(await me(await sign(claimsOf("Grace@SmartHaus.example")))).toEqual({
      status: 200,
      body: { actor: { type: "staff", id: "grace@smarthaus.example" }, role: "viewer" },
    });
  });

  it("is not taken for whoever has an address that only looks the same", async () => {
    await add("kay@smarthaus.example", "owner");
    // KELVIN SIGN, whose lower case is the letter k.
    expect((await me(await sign(claimsOf("\u212Aay@smarthaus.example")))).status).toBe(403);
  });

  it("may do what the role allows, and no more", async () => {
    const owner = await ask("/people", await sign(claimsOf("ada@smarthaus.example")));
    expect(owner.status).toBe(200);
    const viewer = await ask("/people", await sign(claimsOf("grace@smarthaus.example")));
    expect(viewer.status).toBe(403);
  });

  it("is offered a preview of mail at their own address", async () => {
    const assertion = await sign(claimsOf("ada@smarthaus.example"));
    const page = await fetch(
      `http://127.0.0.1:${new URL(service.url).port}/admin/settings/mail/preview/send?kind=expiry_warning`,
      { headers: { "Cf-Access-Jwt-Assertion": assertion } },
    );
    expect(await page.text()).toMatch(/name="to"[^>]* value="ada@smarthaus\.example"/);
  });

  it("sees the console as they chose, whatever the browser, and nobody else does", async () => {
    const url = `http://127.0.0.1:${new URL(service.url).port}/admin/settings/view`;
    const seenBy = async (email: string) => {
      const headers = { "Cf-Access-Jwt-Assertion": await sign(claimsOf(email)) };
      return { headers, html: await (await fetch(url, { headers })).text() };
    };
    const { headers, html } = await seenBy("grace@smarthaus.example");
    expect(html).toContain('data-rows="comfortable"');
    const hidden = (name: string) => new RegExp(`name="${name}" value="([^"]+)"`).exec(html)![1]!;
    const body = new URLSearchParams({
      form_token: hidden("form_token"),
      once: hidden("once"),
      rows: "dense",
      start: "overview",
      times: "utc",
      theme: "system",
    });
    const kept = await fetch(url, {
      method: "POST",
      body,
      headers: { ...headers, Origin: new URL(url).origin },
      redirect: "manual",
    });
    expect(kept.status).toBe(303);
    expect((await seenBy("Grace@SmartHaus.example")).html).toContain('data-rows="dense" data-times="utc"');
    expect((await seenBy("ada@smarthaus.example")).html).toContain('data-rows="comfortable"');
  });

  it("is refused with a reason where nobody listed them", async () => {
    const answer = await me(await sign(claimsOf("eve@smarthaus.example")));
    expect(answer).toMatchObject({ status: 403, body: { code: "FORBIDDEN" } });
    expect(answer.body).toMatchObject({ detail: expect.stringContaining("eve@smarthaus.example") });
    const { email: _none, ...claims } = claimsOf("-");
    expect(await me(await sign({ ...claims, common_name: "a service token" }))).toMatchObject({
      status: 403,
      body: { detail: expect.stringContaining("API token") },
    });
  });

  it("is judged by the bearer token where one is sent as well", async () => {
    const viewer = await sign(claimsOf("grace@smarthaus.example"));
    const both = await me(viewer, { headers: { Authorization: `Bearer ${service.token}` } });
    expect(both.body).toMatchObject({ actor: { id: "ADMIN_TOKEN" }, role: "owner" });
    const wrong = await me(viewer, { headers: { Authorization: "Bearer caio_wrong" } });
    expect(wrong.status).toBe(401);
  });

  it("is not made to act by a page of another site", async () => {
    const owner = await sign(claimsOf("ada@smarthaus.example"));
    const from = async (site: string, method: string) =>
      (await ask("/people/nobody@smarthaus.example", owner, { method, headers: { "Sec-Fetch-Site": site } }))
        .status;
    expect(await from("cross-site", "DELETE")).toBe(403);
    expect(await from("same-site", "DELETE")).toBe(403);
    expect(await from("same-origin", "DELETE")).toBe(404);
    expect(await from("none", "DELETE")).toBe(404);
    const reading = await me(owner, { headers: { "Sec-Fetch-Site": "cross-site" } });
    expect(reading.status).toBe(200);
  });
});

describe("an assertion", () => {
  const email = "ada@smarthaus.example";

  it.each([
    ["for another application", () => sign(claimsOf(email, { aud: ["another"] }))],
    ["for no application", () => sign(claimsOf(email, { aud: undefined }))],
    ["of another team", () => sign(claimsOf(email, { iss: "https://evil.cloudflareaccess.com" }))],
    ["of no team", () => sign(claimsOf(email, { iss: undefined }))],
    ["that is over", () => sign(claimsOf(email, { exp: inSeconds(-1) }))],
    ["without an end", () => sign(claimsOf(email, { exp: undefined }))],
    ["that has not begun", () => sign(claimsOf(email, { nbf: inSeconds(60) }))],
    ["by a foreign key under a known id", async () => sign(claimsOf(email), await newKey(key.kid))],
    ["by a foreign key under its own id", async () => sign(claimsOf(email), await newKey("foreign"))],
    [
      "by a foreign key that it brings along",
      async () => {
        const foreign = await newKey(key.kid);
        return new SignJWT(claimsOf(email))
          .setProtectedHeader({ alg: "RS256", kid: key.kid, jwk: foreign.jwk })
          .sign(foreign.privateKey);
      },
    ],
    ["by nobody (alg none)", async () => new UnsecuredJWT(claimsOf(email)).encode()],
    [
      "by the public key as a shared secret",
      async () =>
        new SignJWT(claimsOf(email))
          .setProtectedHeader({ alg: "HS256", kid: key.kid })
          .sign(new TextEncoder().encode(await exportSPKI(key.publicKey))),
    ],
    [
      "that was altered",
      async () => {
        const [header, , signature] = (await sign(claimsOf("grace@smarthaus.example"))).split(".");
        const [, payload] = (await sign(claimsOf(email))).split(".");
        return [header, payload, signature].join(".");
      },
    ],
    ["that is none", async () => "nonsense"],
    ["that is empty", async () => ""],
    ["that is huge", async () => sign(claimsOf(email, { custom: "x".repeat(13_000) }))],
  ])("%s is refused with 401", async (_, make) => {
    expect(await me(await make())).toMatchObject({ status: 401, body: { code: "UNAUTHENTICATED" } });
  });

  it.each(["ES256", "EdDSA"])("may be signed with %s", async (alg) => {
    const other = await newKey(`key-${alg}`, alg);
    await publish(key, other);
    expect((await me(await sign(claimsOf(email), other))).status).toBe(200);
  });
});

describe("the keys of the team", () => {
  const email = "ada@smarthaus.example";

  it("are read once for many requests", async () => {
    await me(await sign(claimsOf(email)));
    const before = fetched;
    for (let n = 0; n < 5; n++) expect((await me(await sign(claimsOf(email)))).status).toBe(200);
    expect(fetched).toBe(before);
  });

  it("are read again when one is unknown, so that a rotation needs nobody", async () => {
    const next = await newKey("next");
    expect((await me(await sign(claimsOf(email), next))).status).toBe(401);
    await publish(next, key);
    expect((await me(await sign(claimsOf(email), next))).status).toBe(200);
    expect((await me(await sign(claimsOf(email)))).status).toBe(200);
    await publish(key);
  });

  it("that cannot be read are a 503, and those already known go on working", async () => {
    expect((await me(await sign(claimsOf(email)))).status).toBe(200);
    const next = await newKey("unread");
    await publish(next, key);
    const assertion = await sign(claimsOf(email), next);
    const unavailable = { status: 503, body: { code: "SERVICE_UNAVAILABLE", retryable: true } };
    status = 500;
    expect(await me(assertion)).toMatchObject(unavailable);
    await hangUp();
    expect(await me(assertion)).toMatchObject(unavailable);
    expect((await me(await sign(claimsOf(email)))).status).toBe(200);
    status = 200;
    await listen();
    expect((await me(assertion)).status).toBe(200);
  });
});
