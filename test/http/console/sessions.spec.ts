// Who gets into the console, for how long, and what ends it.
import { base64url, decodeJwt, SignJWT } from "jose";
import { describe, expect, it } from "vitest";
import { setTime } from "../../support/clock.ts";
import { cookieIn, isSignedIn, open, send, sendSignIn, signIn, unseenFields } from "../../support/cookies.ts";
import { env } from "../../support/env.ts";
import { admin, eventsOf, newToken, ORIGIN, rows, unique } from "../../support/service.ts";

const HOUR = 3_600_000;
const NOW = Date.parse("2026-04-01T08:00:00.000Z");

const signOut = async (cookie: string) =>
  send("/admin/sign-out", cookie, await unseenFields("/admin", cookie));

describe("signing in", () => {
  it("sets a cookie that scripts, other hosts and other sites do not get", async () => {
    const answer = await sendSignIn({ token: env.ADMIN_TOKEN });
    expect(answer.status).toBe(303);
    expect(answer.headers.get("Location")).toBe("/admin");
    const [cookie, ...attributes] = answer.headers.get("Set-Cookie")!.split("; ");
    expect(cookie).toMatch(/^__Host-caio-session=[\w-]+\.[\w-]+\.[\w-]+$/);
    expect(attributes.toSorted()).toEqual(["HttpOnly", "Max-Age=43200", "Path=/", "SameSite=Lax", "Secure"]);
  });

  it("is recorded, as is signing out, under whom the token belongs to", async () => {
    const { api_token, token } = await newToken({ role: "viewer" });
    await signOut(await signIn(token));
    const events = await eventsOf(api_token.id);
    expect(events.map(({ action }) => action)).toEqual([
      "api_token.created",
      "session.opened",
      "session.closed",
    ]);
    expect(JSON.stringify(events)).not.toContain(token);
  });

  it("with a token that is none, revoked or expired says the same, sets no cookie and opens nothing", async () => {
    setTime(NOW);
    const revoked = await newToken();
    await admin(`/api-tokens/${revoked.api_token.id}`, { method: "DELETE" });
    const expired = await newToken({ expires_at: new Date(NOW + HOUR).toISOString() });
    setTime(NOW + HOUR);
    const before = await rows("SELECT id FROM sessions ORDER BY id");
    for (const token of ["", " ", "caio_wrong", "x".repeat(600), revoked.token, expired.token]) {
      const answer = await sendSignIn({ token });
      expect(answer.status).toBe(401);
      expect(answer.text).toContain("This token is not valid here");
      expect(answer.text).not.toMatch(/caio_[\w-]{32}/);
      expect(cookieIn(answer)).toBeNull();
    }
    expect(await rows("SELECT id FROM sessions ORDER BY id")).toEqual(before);
  });

  it("takes a token with the blanks that came along when it was copied", async () => {
    expect(await isSignedIn(await signIn(` ${env.ADMIN_TOKEN}\n`))).toBe(true);
  });
});

