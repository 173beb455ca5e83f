// Every call of the admin API against every kind of caller, by the list in calls.ts.
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { Hono } from "hono";
import { describe, expect, it } from "vitest";
import { endpoints } from "../../src/app.ts";
import { type Endpoint, mount } from "../../src/http/endpoint.ts";
import type { AppEnv } from "../../src/http/http.ts";
import { context, onError } from "../../src/http/middleware.ts";
import { ROLES, ROLES_OF, type Role } from "../support/crew.ts";
import { env } from "../support/env.ts";
import { admin, call, newToken, ORIGIN, rows } from "../support/service.ts";
import { API, may, nameOf, type Rule } from "./calls.ts";

const isAdmin = ({ access }: Endpoint): boolean => access !== "public";

const declaredAs = ({ method, path }: Rule): Endpoint =>
  endpoints.find((one) => one.path === path && one.method === method.toLowerCase())!;

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

const tokens = {} as Record<Role, string>;
for (const role of ROLES) tokens[role] = (await newToken({ role })).token;

const staff: [string, Role, string][] = [["ADMIN_TOKEN", "owner", env.ADMIN_TOKEN]];
for (const role of ROLES) staff.push([`a token of a ${role}`, role, tokens[role]]);

/** Of nobody and nothing that there is, in the spelling that each call takes. */
const addressOf = ({ path }: Rule): string =>
  path
    .replace("{email}", "nobody@acme.example")
    .replace("{date}", "2026-01-31")
    .replace("{code}", "nothing")
    .replace("{month}", "2026-01")
    .replaceAll(/\{(?:id|instance_id|change_id|page)\}/g, "1");

const attempt = (rule: Rule, authorization: string | null) =>
  call(addressOf(rule), {
    method: rule.method,
    ...(declaredAs(rule).body ? { body: {} } : {}),
    headers: authorization === null ? {} : { Authorization: authorization },
  });

/** The calls as they would be if somebody had changed their declarations. */
function declaredOtherwise(change: Partial<Endpoint>): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.use(context);
  app.onError(onError);
  const changed = (declared: Endpoint): Endpoint => ({ ...declared, ...change });
  mount(app, endpoints.filter(isAdmin).map(changed));
  return app;
}

/** Where the declaration asks for nothing, or for what everybody has, the verb is alone with the caller. */
const VERBS_ALONE = {
  public: declaredOtherwise({ access: "public" }),
  read: declaredOtherwise({ access: "read" }),
};

const DECLARATION_ALONE = declaredOtherwise({ handle: () => new Response(null, { status: 204 }) });

/** The code of a call's refusal, made with a body that it takes. */
async function refusalBy(app: Hono<AppEnv>, rule: Rule, token: string | null): Promise<string | undefined> {
  const { body, upload } = declaredAs(rule);
  const sent = body ? body.example : upload?.examples.json;
  const headers = new Headers(sent === undefined ? {} : { "Content-Type": "application/json" });
  if (token !== null) headers.set("Authorization", `Bearer ${token}`);
  const execution = createExecutionContext();
  const answer = await app.fetch(
    new Request(`${ORIGIN}${addressOf(rule)}`, {
      method: rule.method,
      headers,
      body: sent === undefined ? null : JSON.stringify(sent),
    }),
    env,
    execution,
  );
  const text = await answer.text();
  await waitOnExecutionContext(execution);
  return answer.ok ? undefined : (JSON.parse(text) as { code: string }).code;
}

describe("the list of calls", () => {
  it("has a line for each call of the admin API, and no other", async () => {
    const { paths } = (await call("/openapi.json")).body;
    const published = Object.entries<object>(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => nameOf({ method: method.toUpperCase(), path })),
    );
    expect(API.map(nameOf).toSorted()).toEqual(
      published.filter((name) => name.includes(" /v1/admin/")).toSorted(),
    );
    expect(API.map(nameOf).toSorted()).toEqual(
      endpoints
        .filter(isAdmin)
        .map(({ method, path }) => nameOf({ method: method.toUpperCase(), path }))
        .toSorted(),
    );
  });
});

describe.each(API.map((rule) => [nameOf(rule), rule] as const))("%s", (_, rule) => {
  it.each(STRANGERS)("refuses %s with 401", async (_name, authorization) => {
    const answer = await attempt(rule, authorization);
    expect(answer).toMatchObject({ status: 401, body: { code: "UNAUTHENTICATED" } });
    expect(answer.headers.get("WWW-Authenticate")).toMatch(/^Bearer /);
  });

  it.each(staff)(`wants of %s, an %s, to be a ${rule.lowest}`, async (_name, role, token) => {
    const { status, body } = await attempt(rule, `Bearer ${token}`);
    const forbidden = status === 403 && body.code === "FORBIDDEN";
    expect(status).not.toBe(401);
    expect(forbidden).toBe(!may(role, rule));
  });

  it("declares the permission for just these roles, before its verb is asked", async () => {
    const { access } = declaredAs(rule);
    expect(ROLES_OF[access as keyof typeof ROLES_OF].toSorted()).toEqual(
      ROLES.filter((role) => may(role, rule)).toSorted(),
    );
    for (const role of ROLES) {
      const refusal = await refusalBy(DECLARATION_ALONE, rule, tokens[role]);
      expect([role, refusal]).toEqual([role, may(role, rule) ? undefined : "FORBIDDEN"]);
    }
  });

  it("has a verb that refuses all others by itself", async () => {
    expect(await refusalBy(VERBS_ALONE.public, rule, null)).toBe("UNAUTHENTICATED");
    for (const role of ROLES.filter((one) => !may(one, rule))) {
      expect([role, await refusalBy(VERBS_ALONE.read, rule, tokens[role])]).toEqual([role, "FORBIDDEN"]);
    }
  });
});
