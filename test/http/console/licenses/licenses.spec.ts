import { beforeEach, describe, expect, it } from "vitest";
import { setTime } from "../../../support/clock.ts";
import { Visitor } from "../../../support/console.ts";
import { metered } from "../../../support/meter.ts";
import {
  activate,
  admin,
  eventsOf,
  newCustomer,
  newLicense,
  unique,
  rows,
} from "../../../support/service.ts";

let owner: Visitor;

beforeEach(async () => {
  owner = await Visitor.signIn();
});

const read = async (id: string): Promise<any> => (await admin(`/licenses/${id}`)).body;

describe("the list of licenses", () => {
  it("finds by search, standing and type, and names the customer", async () => {
    const customer = await newCustomer({ name: unique("Zebra") });
    const { license } = await newLicense({ customer_id: customer.id, license_type: "trial" });
    const found = await owner.get(
      `/admin/licenses?q=${customer.name}&standing=expiring&license_type=trial&sort=`,
    );
    expect(found.status).toBe(200);
    expect(found.text).toContain(customer.name);
    expect(found.html).toContain(`/admin/licenses/${license.id}`);
    const other = await owner.get(`/admin/licenses?q=${customer.name}&standing=revoked`);
    expect(other.text).toContain("Nothing matches these filters.");
  });

  it("goes on to the next page with the same filters", async () => {
    const customer = await newCustomer();
    for (let n = 0; n < 3; n++) await newLicense({ customer_id: customer.id });
    const first = await owner.get(`/admin/licenses?customer_id=${customer.id}&limit=2`);
    const next = /href="([^"]*cursor=[^"]*)" rel="next"/.exec(first.html)![1]!.replaceAll("&amp;", "&");
    expect(next).toContain(`customer_id=${customer.id}`);
    const second = await owner.get(next);
    expect(first.text).toContain("Rows 1–2 of 3");
    expect(second.text).toContain("Rows 3–3 of 3");
    expect(second.text).toContain("End of the list");
  });

  it("shows what ends next first, where that is asked for", async () => {
    const customer = await newCustomer();
    const late = await newLicense({ customer_id: customer.id, expires_days: 300 });
    const soon = await newLicense({ customer_id: customer.id, expires_days: 3 });
    const page = await owner.get(`/admin/licenses?customer_id=${customer.id}&sort=ending`);
    expect(page.html.indexOf(soon.license.id)).toBeLessThan(page.html.indexOf(late.license.id));
  });

  it("finds the ended ones by their end, too, and says what that order leaves out", async () => {
    const customer = await newCustomer();
    const { license } = await newLicense({ customer_id: customer.id, expires_at: null });
    const query = `/admin/licenses?customer_id=${customer.id}&sort=ending`;
    const page = await owner.get(query);
    expect(page.html).not.toContain(license.id);
    expect(page.text).toContain("This order leaves out perpetual licenses");
  });

  it("is ordered by a click on a column, the other way by a second one, with the filters kept", async () => {
    const { id: customer_id } = await newCustomer();
    const ids: string[] = [];
    for (const expires_days of [30, 90, 60])
      ids.push((await newLicense({ customer_id, expires_days })).license.id);
    const order = (html: string) =>
      [...html.matchAll(/href="\/admin\/licenses\/(lic_\w+)"/g)].map(([, id]) => ids.indexOf(id!));
    const heads = (html: string) =>
      Object.fromEntries(
        [...html.matchAll(/<th scope="col"[^>]*?(?: aria-sort="(\w+)")?><a href="([^"]+)">(\w+)</g)].map(
          ([, sorted, href, label]) => [label!, { sorted, href: href!.replaceAll("&amp;", "&") }],
        ),
      );
    const path = `/admin/licenses?customer_id=${customer_id}&limit=2`;
    let { html } = await owner.get(path);
    expect(heads(html)).toMatchObject({ Issued: { sorted: "descending" }, Ends: { sorted: undefined } });
    html = (await owner.get(heads(html)["Issued"]!.href)).html;
    expect(order(html)).toEqual([0, 1]);
    html = (await owner.get(heads(html)["Ends"]!.href)).html;
    expect(heads(html)["Ends"]!.sorted).toBe("ascending");
    expect(order(html)).toEqual([0, 2]);
    html = (await owner.get(heads(html)["Ends"]!.href)).html;
    expect(heads(html)["Ends"]).toMatchObject({ sorted: "descending" });
    expect(order(html)).toEqual([1, 2]);
    const next = /href="([^"]+)" rel="next"/.exec(html)![1]!.replaceAll("&amp;", "&");
    expect(order((await owner.get(next)).html)).toEqual([0]);
    // A search has its own order.
    expect(heads((await owner.get(`${path}&q=${customer_id}`)).html)).toEqual({});
  });

  it("says how many licenses there are where counting reads at most 200 rows", async () => {
    const { id: customer_id } = await newCustomer();
    for (let n = 0; n < 3; n++) await newLicense({ customer_id, expires_days: n === 0 ? 3 : 300 });
    const said = async (query: string) => (await owner.get(`/admin/licenses?limit=1&${query}`)).text;
    expect(await said(`customer_id=${customer_id}`)).toContain("Rows 1–1 of 3");
    expect(await said(`customer_id=${customer_id}&standing=active`)).toContain("Rows 1–1 of 2");
    expect(await said(`customer_id=${customer_id}&seats=full`)).not.toMatch(/\d of \d/);
    const { cost, bindings } = metered();
    const visitor = await Visitor.signIn(undefined, bindings);
    cost.trips = cost.read = 0;
    await visitor.get("/admin/licenses?sort=ending_last");
    expect(cost.trips).toBeLessThanOrEqual(3);
    // A session, types, the rows counted, those looked at, and two of each shown.
    expect(cost.read).toBeLessThanOrEqual(2 + 10 + 201 + 90 + 2 * 50);
  });

  it("leads to an export of what the filters find, and of all otherwise", async () => {
    const page = await owner.get("/admin/licenses?customer_id=acme&standing=grace&sort=ending&limit=5");
    expect(page.html).toContain(
      'href="/admin/exports/licenses?customer_id=acme&amp;standing=grace">Export these<',
    );
    expect((await owner.get("/admin/licenses?sort=ending")).html).toContain(
      'href="/admin/exports/licenses">Export all<',
    );
  });

  it("keeps every filter of its address in its form, so that another one only narrows further", async () => {
    const { html } = await owner.get(
      "/admin/licenses?customer_id=acme&status=active&expiring_within_days=30&standing=expiring",
    );
    expect(html).toMatch(/name="customer_id" type="text" value="acme"/);
    expect(html).toMatch(/type="hidden" name="status" value="active"/);
    expect(html).toMatch(/type="hidden" name="expiring_within_days" value="30"/);
    expect(html).toMatch(/value="expiring" selected/);
  });

  it("refuses a filter that there is none of, as a page", async () => {
    const page = await owner.get("/admin/licenses?standing=splendid");
    expect(page.status).toBe(422);
    expect(page.headers.get("Content-Type")).toContain("text/html");
  });

  it("offers a viewer nothing that would be refused", async () => {
    const viewer = await Visitor.signInAs("viewer");
    await newLicense();
    const page = await viewer.get("/admin/licenses");
    expect(page.text).not.toContain("New license");
    expect(page.html).not.toContain('name="do"');
    expect((await viewer.get("/admin/licenses/new")).status).toBe(403);
    expect((await viewer.get("/admin/licenses/bulk?do=suspend")).status).toBe(403);
  });
});

