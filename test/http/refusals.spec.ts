import { describe, expect, it } from "vitest";
import { PROBLEMS } from "../../src/problems.ts";
import { env } from "../support/env.ts";
import { activate, admin, call, newCustomer, newLicense, rows, unique } from "../support/service.ts";

const counts = () =>
  rows(
    "SELECT (SELECT count(*) FROM customers) c, (SELECT count(*) FROM licenses) l, (SELECT count(*) FROM events) e",
  );

describe("a refusal", () => {
  it("is a problem document with everything a caller needs, and no more", async () => {
    const { status, headers, body } = await call("/v1/activate", {
      body: { license_key: "x", instance_id: "a" },
    });
    expect(status).toBe(400);
    expect(headers.get("Content-Type")).toBe("application/problem+json");
    expect(body).toEqual({
      type: "http://localhost:8787/docs#LICENSE_KEY_INVALID",
      title: PROBLEMS.LICENSE_KEY_INVALID.title,
      status: 400,
      detail: expect.any(String),
      code: "LICENSE_KEY_INVALID",
      request_id: headers.get("X-Request-Id"),
      retryable: false,
      remedy: PROBLEMS.LICENSE_KEY_INVALID.remedy,
    });
  });

  it.each([
    ["LICENSE_KEY_INVALID", 400],
    ["UNAUTHENTICATED", 401],
    ["FORBIDDEN", 403],
    ["LICENSE_EXPIRED", 403],
    ["LICENSE_SUSPENDED", 403],
    ["LICENSE_REVOKED", 403],
    ["LICENSE_NOT_STARTED", 403],
    ["LICENSE_KEY_SUPERSEDED", 403],
    ["ACTIVATION_LIMIT_REACHED", 403],
    ["NOT_FOUND", 404],
    ["LICENSE_NOT_FOUND", 404],
    ["CUSTOMER_NOT_FOUND", 404],
    ["INSTANCE_NOT_ACTIVATED", 404],
    ["METHOD_NOT_ALLOWED", 405],
    ["CONFLICT", 409],
    ["PAYLOAD_TOO_LARGE", 413],
    ["UNSUPPORTED_MEDIA_TYPE", 415],
    ["REQUEST_INVALID", 422],
    ["IDEMPOTENCY_KEY_REUSED", 422],
    ["RATE_LIMITED", 429],
    ["INTERNAL", 500],
    ["SERVICE_UNAVAILABLE", 503],
  ] as const)("%s is %d", (code, status) => {
    expect(PROBLEMS[code].status).toBe(status);
  });
});

describe("malformed requests", () => {
  const ENDPOINTS = ["/v1/activate", "/v1/validate", "/v1/deactivate"];

  it.each(ENDPOINTS)("%s refuses what is not JSON with 422", async (path) => {
    for (const raw of ["", "{", "nonsense", '{"a":1}}', new Uint8Array([0x22, 0xff, 0xfe, 0x22])]) {
      const answer = await call(path, { raw, headers: { "Content-Type": "application/json" } });
      expect(answer).toMatchObject({ status: 422, body: { code: "REQUEST_INVALID" } });
    }
  });

  it.each(ENDPOINTS)("%s refuses other content types with 415", async (path) => {
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""]) {
      const answer = await call(path, { raw: "{}", headers: { "Content-Type": type } });
      expect(answer).toMatchObject({ status: 415, body: { code: "UNSUPPORTED_MEDIA_TYPE" } });
    }
  });

  it("takes JSON with a charset and vendor JSON", async () => {
    const { license_key } = await newLicense();
    for (const type of ["application/json; charset=utf-8", "application/vnd.caio+json", "APPLICATION/JSON"]) {
      const answer = await call("/v1/validate", {
        raw: JSON.stringify({ license_key }),
        headers: { "Content-Type": type },
      });
      expect(answer.status).toBe(200);
    }
  });

  it.each(ENDPOINTS)("%s refuses other methods with 405 and names the one it knows", async (path) => {
    for (const method of ["GET", "PUT", "DELETE", "PATCH"]) {
      const answer = await call(path, { method });
      expect(answer).toMatchObject({ status: 405, body: { code: "METHOD_NOT_ALLOWED" } });
      expect(answer.headers.get("Allow")).toBe("POST");
    }
  });

  it("refuses a body over 64 KiB with 413, announced or streamed", async () => {
    const headers = { "Content-Type": "application/json" };
    const large = JSON.stringify({ license_key: "x".repeat(65_536), instance_id: "a" });
    expect(await call("/v1/activate", { raw: large, headers })).toMatchObject({
      status: 413,
      body: { code: "PAYLOAD_TOO_LARGE" },
    });
    // What is announced is refused by that alone, before anything of it arrives.
    for (const length of ["65537", "1e9", "-"]) {
      const announced = { ...headers, "Content-Length": length };
      expect(await call("/v1/activate", { raw: "{}", headers: announced })).toMatchObject({ status: 413 });
    }
    const stream = new ReadableStream({
      start(controller) {
        for (let n = 0; n < 9; n++) controller.enqueue(new Uint8Array(8_192).fill(0x20));
        controller.close();
      },
    });
    expect(await call("/v1/activate", { raw: stream, headers })).toMatchObject({ status: 413 });
  });

  it("takes a body of exactly 64 KiB", async () => {
    const body = { license_key: "", instance_id: "a" };
    body.license_key = "x".repeat(65_536 - JSON.stringify(body).length);
    expect(await call("/v1/activate", { body })).toMatchObject({ status: 400 });
  });

  it("answers 404 to paths that it does not know", async () => {
    for (const path of ["/", "/v1", "/v1/activate/", "/v1/nothing", "/v1/admin/nothing", "/../etc/passwd"]) {
      expect(await call(path)).toMatchObject({ status: 404, body: { code: "NOT_FOUND" } });
    }
  });

  it("survives bodies made to break parsers", async () => {
    const deep = `${"[".repeat(20_000)}${"]".repeat(20_000)}`;
    for (const raw of [
      deep,
      `{"license_key":"k","instance_id":"a","labels":${deep}}`,
      '{"__proto__":{"license_key":"k"},"instance_id":"a"}',
      '{"license_key":"k","instance_id":"a","labels":{"__proto__":{"x":1}}}',
      '{"license_key":{"toString":null},"instance_id":["a"]}',
    ]) {
      const answer = await call("/v1/activate", { raw, headers: { "Content-Type": "application/json" } });
      expect([400, 422]).toContain(answer.status);
    }
  });
});

