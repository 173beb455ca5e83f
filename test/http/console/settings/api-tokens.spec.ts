import { beforeEach, describe, expect, it } from "vitest";
import { setTime } from "../../../support/clock.ts";
import { Visitor } from "../../../support/console.ts";
import { call, eventsOf, newToken, rows, unique } from "../../../support/service.ts";

const LIST = "/admin/settings/api-tokens";
const NOW = "2026-03-01T10:00:00.000Z";

let owner: Visitor;

beforeEach(async () => {
  setTime(NOW);
  owner = await Visitor.signIn();
});

const rowOf = async (name: string) => (await rows("SELECT * FROM api_tokens WHERE name = ?", name))[0];

const me = async (token: string) => (await call("/v1/admin/me", { token })).status;

describe("making an API token", () => {
  it("shows it once, to be copied", async () => {
    const name = unique("Billing");
    const form = await owner.get(`${LIST}/new`);
    const page = await owner.submit(form, { name, role: "manager", expires: "30" });
    expect(page.status).toBe(200);
    const [token = ""] = /caio_[A-Za-z0-9_-]{32}/.exec(page.html) ?? [];
    expect(await me(token)).toBe(200);
    expect(page.html).toContain('data-copy="token"');
    expect((await owner.get(LIST)).html).not.toContain(token);
    expect((await rows("SELECT * FROM api_tokens WHERE name = ?", name)).length).toBe(1);
  });

  it("once, however often the form is sent", async () => {
    const name = unique("Twice");
    const form = await owner.get(`${LIST}/new`);
    const [first, second] = [await owner.submit(form, { name }), await owner.submit(form, { name })];
    expect(second.html).toBe(first.html);
    expect((await rows("SELECT * FROM api_tokens WHERE name = ?", name)).length).toBe(1);
    const told = (await eventsOf(String((await rowOf(name))!["id"]))).map(({ action }) => action);
    expect(told).toEqual(["api_token.created", "api_token.revealed"]);
  });

  it.each([
    ["30", "", "2026-03-31T10:00:00.000Z"],
    ["90", "", "2026-05-30T10:00:00.000Z"],
    ["365", "", "2027-03-01T10:00:00.000Z"],
    ["never", "", null],
    ["date", "2026-12-31", "2027-01-01T12:00:00.000Z"],
  ])("that expires: %s %s", async (expires, expires_at, end) => {
    const name = unique("Ends");
    await owner.fill(`${LIST}/new`, { name, expires, expires_at });
    expect((await rowOf(name))!["expires_at"]).toBe(end === null ? null : Date.parse(end));
  });

  it.each([
    ["name", { name: "" }],
    ["role", { role: "god" }],
    ["expires", { expires: "0" }],
    ["expires_at", { expires: "date" }],
    ["expires_at", { expires: "date", expires_at: "2026-02-27" }],
  ])("is refused for its %s in %j", async (field, wrong) => {
    const name = unique("Refused");
    const page = await owner.fill(`${LIST}/new`, { name, ...wrong });
    expect(page.status).toBe(422);
    expect(page.html).toContain(`id="${field}-fault"`);
    expect(await rowOf(name)).toBeUndefined();
  });
});

describe("an API token", () => {
  it("is revoked after a question", async () => {
    const { api_token, token } = await newToken({ name: unique("Old"), role: "viewer" });
    expect((await owner.get(`${LIST}/${api_token.id}/revoke`)).text).toContain(api_token.prefix);
    const page = await owner.fill(`${LIST}/${api_token.id}/revoke`);
    expect(page.text).toContain("The token is revoked");
    expect(await me(token)).toBe(401);
  });

  it("that signed somebody in takes them out when they revoke it", async () => {
    const { api_token, token } = await newToken({ role: "owner" });
    const visitor = await Visitor.signIn(token);
    const form = await visitor.get(`${LIST}/${api_token.id}/revoke`);
    expect(form.text).toContain("revoking it signs you out");
    await visitor.submit(form);
    expect((await visitor.get(LIST)).location).toContain("/admin/sign-in");
  });

  it("is listed with its state", async () => {
    const ending = await newToken({ name: unique("Ending"), expires_at: "2026-03-01T11:00:00Z" });
    setTime("2026-03-01T12:00:00.000Z");
    let page = await owner.get(LIST);
    let html = page.html;
    for (let next; (next = /href="([^"]*cursor=[^"]*)" rel="next"/.exec(page.html)); html += page.html) {
      page = await owner.get(next[1]!.replaceAll("&amp;", "&"));
    }
    const row = html.split("<tr>").find((part) => part.includes(ending.api_token.name))!;
    expect(row).toContain("expired");
    expect(html).not.toContain(ending.token);
  });

  it("that is none is a page that says so", async () => {
    expect((await owner.get(`${LIST}/tok_none/revoke`)).status).toBe(404);
  });

  it("shows markup in its name as text", async () => {
    const { api_token } = await newToken({ name: "<script>alert(1)</script>" });
    const { html } = await owner.get(`${LIST}/${api_token.id}/revoke`);
    expect(html).not.toContain("<script>alert");
    expect(html).toContain("&lt;script&gt;alert(1)");
  });
});

describe.each(["viewer", "manager"] as const)("a %s", (role) => {
  it("neither sees tokens nor makes or revokes them", async () => {
    const { api_token, token } = await newToken();
    const visitor = await Visitor.signInAs(role);
    const settings = await visitor.get("/admin/settings");
    expect(settings.html).not.toContain(LIST);
    const own = Object.fromEntries(settings.forms[0]!.fields);
    for (const path of [`${LIST}/new`, `${LIST}/${api_token.id}/revoke`]) {
      expect((await visitor.get(path)).status).toBe(403);
      const fields = { ...own, name: "Mine", role: "owner", expires: "never" };
      expect((await visitor.post(path, fields)).status).toBe(403);
    }
    expect((await visitor.get(LIST)).status).toBe(403);
    expect(await me(token)).toBe(200);
  });
});

it("takes no form with a forged token", async () => {
  const name = unique("Forged");
  const form = await owner.get(`${LIST}/new`);
  expect((await owner.submit(form, { name, form_token: "A".repeat(43) })).status).toBe(403);
  expect(await rowOf(name)).toBeUndefined();
});
