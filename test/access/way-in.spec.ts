import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { Env } from "../../src/config.ts";
import { Visitor } from "../support/console.ts";
import { DAY } from "../support/clock.ts";
import { env } from "../support/env.ts";
import {
  admin,
  type Answer,
  call,
  eventsOf,
  newLicense,
  newToken,
  rows,
  unique,
} from "../support/service.ts";

const { ADMIN_TOKEN: _without, ...rest } = env;

/** A service that has no ADMIN_TOKEN. */
const bare: Env = rest;

const TEAM = "https://team.example";

/** The same behind Cloudflare Access. */
const behindAccess: Env = { ...bare, ACCESS_TEAM_DOMAIN: TEAM, ACCESS_AUD: "console" };

let sign: (email: string) => Promise<string>;

beforeAll(async () => {
  const { publicKey, privateKey } = await generateKeyPair("ES256");
  const keys = [{ ...(await exportJWK(publicKey)), kid: "team", alg: "ES256" }];
  vi.stubGlobal("fetch", async () => Response.json({ keys }));
  sign = (email) =>
    new SignJWT({ email })
      .setProtectedHeader({ alg: "ES256", kid: "team" })
      .setIssuer(TEAM)
      .setAudience("console")
      .setExpirationTime("1h")
      .sign(privateKey);
  return () => vi.unstubAllGlobals();
});

// Owners of other tests would be ways in.
beforeEach(async () => {
  await env.DB.batch([
    env.DB.prepare("UPDATE api_tokens SET role = 'viewer' WHERE role = 'owner'"),
    env.DB.prepare("DELETE FROM people WHERE role = 'owner'"),
  ]);
});

async function newPerson(role: string): Promise<string> {
  const email = `${unique("ada")}@smarthaus.example`;
  await admin(`/people/${email}`, { method: "PUT", body: { role } });
  return email;
}

const as = async (email: string, method: string, path: string, body?: unknown): Promise<Answer> =>
  call(`/v1/admin${path}`, {
    method,
    ...(body === undefined ? {} : { body }),
    headers: { "Cf-Access-Jwt-Assertion": await sign(email) },
    bindings: behindAccess,
  });

const REFUSED = { status: 409, body: { code: "CONFLICT" } };

const roleOf = async (email: string) =>
  (await rows("SELECT role FROM people WHERE email = ?", email))[0]?.["role"];

describe("the last owner", () => {
  it("is neither removed nor made anything less", async () => {
    const ada = await newPerson("owner");
    expect(await as(ada, "DELETE", `/people/${ada}`)).toMatchObject(REFUSED);
    expect(await as(ada, "PUT", `/people/${ada}`, { role: "manager" })).toMatchObject(REFUSED);
    expect((await as(ada, "PUT", `/people/${ada}`, { role: "owner" })).status).toBe(200);
    expect(await roleOf(ada)).toBe("owner");
    expect((await eventsOf(ada)).map(({ action }) => action)).toEqual(["person.added"]);
  });

  it.each([
    ["another owner", () => newPerson("owner")],
    ["an owner's token", () => newToken({ role: "owner" })],
  ])("goes where there is %s", async (_, make) => {
    const [ada, eve] = [await newPerson("owner"), await newPerson("viewer")];
    await make();
    expect((await as(ada, "DELETE", `/people/${eve}`)).status).toBe(204);
    expect((await as(ada, "PUT", `/people/${ada}`, { role: "manager" })).status).toBe(200);
    expect(await roleOf(ada)).toBe("manager");
  });

  it.each([
    ["a manager", () => newPerson("manager")],
    ["a manager's token", () => newToken({ role: "manager" })],
    [
      "an owner's token that is revoked",
      async () => {
        const { api_token } = await newToken({ role: "owner" });
        await admin(`/api-tokens/${api_token.id}`, { method: "DELETE" });
      },
    ],
    [
      "an owner's token that is expired",
      async () => {
        const { api_token } = await newToken({ role: "owner" });
        await env.DB.prepare("UPDATE api_tokens SET expires_at = ? WHERE id = ?")
          .bind(Date.now() - DAY, api_token.id)
          .run();
      },
    ],
  ])("stays where all there is beside is %s", async (_, make) => {
    const ada = await newPerson("owner");
    await make();
    expect(await as(ada, "DELETE", `/people/${ada}`)).toMatchObject(REFUSED);
  });

  it("goes where ADMIN_TOKEN is set", async () => {
    const ada = await newPerson("owner");
    expect((await admin(`/people/${ada}`, { method: "DELETE" })).status).toBe(204);
  });

  it("is left over of two who remove each other at once", async () => {
    for (let round = 0; round < 5; round++) {
      const [ada, eve] = [await newPerson("owner"), await newPerson("owner")];
      const answers = await Promise.all([
        as(ada, "DELETE", `/people/${eve}`),
        as(eve, "PUT", `/people/${ada}`, { role: "viewer" }),
      ]);
      const left = await rows("SELECT email FROM people WHERE role = 'owner'");
      expect(left, JSON.stringify(answers.map(({ status }) => status))).toHaveLength(1);
      await env.DB.prepare("DELETE FROM people WHERE role = 'owner'").run();
    }
  });
});