describe("a license's page", () => {
  it("names its customer among its terms", async () => {
    const customer = await newCustomer({ name: unique("Zebra") });
    const { license } = await newLicense({ customer_id: customer.id });
    const { html } = await owner.get(`/admin/licenses/${license.id}`);
    expect(html).toContain(`<a href="/admin/customers/${customer.id}">${customer.name}</a>`);
  });
});

describe("a new license", () => {
  const path = "/admin/licenses/new";

  it("takes what its type says, and leads to the key", async () => {
    const customer = await newCustomer();
    const form = await owner.get(`${path}?customer_id=${customer.id}`);
    const answer = await owner.submit(form, { license_type: "standard", terms_of: "standard" });
    expect(answer.status).toBe(303);
    const id = /lic_[0-9A-Z]{26}/.exec(answer.location)![0];
    expect(await read(id)).toMatchObject({
      customer_id: customer.id,
      license_type: "standard",
      features: ["orchestration", "api"],
    });
    const key = await owner.get(answer.location);
    expect(key.text).toContain("The license is issued.");
    expect(key.html).toContain(`/admin/licenses/${id}/send`);
    const [, shown] = /(eyJ[\w-]+\.[\w-]+\.[\w-]+)/.exec(key.html)!;
    expect((await activate(shown!, "caio-1")).status).toBe(200);
  });

  it("makes the customer with it, and mails the key", async () => {
    const name = unique("Newcomer");
    const answer = await owner.submit(await owner.get(path), {
      customer_id: "+new",
      new_name: name,
      new_email: "it@newcomer.example",
      ends: "date",
      ends_on: "2099-01-31",
      max_instances: "7",
      max_services: "",
      send_email: "yes",
    });
    const id = /lic_[0-9A-Z]{26}/.exec(answer.location)![0];
    const license = await read(id);
    expect(license).toMatchObject({
      max_instances: 7,
      max_services: null,
      expires_at: "2099-02-01T12:00:00.000Z",
    });
    expect((await admin(`/customers/${license.customer_id}`)).body.name).toBe(name);
    const mail = (await admin(`/messages?license_id=${id}`)).body.data;
    expect(mail).toMatchObject([{ kind: "license_delivery", recipient: "it@newcomer.example" }]);
    const key = await owner.get(answer.location);
    expect(key.text).toMatch(/The license is issued, and .*it@newcomer\.example/);
    expect(key.text).toContain(`License key: ${name}, standard`);
    expect(key.text).toContain("last day Jan 31, 2099");
    expect(key.html).not.toContain(`/admin/licenses/${id}/send`);
  });

  it("can be perpetual, and be given a start", async () => {
    const customer = await newCustomer();
    const answer = await owner.submit(await owner.get(`${path}?customer_id=${customer.id}`), {
      ends: "never",
      starts_at: "2098-01-01",
    });
    const id = /lic_[0-9A-Z]{26}/.exec(answer.location)![0];
    expect(await read(id)).toMatchObject({ expires_at: null, standing: "scheduled" });
  });

  it("shows what the key will say, and does nothing, while it is filled in", async () => {
    const customer = await newCustomer();
    const before = (await admin(`/licenses?customer_id=${customer.id}`)).body.data.length;
    const look = await owner.submit(await owner.get(path), {
      look: "yes",
      customer_id: customer.id,
      max_instances: "9",
    });
    expect(look.status).toBe(200);
    expect(look.text).toContain(`"sub": "${customer.id}"`);
    expect(look.text).toContain('"max_instances": 9');
    expect((await admin(`/licenses?customer_id=${customer.id}`)).body.data).toHaveLength(before);
  });

  it("folds the terms that are seldom entered, unless one is, or is not as the type says", async () => {
    const isOpen = ({ html }: { html: string }) => {
      const [, open] = /<details( open="")?><summary>Further terms/.exec(html)!;
      return open !== undefined;
    };
    const form = await owner.get(path);
    expect(isOpen(form)).toBe(false);
    expect(isOpen(await owner.get(`${path}?license_type=trial&max_instances=3&tags=old`))).toBe(false);
    for (const [name, value] of [
      ["grace_days", "3"],
      ["grace_days", "-1"],
      ["unproven_lease_hours", "5"],
      ["clone_policy", "refuse"],
      ["updates_until", "2099-01-31"],
      ["notice_days", "30 7"],
      ["metadata", '{"crm": "1"}'],
    ] as const)
      expect([name, isOpen(await owner.submit(form, { [name]: value, look: "yes" }))]).toEqual([name, true]);
    const refused = await owner.submit(form, { customer_id: "+new", new_name: "x", grace_days: "-1" });
    expect(refused).toMatchObject({ status: 422 });
    expect(isOpen(refused)).toBe(true);
    // What was entered for another type is not kept, so it does not hold it open.
    const other = await owner.submit(form, { grace_days: "3", license_type: "trial", look: "yes" });
    expect(isOpen(other)).toBe(false);
  });

  it("takes no terms of the type before, whichever part of the form still shows them", async () => {
    const { id: customer_id } = await newCustomer();
    for (const stale of ["terms_of", "further_of"]) {
      const form = await owner.get(`${path}?customer_id=${customer_id}&license_type=trial`);
      const sent = { max_instances: "99", grace_days: "9", [stale]: "standard" };
      const { location } = await owner.submit(form, sent);
      const trial = (await admin("/license-types/trial")).body;
      const { max_instances, grace_days } = trial;
      expect(await read(location.split("/")[3]!)).toMatchObject({ max_instances, grace_days });
    }
  });

  it("fills in the terms of another type where that is chosen", async () => {
    const look = await owner.submit(await owner.get(path), {
      look: "yes",
      license_type: "enterprise",
      terms_of: "standard",
      features: "only-this",
    });
    expect(look.text).toContain('"sso"');
    expect(look.text).not.toContain("only-this");
  });

  it("is refused with what is wrong at its field, and keeps what was entered", async () => {
    const answer = await owner.submit(await owner.get(path), {
      customer_id: "+new",
      new_name: "",
      features: "fine, not!fine",
      max_instances: "many",
    });
    expect(answer.status).toBe(422);
    expect(answer.html).toContain('value="many"');
    const nobody = await owner.submit(await owner.get(path), {});
    expect(nobody.status).toBe(422);
    expect(nobody.text).toContain("Choose a customer.");
  });

  it("makes no customer for a license that is refused", async () => {
    const name = unique("Nobody");
    await owner.submit(await owner.get(path), { customer_id: "+new", new_name: name, max_instances: "0" });
    await owner.submit(await owner.get(path), { customer_id: "+new", new_name: name, send_email: "yes" });
    expect((await admin(`/customers?q=${name}`)).body.data).toEqual([]);
  });

  it("is issued once, however often its form is sent", async () => {
    const customer = await newCustomer();
    const form = await owner.get(`${path}?customer_id=${customer.id}`);
    const answers = await Promise.all([1, 2, 3].map(() => owner.submit(form)));
    expect(new Set(answers.map(({ location }) => location)).size).toBe(1);
    expect((await admin(`/licenses?customer_id=${customer.id}`)).body.data).toHaveLength(1);
  });

  it("is refused without the proof that the form is ours", async () => {
    const customer = await newCustomer();
    const form = await owner.get(`${path}?customer_id=${customer.id}`);
    const forged = [
      await owner.submit(form, { form_token: "A".repeat(43) }),
      await owner.submit(form, { form_token: undefined }),
      await owner.post(path, { customer_id: customer.id }, { Origin: "https://evil.example" }),
    ];
    expect(forged.map(({ status }) => status)).toEqual([403, 403, 403]);
    expect((await admin(`/licenses?customer_id=${customer.id}`)).body.data).toEqual([]);
  });
});

