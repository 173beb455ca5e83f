import { describe, expect, it } from "vitest";
import { Visitor } from "../../support/console.ts";
import { env } from "../../support/env.ts";
import { newContact, newHouse } from "../../support/portal.ts";
import { activate, admin, deactivate, newCustomer, newLicense, newToken } from "../../support/service.ts";

/** What the list says, without the words of its filters. */
const listed = (html: string): string => html.slice(html.indexOf('id="events"'));

describe("/admin/activity", () => {
  it("tells what happened in words, with all that was recorded", async () => {
    const { license } = await newLicense();
    await admin(`/licenses/${license.id}/suspend`, { body: { reason: "Invoice 4711" } });
    const visitor = await Visitor.signInAs("viewer");
    const { text, html } = await visitor.get(`/admin/activity?entity=${license.id}`);
    const tail = license.id.slice(-6);
    expect(text).toMatch(new RegExp(`Suspended “Invoice 4711” .*…\u2060${tail}.*License issued`));
    expect(html).toContain(`href="/admin/licenses/${license.id}"`);
    expect(text).toContain('"action": "license.suspended"');
    expect(text).toContain('"reason": "Invoice 4711"');
  });

  it("finds by what was done, by whom and when", async () => {
    const { id } = await newCustomer();
    const manager = await newToken({ role: "manager" });
    const body = { company: "Acme" };
    await admin(`/customers/${id}`, { method: "PATCH", body, token: manager.token });
    const visitor = await Visitor.signIn();
    const find = async (query: string) => listed((await visitor.get(`/admin/activity?${query}`)).html);
    const about = `entity=${id}`;
    expect(await find(`${about}&action=customer.changed`)).not.toContain("Customer created");
    const theirs = await find(`actor=${manager.api_token.id}`);
    expect(theirs).toContain("Customer changed");
    expect(theirs).not.toContain("Customer created");
    expect(await find(`${about}&since=2020-01-01&until=2020-12-31`)).toContain(
      "Nothing matches these filters",
    );
    expect(await find(`${about}&since=2020-01-01&until=`)).toContain("Customer created");
  });

  it("says at its field what a filter means nothing by, and keeps the others", async () => {
    const visitor = await Visitor.signIn();
    const page = await visitor.get("/admin/activity?actor=ada@example.org&since=0002-01-01");
    expect(page).toMatchObject({ status: 422 });
    expect(page.html).toMatch(/name="actor"[^>]* value="ada@example.org"/);
    expect(page.html).toMatch(/id="since" name="since" aria-describedby="since-fault" aria-invalid="true"/);
    expect(page.html).toMatch(/id="since-fault">Must be an RFC 3339 instant/);
    expect(listed(page.html)).toContain("please correct this");
    expect(page.html).toMatch(/id="until"[^>]* min="1970-01-01"/);
  });

  it("goes on page by page with the same filters", async () => {
    const { id } = await newCustomer();
    for (const company of ["a", "b", "c"]) {
      await admin(`/customers/${id}`, { method: "PATCH", body: { company } });
    }
    const visitor = await Visitor.signIn();
    let page = await visitor.get(`/admin/activity?entity=${id}&limit=3`);
    expect(listed(page.html)).not.toContain("Customer created");
    const next = /href="([^"]+)" rel="next"/.exec(page.html)![1]!.replaceAll("&amp;", "&");
    page = await visitor.get(next);
    expect(listed(page.html)).toContain("Customer created");
  });

  it("calls tokens by their names and what acts by rule in words, with their ids beside", async () => {
    const { id } = await newCustomer();
    const name = `Billing <${crypto.randomUUID()}>`;
    const { token, api_token } = await newToken({ role: "owner", name });
    await admin(`/customers/${id}`, { method: "PATCH", body: { company: "Acme" }, token });
    await admin(`/api-tokens/${api_token.id}`, { method: "DELETE" });
    const visitor = await Visitor.signIn();
    const changed = await visitor.get(`/admin/activity?entity=${id}`);
    expect(changed.text).toContain(`by ${name}`);
    expect(changed.html).toContain(`title="${api_token.id}"`);
    // What tokens are called is for owners.
    for (const role of ["manager", "viewer"] as const) {
      const { text } = await (await Visitor.signInAs(role)).get(`/admin/activity?entity=${id}`);
      expect(text).toContain(`by ${api_token.id}`);
      expect(text).not.toContain(name);
    }
    expect((await admin(`/events?entity=${id}`)).body.data[0]).not.toHaveProperty("actor_name");
  });

  it("calls contacts by their names on every page with events, for everybody, and by the id once they are gone", async () => {
    const { customer, contact, license } = await newHouse({}, { name: "Grace <Hopper>" });
    const nameless = await newContact(customer.id);
    const request = crypto.randomUUID();
    for (const [entity, id, by] of [
      ["license", license.id, contact.id],
      ["customer", customer.id, nameless.id],
    ]) {
      await env.DB.prepare(
        `INSERT INTO events (at, action, entity_type, entity_id, actor_type, actor_id, request_id, detail)
         VALUES (?, 'license.key_shown', ?, ?, 'customer', ?, ?, '{}')`,
      )
        .bind(Date.now(), entity, id, by, request)
        .run();
    }
    const pages = ["/admin", "/admin/activity", `/admin/search?q=${request}`];
    const named: [name: string, paths: string[]][] = [
      ["Grace <Hopper>", [...pages, `/admin/licenses/${license.id}`]],
      [nameless.email, [...pages, `/admin/customers/${customer.id}`]],
    ];
    for (const role of ["owner", "viewer"] as const) {
      const visitor = await Visitor.signInAs(role);
      for (const [name, paths] of named) {
        for (const path of paths) {
          const { text } = await visitor.get(path);
          expect(text, `${path} as ${role}`).toContain(`by ${name}`);
        }
      }
    }
    await admin(`/customers/${customer.id}/contacts/${contact.id}`, { method: "DELETE" });
    const visitor = await Visitor.signInAs("viewer");
    expect((await visitor.get(`/admin/licenses/${license.id}`)).text).toContain(`by ${contact.id}`);
  });

  it("names every actor that acts by rule", async () => {
    const visitor = await Visitor.signIn();
    for (const actor of ["nightly", "deliveries", "receipts", "usage", "lease"]) {
      const { license } = await newLicense();
      await env.DB.prepare(
        `INSERT INTO events (at, action, entity_type, entity_id, actor_type, actor_id, request_id, detail)
         VALUES (?, 'license.changed', 'license', ?, 'system', ?, '-', '{}')`,
      )
        .bind(Date.now(), license.id, actor)
        .run();
      const { html } = await visitor.get(`/admin/activity?entity=${license.id}`);
      expect(html).toContain(`by <span title="${actor}">`);
    }
  });

  it("finds what an instance did without knowing, such as looking like a clone", async () => {
    const { license } = await newLicense();
    await env.DB.prepare(
      `INSERT INTO events (at, action, entity_type, entity_id, actor_type, actor_id, request_id, detail)
       VALUES (?, 'instance.clone_suspected', 'license', ?, 'instance', 'twin', '-', '{}')`,
    )
      .bind(Date.now(), license.id)
      .run();
    const visitor = await Visitor.signIn();
    const { html } = await visitor.get("/admin/activity?action=instance.clone_suspected");
    expect(listed(html)).toContain(license.id);
  });

  it("says who freed a seat", async () => {
    const { license, license_key } = await newLicense({ max_instances: 2 });
    for (const instance of ["a", "b"]) await activate(license_key, instance);
    const [first] = (await admin(`/activations?license_id=${license.id}`)).body.data;
    await admin(`/activations/${first.id}`, { method: "DELETE" });
    await deactivate(license_key, "b");
    const { html } = await (await Visitor.signIn()).get(`/admin/activity?entity=${license.id}`);
    expect(html).toContain("<strong>Seat freed</strong>");
    expect(html).toContain("<strong>Seat given back</strong>");
  });

  it("shows what was recorded as text", async () => {
    const hostile = "</pre><script>alert(1)</script>";
    const { license } = await newLicense();
    await admin(`/licenses/${license.id}/suspend`, { body: { reason: hostile } });
    const { html, text } = await (await Visitor.signIn()).get(`/admin/activity?entity=${license.id}`);
    expect(html).not.toContain("<script>alert");
    expect(text).toContain(hostile);
  });

  it.each(["manager", "viewer"] as const)(
    "tells a %s nothing of people, tokens and sign-ins",
    async (role) => {
      const owner = await newToken({ role: "owner", name: "Deploys" });
      const visitor = await Visitor.signInAs(role);
      await Visitor.signIn(owner.token);
      for (const path of ["/admin", "/admin/activity", `/admin/activity?entity=${owner.api_token.id}`]) {
        const { text } = await visitor.get(path);
        for (const told of ["API token created", "Signed in to the console", "Deploys"]) {
          expect(text, path).not.toContain(told);
        }
      }
      const filtered = await visitor.get("/admin/activity?action=api_token.created");
      expect(filtered.text).toContain("Nothing matches these filters");
      const page = await (await Visitor.signIn()).get(`/admin/activity?entity=${owner.api_token.id}`);
      expect(listed(page.html)).toContain("Signed in to the console");
      expect(listed(page.html)).toContain("API token created");
    },
  );
});

