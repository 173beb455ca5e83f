import { beforeEach, describe, expect, it } from "vitest";
import { Visitor } from "../../../support/console.ts";
import { admin, eventsOf, newLicense, unique } from "../../../support/service.ts";

const NEW = "/admin/settings/new-license-type";
const LIST = "/admin/settings/license-types";

let owner: Visitor;

beforeEach(async () => {
  owner = await Visitor.signIn();
});

const read = (id: string) => admin(`/license-types/${id}`);

/** On the first page of the list, however many types the database has. */
const firstId = (): string => unique("a-type");

const newType = async (terms: object = {}): Promise<string> => {
  const id = firstId();
  await admin(`/license-types/${id}`, { method: "PUT", body: { name: "Small", ...terms } });
  return id;
};

describe("a license type", () => {
  it("is made with every term, and shown", async () => {
    const id = firstId();
    const page = await owner.fill(NEW, {
      id,
      name: "Large",
      duration: "",
      grace_days: "20",
      lease_days: "10",
      check_in_hours: "12",
      max_instances: "7",
      max_services: "",
      max_requests_per_day: "5000",
      features: "sso, audit\napi",
      notice_days: "60 7",
    });
    expect(page.path).toBe(`${LIST}/${id}?done=created`);
    expect(page.text).toContain("The license type is created");
    expect((await read(id)).body).toMatchObject({
      name: "Large",
      duration: null,
      duration_days: null,
      grace_days: 20,
      lease_days: 10,
      check_in_hours: 12,
      max_instances: 7,
      max_services: null,
      max_requests_per_day: 5000,
      features: ["sso", "audit", "api"],
      notice_days: [60, 7],
    });
    expect((await owner.get(LIST)).html).toContain(`${LIST}/${id}`);
  });

  it("starts with the defaults of the API", async () => {
    const [byForm, byCall] = [unique("type"), await newType({ name: "Same" })];
    await owner.fill(NEW, { id: byForm, name: "Same" });
    const [form, call] = [(await read(byForm)).body, (await read(byCall)).body];
    const own = { id: "", created_at: "", updated_at: "" };
    expect({ ...form, ...own }).toEqual({ ...call, ...own });
  });

  it.each([
    ["18", "M", "P18M", 540, "18 months"],
    ["1", "Y", "P1Y", 365, "1 year"],
    ["2", "W", "P2W", 14, "2 weeks"],
    ["45", "D", "P45D", 45, "45 days"],
  ])("runs for %s %s", async (duration, duration_unit, stored, days, words) => {
    const id = unique("type");
    const page = await owner.fill(NEW, { id, name: "Large", duration, duration_unit });
    expect(page.text).toContain(words);
    expect((await read(id)).body).toMatchObject({ duration: stored, duration_days: days });
    await owner.fill(`${LIST}/${id}/edit`, { name: "Larger" });
    expect((await read(id)).body).toMatchObject({ name: "Larger", duration: stored });
  });

  it("is not replaced by a new one with its id", async () => {
    const id = await newType({ max_instances: 3 });
    const page = await owner.fill(NEW, { id, name: "Another" });
    expect(page.status).toBe(409);
    expect(page.text).toContain("exists already");
    expect((await read(id)).body).toMatchObject({ name: "Small", max_instances: 3 });
  });

  it.each([
    ["id", { id: "a b" }],
    ["id", { id: ".." }],
    ["name", { name: " " }],
    ["max_instances", { max_instances: "0" }],
    ["grace_days", { grace_days: "many" }],
    ["duration", { duration: "0" }],
    ["duration", { duration: "1.5", duration_unit: "M" }],
    ["features", { features: "sso sso" }],
    ["notice_days", { notice_days: "7 soon" }],
  ])("is refused for its %s in %j, with what was entered", async (field, wrong) => {
    const id = unique("type");
    const page = await owner.fill(NEW, { id, name: "Kept", ...wrong });
    expect(page.status).toBe(422);
    expect(page.html).toMatch(new RegExp(`name="${field}"[^>]*aria-invalid`));
    expect((await read(id)).status).toBe(404);
  });

  it("is changed, and licenses already issued keep their terms", async () => {
    const id = await newType({ max_instances: 2 });
    const { license } = await newLicense({ license_type: id });
    const page = await owner.fill(`${LIST}/${id}/edit`, { max_instances: "9" });
    expect(page.text).toContain("The terms are changed");
    expect((await read(id)).body.max_instances).toBe(9);
    expect((await admin(`/licenses/${license.id}`)).body.max_instances).toBe(2);
  });

  it("that somebody changed meanwhile is not overwritten unseen", async () => {
    const id = await newType({ lease_days: 30 });
    const form = await owner.get(`${LIST}/${id}/edit`);
    await admin(`/license-types/${id}`, { method: "PUT", body: { name: "Small", lease_days: 5 } });
    const refused = await owner.submit(form, { grace_days: "3" });
    expect(refused.status).toBe(412);
    expect(refused.text).toContain("Somebody else changed this");
    expect(refused.text).toMatch(/Lease in days 5 30/);
    expect((await read(id)).body).toMatchObject({ lease_days: 5, grace_days: 14 });

    expect((await owner.submit(refused)).status).toBe(303);
    expect((await read(id)).body).toMatchObject({ lease_days: 30, grace_days: 3 });
  });

  it("is deleted where no license was issued from it", async () => {
    const id = await newType();
    const page = await owner.fill(`${LIST}/${id}/delete`);
    expect(page.text).toContain("The license type is deleted.");
    expect((await read(id)).status).toBe(404);
    expect((await eventsOf(id)).at(-1)?.action).toBe("license_type.deleted");
  });

  it("that is used stays", async () => {
    const id = await newType();
    await newLicense({ license_type: id });
    const page = await owner.fill(`${LIST}/${id}/delete`);
    expect(page.status).toBe(409);
    expect(page.text).toContain(`Licenses were issued from the type ${id}.`);
    expect((await read(id)).status).toBe(200);
  });

  it("that is none is a page that says so", async () => {
    for (const path of ["", "/edit", "/delete"]) {
      expect((await owner.get(`${LIST}/nothing${path}`)).status).toBe(404);
    }
  });

  it("shows markup in its name as text", async () => {
    const id = await newType({ name: `<img src=x onerror="alert(1)">` });
    for (const path of [LIST, `${LIST}/${id}`, `${LIST}/${id}/edit`, `${LIST}/${id}/delete`]) {
      const { html } = await owner.get(path);
      expect(html, path).not.toContain("<img src=x");
      expect(html, path).toContain("&lt;img src=x");
    }
  });
});