describe("the page of a license", () => {
  it("tells terms, seats, usage, mail and events, in words that are escaped", async () => {
    const customer = await newCustomer({ name: "<script>alert(1)</script>", email: "it@acme.example" });
    const { license, license_key } = await newLicense({
      customer_id: customer.id,
      max_instances: 2,
      send_email: true,
    });
    await activate(license_key, "caio-<b>1</b>", { hostname: "host-1" });
    const page = await owner.get(`/admin/licenses/${license.id}`);
    expect(page.status).toBe(200);
    expect(page.html).not.toContain("<script>alert");
    expect(page.html).not.toContain("<b>1</b>");
    for (const words of [
      "1 of 2",
      "in 12 months",
      "caio-<b>1</b>",
      "host-1",
      "License delivery",
      "License issued",
    ]) {
      expect(page.text).toContain(words);
    }
    expect(page.html).not.toContain(license_key);
  });

  it("says beside its id what its status means, and its end below alone", async () => {
    setTime(Date.parse("2026-05-01T08:00:00Z"));
    const { license } = await newLicense({ expires_at: "2026-06-10", grace_days: 10 });
    const leads = async (at: string): Promise<string> => {
      setTime(Date.parse(at));
      const { text } = await owner.get(`/admin/licenses/${license.id}`);
      return text.slice(
        text.lastIndexOf(license.id, text.indexOf(" Plan ")) + license.id.length,
        text.indexOf(" Plan "),
      );
    };
    expect(await leads("2026-06-01T08:00:00Z")).toBe("");
    expect(await leads("2026-06-15T08:00:00Z")).toBe(
      " · Instances keep running until Jun 20, 2026 in 7 days",
    );
    expect(await leads("2026-07-15T08:00:00Z")).toBe("");
  });

  it("says type, end and seats once, above the other terms", async () => {
    const { license } = await newLicense({ expires_at: "2099-01-31", max_instances: 5 });
    const { html } = await owner.get(`/admin/licenses/${license.id}`);
    const facts = [...html.matchAll(/<dt>([^<]+)<\/dt>/g)].map(([, name]) => name);
    expect(facts.slice(0, 3)).toEqual(["Plan", "Ends", "Seats"]);
    expect(new Set(facts).size).toBe(facts.length);
    for (const gone of ["Type", "Instances"]) expect(facts).not.toContain(gone);
    expect(html.match(/Jan 31, 2099/g)).toHaveLength(1);
  });

  it("is not there for a license that is not", async () => {
    expect((await owner.get("/admin/licenses/lic_nope")).status).toBe(404);
    expect((await owner.get("/admin/licenses/%00")).status).toBe(404);
  });

  it("offers what the license allows and the role may do", async () => {
    const { license } = await newLicense();
    const offered = async (who: Visitor): Promise<string[]> => {
      const { html } = await who.get(`/admin/licenses/${license.id}`);
      const links = html.matchAll(new RegExp(`/admin/licenses/${license.id}/(\\w+)`, "g"));
      // Usage has a link for each time.
      return [...new Set([...links].map(([, name]) => name!))];
    };
    expect(await offered(owner)).toEqual([
      "renew",
      "key",
      "send",
      "edit",
      "reissue",
      "transfer",
      "suspend",
      "revoke",
      "correct",
      "statements",
      "usage",
    ]);
    expect(await offered(await Visitor.signInAs("viewer"))).toEqual(["statements", "usage"]);
    await admin(`/licenses/${license.id}/suspend`, { body: { reason: "x" } });
    expect(await offered(owner)).toContain("reinstate");
    await admin(`/licenses/${license.id}/revoke`, { body: { reason: "x" } });
    expect(await offered(owner)).toEqual(["key", "correct", "statements", "usage"]);
  });

  it("shows the key to whoever may see it, and records that", async () => {
    const { license, license_key } = await newLicense();
    const page = await owner.get(`/admin/licenses/${license.id}/key`);
    expect(page.html).toContain(license_key);
    const file = await owner.get(`/admin/licenses/${license.id}/key/file`);
    expect(file.html.trim()).toBe(license_key);
    expect(file.headers.get("Content-Disposition")).toContain(license.id);
    const reveals = (await eventsOf(license.id)).filter(({ action }) => action === "license.key_revealed");
    expect(reveals).toHaveLength(2);
    const viewer = await Visitor.signInAs("viewer");
    const refused = await viewer.get(`/admin/licenses/${license.id}/key`);
    expect(refused.status).toBe(403);
    expect(refused.html).not.toContain(license_key);
  });
});

