import { describe, expect, it } from "vitest";
import { Visitor } from "../../../support/console.ts";
import { metered } from "../../../support/meter.ts";
import { activate, admin, newCustomer, newLicense, rows, unique } from "../../../support/service.ts";

const HOSTILE = `<script>alert("1")</script>`;

describe("/admin/customers", () => {
  it("finds customers by what they are called, page by page, with the filter kept", async () => {
    const word = unique("zebra");
    for (let n = 0; n < 3; n++) await newCustomer({ name: `${word} ${n}` });
    const visitor = await Visitor.signInAs("viewer");
    const first = await visitor.get(`/admin/customers?q=${word}&limit=2`);
    expect(first.text).toContain(`${word} 0`);
    expect(first.text).not.toContain(`${word} 2`);
    const next = /href="([^"]+)" rel="next"/.exec(first.html)![1]!.replaceAll("&amp;", "&");
    expect((await visitor.get(next)).text).toContain(`${word} 2`);
    expect((await visitor.get("/admin/customers?q=nobody-has-this-name")).text).toContain(
      "Nothing matches these filters",
    );
  });

  it("refuses a cursor that is none, as a page", async () => {
    const visitor = await Visitor.signIn();
    expect(await visitor.get("/admin/customers?cursor=x.y")).toMatchObject({ status: 422 });
  });
});