describe("a session", () => {
  it("lasts 12 hours, whatever the browser says of its cookie", async () => {
    setTime(NOW);
    const cookie = await signIn();
    expect(decodeJwt(cookie).exp).toBe((NOW + 12 * HOUR) / 1_000);
    setTime(NOW + 12 * HOUR - 1_000);
    expect(await isSignedIn(cookie)).toBe(true);
    setTime(NOW + 12 * HOUR);
    expect(await isSignedIn(cookie)).toBe(false);
  });

  it("ends when its holder signs out, copies of its cookie included", async () => {
    const cookie = await signIn();
    const other = await signIn();
    const answer = await signOut(cookie);
    expect(answer.status).toBe(303);
    expect(answer.headers.get("Location")).toBe("/admin/sign-in");
    expect(answer.headers.get("Set-Cookie")).toMatch(/^__Host-caio-session=; Max-Age=0; Path=\/; Secure/);
    expect(await isSignedIn(cookie)).toBe(false);
    expect(await isSignedIn(other)).toBe(true);
  });

  it("is ended by no other site: neither by its form nor by a link", async () => {
    const cookie = await signIn();
    const fields = await unseenFields("/admin", cookie);
    const { form_token: foreign } = await unseenFields("/admin", await signIn());
    const cross = { Origin: "https://evil.example", "Sec-Fetch-Site": "cross-site" };
    expect((await send("/admin/sign-out", cookie, fields, { headers: cross })).status).toBe(403);
    expect((await send("/admin/sign-out", cookie, { ...fields, form_token: foreign })).status).toBe(403);
    expect((await open("/admin/sign-out", cookie)).status).toBe(404);
    expect(await isSignedIn(cookie)).toBe(true);
  });

  it("ends at once when its token is revoked", async () => {
    const { api_token, token } = await newToken({ role: "viewer" });
    const cookie = await signIn(token);
    expect(await isSignedIn(cookie)).toBe(true);
    await admin(`/api-tokens/${api_token.id}`, { method: "DELETE" });
    expect(await isSignedIn(cookie)).toBe(false);
  });

  it("ends with its token", async () => {
    setTime(NOW);
    const { token } = await newToken({ expires_at: new Date(NOW + HOUR).toISOString() });
    const cookie = await signIn(token);
    setTime(NOW + HOUR - 1);
    expect(await isSignedIn(cookie)).toBe(true);
    setTime(NOW + HOUR);
    expect(await isSignedIn(cookie)).toBe(false);
  });

  it("of ADMIN_TOKEN ends when that is changed or taken away", async () => {
    const cookie = await signIn();
    const { ADMIN_TOKEN: _gone, ...without } = env;
    expect(await isSignedIn(cookie, { bindings: { ...env, ADMIN_TOKEN: "caio_another-token" } })).toBe(false);
    expect(await isSignedIn(cookie, { bindings: without })).toBe(false);
    expect(await isSignedIn(cookie)).toBe(true);
  });

  it("has the role that its token has now, not the one it had", async () => {
    const { api_token, token } = await newToken({ role: "manager" });
    const cookie = await signIn(token);
    expect((await open("/admin", cookie)).text).toContain("New license");
    await rows("UPDATE api_tokens SET role = 'viewer' WHERE id = ?", api_token.id);
    expect((await open("/admin", cookie)).text).not.toContain("New license");
  });

  it("has an id of its own, which nobody can plant: a cookie that was there before is not taken over", async () => {
    const planted = await signIn();
    const mine = cookieIn(
      await sendSignIn({ token: env.ADMIN_TOKEN }, { headers: { Cookie: `__Host-caio-session=${planted}` } }),
    )!;
    const ids = [planted, mine, await signIn()].map((cookie) => decodeJwt(cookie).jti);
    expect(new Set(ids).size).toBe(3);
    for (const id of ids) expect(base64url.decode(id!)).toHaveLength(24);
  });
});

describe("a cookie that we did not make", () => {
  const secret = (text: string) => new TextEncoder().encode(text);
  const claims = () => ({ jti: base64url.encode(crypto.getRandomValues(new Uint8Array(24))) });
  const signed = (payload: object, key: string, { alg = "HS256", typ = "session+jwt" } = {}) =>
    new SignJWT(payload as Record<string, unknown>)
      .setProtectedHeader({ alg, typ })
      .setIssuer(ORIGIN)
      .setExpirationTime("12h")
      .sign(secret(key));

  it("is accepted by nobody, though its session exists", async () => {
    const cookie = await signIn();
    const [header, payload, signature] = cookie.split(".") as [string, string, string];
    const json = (value: object) => base64url.encode(JSON.stringify(value));
    const { jti, exp, iss } = decodeJwt(cookie);
    const key = `session:${env.SESSION_SECRET}`;
    expect(await isSignedIn(await signed({ jti }, key))).toBe(true);
    const forged = {
      "without a signature": `${header}.${payload}.`,
      "with alg none": `${json({ alg: "none", typ: "session+jwt" })}.${payload}.`,
      "with another payload": `${header}.${json({ jti, iss, exp: exp! + 3_600 })}.${signature}`,
      "with a signature that is cut": cookie.slice(0, -4),
      "with another algorithm": await signed({ jti }, key, { alg: "HS512" }),
      "with another type": await signed({ jti }, key, { typ: "JWT" }),
      "under another secret": await signed({ jti }, `session:${"x".repeat(43)}`),
      "under the secret as it is": await signed({ jti }, env.SESSION_SECRET),
      "under the key of forms": await signed({ jti }, `form:${env.SESSION_SECRET}`),
      "without an end": await new SignJWT({ jti: jti! })
        .setProtectedHeader({ alg: "HS256", typ: "session+jwt" })
        .setIssuer(iss!)
        .sign(secret(key)),
      "well signed, of no session": await signed(claims(), key),
      "the bare id": jti!,
      nothing: "",
      long: "x".repeat(5_000),
    };
    for (const [name, value] of Object.entries(forged)) expect(await isSignedIn(value), name).toBe(false);
  });

  it("is one of another environment, too, even over the same database", async () => {
    for (const bindings of [
      { ...env, SESSION_SECRET: "y".repeat(43) },
      { ...env, ISSUER: "http://127.0.0.1:9999" },
    ]) {
      const cookie = await signIn(env.ADMIN_TOKEN, { bindings });
      expect(await isSignedIn(cookie, { bindings })).toBe(true);
      expect(await isSignedIn(cookie)).toBe(false);
    }
  });

  it("is an API token: a page takes none in place of a session", async () => {
    const { status } = await open("/admin", null, {
      headers: { Authorization: `Bearer ${env.ADMIN_TOKEN}` },
    });
    expect(status).toBe(303);
  });

  it("opens the API for nobody: that takes a token", async () => {
    const cookie = await signIn();
    expect((await open("/v1/admin/me", cookie)).status).toBe(401);
  });
});

