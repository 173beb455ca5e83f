// Every page and form of the console against every kind of visitor, by the list in calls.ts.
import { beforeAll, describe, expect, it } from "vitest";
import { doors } from "../../src/http/console/index.ts";
import { isForm } from "../../src/http/console/mount.tsx";
import { newTokens, PERSON_ROLES, type Role, ROLES_OF, type Visitor, visitorOf } from "../support/crew.ts";
import { watched } from "../support/meter.ts";
import { type Answer, call, eventsOf, newLicense, newToken, ORIGIN, rows } from "../support/service.ts";
import { CONSOLE, may, nameOf, type Rule } from "./calls.ts";

const { bindings, writes } = watched();

let visitors: Record<Role, Visitor>;
let strangers: [string, Record<string, string>][];

beforeAll(async () => {
  const tokens = await newTokens();
  visitors = {} as Record<Role, Visitor>;
  for (const role of PERSON_ROLES) visitors[role] = await visitorOf(tokens[role]);
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
  { method, path }: Rule,
  headers: Record<string, string>,
  fields: Record<string, string> = {},
): Promise<Answer> {
  const raw = new URLSearchParams({ once: crypto.randomUUID(), ...fields });
  return call(path.replaceAll(/\{\w+\}/g, "none"), {
    method,
    headers,
    bindings,
    ...(method === "POST" ? { raw } : {}),
  });
}

describe.each(CONSOLE.map((rule) => [nameOf(rule), rule] as const))("%s", (_, rule) => {
  it("leads strangers to the sign-in, and does nothing for them", async () => {
    writes.length = 0;
    for (const [name, headers] of strangers) {
      const { status, headers: answered } = await visit(rule, { Origin: ORIGIN, ...headers });
      expect([name, status]).toEqual([name, 303]);
      expect(answered.get("Location")).toMatch(/^\/admin\/sign-in\?next=/);
    }
    expect(writes).toEqual([]);
  });

  it.each(PERSON_ROLES)(`wants of a %s to be a ${rule.lowest}`, async (role) => {
    writes.length = 0;
    const { headers, formToken } = visitors[role];
    const { status } = await visit(rule, headers, { form_token: formToken });
    expect(status === 403).toBe(!may(role, rule));
    if (!may(role, rule)) expect(writes).toEqual([]);
  });

  it("declares the permission of just these roles, whatever the verbs of the page refuse by themselves", () => {
    const { access } = doors.find(({ path }) => path === rule.path)!;
    expect(ROLES_OF[access].toSorted()).toEqual(PERSON_ROLES.filter((role) => may(role, rule)).toSorted());
  });

  it.runIf(rule.method === "POST")("takes no form that another site sends", async () => {
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
      expect((await visit(rule, { ...headers, ...changes }, fields)).status).toBe(403);
    }
    const { Origin: _none, ...without } = headers;
    expect((await visit(rule, without, own)).status).toBe(403);
    expect(writes).toEqual([]);
  });
});

describe("the console", () => {
  it("has a line in the list for each page and form, and no other", () => {
    const mounted = doors.flatMap((door) =>
      (isForm(door) ? ["GET", "POST"] : ["GET"]).map((method) => nameOf({ method, path: door.path })),
    );
    expect(CONSOLE.map(nameOf).toSorted()).toEqual(mounted.toSorted());
  });

  it("shows no viewer a form that the viewer may not send", ({ task }) => {
    const forms = doors.filter((door) => "submit" in door && ROLES_OF[door.access].includes("viewer"));
    // The first is a page of the navigation: a viewer finds no form there, and the verb refuses what is sent all the
    // same. The others are about nobody but the viewer.
    expect(forms.map(({ path }) => path)).toEqual([
      "/admin/air-gap",
      "/admin/settings/view",
      "/admin/settings/columns/{list}",
    ]);
    task.meta.figures = {
      "pages and forms": CONSOLE.length,
      visitors: strangers.length + PERSON_ROLES.length,
    };
  });
});

describe.each(["key", "key/file"])("/admin/licenses/{id}/%s", (page) => {
  const follow = async (site: string): Promise<Answer & { recorded: number }> => {
    const { license } = await newLicense();
    const headers = { ...visitors.owner.headers, "Sec-Fetch-Site": site };
    const answer = await call(`/admin/licenses/${license.id}/${page}`, { headers });
    const events = await eventsOf(license.id);
    return { ...answer, recorded: events.filter(({ action }) => action === "license.key_revealed").length };
  };

  it("is not shown by a link of another site, which would fill the record", async () => {
    const answer = await follow("cross-site");
    expect(answer).toMatchObject({ status: 403, recorded: 0 });
    expect(answer.text).not.toMatch(/eyJ[\w-]+\.eyJ/);
  });

  it.each(["same-origin", "none"])("is shown by a link that is %s, and recorded", async (site) => {
    expect(await follow(site)).toMatchObject({ status: 200, recorded: 1 });
  });
});
