import { beforeEach, describe, expect, it } from "vitest";
import { readCsv } from "../../../src/licensing/sheets/sheets.ts";
import { Visitor } from "../../support/console.ts";
import { admin, eventsOf, newCustomer, newLicense, unique } from "../../support/service.ts";

const PATH = "/admin/exports/licenses";

let owner: Visitor;

beforeEach(async () => {
  owner = await Visitor.signIn();
});

const exportsOf = async (customer: string) =>
  (await eventsOf(customer)).filter(({ action }) => action === "licenses.exported").length;

describe("the export of customers", () => {
  it("is the file that the API gives", async () => {
    const { id } = await newCustomer();
    const file = await owner.submit(await owner.get("/admin/exports/customers"), { format: "json" });
    expect(file.headers.get("Content-Disposition")).toMatch(/filename="customers-\d{4}-\d\d-\d\d\.json"$/);
    expect(JSON.parse(file.html)).toContainEqual(
      (await admin(`/exports/customers?format=json&customer_id=${id}`)).body[0],
    );
    expect((await owner.get("/admin/customers")).html).toContain('href="/admin/exports/customers"');
  });

  it("has what the filters of the list find, which the form names", async () => {
    const tag = unique("t").slice(0, 30);
    const { id } = await newCustomer({ tags: [tag] });
    await newCustomer({ tags: [tag], email: "it@acme.example" });
    const query = `tag=${tag}&email_status=none`;
    const list = await owner.get(`/admin/customers?${query}&sort=name_last&limit=20`);
    expect(list.html).toContain(
      `href="/admin/exports/customers?${query.replace("&", "&amp;")}">Export these<`,
    );
    const form = await owner.get(`/admin/exports/customers?${query}`);
    expect(form.text).toContain(`Only the customers with tag: ${tag}, email status: none.`);
    const file = await owner.submit(form, { format: "json" });
    expect(JSON.parse(file.html).map((row: { id: string }) => row.id)).toEqual([id]);
    const wrong = await owner.submit(await owner.get("/admin/exports/customers?email_status=splendid"));
    expect(wrong.status).toBe(422);
  });
});

describe("the export of licenses", () => {
  it("is the file that the API gives, as a download, and recorded", async () => {
    const { license, license_key } = await newLicense();
    const customer_id = license.customer_id;
    const file = await owner.submit(await owner.get(PATH), { customer_id });
    expect(file.status).toBe(200);
    expect(file.headers.get("Content-Type")).toBe("text/csv; charset=utf-8; header=present");
    expect(file.headers.get("Content-Disposition")).toMatch(
      /^attachment; filename="licenses-\d{4}-\d\d-\d\d\.csv"$/,
    );
    expect(file.headers.get("Cache-Control")).toBe("no-store");
    expect(readCsv(file.html).rows).toMatchObject([{ cells: { id: license.id, license_key } }]);
    expect(await exportsOf(customer_id)).toBe(1);
    expect(file.html).toBe((await admin(`/exports/licenses?customer_id=${customer_id}`)).text);
  });

  it("has what the filters of the list find, and records which ones they were, not what for", async () => {
    const { id: customer_id } = await newCustomer();
    const tag = unique("t").slice(0, 30);
    const { license } = await newLicense({ customer_id, tags: [tag] });
    const other = await newLicense({ customer_id, tags: [tag], license_type: "trial" });
    for (const [query, ids] of [
      [`customer_id=${customer_id}&license_type=trial`, [other.license.id]],
      [`tag=${tag}&standing=active`, [license.id]],
      [`q=${customer_id}&sort=oldest`, [license.id, other.license.id].toSorted()],
      [`customer_id=${customer_id}&standing=revoked`, []],
    ] as const) {
      const form = await owner.get(`${PATH}?${query}`);
      const file = await owner.submit(form, { format: "json" });
      const got = JSON.parse(file.html).map(({ id }: { id: string }) => id);
      expect(got.toSorted(), query).toEqual(ids);
    }
    const csv = await owner.submit(await owner.get(`${PATH}?q=nobody-has-this`));
    expect(readCsv(csv.html)).toMatchObject({ rows: [], header: expect.arrayContaining(["license_key"]) });
    const recorded = (await eventsOf(customer_id)).find(({ action }) => action === "licenses.exported");
    expect(JSON.parse(recorded!.detail)).toEqual({ format: "json", filters: "license_type" });
    const wrong = await owner.submit(await owner.get(`${PATH}?standing=splendid`));
    expect(wrong.status).toBe(422);
  });

  it("is answered anew each time the form is sent", async () => {
    const { license } = await newLicense();
    const { customer_id } = license;
    const form = await owner.get(`${PATH}?customer_id=${customer_id}`);
    const first = await owner.submit(form, { format: "json" });
    await newLicense({ customer_id });
    const second = await owner.submit(form, { format: "json" });
    expect([first, second].map(({ html }) => JSON.parse(html).length)).toEqual([1, 2]);
    expect(await exportsOf(customer_id)).toBe(2);
  });

  it.each([
    [404, { customer_id: "nobody-at-all" }],
    [422, { format: "xlsx" }],
    [422, { customer_id: "a b" }],
  ])("answers %i for %j, as the form", async (status, wrong) => {
    const page = await owner.submit(await owner.get(PATH), wrong);
    expect(page.status).toBe(status);
    expect(page.headers.get("Content-Disposition")).toBeNull();
    expect(page.text).toContain("Export licenses");
  });

  it("is not had by an address, to which another site could send somebody", async () => {
    const { license } = await newLicense();
    const page = await owner.get(`${PATH}?format=csv&customer_id=${license.customer_id}`);
    expect(page.headers.get("Content-Disposition")).toBeNull();
    expect(page.html).not.toContain(license.id);
    expect(await exportsOf(license.customer_id)).toBe(0);
  });

  it("shows markup in what was entered as text", async () => {
    const page = await owner.submit(await owner.get(PATH), { customer_id: `"><script>alert(1)</script>` });
    expect(page.html).not.toContain("<script>alert");
  });

  it("is a manager's, too, and not a viewer's", async () => {
    const { id } = await newCustomer({ id: unique("exported") });
    const manager = await Visitor.signInAs("manager");
    expect((await manager.submit(await manager.get(PATH), { customer_id: id })).status).toBe(200);
    const viewer = await Visitor.signInAs("viewer");
    expect((await viewer.get(PATH)).status).toBe(403);
    const own = Object.fromEntries((await viewer.get("/admin/settings")).forms[0]!.fields);
    expect((await viewer.post(PATH, { ...own, customer_id: id })).status).toBe(403);
    expect(await exportsOf(id)).toBe(1);
  });

  it("takes no form with a forged token, and none of another site", async () => {
    const { id } = await newCustomer();
    const form = await owner.get(PATH);
    const own = { ...Object.fromEntries(form.forms.at(-1)!.fields), customer_id: id };
    expect((await owner.post(PATH, { ...own, form_token: "A".repeat(43) })).status).toBe(403);
    const foreign = { Origin: "https://evil.example", "Sec-Fetch-Site": "cross-site" };
    expect((await owner.post(PATH, own, foreign)).status).toBe(403);
    expect(await exportsOf(id)).toBe(0);
  });
});