describe("the days of a license", () => {
  it("are shown as they were entered, with the instant beside them", async () => {
    const { license } = await newLicense({
      starts_at: "2098-02-01",
      expires_at: "2099-01-31",
      grace_days: 1,
    });
    const page = await owner.get(`/admin/licenses/${license.id}`);
    expect(page.html).toContain('<time datetime="2099-02-01T12:00:00.000Z" title="2099-02-01T12:00:00.000Z"');
    expect(page.html).toContain('<time datetime="2098-01-31T10:00:00.000Z" title="2098-01-31T10:00:00.000Z"');
    expect(page.text).toMatch(/Starts Feb 1, 2098 .* Ends Jan 31, 2099/);
    expect(page.text).not.toContain("Feb 1, 2099");
    const list = await owner.get(`/admin/licenses?customer_id=${license.customer_id}`);
    expect(list.text).toContain("Jan 31, 2099");
    expect((await owner.get(`/admin/customers/${license.customer_id}`)).text).toContain("Jan 31, 2099");
    expect((await owner.get(`/admin/licenses/${license.id}/renew`)).text).toContain("Ends Jan 31, 2099");
  });

  it("stay as they are where what is shown is entered, and can both be changed", async () => {
    const { license } = await newLicense({ starts_at: "2098-02-01", expires_at: "2099-01-31" });
    const path = `/admin/licenses/${license.id}/edit`;
    const form = await owner.get(path);
    expect(form.text).toContain("Jan 31, 2099 now");
    expect(form.text).toContain("Feb 1, 2098 now");
    await owner.submit(form, { ends_on: "2099-01-31", starts_at: "2098-02-01" });
    expect(await read(license.id)).toEqual(license);
    const look = await owner.submit(form, { look: "yes", starts_at: "2098-03-01" });
    expect(look.text).toContain("starts Feb 1, 2098 Mar 1, 2098 Refused with LICENSE_NOT_STARTED");
    await owner.fill(path, { starts_at: "2098-03-01" });
    expect((await read(license.id)).starts_at).toBe("2098-02-28T10:00:00.000Z");
  });
});