describe("who is not signed in", () => {
  it("is led to the sign-in and from there to where they wanted to go", async () => {
    const answer = await open("/admin/licenses?standing=expired&q=a%20b", null);
    expect(answer.status).toBe(303);
    const location = answer.headers.get("Location")!;
    const next = "/admin/licenses?standing=expired&q=a%20b";
    expect(location).toBe(`/admin/sign-in?next=${encodeURIComponent(next)}`);
    const page = await open(location, null);
    expect(page.status).toBe(200);
    expect(page.text).toContain("Sign in to continue where you were");
    expect(page.text).toContain(`name="next" value="${next.replace("&", "&amp;")}"`);
    const signedIn = await sendSignIn({ token: env.ADMIN_TOKEN, next });
    expect(signedIn.headers.get("Location")).toBe(next);
  });

  it("does not learn which pages there are", async () => {
    for (const path of ["/admin", "/admin/licenses", "/admin/nothing", "/admin/licenses/lic_unknown"]) {
      expect((await open(path, null)).headers.get("Location")).toMatch(/^\/admin\/sign-in\?next=/);
    }
  });

  it.each([
    "//evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "https://evil.example",
    "https:evil.example",
    "javascript:alert(1)",
    "/admin@evil.example",
    "/admin.evil.example",
    "/administrator",
    "/admin/../..",
    "/admin/..//evil.example",
    "/admin/../docs",
    "/admin/%2e%2e/docs",
    "/admin/.%2E/docs",
    "/admin/..\\docs",
    "/admin\\evil",
    "/\t/evil.example",
    "/admin/\n/evil.example",
    "/admin/\r\nSet-Cookie: a=b",
    "/admin/\u0000",
    "/admin/é",
    "\u2028//evil.example",
    "",
  ])("gets to the overview, not to %j", async (next) => {
    const answer = await sendSignIn({ token: env.ADMIN_TOKEN, next });
    expect(answer.headers.get("Location")).toBe("/admin");
    const page = await open(`/admin/sign-in?next=${encodeURIComponent(next)}`, null);
    expect(page.text).toContain('name="next" value="/admin"');
  });
});

describe("signing in from another site", () => {
  it("is refused with a good token, too: nobody is to work in the session of somebody else", async () => {
    for (const headers of [
      { Origin: "https://evil.example", "Sec-Fetch-Site": "cross-site" },
      { Origin: "null" },
      { Origin: "" },
      { "Sec-Fetch-Site": "same-site" },
    ] as Record<string, string>[]) {
      const answer = await sendSignIn({ token: env.ADMIN_TOKEN }, { headers });
      expect(answer.status).toBe(403);
      expect(cookieIn(answer)).toBeNull();
    }
  });
});

describe("guessing tokens", () => {
  it("is stopped before the token is looked at", async () => {
    const refusing = { limit: async () => ({ success: false }) } as unknown as RateLimit;
    const answer = await sendSignIn(
      { token: env.ADMIN_TOKEN },
      { bindings: { ...env, RATE_LIMITS: "on", SIGN_IN_LIMIT: refusing } },
    );
    expect(answer.status).toBe(429);
    expect(cookieIn(answer)).toBeNull();
  });
});

describe("every page", () => {
  it("may not be framed, cached or sniffed, loads nothing foreign and runs nothing inline", async () => {
    const cookie = await signIn();
    for (const answer of [
      await open("/admin", cookie),
      await open(`/admin/${unique("nowhere")}`, cookie),
      await open("/admin/sign-in", null),
      await sendSignIn({ token: "wrong" }),
      await sendSignIn({ token: "wrong" }, { headers: { Origin: "https://evil.example" } }),
    ]) {
      const policy = Object.fromEntries(
        answer.headers
          .get("Content-Security-Policy")!
          .split("; ")
          .map((directive) => [directive.split(" ")[0], directive.split(" ").slice(1).join(" ")]),
      );
      expect(policy).toMatchObject({
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
      });
      expect(answer.headers.get("Content-Security-Policy")).not.toMatch(/unsafe|\*|https?:/);
      expect(answer.headers.get("X-Frame-Options")).toBe("DENY");
      expect(answer.headers.get("Cache-Control")).toBe("no-store");
      expect(answer.headers.get("X-Content-Type-Options")).toBe("nosniff");
      expect(answer.headers.get("Referrer-Policy")).toBe("same-origin");
      expect(answer.text).not.toMatch(/<style|\sstyle=|\son[a-z]+=|<script(?! src="\/admin\/assets\/)/i);
    }
  });
});