describe("a customer's page", () => {
  it("shows who it is, what they hold and what happened, and leads on", async () => {
    const { license } = await newLicense();
    const id: string = license.customer_id;
    await rows("UPDATE customers SET email = 'a@acme.example', email_status = 'bounced' WHERE id = ?", id);
    const { html, text } = await (await Visitor.signIn()).get(`/admin/customers/${id}`);
    expect(text).toContain("mail bounced");
    expect(text).toContain("Customer created");
    expect(html).toContain(`/admin/licenses/${license.id}"`);
    expect(html).toContain(`/admin/licenses/new?customer_id=${id}"`);
    expect(html).toContain(`/admin/exports/licenses?customer_id=${id}"`);
  });

  it("keeps what is done seldom apart from what is done daily", async () => {
    const { license } = await newLicense();
    const { html } = await (await Visitor.signIn()).get(`/admin/customers/${license.customer_id}`);
    const [, daily, rare] = /<div class="actions page">(.*?)<div class="rare">(.*?)<\/div>/s.exec(html)!;
    const names = (part: string) => [...part.matchAll(/\/(\w[\w-]*)"[^>]*>/g)].map(([, name]) => name);
    expect(names(daily!)).toEqual(["edit", "usage"]);
    expect(names(rare!)).toEqual(["suspend", "reinstate", "sign-out", "data", "delete", "erase"]);
  });

  it("says plainly that there is no such customer", async () => {
    const page = await (await Visitor.signIn()).get("/admin/customers/nobody");
    expect(page).toMatchObject({ status: 404 });
    expect(page.text).toContain("The customer does not exist");
  });

  it("shows a viewer nothing to do, and takes nothing from one", async () => {
    const { id } = await newCustomer();
    const viewer = await Visitor.signInAs("viewer");
    const page = await viewer.get(`/admin/customers/${id}`);
    expect(page.html).not.toMatch(/\/edit"|\/delete"|licenses\/new|exports/);
    const token = page.forms[0]!.fields[0]![1];
    for (const path of ["new", `${id}/edit`, `${id}/delete`]) {
      expect(await viewer.get(`/admin/customers/${path}`)).toMatchObject({ status: 403 });
      const fields = { form_token: token, once: crypto.randomUUID(), name: "Mine" };
      expect(await viewer.post(`/admin/customers/${path}`, fields)).toMatchObject({ status: 403 });
    }
    expect((await admin(`/customers/${id}`)).body).toMatchObject({ id, name: "Acme" });
  });

  it("shows names as text, whatever they hold", async () => {
    const { id } = await newCustomer({
      name: HOSTILE,
      company: HOSTILE,
      metadata: { "</pre>": HOSTILE },
    });
    const visitor = await Visitor.signIn();
    for (const path of [`/${id}`, `/${id}/edit`, `/${id}/delete`, `?q=${encodeURIComponent(HOSTILE)}`]) {
      const { status, html, text } = await visitor.get(`/admin/customers${path}`);
      expect(status).toBe(200);
      expect(html).not.toContain("<script>alert");
      expect(text).toContain(HOSTILE);
    }
  });
});

describe("the forms of a customer", () => {
  it("create one, with an id of its own or ours", async () => {
    const visitor = await Visitor.signInAs("manager");
    const id = unique("acme");
    const values = { id, name: "Acme", email: "it@acme.example", metadata: '{"crm": 7}' };
    const page = await visitor.fill("/admin/customers/new", values);
    expect(page.path).toBe(`/admin/customers/${id}?done=created`);
    expect(page.text).toContain("The customer is created.");
    expect((await admin(`/customers/${id}`)).body).toMatchObject({ name: "Acme", metadata: { crm: 7 } });
    expect((await visitor.fill("/admin/customers/new", { name: "Acme" })).path).toMatch(
      /\/cus_\w+\?done=created$/,
    );
  });

  it("come back with what was entered and what is wrong with it", async () => {
    const visitor = await Visitor.signIn();
    const page = await visitor.fill("/admin/customers/new", { name: "Acme", email: "acme", company: "ACME" });
    expect(page.status).toBe(422);
    expect(page.html).toContain('aria-describedby="email-hint email-fault"');
    expect(page.forms.find(({ fields }) => fields.some(([name]) => name === "once"))).toBeDefined();
    expect(page.html).toContain('value="ACME"');
    const broken = await visitor.fill("/admin/customers/new", { name: "Acme", metadata: "{" });
    expect(broken.status).toBe(422);
    expect(broken.text).toContain("Must be JSON");
    const { id } = await newCustomer();
    const taken = await visitor.fill("/admin/customers/new", { id, name: "Again" });
    expect(taken.status).toBe(409);
    expect(taken.text).toContain("exists already");
  });

  it("create one customer, however often the same form is sent", async () => {
    const visitor = await Visitor.signIn();
    const form = await visitor.get("/admin/customers/new");
    const values = { name: unique("Twice") };
    const [one, two] = [await visitor.submit(form, values), await visitor.submit(form, values)];
    expect(one.location).toMatch(/done=created/);
    expect(two.location).toBe(one.location);
    expect(await rows("SELECT id FROM customers WHERE name = ?", values.name)).toHaveLength(1);
  });

  it("change one, and say so where somebody else was faster", async () => {
    const { id } = await newCustomer({ company: "Old" });
    const visitor = await Visitor.signIn();
    const form = await visitor.get(`/admin/customers/${id}/edit`);
    await admin(`/customers/${id}`, { method: "PATCH", body: { company: "Theirs" } });
    const again = await visitor.submit(form, { name: "Mine" });
    expect(again.status).toBe(412);
    expect(again.text).toContain("Company Theirs Old");
    expect(again.html).toContain('value="Mine"');
    expect((await admin(`/customers/${id}`)).body).toMatchObject({ name: "Acme", company: "Theirs" });
    expect((await visitor.submit(again)).location).toBe(`/admin/customers/${id}?done=changed`);
    expect((await admin(`/customers/${id}`)).body).toMatchObject({ name: "Mine", company: "Old" });
  });

  it("change nothing without the version that was shown", async () => {
    const { id } = await newCustomer();
    const visitor = await Visitor.signIn();
    const form = await visitor.get(`/admin/customers/${id}/edit`);
    expect(await visitor.submit(form, { name: "Mine", version: undefined })).toMatchObject({ status: 412 });
  });

  it("delete one who has no licenses, and no other", async () => {
    const visitor = await Visitor.signIn();
    const { id } = await newCustomer();
    const page = await visitor.fill(`/admin/customers/${id}/delete`);
    expect(page.path).toBe("/admin/customers?done=deleted");
    expect(page.text).toContain("The customer is deleted.");
    expect(await admin(`/customers/${id}`)).toMatchObject({ status: 404 });

    const { id: holder } = await newCustomer();
    const form = await visitor.get(`/admin/customers/${holder}/delete`);
    await newLicense({ customer_id: holder });
    const refused = await visitor.submit(form);
    expect(refused.status).toBe(409);
    expect(refused.text).toContain("has licenses");
    expect((await visitor.get(`/admin/customers/${holder}/delete`)).html).not.toContain(
      "Delete customer</button>",
    );
  });

  it("are taken from our own pages in the same session only", async () => {
    const { id } = await newCustomer();
    const visitor = await Visitor.signIn();
    const form = await visitor.get(`/admin/customers/${id}/delete`);
    for (const form_token of [undefined, "x", "A".repeat(43)]) {
      expect(await visitor.submit(form, { form_token })).toMatchObject({ status: 403 });
    }
    const other = await Visitor.signIn();
    expect(await other.submit(form)).toMatchObject({ status: 403 });
    const fields = Object.fromEntries(form.forms.at(-1)!.fields);
    const elsewhere = { Origin: "https://evil.example", "Sec-Fetch-Site": "cross-site" };
    expect(await visitor.post(form.path, fields, elsewhere)).toMatchObject({ status: 403 });
    expect(await admin(`/customers/${id}`)).toMatchObject({ status: 200 });
  });
});

describe("what staff note", () => {
  it("is entered, shown, and filtered by", async () => {
    const tag = unique("t").slice(0, 30);
    const { id } = await newCustomer();
    const owner = await Visitor.signIn();
    const page = await owner.get(`/admin/customers/${id}/edit`);
    const entered = { tags: `vip, ${tag}`, notes: "First line\nSecond <b>line" };
    expect(await owner.submit(page, entered)).toMatchObject({ status: 303 });
    expect((await admin(`/customers/${id}`)).body).toMatchObject({ tags: ["vip", tag] });
    const shown = await owner.get(`/admin/customers/${id}`);
    expect(shown.html).toContain("Second &lt;b&gt;line");
    expect(shown.html).toContain(`/admin/customers?tag=${tag}"`);
    expect((await owner.get(`/admin/customers?tag=${tag}`)).html).toContain(`/admin/customers/${id}"`);
    expect((await owner.get(`/admin/customers?tag=${tag}&metadata.crm=1`)).text).toContain("Nothing matches");
    expect((await owner.get(`/admin/customers?metadata.crm=1`)).html).toContain(
      'name="metadata.crm" value="1"',
    );
    expect((await owner.submit(page, { ...entered, tags: "No" })).text).toContain("lower-case letters");
    const { license } = await newLicense({ customer_id: id });
    const edit = await owner.get(`/admin/licenses/${license.id}/edit`);
    expect(await owner.submit(edit, { tags: tag, notes: "Of the license" })).toMatchObject({ status: 303 });
    expect((await owner.get(`/admin/licenses/${license.id}`)).text).toContain("Of the license");
    expect((await owner.get(`/admin/licenses?tag=${tag}`)).html).toContain(license.id);
  });
});

describe("suspending all licenses of a customer", () => {
  it("shows what it would do, does it, and is lifted again", async () => {
    const { license } = await newLicense();
    const id: string = license.customer_id;
    const owner = await Visitor.signIn();
    expect((await owner.get(`/admin/customers/${id}`)).html).toContain(`/admin/customers/${id}/suspend"`);
    const page = await owner.get(`/admin/customers/${id}/suspend`);
    expect(page.text).toContain("1 license would be suspended, with 0 running instances.");
    expect((await owner.submit(page, { reason: "" })).text).toContain("Reason");
    expect((await admin(`/licenses/${license.id}`)).body.status).toBe("active");
    expect(await owner.submit(page, { reason: "Unpaid." })).toMatchObject({ status: 303 });
    expect((await admin(`/licenses/${license.id}`)).body.status).toBe("suspended");
    const lift = await owner.get(`/admin/customers/${id}/reinstate`);
    expect(lift.text).toContain("1 license would be reinstated.");
    expect(await owner.submit(lift, {})).toMatchObject({ status: 303 });
    expect((await admin(`/licenses/${license.id}`)).body.status).toBe("active");
    const viewer = await Visitor.signInAs("viewer");
    expect(await viewer.get(`/admin/customers/${id}/suspend`)).toMatchObject({ status: 403 });
    expect(await owner.get("/admin/customers/nobody/suspend")).toMatchObject({ status: 404 });
  });
});

describe("a firm", () => {
  const cellsOf = (html: string, id: string): string[] => {
    const row = /<tr>(?:(?!<\/tr>).)*$/s.exec(html.slice(0, html.indexOf(`/admin/customers/${id}"`)))!;
    const rest = html.slice(row.index, html.indexOf("</tr>", row.index));
    return [...rest.matchAll(/<td[^>]*>(.*?)<\/td>/gs)].map(([, cell]) =>
      cell!.replaceAll(/<[^>]*>/g, "").trim(),
    );
  };

  it("is what a customer is called in titles and lists; the person comes second", async () => {
    const company = unique("Globex");
    const { id } = await newCustomer({ name: "Felix Jensen", company });
    const { license } = await newLicense({ customer_id: id });
    const visitor = await Visitor.signInAs("viewer");
    const titles: Record<string, string> = {
      [`/admin/customers/${id}`]: `<title>${company} ·`,
      [`/admin/licenses/${license.id}`]: `<title>${company}, standard ·`,
      [`/admin/licenses?customer_id=${id}`]: `">${company}</a>`,
    };
    for (const [path, name] of Object.entries(titles)) {
      const { html, text } = await visitor.get(path);
      expect(html).toContain(name);
      expect(text).toContain("Felix Jensen");
    }
    const page = await (await Visitor.signIn()).get(`/admin/licenses/bulk?do=suspend&id=${license.id}`);
    expect(page.html).toContain(`>${company}</a>`);
  });

  it("stands in the list where its name belongs, whatever its id, page by page", async () => {
    const mark = unique("zz").toUpperCase();
    const names = [`${mark}b`, `${mark.toLowerCase()}A`, `${mark}c`];
    await newCustomer({ id: `${mark}-3`, name: "Ada", company: names[0]! });
    await newCustomer({ id: `${mark}-9`, name: names[1]! });
    await newCustomer({ id: `${mark}-1`, name: "Zoe", company: names[2]! });
    const visitor = await Visitor.signInAs("viewer");
    const seen: string[] = [];
    let path: string | undefined = "/admin/customers?limit=100";
    while (path !== undefined) {
      const { html }: { html: string } = await visitor.get(path);
      seen.push(...[...html.matchAll(/href="\/admin\/customers\/([^"/]+)">/g)].map(([, id]) => id!));
      path = /href="([^"]+)" rel="next"/.exec(html)?.[1]?.replaceAll("&amp;", "&");
    }
    const ours = seen.filter((id) => id.startsWith(mark));
    expect(ours).toEqual([`${mark}-9`, `${mark}-3`, `${mark}-1`]);
    expect(new Set(seen).size).toBe(seen.length);
  });

  it("is listed from the end, too, page by page, and counted", async () => {
    for (const name of ["Aachen", "zürich"]) await newCustomer({ name: unique(name) });
    const visitor = await Visitor.signInAs("viewer");
    const walk = async (sort: string) => {
      const seen: string[] = [];
      let path: string | undefined = `/admin/customers?limit=100${sort}`;
      while (path !== undefined) {
        const { html }: { html: string } = await visitor.get(path);
        seen.push(...[...html.matchAll(/href="\/admin\/customers\/([^"/]+)">/g)].map(([, id]) => id!));
        path = /href="([^"]+)" rel="next"/.exec(html)?.[1]?.replaceAll("&amp;", "&");
      }
      return seen;
    };
    const down = await walk("&sort=name_last");
    expect(down.length).toBeGreaterThan(1);
    expect(down).toEqual((await walk("")).toReversed());
    const [first] = await rows<{ n: number }>("SELECT count(*) AS n FROM customers");
    const total = first!.n > 200 ? "more than 200" : String(first!.n);
    expect((await visitor.get("/admin/customers?limit=1")).text).toContain(`Rows 1–1 of ${total}`);
  });

  it("has its licenses, seats and next end beside it, without those that are revoked or over", async () => {
    const { id } = await newCustomer({ name: unique("Seated") });
    const ends = "2099-03-31";
    const { license_key } = await newLicense({ customer_id: id, expires_at: ends, max_instances: 5 });
    await newLicense({ customer_id: id, expires_at: "2099-05-01" });
    const revoked = await newLicense({ customer_id: id, expires_at: "2099-01-01" });
    await activate(revoked.license_key, "gone");
    await admin(`/licenses/${revoked.license.id}/revoke`, { body: { reason: "x" } });
    for (const instance of ["a", "b"]) await activate(license_key, instance);
    const { html } = await (await Visitor.signInAs("viewer")).get(`/admin/customers?q=${id}`);
    const [, , , licenses, seats, end] = cellsOf(html, id);
    expect([licenses, seats]).toEqual(["2", "2"]);
    expect(end).toMatch(/^Mar 31, 2099/);
  });

  it("says that it has at least as many licenses as a page looks at", async () => {
    const { id } = await newCustomer({ name: unique("Large") });
    for (let n = 0; n < 25; n++) await newLicense({ customer_id: id });
    const visitor = await Visitor.signInAs("viewer");
    expect(cellsOf((await visitor.get(`/admin/customers?q=${id}`)).html, id)[3]).toBe("25");
    await newLicense({ customer_id: id });
    expect(cellsOf((await visitor.get(`/admin/customers?q=${id}`)).html, id)[3]).toBe("25+");
  });

  it("is found by what is wrong with its address", async () => {
    const mark = unique("mailless");
    const none = (await newCustomer({ name: `${mark} none` })).id;
    const email = `${unique("a")}@acme.example`;
    const bounced = (await newCustomer({ name: `${mark} bounced`, email })).id;
    await rows("UPDATE customers SET email_status = 'bounced' WHERE id = ?", bounced);
    const visitor = await Visitor.signInAs("viewer");
    const found = async (status: string) =>
      (await visitor.get(`/admin/customers?q=${mark}&email_status=${status}`)).html;
    expect(await found("none")).toContain(`/${none}"`);
    expect(await found("none")).not.toContain(`/${bounced}"`);
    expect(await found("bounced")).toContain(`/${bounced}"`);
    expect(await found("bounced")).not.toContain(`/${none}"`);
    expect((await admin(`/customers?q=${mark}&email_status=none`)).body.data).toMatchObject([{ id: none }]);
  });

  it("is pointed out where another one has its name or address already, which stops nobody", async () => {
    const email = `${unique("ops")}@acme.example`;
    const { id } = await newCustomer({ name: "Ada", company: unique("Twin"), email });
    const visitor = await Visitor.signInAs("manager");
    const form = await visitor.get("/admin/customers/new");
    expect(form.html).not.toContain("there is already");
    const looked = await visitor.submit(form, { name: "Bo", email: email.toUpperCase(), look: "yes" });
    expect(looked.html).toContain(`href="/admin/customers/${id}"`);
    const made = await visitor.fill("/admin/customers/new", { name: "Bo", email });
    expect(made.path).toContain("?done=created");
    expect(made.html).toContain(`href="/admin/customers/${id}"`);
    const again = await visitor.get(made.path.replace("?done=created", ""));
    expect(again.text).not.toContain("there is already");
  });

  it("costs a page of the list three trips and a bounded number of rows", async () => {
    const { cost, bindings } = metered();
    const visitor = await Visitor.signIn(undefined, bindings);
    cost.trips = cost.read = 0;
    const page = await visitor.get("/admin/customers");
    expect(cost.trips).toBeLessThanOrEqual(3);
    // A session, the count, 51 customers, and at most two rows for each of 26 licenses of each, and 25 ends.
    expect(cost.read).toBeLessThanOrEqual(2 + 201 + 51 * (1 + 2 * 26 + 25));
    expect(page.html.length).toBeLessThan(100_000);
  });
});
