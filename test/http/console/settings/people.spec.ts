import { beforeEach, describe, expect, it } from "vitest";
import { Visitor } from "../../../support/console.ts";
import { admin, eventsOf, rows, unique } from "../../../support/service.ts";

const LIST = "/admin/settings/people";

let owner: Visitor;

beforeEach(async () => {
  owner = await Visitor.signIn();
});

const address = () => `${unique("ada")}@smarthaus.example`;

const roleOf = async (email: string) =>
  (await rows<{ role: string }>("SELECT role FROM people WHERE email = ?", email))[0]?.role;

const put = (email: string, role: string) =>
  admin(`/people/${encodeURIComponent(email)}`, { method: "PUT", body: { role } });

const form = (email: string, what: string) => `${LIST}/${encodeURIComponent(email)}/${what}`;

describe("a person", () => {
  it("is added, gets another role, and loses it", async () => {
    const email = address();
    const added = await owner.fill(`${LIST}/new`, { email: email.toUpperCase(), role: "viewer" });
    expect(added.text).toContain("The person is added");
    expect(await roleOf(email)).toBe("viewer");

    const changed = await owner.fill(form(email, "role"), { role: "manager" });
    expect(changed.text).toContain("The role is changed");
    expect(await roleOf(email)).toBe("manager");

    expect((await owner.get(form(email, "remove"))).text).toContain("They lose the role manager");
    const removed = await owner.fill(form(email, "remove"));
    expect(removed.text).toContain("The person no longer has a role.");
    expect(await roleOf(email)).toBeUndefined();
    expect((await eventsOf(email)).map(({ action }) => action)).toEqual([
      "person.added",
      "person.changed",
      "person.removed",
    ]);
  });

  it("who was here already is said to have been", async () => {
    const email = address();
    await put(email, "viewer");
    const page = await owner.fill(`${LIST}/new`, { email, role: "manager" });
    expect(page.text).toContain("The role is changed");
  });

  it.each([
    ["email", { email: "nobody" }],
    ["email", { email: "" }],
    ["role", { role: "god" }],
  ])("is refused for the %s in %j", async (field, wrong) => {
    const email = address();
    const page = await owner.fill(`${LIST}/new`, { email, role: "viewer", ...wrong });
    expect(page.status).toBe(422);
    expect(page.html).toContain(`id="${field}-fault"`);
    expect(await roleOf(email)).toBeUndefined();
  });

  it("who was removed is not brought back by a form about their role", async () => {
    const email = address();
    await put(email, "viewer");
    const page = await owner.get(form(email, "role"));
    await admin(`/people/${email}`, { method: "DELETE" });
    expect((await owner.submit(page, { role: "owner" })).status).toBe(404);
    expect(await roleOf(email)).toBeUndefined();
  });

  it("with an apostrophe and a plus in the address is found by the links of the list", async () => {
    const email = `o'${unique("hara")}+x@smarthaus.example`;
    await put(email, "viewer");
    const page = await owner.fill(form(email, "role"), { role: "manager" });
    expect(page.status).toBe(200);
    expect(await roleOf(email)).toBe("manager");
    expect((await owner.get(form(email, "remove"))).html).toContain("o&#39;");
  });
});

it("says of words in the address of a page nothing", async () => {
  const page = await owner.get(`${LIST}?done=%3Cb%3EHacked%3C/b%3E`);
  expect(page.html).not.toContain("Hacked");
  expect(page.html).not.toContain('role="status"');
});

describe.each(["viewer", "manager"] as const)("a %s", (role) => {
  it("neither sees people nor changes them", async () => {
    const email = address();
    await put(email, "viewer");
    const visitor = await Visitor.signInAs(role);
    const settings = await visitor.get("/admin/settings");
    expect(settings.html).not.toContain(LIST);
    const own = Object.fromEntries(settings.forms[0]!.fields);
    for (const path of [`${LIST}/new`, form(email, "role"), form(email, "remove")]) {
      expect((await visitor.get(path)).status).toBe(403);
      expect((await visitor.post(path, { ...own, email, role: "owner" })).status).toBe(403);
    }
    expect((await visitor.get(LIST)).status).toBe(403);
    expect(await roleOf(email)).toBe("viewer");
  });
});

it("takes no form with a forged token", async () => {
  const email = address();
  const page = await owner.get(`${LIST}/new`);
  expect((await owner.submit(page, { email, form_token: "A".repeat(43) })).status).toBe(403);
  expect(await roleOf(email)).toBeUndefined();
});