describe.each(["viewer", "manager"] as const)("a %s", (role) => {
  it("reads license types, and is neither offered nor allowed to change them", async () => {
    const id = await newType();
    const visitor = await Visitor.signInAs(role);
    for (const path of [LIST, `${LIST}/${id}`]) {
      const page = await visitor.get(path);
      expect(page.status).toBe(200);
      expect(page.html).not.toMatch(/new-license-type|\/edit|\/delete/);
    }
    for (const path of [NEW, `${LIST}/${id}/edit`, `${LIST}/${id}/delete`]) {
      expect((await visitor.get(path)).status, path).toBe(403);
      const own = (await visitor.get(LIST)).forms[0]!.fields;
      expect((await visitor.post(path, { ...Object.fromEntries(own), name: "Mine", id })).status).toBe(403);
    }
    expect((await read(id)).body.name).toBe("Small");
  });
});

it("takes no form with a forged token, and none of another site", async () => {
  const id = await newType();
  const form = await owner.get(`${LIST}/${id}/delete`);
  expect((await owner.submit(form, { form_token: "A".repeat(43) })).status).toBe(403);
  const fields = Object.fromEntries(form.forms.find(({ action }) => action === form.path)!.fields);
  const foreign = { Origin: "https://evil.example", "Sec-Fetch-Site": "cross-site" };
  expect((await owner.post(form.path, fields, foreign)).status).toBe(403);
  expect((await read(id)).status).toBe(200);
});
