import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { env } from "../support/env.ts";
import { activate, admin, call, newLicense, unique } from "../support/service.ts";

let lines: string[];

beforeEach(() => {
  lines = [];
  const keep = (line: string): void => void lines.push(line);
  vi.spyOn(console, "log").mockImplementation(keep);
  vi.spyOn(console, "error").mockImplementation(keep);
});

afterEach(() => {
  vi.restoreAllMocks();
});

describe("the log", () => {
  it("has one structured line per request, with the id that the caller got", async () => {
    const { headers } = await call("/v1/validate", { body: { license_key: "x" } });
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0]!)).toEqual({
      level: "info",
      event: "request",
      request_id: headers.get("X-Request-Id"),
      method: "POST",
      route: "/v1/validate",
      status: 400,
      code: "LICENSE_KEY_INVALID",
      actor: "anonymous",
      ms: expect.any(Number),
    });
  });

  it("has none for what an installation does all day and gets what it asked for", async () => {
    const { license_key } = await newLicense();
    lines = [];
    await activate(license_key, "a");
    await call("/v1/check-in", { body: { license_key, instance_id: "a" } });
    await call("/v1/validate", { body: { license_key } });
    await call("/.well-known/jwks.json");
    expect(lines).toEqual([]);
    await call("/v1/check-in", { body: { license_key, instance_id: "b" } });
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ code: "INSTANCE_NOT_ACTIVATED" }]);
  });

  it("holds no key, certificate, token, address, name or id that a caller sent", async () => {
    const email = `${unique("ada")}@acme.example`;
    const customer = await admin("/customers", { body: { name: "Ada Price-Unique", email } });
    const { license_key } = await newLicense({ customer_id: customer.body.id });
    const { body } = await activate(license_key, "instance-unique", { hostname: "host-unique" });
    await call("/v1/activate", {
      raw: `{"license_key": "${license_key}"`,
      headers: { "Content-Type": "application/json" },
    });
    await call(`/nothing/${license_key}?q=${email}`, { headers: { "CF-Connecting-IP": "192.0.2.77" } });
    const log = lines.join("\n");
    expect(lines.length).toBeGreaterThanOrEqual(4);
    for (const secret of [
      license_key.split(".")[2]!,
      body.certificate.split(".")[2]!,
      env.ADMIN_TOKEN,
      email,
      "Price-Unique",
      "instance-unique",
      "host-unique",
      "192.0.2.77",
    ]) {
      expect(log).not.toContain(secret);
    }
  });

  it("tells of an unexpected failure as an error, without the parameters of the statement", async () => {
    const { license_key } = await newLicense();
    lines = [];
    const DB = {
      prepare: () => {
        throw new Error("boom");
      },
    } as unknown as D1Database;
    await call("/v1/activate", { body: { license_key, instance_id: "a" }, bindings: { ...env, DB } });
    const [failure, request] = lines.map((line) => JSON.parse(line));
    expect(failure).toMatchObject({
      level: "error",
      event: "unexpected",
      error: "boom",
      route: "/v1/activate",
    });
    expect(request).toMatchObject({ level: "info", status: 500, code: "INTERNAL" });
    expect(failure.request_id).toBe(request.request_id);
  });
});
