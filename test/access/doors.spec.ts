// Every page and form of the console against every kind of visitor. They come from the table that mounts them, so
// a new one cannot be forgotten.
import { beforeAll, describe, expect, it } from "vitest";
import { doors } from "../../src/http/console/index.ts";
import { isForm } from "../../src/http/console/mount.tsx";
import { newTokens, type Role, ROLES, ROLES_OF, type Visitor, visitorOf } from "../support/crew.ts";
import { watched } from "../support/meter.ts";
import { type Answer, call, newToken, ORIGIN, rows } from "../support/service.ts";

const { bindings, writes } = watched();

const targets = doors.flatMap((door) => {
  const { access } = door;
  const path = door.path.replaceAll(/\{\w+\}/g, "none");
  return (isForm(door) ? ["GET", "POST"] : ["GET"]).map((method) => ({ path, access, method }));
});

let visitors: Record<Role, Visitor>;
let strangers: [string, Record<string, string>][];

beforeAll(async () => {
  const tokens = await newTokens();
  visitors = {} as Record<Role, Visitor>;
  for (const role of ROLES) visitors[role] = await visitorOf(tokens[role]);
  const revoked = await newToken({ role: "owner" });
  const over = await visitorOf(revoked.token);
  await rows("UPDATE api_tokens SET revoked_at = 1 WHERE id = ?", revoked.api_token.id);
  strangers = [
    ["nobody", {}],
    ["a cookie of nothing", { Cookie: "__Host-caio-session=x" }],
    ["the cookie without its prefix", { Cookie: over.headers["Cookie"]!.replace("__Host-", "") }],
    ["the session of a token that was revoked", { Cookie: over.headers["Cookie"]! }],
    ["a bearer token in place of a session", { Authorization: `Bearer ${tokens.owner}` }],
  ];
});

function visit(
  { method, path }: (typeof targets)[number],
  headers: Record<string, string>,
  fields: Record<string, string> = {},
): Promise<Answer> {
  const raw = new URLSearchParams({ once: crypto.randomUUID(), ...fields });
  return call(path, { method, headers, bindings, ...(method === "POST" ? { raw } : {}) });
}

describe.each(targets.map((target) => [`${target.method} ${target.path}`, target] as const))(
  "%s",
  (_, target) => {
    it("leads strangers to the sign-in, and does nothing for them", async () => {
      writes.length = 0;
      for (const [name, headers] of strangers) {
        const { status, headers: answered } = await visit(target, { Origin: ORIGIN, ...headers });
        expect([name, status]).toEqual([name, 303]);
        expect(answered.get("Location")).toMatch(/^\/admin\/sign-in\?next=/);
      }
      expect(writes).toEqual([]);
    });

    it.each(ROLES)(`asks of a %s the permission ${target.access}`, async (role) => {
      writes.length = 0;
      const { headers, formToken } = visitors[role];
      const { status } = await visit(target, headers, { form_token: formToken });
      const may = ROLES_OF[target.access].includes(role);
      expect(status === 403).toBe(!may);
      if (!may) expect(writes).toEqual([]);
    });

    it.runIf(target.method === "POST")("takes no form that another site sends", async () => {
      writes.length = 0;
      const { headers, formToken } = visitors.owner;
      const own = { form_token: formToken };
      for (const [changes, fields] of [
        [{ Origin: "https://evil.example" }, own],
        [{ Origin: "null" }, own],
        [{ "Sec-Fetch-Site": "cross-site" }, own],
        [{ "Sec-Fetch-Site": "same-site" }, own],
        [{}, {}],
        [{}, { form_token: visitors.manager.formToken }],
        [{}, { form_token: `${formToken.slice(0, -1)}${formToken.endsWith("A") ? "B" : "A"}` }],
      ] as [Record<string, string>, Record<string, string>][]) {
        expect((await visit(target, { ...headers, ...changes }, fields)).status).toBe(403);
      }
      const { Origin: _none, ...without } = headers;
      expect((await visit(target, without, own)).status).toBe(403);
      expect(writes).toEqual([]);
    });
  },
);

describe("the console", () => {
  it("shows no viewer a form that the viewer may not send", ({ task }) => {
    expect(targets.length).toBeGreaterThan(20);
    const forms = doors.filter((door) => "submit" in door && ROLES_OF[door.access].includes("viewer"));
    // It is a page of the navigation: a viewer finds no form there, and the verb refuses what is sent all the same.
    expect(forms.map(({ path }) => path)).toEqual(["/admin/air-gap"]);
    task.meta.figures = { "pages and forms": targets.length, visitors: strangers.length + ROLES.length };
  });
});