describe("what does not look as it should", () => {
  it.each([
    ["/v1/admin/customers", { id: "bad id!", name: "A" }, "id", "letters"],
    ["/v1/admin/customers", { name: "A\u001B[31m" }, "name", "control characters"],
    ["/v1/admin/licenses", { features: ["a b"] }, "features.0", "begin with a letter"],
    ["/v1/admin/licenses", { license_type: "a b" }, "license_type", "letters"],
    ["/v1/activate", { license_key: "x", instance_id: "a\u0000b" }, "instance_id", "printable"],
    ["/v1/activate", { license_key: "x", instance_id: " " }, "instance_id", "blank"],
  ])("is told in words: %s %j", async (path, sent, member, word) => {
    const { status, body } = path.startsWith("/v1/admin")
      ? await admin(path.slice("/v1/admin".length), { body: sent })
      : await call(path, { body: sent });
    expect(status).toBe(422);
    const { message } = body.errors.find((error: { path: string }) => error.path === member);
    expect(message).toContain(word);
  });
});

describe("admin credentials", () => {
  const BAD: [string, Record<string, string>][] = [
    ["none", {}],
    ["an empty header", { Authorization: "" }],
    ["another scheme", { Authorization: `Basic ${btoa("a:b")}` }],
    ["no token", { Authorization: "Bearer" }],
    ["a wrong token", { Authorization: "Bearer caio_wrong" }],
    ["a prefix of the token", { Authorization: `Bearer ${env.ADMIN_TOKEN.slice(0, -1)}` }],
    ["the token and more", { Authorization: `Bearer ${env.ADMIN_TOKEN}x` }],
    ["two tokens", { Authorization: `Bearer ${env.ADMIN_TOKEN} ${env.ADMIN_TOKEN}` }],
    ["a token in the wrong case", { Authorization: `Bearer ${env.ADMIN_TOKEN.toUpperCase()}` }],
  ];

  it.each(BAD)("%s is 401 with WWW-Authenticate, and nothing happens", async (_, headers) => {
    const before = await counts();
    for (const path of ["/v1/admin/customers", "/v1/admin/licenses"]) {
      for (const method of ["GET", "POST"]) {
        const answer = await call(path, { method, headers, ...(method === "POST" ? { raw: "{" } : {}) });
        expect(answer).toMatchObject({ status: 401, body: { code: "UNAUTHENTICATED" } });
        expect(answer.headers.get("WWW-Authenticate")).toMatch(/^Bearer /);
      }
    }
    expect(await counts()).toEqual(before);
  });

  it("lets nobody in where ADMIN_TOKEN is not set", async () => {
    const { ADMIN_TOKEN: _unset, ...bindings } = env;
    const answer = await call("/v1/admin/customers", { token: env.ADMIN_TOKEN, bindings });
    expect(answer.status).toBe(401);
  });

  it("takes the scheme in any case", async () => {
    const headers = { Authorization: `bearer ${env.ADMIN_TOKEN}` };
    expect((await call("/v1/admin/customers", { headers })).status).toBe(200);
  });
});