describe("asking for somebody by name", () => {
  it("finds what all tokens of the name did, and the one with this beginning; nobody else's", async () => {
    const name = `Grace Hopper ${crypto.randomUUID().slice(0, 8)}`;
    const [former, present, other] = [
      await newToken({ role: "manager", name }),
      await newToken({ role: "manager", name }),
      await newToken({ role: "manager" }),
    ];
    const made = [];
    for (const { token } of [former, present, other]) {
      made.push((await admin("/customers", { body: { name: "Made" }, token })).body.id);
    }
    const visitor = await Visitor.signIn();
    const find = async (query: string) => listed((await visitor.get(`/admin/activity?${query}`)).html);
    const theirs = await find(`actor=${encodeURIComponent(name.toLowerCase())}`);
    expect(made.map((id) => theirs.includes(id))).toEqual([true, true, false]);
    const lately = await find(`actor=${present.api_token.prefix}`);
    expect(made.map((id) => lately.includes(id))).toEqual([false, true, false]);
    expect(theirs).toContain(`/admin/activity?actor=${former.api_token.id}"`);
    const { html } = await visitor.get("/admin/activity");
    expect(html).toContain(`<option value="${present.api_token.id}">${name} (`);
    const manager = await Visitor.signInAs("manager");
    expect((await manager.get("/admin/activity")).html).not.toContain(name);
    const asked = await manager.get(`/admin/activity?actor=${encodeURIComponent(name)}`);
    expect(listed(asked.html)).not.toContain(made[0]);
  });

  it("goes on page by page over all tokens of a name", async () => {
    const name = `Pager ${crypto.randomUUID().slice(0, 8)}`;
    const tokens = [await newToken({ role: "manager", name }), await newToken({ role: "manager", name })];
    const made: string[] = [];
    for (let n = 0; n < 5; n++) {
      const { token } = tokens[n % 2]!;
      made.push((await admin("/customers", { body: { name: "Made" }, token })).body.id);
    }
    const visitor = await Visitor.signIn();
    const seen: string[] = [];
    let path: string | undefined = `/admin/activity?limit=2&actor=${encodeURIComponent(name)}`;
    while (path !== undefined) {
      const { html }: { html: string } = await visitor.get(path);
      seen.push(...[...listed(html).matchAll(/href="\/admin\/customers\/([^"]+)"/g)].map(([, id]) => id!));
      path = /href="([^"]+)" rel="next"/.exec(html)?.[1]?.replaceAll("&amp;", "&");
    }
    expect(seen).toEqual(made.toReversed());
  });

  it("separates staff, instances and the service itself", async () => {
    const { license, license_key } = await newLicense();
    await activate(license_key, "pod-1");
    const visitor = await Visitor.signIn();
    const find = async (by: string) =>
      listed((await visitor.get(`/admin/activity?entity=${license.id}&by=${by}`)).html);
    expect(await find("staff")).toContain("License issued");
    expect(await find("staff")).not.toContain("Instance activated");
    expect(await find("instance")).toContain("Instance activated");
    expect(await find("system")).toContain("Nothing matches these filters");
    expect((await admin("/events?by=nobody")).status).toBe(422);
  });

  it("names the customer in each row, and folds what repeats", async () => {
    const company = `Danube ${crypto.randomUUID().slice(0, 8)}`;
    const { id } = await newCustomer({ company });
    const { license } = await newLicense({ customer_id: id });
    const visitor = await Visitor.signIn();
    const { html } = await visitor.get("/admin/activity?limit=20");
    for (const path of [`licenses/${license.id}`, `customers/${id}`])
      expect(html).toContain(`<a href="/admin/${path}">${company}</a>`);
    // The end of an id tells it from others.
    for (const one of [license.id, id]) expect(html).toContain(`<code title="${one}">`);
    const change = (n: number) =>
      admin(`/licenses/${license.id}`, { method: "PATCH", body: { max_instances: n } });
    for (const n of [11, 12]) await change(n);
    const about = `/admin/activity?entity=${license.id}`;
    expect((await visitor.get(about)).text).not.toContain("times before");
    await change(13);
    const { text } = await visitor.get(about);
    expect(text).toContain("and 2 times before");
    for (const n of [11, 12, 13]) expect(text).toContain(`"to": ${n}`);
  });
});