describe("what can be done with a license", () => {
  it.each([
    ["renew", "Renew license"],
    ["suspend", "Suspend license"],
    ["revoke", "Revoke license"],
    ["reinstate", "Reinstate license"],
    ["reissue", "Replace key"],
    ["send", "Send key"],
    ["edit", "Edit terms"],
    ["key", "License key"],
  ])("%s: says whose license it is and which", async (action, words) => {
    const { name, id: customer_id } = await newCustomer({ name: unique("Zebra") });
    const { license } = await newLicense({ customer_id });
    const { html } = await owner.get(`/admin/licenses/${license.id}/${action}`);
    const title = `${words}: ${name}, standard`;
    expect(html).toContain(`<h1>${title}</h1>`);
    expect(html).toMatch(new RegExp(`<title>\\s*${title}`));
    expect(html).toContain(`<code>${license.id}</code>`);
    expect(html).toContain(`<a href="/admin/licenses/${license.id}">${name}</a>`);
  });

  it("is renewed up to a day, which has to be chosen", async () => {
    const { license } = await newLicense();
    const form = await owner.get(`/admin/licenses/${license.id}/renew`);
    const without = await owner.submit(form, { ends: "date", ends_on: "" });
    expect(without.status).toBe(422);
    expect(without.text).toContain("Error: Renew license");
    expect(without.html).toContain('<a href="#ends_on">Last day</a>: Choose the last day');
    expect(without.html).toMatch(/id="ends_on"[^>]* aria-invalid="true"/);
    expect(without.html).not.toContain('id="ends-fault"');
    const early = await owner.submit(form, { ends: "date", ends_on: "2020-01-31" });
    expect(early.html).toContain('<a href="#ends_on">Last day</a>: Must be later');
    expect((await owner.submit(form, { ends: "date", ends_on: "2099-01-31" })).status).toBe(303);
  });

  it("leads back to the license where its state refuses it, with what it allows", async () => {
    const { license } = await newLicense();
    await admin(`/licenses/${license.id}/suspend`, { body: { reason: "x" } });
    const page = await owner.get(`/admin/licenses/${license.id}/suspend`);
    expect(page.status).toBe(409);
    expect(page.text).toContain("it allows Edit terms, Renew, Reinstate, Revoke, Replace key, Transfer.");
    expect(page.html).toContain(`<a class="button" href="/admin/licenses/${license.id}">`);
    const nowhere = await owner.get("/admin/licenses/lic_nope/suspend");
    expect(nowhere.html).toContain(`<a class="button" href="/admin/licenses">`);
  });

  it("is renewed by a choice, from its end", async () => {
    const { license } = await newLicense({ expires_days: 10 });
    const page = await owner.fill(`/admin/licenses/${license.id}/renew`, { ends: "P2Y" });
    expect(page.text).toContain("Renewed.");
    const { expires_at } = await read(license.id);
    expect(expires_at.slice(4)).toBe(license.expires_at.slice(4));
    expect(Number(expires_at.slice(0, 4))).toBe(Number(license.expires_at.slice(0, 4)) + 2);
  });

  it("is renewed for the duration of its type, if nothing else is chosen", async () => {
    const id = unique("type");
    await admin(`/license-types/${id}`, { method: "PUT", body: { name: "Half", duration: "P6M" } });
    const { license } = await newLicense({ license_type: id, expires_at: "2098-08-31" });
    const form = await owner.get(`/admin/licenses/${license.id}/renew`);
    expect(form.text).toContain("6 months: Feb 28, 2099");
    expect(form.text).toContain("1 year: Aug 31, 2099");
    await owner.submit(form, {});
    expect((await read(license.id)).expires_at).toBe("2099-03-01T12:00:00.000Z");
  });

  it.each([
    ["suspend", "suspended", "refused at the next check-in"],
    ["revoke", "revoked", "refused at the next check-in"],
  ])("%s: shows whom it would stop, wants a reason, and does it", async (action, status, words) => {
    const { license, license_key } = await newLicense();
    await activate(license_key, "caio-1");
    const form = await owner.get(`/admin/licenses/${license.id}/${action}`);
    expect(form.text).toContain("1 instance would be");
    expect(form.text).toContain(words);
    const without = await owner.submit(form, { reason: " " });
    expect(without.status).toBe(422);
    expect((await read(license.id)).status).toBe("active");
    const page = await owner.fill(`/admin/licenses/${license.id}/${action}`, { reason: "Invoice 4711" });
    expect(page.text).toContain("“Invoice 4711”");
    expect((await read(license.id)).status).toBe(status);
  });

  it("is reinstated, reissued and mailed", async () => {
    const { license } = await newLicense({
      customer_id: (await newCustomer({ email: "it@acme.example" })).id,
    });
    await admin(`/licenses/${license.id}/suspend`, { body: { reason: "x" } });
    await owner.fill(`/admin/licenses/${license.id}/reinstate`, { reason: "Paid." });
    expect((await read(license.id)).status).toBe("active");
    const { data: events } = (await admin(`/licenses/${license.id}/events`)).body;
    expect(events[0]).toMatchObject({ action: "license.reinstated", detail: { reason: "Paid." } });
    const key = await owner.fill(`/admin/licenses/${license.id}/reissue`, { reason: "Leaked." });
    expect(key.text).toContain("The key is replaced.");
    expect((await read(license.id)).revision).toBe(2);
    const sent = await owner.fill(`/admin/licenses/${license.id}/send`, { to: "other@acme.example" });
    expect(sent.text).toContain("other@acme.example");
  });

  it("is refused where the state forbids it, and says so on the form", async () => {
    const { license } = await newLicense();
    const form = await owner.get(`/admin/licenses/${license.id}/renew`);
    await admin(`/licenses/${license.id}/revoke`, { body: { reason: "x" } });
    const late = await owner.submit(form, { ends: "P1Y" });
    expect(late.status).toBe(412);
    expect(late.text).toContain("status active revoked");
    const again = await owner.submit(late);
    expect(again.status).toBe(409);
    expect(again.text).toContain("The license is revoked");
  });

  it("goes over to another type with the terms of that type, shown before", async () => {
    const { license } = await newLicense({ max_services: 7, features: ["own"] });
    const form = await owner.get(`/admin/licenses/${license.id}/edit`);
    const undecided = await owner.submit(form, { license_type: "enterprise" });
    expect(undecided.status).toBe(422);
    expect(undecided.html).toContain(
      '<a href="#terms">Under another type</a>: Say “type”'.replaceAll(/[“”]/g, "&quot;"),
    );

    // Without a script: the choice is sent while the fields still show the terms that the license had.
    const look = await owner.submit(form, { license_type: "enterprise", terms: "type", look: "yes" });
    expect(look.text).toContain("services 7 unlimited");
    expect(look.text).toContain("Without own");
    expect(look.html).toMatch(
      /<textarea[^>]*name="features"[^>]*>orchestration\napi\nanalytics\nsso\naudit</,
    );
    expect(await read(license.id)).toEqual(license);

    // The fields show the terms of the type now, and one of them is changed.
    expect((await owner.submit(look, { max_instances: "9" })).status).toBe(303);
    expect(await read(license.id)).toMatchObject({
      license_type: "enterprise",
      grace_days: 30,
      features: ["orchestration", "api", "analytics", "sso", "audit"],
      max_instances: 9,
      max_services: null,
    });
  });

  it("goes over to another type as it is", async () => {
    const { license } = await newLicense({ max_services: 7, features: ["own"] });
    const page = await owner.fill(`/admin/licenses/${license.id}/edit`, {
      license_type: "trial",
      terms: "keep",
    });
    expect(page.text).toContain("The terms are changed.");
    expect(await read(license.id)).toEqual({
      ...license,
      license_type: "trial",
      updated_at: expect.any(String),
    });
  });

  it("goes to another customer, who is searched for, with a look at what that does", async () => {
    const name = unique("Globex").replaceAll("-", "");
    const next = await newCustomer({ name });
    const { license, license_key } = await newLicense();
    await activate(license_key, "caio-1");
    const form = await owner.get(`/admin/licenses/${license.id}/transfer`);
    expect(form.html).not.toContain(`value="${license.customer_id}"`);
    const found = await owner.submit(form, { customer_q: name, look: "yes" });
    expect(found.html).toContain(`value="${next.id}"`);
    const look = await owner.submit(found, { customer_id: next.id, look: "yes" });
    expect(look.text).toContain(`${license.customer_id} ${next.id} The new customer, in key and certificate`);
    expect(look.text).toContain("1 instance would get this at the next check-in.");
    expect((await owner.submit(look, { customer_id: next.id, reason: " " })).status).toBe(422);
    expect(await read(license.id)).toEqual(license);
    const page = await owner.get((await owner.submit(look, { reason: "Sold." })).location);
    expect(page.text).toContain("Transferred.");
    expect(await read(license.id)).toMatchObject({ customer_id: next.id, revision: 2 });
  });

  it("shows what is to come, which can be cancelled, and released where it is held", async () => {
    const { license } = await newLicense();
    const path = `/admin/licenses/${license.id}`;
    const day = new Date(Date.now() + 40 * 86_400_000).toISOString().slice(0, 10);
    for (const [action, values] of [
      ["renew", { ends: "P1Y" }],
      ["suspend", { reason: "Unpaid." }],
      ["edit", { max_instances: "9" }],
    ] as const) {
      const page = await owner.fill(`${path}/${action}`, { ...values, effective_at: day });
      expect(page.text).toContain("Ordered. It is below");
    }
    expect(await read(license.id)).toEqual(license);
    const { data } = (await admin(`/licenses/${license.id}/pending-changes`)).body;
    expect(data.map(({ action }: { action: string }) => action)).toEqual(["change", "suspend", "renew"]);
    const [change, suspend] = data;
    expect(change.input).toEqual({ ...change.input, max_instances: 9 });
    const page = await owner.get(path);
    expect(page.text).toContain("To come");
    expect(page.text).toContain("Renew expires in: 1 year");
    expect(page.text).toContain("Suspend reason: Unpaid.");
    expect((await owner.fill(`${path}/changes/${suspend.id}/release`)).status).toBe(409);
    // Nothing is done by looking at it.
    const asked = await owner.get(`${path}/changes/${suspend.id}/cancel`);
    expect(asked.html).not.toContain('role="status"');
    expect((await owner.fill(`${path}/changes/${suspend.id}/cancel`)).text).toContain(
      "The change is cancelled.",
    );
    await rows(
      "UPDATE pending_changes SET status = 'held', detail = 'Look at this.' WHERE id = ?",
      change.id,
    );
    expect((await owner.get(path)).text).toContain("Look at this.");
    expect((await owner.fill(`${path}/changes/${change.id}/release`)).text).toContain(
      "The change will be carried out.",
    );
    const viewer = await Visitor.signInAs("viewer");
    expect((await viewer.get(path)).html).not.toContain("/changes/");
    const past = await owner.fill(`${path}/suspend`, { reason: "Unpaid.", effective_at: "2020-01-31" });
    expect(past.status).toBe(422);
    expect(past.html).toContain('<a href="#effective_at">Takes effect on</a>: Must be in the future');
    await rows("UPDATE pending_changes SET status = 'cancelled' WHERE license_id = ?", license.id);
  });

  it("shows an order that waits, also when 100 later ones were carried out", async () => {
    const { license } = await newLicense();
    const path = `/admin/licenses/${license.id}`;
    const day = new Date(Date.now() + 40 * 86_400_000).toISOString().slice(0, 10);
    await owner.fill(`${path}/suspend`, { reason: "Unpaid.", effective_at: day });
    await rows(
      `WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 100)
       INSERT INTO pending_changes
         (id, license_id, action, effective_at, input, status, ordered_by, ordered_at, held_by, updated_at)
       SELECT 'chg_Z' || i || license_id, license_id, action, effective_at, input, 'done', ordered_by, ordered_at, held_by,
         updated_at
       FROM n, pending_changes WHERE license_id = ?`,
      license.id,
    );
    expect((await owner.get(path)).text).toContain("Suspend reason: Unpaid.");
    await rows("DELETE FROM pending_changes WHERE license_id = ?", license.id);
  });

  it("orders what was changed in the form and nothing else, so that it undoes nothing later", async () => {
    const { license } = await newLicense({ notes: "One\nTwo", tags: ["gold"], license_type: "trial" });
    const path = `/admin/licenses/${license.id}`;
    const day = new Date(Date.now() + 40 * 86_400_000).toISOString().slice(0, 10);
    await owner.fill(`${path}/edit`, { max_instances: "9", effective_at: day });
    await owner.fill(`${path}/edit`, { license_type: "enterprise", terms: "keep", effective_at: day });
    const page = await owner.submit(await owner.get(`${path}/edit`), {
      license_type: "enterprise",
      terms: "type",
      look: "yes",
    });
    expect(page.text).not.toContain("notes One Two");
    // Against the type, the features that the license has are a change.
    await owner.submit(page, { features: license.features.join(" "), effective_at: day });
    const { data } = (await admin(`/licenses/${license.id}/pending-changes`)).body;
    expect(data.map(({ input }: { input: unknown }) => input)).toEqual([
      { license_type: "enterprise", terms: "type", features: license.features },
      { license_type: "enterprise", terms: "keep" },
      { max_instances: 9 },
    ]);
    await rows("UPDATE pending_changes SET status = 'cancelled' WHERE license_id = ?", license.id);
  });

  it("says up to when versions are covered, and takes that back", async () => {
    const { license } = await newLicense({ updates_until: "2098-01-31" });
    const path = `/admin/licenses/${license.id}`;
    expect((await owner.get(path)).text).toContain("Covers versions built until Jan 31, 2098");
    await owner.fill(`${path}/edit`, { updates_until: "2098-02-28" });
    expect((await read(license.id)).updates_until).toBe("2098-03-01T12:00:00.000Z");
    await owner.fill(`${path}/edit`, { all_versions: "yes" });
    expect((await read(license.id)).updates_until).toBeNull();
  });

  it("is edited, with a look at what that does, and not over somebody else's change", async () => {
    const { license, license_key } = await newLicense({ max_instances: 3 });
    await activate(license_key, "caio-1");
    await activate(license_key, "caio-2");
    const path = `/admin/licenses/${license.id}/edit`;
    const form = await owner.get(path);
    const look = await owner.submit(form, { look: "yes", max_instances: "1" });
    expect(look.text).toContain("instances 3 1 All 2 that run go on");
    expect((await read(license.id)).max_instances).toBe(3);
    const page = await owner.fill(path, { max_instances: "1", features: "one two", new_features: "yes" });
    expect(page.text).toContain("The terms are changed.");
    expect(await read(license.id)).toMatchObject({
      max_instances: 1,
      features: ["one", "two"],
      expires_at: license.expires_at,
    });
    const overtaken = await owner.submit(form, { max_instances: "5" });
    expect(overtaken.status).toBe(412);
    expect(overtaken.text).toContain("Instances 1 5");
    expect(overtaken.html).toMatch(/name="max_instances"[^>]* value="5"/);
    expect((await read(license.id)).max_instances).toBe(1);
    expect((await owner.submit(overtaken)).status).toBe(303);
    expect((await read(license.id)).max_instances).toBe(5);
    expect((await owner.submit(form, { version: undefined })).status).toBe(412);
  });

  it.each(["renew", "suspend", "revoke", "reinstate", "reissue", "send", "edit"])(
    "%s is refused to a viewer, opened or sent",
    async (action) => {
      const { license } = await newLicense();
      const viewer = await Visitor.signInAs("viewer");
      const path = `/admin/licenses/${license.id}/${action}`;
      expect((await viewer.get(path)).status).toBe(403);
      expect((await viewer.post(path, { reason: "x", ends: "P1Y", to: "it@acme.example" })).status).toBe(403);
      expect(await read(license.id)).toEqual(license);
    },
  );
});

describe("the seats of a license that is full", () => {
  it("are shown by their last contact, and the one that was silent longest is marked", async () => {
    const { license, license_key } = await newLicense({ max_instances: 3 });
    for (const instance of ["a", "b"]) await activate(license_key, instance);
    await rows(
      "UPDATE activations SET last_seen_at = last_seen_at - 5000 WHERE license_id = ? AND instance_id = 'b'",
      license.id,
    );
    const instances = async () => {
      const { html } = await owner.get(`/admin/licenses/${license.id}`);
      return html.slice(html.indexOf("<h2>Instances"), html.indexOf("<h2>Usage"));
    };
    expect(await instances()).toMatch(/>b<\/a>.*>a<\/a>/s);
    expect(await instances()).not.toContain("silent longest");
    await activate(license_key, "c");
    const marked = (await instances()).match(/aria-label="Free the seat of (\w)"|silent longest/g);
    expect(marked).toEqual([
      "silent longest",
      ...["b", "a", "c"].map((id) => `aria-label="Free the seat of ${id}"`),
    ]);
    const { html } = await owner.get(`/admin/licenses?seats=full&q=${license.id}`);
    expect(html).toContain('<span class="badge warn">3 / 3</span>');
  });
});
