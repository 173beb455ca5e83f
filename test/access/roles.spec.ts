// Every call of the admin API against every kind of caller. The calls come from the OpenAPI document, so a
// new endpoint cannot be forgotten.
import { describe, expect, it } from "vitest";
import type { Permission } from "../../src/kernel/permissions.ts";
import { ROLES, ROLES_OF } from "../support/crew.ts";
import { env } from "../support/env.ts";
import { admin, call, newToken, rows } from "../support/service.ts";

interface Operation {
  method: string;
  path: string;
  permission: Permission;
  hasBody: boolean;
}

const document = (await call("/openapi.json")).body;

const operations: Operation[] = Object.entries<Record<string, any>>(document.paths).flatMap(
  ([path, methods]) =>
    Object.entries(methods)
      .filter(([, operation]) => operation["x-permission"] !== undefined)
      .map(([method, operation]) => ({
        method: method.toUpperCase(),
        path: path.replaceAll(/\{\w+\}/g, "none"),
        permission: operation["x-permission"],
        hasBody: operation.requestBody !== undefined,
      })),
);

const expired = await newToken({ role: "owner" });
await rows("UPDATE api_tokens SET expires_at = 1 WHERE id = ?", expired.api_token.id);
const revoked = await newToken({ role: "owner" });
await admin(`/api-tokens/${revoked.api_token.id}`, { method: "DELETE" });

const STRANGERS: [string, string | null][] = [
  ["no token", null],
  ["a malformed header", "Bearer"],
  ["a wrong token", `Bearer caio_${"x".repeat(32)}`],
  ["an expired token", `Bearer ${expired.token}`],
  ["a revoked token", `Bearer ${revoked.token}`],
];

const staff: [string, string, string][] = [["ADMIN_TOKEN", "owner", env.ADMIN_TOKEN]];
for (const role of ROLES) staff.push([`a token of a ${role}`, role, (await newToken({ role })).token]);

const attempt = ({ method, path, hasBody }: Operation, authorization: string | null) =>
  call(path, {
    method,
    ...(hasBody ? { body: {} } : {}),
    headers: authorization === null ? {} : { Authorization: authorization },
  });

describe.each(operations.map((operation) => [`${operation.method} ${operation.path}`, operation] as const))(
  "%s",
  (_, operation) => {
    it.each(STRANGERS)("refuses %s with 401", async (_name, authorization) => {
      const answer = await attempt(operation, authorization);
      expect(answer).toMatchObject({ status: 401, body: { code: "UNAUTHENTICATED" } });
      expect(answer.headers.get("WWW-Authenticate")).toMatch(/^Bearer /);
    });

    it.each(staff)(
      `asks of %s, an %s, the permission ${operation.permission}`,
      async (_name, role, token) => {
        const { status, body } = await attempt(operation, `Bearer ${token}`);
        const forbidden = status === 403 && body.code === "FORBIDDEN";
        expect(status).not.toBe(401);
        expect(forbidden).toBe(!ROLES_OF[operation.permission].includes(role));
      },
    );
  },
);

describe("the admin API", () => {
  it("has no call without a permission, and none beside it has one", () => {
    expect(operations.length).toBeGreaterThan(0);
    for (const [path, methods] of Object.entries<Record<string, any>>(document.paths)) {
      for (const operation of Object.values(methods)) {
        const permission = operation["x-permission"];
        expect(path.startsWith("/v1/admin/")).toBe(permission !== undefined);
        expect([undefined, ...Object.keys(ROLES_OF)]).toContain(permission);
      }
    }
  });
});