describe("rate limits", () => {
  const refusing = { limit: async () => ({ success: false }) } as unknown as RateLimit;

  it("stop a flood of bad keys with 429 and Retry-After, but not a good key from the same address", async () => {
    const { license_key } = await newLicense();
    const bindings = { ...env, RATE_LIMITS: "on", REFUSED_CREDENTIALS_LIMIT: refusing };
    const flood = await call("/v1/activate", { body: { license_key: "x", instance_id: "a" }, bindings });
    expect(flood).toMatchObject({ status: 429, body: { code: "RATE_LIMITED", retryable: true } });
    expect(Number(flood.headers.get("Retry-After"))).toBeGreaterThan(0);
    const good = await call("/v1/activate", { body: { license_key, instance_id: "a" }, bindings });
    expect(good.status).toBe(200);
  });

  it("stop a flood for one license, and a flood of bad tokens", async () => {
    const { license_key } = await newLicense();
    const perLicense = { ...env, RATE_LIMITS: "on", LICENSE_LIMIT: refusing };
    expect(await call("/v1/validate", { body: { license_key }, bindings: perLicense })).toMatchObject({
      status: 429,
    });
    const perAddress = { ...env, RATE_LIMITS: "on", REFUSED_CREDENTIALS_LIMIT: refusing };
    const wrong = await call("/v1/admin/customers", { token: "wrong", bindings: perAddress });
    expect(wrong).toMatchObject({ status: 429 });
    const right = await call("/v1/admin/customers", { token: env.ADMIN_TOKEN, bindings: perAddress });
    expect(right.status).toBe(200);
  });
});

/** Bindings whose D1 fails with this message. */
const failing = (message: string) =>
  ({
    ...env,
    DB: {
      prepare: (sql: string) => env.DB.prepare(sql),
      batch: () => Promise.reject(new Error(message)),
    } as unknown as D1Database,
  }) satisfies typeof env;

describe("failures", () => {
  it("of D1 itself are 503 with Retry-After", async () => {
    const { license_key } = await newLicense();
    for (const message of [
      "D1_ERROR: D1 DB is overloaded. Too many requests queued.",
      "D1_ERROR: Network connection lost.",
      "D1_ERROR: D1 DB storage operation exceeded timeout which caused object to be reset.",
    ]) {
      const bindings = failing(message);
      const answer = await call("/v1/activate", { body: { license_key, instance_id: "a" }, bindings });
      expect(answer).toMatchObject({ status: 503, body: { code: "SERVICE_UNAVAILABLE", retryable: true } });
      expect(Number(answer.headers.get("Retry-After"))).toBeGreaterThan(0);
      expect(await call("/readyz", { bindings })).toMatchObject({ status: 503 });
      expect(await call("/healthz", { bindings })).toMatchObject({ status: 200 });
    }
  });

  it("that nobody foresaw are 500 and show nothing but a request id", async () => {
    const { license_key } = await newLicense();
    const bindings = failing("D1_ERROR: near SELECT: secret_table: SQLITE_ERROR");
    const answer = await call("/v1/activate", { body: { license_key, instance_id: "a" }, bindings });
    expect(answer).toMatchObject({ status: 500, body: { code: "INTERNAL" } });
    expect(answer.text).not.toMatch(/secret_table|SQLITE|stack|at /);
    expect(answer.headers.get("X-Request-Id")).toBe(answer.body.request_id);
  });
});

describe("every answer", () => {
  it("carries a request id of its own and the security headers", async () => {
    const seen = new Set<string>();
    const id = unique("c");
    await newCustomer({ id });
    for (const answer of [
      await call("/healthz"),
      await call("/nothing"),
      await admin(`/customers/${id}`),
      await activate("x", "y"),
      await call("/docs"),
    ]) {
      seen.add(answer.headers.get("X-Request-Id")!);
      expect(answer.headers.get("X-Content-Type-Options")).toBe("nosniff");
      expect(answer.headers.get("Content-Security-Policy")).toMatch(/default-src 'none'/);
      expect(answer.headers.get("Referrer-Policy")).toBe("no-referrer");
      expect(answer.headers.get("Strict-Transport-Security")).toMatch(/max-age/);
      expect(answer.headers.get("Cache-Control")).toBe("no-store");
    }
    expect(seen.size).toBe(5);
  });

  it("to HEAD is the one to GET without its body", async () => {
    const answer = await call("/healthz", { method: "HEAD" });
    expect(answer).toMatchObject({ status: 200, text: "" });
  });
});