describe("an owner's token that is the last way in", () => {
  const revoke = (token: string, id: string, bindings: Env) =>
    call(`/v1/admin/api-tokens/${id}`, { method: "DELETE", token, bindings });

  it("is not revoked, with no event of it", async () => {
    const { api_token, token } = await newToken({ role: "owner" });
    expect(await revoke(token, api_token.id, bare)).toMatchObject(REFUSED);
    expect((await call("/v1/admin/me", { token, bindings: bare })).status).toBe(200);
    expect((await eventsOf(api_token.id)).map(({ action }) => action)).toEqual(["api_token.created"]);
  });

  it("is not saved by people whom nobody signs in", async () => {
    const { api_token, token } = await newToken({ role: "owner" });
    await newPerson("owner");
    expect(await revoke(token, api_token.id, bare)).toMatchObject(REFUSED);
    expect((await revoke(token, api_token.id, behindAccess)).status).toBe(204);
  });

  it("is revoked once there is another one, or where ADMIN_TOKEN is set", async () => {
    const first = await newToken({ role: "owner" });
    const second = await newToken({ role: "owner" });
    expect((await revoke(first.token, first.api_token.id, bare)).status).toBe(204);
    expect(await revoke(second.token, second.api_token.id, bare)).toMatchObject(REFUSED);
    expect((await revoke(second.token, second.api_token.id, env)).status).toBe(204);
  });

  it("is not revoked in the console either, which says why", async () => {
    const { api_token, token } = await newToken({ role: "owner" });
    const visitor = await Visitor.signIn(token, bare);
    const page = await visitor.fill(`/admin/settings/api-tokens/${api_token.id}/revoke`);
    expect(page.status).toBe(409);
    expect(page.text).toContain("This is the last way in for an owner");
  });
});

describe("a request in the name of whoever Cloudflare Access signed in", () => {
  const asked = async (method: string, path: string, headers: Record<string, string>): Promise<number> => {
    const owner = await newPerson("owner");
    const answer = await call(`/v1/admin${path}`, {
      method,
      headers: { "Cf-Access-Jwt-Assertion": await sign(owner), ...headers },
      bindings: behindAccess,
    });
    return answer.status;
  };

  const nobody = "/people/nobody@smarthaus.example";

  it.each([
    ["another site", { Origin: "http://evil.example" }],
    ["another site that says where it is read", { Origin: "http://evil.example", "Sec-Fetch-Site": "none" }],
    ["a page without an origin", { Origin: "null" }],
    ["nothing that can be told", { Origin: "" }],
    ["another port", { Origin: "http://localhost:8788" }],
    ["another scheme", { Origin: "https://localhost:8787" }],
    ["a name that begins alike", { Origin: "http://localhost:8787.evil.example" }],
    ["two sites", { Origin: "http://localhost:8787, http://evil.example" }],
    ["a sibling", { Origin: "http://localhost:8787", "Sec-Fetch-Site": "same-site" }],
  ])("is refused if %s sends it, and nothing is done", async (_, headers) => {
    for (const method of ["DELETE", "PUT"]) expect(await asked(method, nobody, headers)).toBe(403);
    expect(await asked("POST", "/customers", headers)).toBe(403);
    expect(await eventsOf("nobody@smarthaus.example")).toEqual([]);
  });

  it("is taken from a page of ours, and from a program, which says nothing", async () => {
    expect(await asked("DELETE", nobody, { Origin: "http://localhost:8787" })).toBe(404);
    expect(await asked("DELETE", nobody, {})).toBe(404);
  });

  it("is also refused where it only reads, if reading goes into the record", async () => {
    const { license } = await newLicense();
    const evil = { Origin: "http://evil.example" };
    expect(await asked("GET", `/licenses/${license.id}/key`, evil)).toBe(403);
    expect(await asked("GET", `/licenses/${license.id}/key`, { "Sec-Fetch-Site": "cross-site" })).toBe(403);
    expect(await asked("GET", "/exports/licenses", { "Sec-Fetch-Site": "cross-site" })).toBe(403);
    expect((await eventsOf(license.id)).map(({ action }) => action)).toEqual(["license.issued"]);
    expect(await asked("GET", `/licenses/${license.id}`, evil)).toBe(200);
  });

  it("is taken from anywhere with a bearer token, which no browser sends by itself", async () => {
    const { token } = await newToken({ role: "owner" });
    const answer = await call("/v1/admin/customers", {
      token,
      body: { name: "Acme" },
      headers: { Origin: "http://evil.example" },
      bindings: behindAccess,
    });
    expect(answer.status).toBe(201);
  });
});
