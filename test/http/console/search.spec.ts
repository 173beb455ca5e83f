import { describe, expect, it } from "vitest";
import { Visitor } from "../../support/console.ts";
import { metered } from "../../support/meter.ts";
import { activate, admin, newCustomer, newLicense, rows, unique } from "../../support/service.ts";

/** Where the results of a search lead. */
const hitsOf = (html: string): string[] =>
  [...html.matchAll(/<a href="([^"]+)" data-hit/g)].map(([, href]) => href!);

/** A firm with a license, an instance of it, and mail. */
async function house() {
  const mark = unique("Cobalt");
  const email = `${mark}@search.example`.toLowerCase();
  const customer = await newCustomer({
    name: "Felix Jensen",
    company: mark,
    email,
    metadata: { crm: `CRM-${mark}` },
  });
  const issued = await newLicense({ customer_id: customer.id, tags: [mark.toLowerCase()], send_email: true });
  const { license, license_key } = issued;
  const instance = `${mark}-pod`;
  const seat = await activate(license_key, instance, { hostname: `host-${mark}` });
  const [activation] = (await admin(`/activations?license_id=${license.id}`)).body.data;
  return {
    mark,
    email,
    customer,
    license,
    license_key,
    instance,
    activation,
    certificate: seat.body.certificate,
  };
}

describe("the search over everything", () => {
  it("finds installations that were refused, each once, by id, host and address", async () => {
    const { mark, license, license_key } = await house();
    await admin(`/licenses/${license.id}/suspend`, { body: { reason: "unpaid" } });
    const instance = unique("late");
    await activate(license_key, instance, { hostname: `rack-${instance}` });
    // The same installation, a minute before.
    await rows(
      `UPDATE license_refusals SET refusals = json_insert(
         refusals, '$[#]', json_set(refusals -> '$[0]', '$.at', refused_at - 60000)) WHERE license_id = ?`,
      license.id,
    );
    const visitor = await Visitor.signInAs("viewer");
    for (const q of [instance.toUpperCase(), `rack-${instance}`]) {
      const page = await visitor.get(`/admin/search?q=${encodeURIComponent(q)}`);
      expect(hitsOf(page.html)).toEqual([`/admin/licenses/${license.id}#refused`]);
      expect(page.text).toContain("LICENSE_SUSPENDED");
      expect(page.text).toContain(mark);
    }
    expect(hitsOf((await visitor.get(`/admin/search?q=ack-${instance}`)).html)).toEqual([]);
    const { body } = await admin(`/search?q=${instance}`);
    expect(body.refusals).toMatchObject([
      {
        license_id: license.id,
        code: "LICENSE_SUSPENDED",
        instance_id: instance,
        hostname: `rack-${instance}`,
      },
    ]);
  });

  it("finds each kind by what it is called, and says whose it is", async () => {
    const { mark, email, customer, license, instance, activation } = await house();
    const visitor = await Visitor.signInAs("viewer");
    const found = async (q: string) => visitor.get(`/admin/search?q=${encodeURIComponent(q)}`);
    const [firm, sold, seat] = [
      `/admin/customers/${customer.id}`,
      `/admin/licenses/${license.id}`,
      `/admin/instances/${activation.id}`,
    ];
    expect(hitsOf((await found(mark)).html)).toEqual([firm, sold, seat]);
    expect(hitsOf((await found(`crm-${mark}`)).html)).toEqual([firm, sold]);
    expect(hitsOf((await found(license.id.toLowerCase())).html)).toEqual([sold]);
    for (const q of [instance.toUpperCase(), `host-${mark}`, activation.id]) {
      const page = await found(q);
      expect(hitsOf(page.html)).toEqual([seat]);
      expect(page.text).toContain(mark);
    }
    const mail = hitsOf((await found(email.toUpperCase())).html).filter((href) =>
      href.includes("/messages/"),
    );
    expect(mail).toHaveLength(1);
    expect(hitsOf((await found(mail[0]!.split("/").at(-1)!)).html)).toEqual(mail);
    expect((await found(`nothing-${mark}`)).text).toContain("Nothing is found");
  });

  it("finds what a request did; events of access by owners alone", async () => {
    const changed = await admin(`/customers/${(await newCustomer()).id}`, {
      method: "PATCH",
      body: { name: "Renamed" },
    });
    const id = changed.headers.get("X-Request-Id") ?? changed.headers.get("Request-Id");
    const viewer = await Visitor.signInAs("viewer");
    expect((await viewer.get(`/admin/search?q=${id}`)).text).toContain("Customer changed");
    const [opened] = await rows<{ request_id: string }>(
      "SELECT request_id FROM events WHERE action = 'session.opened' ORDER BY id DESC LIMIT 1",
    );
    const path = `/admin/search?q=${opened!.request_id}`;
    expect((await viewer.get(path)).text).toContain("Nothing is found");
    expect((await (await Visitor.signIn()).get(path)).text).toContain("Signed in to the console");
  });

  it("leads from a pasted key or certificate to its license, and keeps it out of the address", async () => {
    const { license, license_key, certificate } = await house();
    const visitor = await Visitor.signInAs("viewer");
    const form_token = (await visitor.get("/admin")).forms.find(({ action }) => action === "/admin/search")!
      .fields[0]![1];
    const paste = (q: string) => visitor.post("/admin/search", { form_token, q });
    const there = { status: 303, location: `/admin/licenses/${license.id}` };
    const wrapped = license_key.replaceAll(/(.{64})/g, "$1 ");
    for (const text of [license_key, ` "${license_key}"`, `CAIO_LICENSE_KEY=${wrapped}`, certificate]) {
      expect(await paste(text)).toMatchObject(there);
    }
    await admin(`/licenses/${license.id}/reissue`, { body: { reason: "leaked" } });
    expect(await paste(license_key)).toMatchObject(there);
    const forged = `${license_key.slice(0, -4)}AAAA`;
    const refused = await paste(forged);
    expect(refused.text).toContain("no license key or certificate that this service signed");
    expect(refused.html).not.toContain(forged);
    expect(await paste("felix")).toMatchObject({ status: 303, location: "/admin/search?q=felix" });
    expect(await visitor.post("/admin/search", { q: license_key })).toMatchObject({ status: 403 });
    expect(await visitor.get(`/admin/search?q=${"x".repeat(101)}`)).toMatchObject({ status: 422 });
  });

  it("shows what is searched for as text", async () => {
    const { html } = await (
      await Visitor.signIn()
    ).get(`/admin/search?q=${encodeURIComponent("<script>alert(1)")}`);
    expect(html).not.toContain("<script>alert");
  });

  it("costs three trips, and its page is small", async () => {
    const { mark } = await house();
    const { cost, bindings } = metered();
    const visitor = await Visitor.signInAs("viewer", bindings);
    cost.trips = 0;
    const { html } = await visitor.get(`/admin/search?q=${mark}`);
    expect(cost.trips).toBeLessThanOrEqual(3);
    expect(html.length).toBeLessThan(100_000);
  });

  it("is a call of the API, too", async () => {
    const { mark, customer, license, activation } = await house();
    const { status, body } = await admin(`/search?q=${mark}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      customers: [{ id: customer.id }],
      licenses: [{ id: license.id }],
      instances: [{ id: activation.id }],
      messages: [],
      events: [],
    });
    expect((await admin("/search")).body).toMatchObject({ customers: [], licenses: [], instances: [] });
    expect((await admin(`/search?q=${"x".repeat(101)}`)).status).toBe(422);
  });
});
