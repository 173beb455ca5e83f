// What customers ask for, and what staff answer.
import { beforeAll, describe, expect, it } from "vitest";
import type { Context } from "../../../src/context.ts";
import { notesOnRequests } from "../../../src/jobs/open-requests.ts";
import { servicesOf } from "../../../src/services.ts";
import { env } from "../../support/env.ts";
import { FakeResend, mailing } from "../../support/mail.ts";
import { Visitor } from "../../support/console.ts";
import { type Browser, type House, hidden, newHouse, signedIn } from "../../support/portal.ts";
import { activate, admin, checkIn, eventsOf, rows } from "../../support/service.ts";

let resend: FakeResend;

const asSystem = (): Context => ({
  ...servicesOf(env),
  actor: { type: "system", id: "nightly" },
  requestId: "r",
  ip: null,
  defer: () => undefined,
});

beforeAll(() => {
  resend = new FakeResend();
});

async function open(license: Record<string, unknown> = {}): Promise<House & { browser: Browser }> {
  const house = await newHouse(license);
  return { ...house, browser: await signedIn(resend, house.contact.email) };
}

const ask = (browser: Browser, values: Record<string, string>) => browser.submit("/portal/requests", values);

const requestsOf = async (house: House) =>
  (await admin(`/requests?customer_id=${house.customer.id}`)).body.data;

async function asked(values: Record<string, string>, license: Record<string, unknown> = {}) {
  const house = await open(license);
  const sent = await ask(house.browser, { license_id: house.license.id, ...values });
  expect(sent.location, sent.text).toBe("/portal/requests?done=asked");
  const [request] = await requestsOf(house);
  return { house, id: String(request.id) };
}

const licenseOf = async (house: House) => (await admin(`/licenses/${house.license.id}`)).body;

describe("asking", () => {
  it("reaches staff with who, what and for which license", async () => {
    const { house, id } = await asked({ kind: "seats", seats: "5", text: "A second site." });
    expect((await admin(`/requests/${id}`)).body).toMatchObject({
      customer_id: house.customer.id,
      license_id: house.license.id,
      contact_id: house.contact.id,
      kind: "seats",
      seats: 5,
      text: "A second site.",
      status: "open",
      answered_at: null,
    });
    // The record has ids and no text.
    const event = (await eventsOf(house.customer.id)).find(
      ({ action }) => action === "customer_request.created",
    );
    expect(event).toMatchObject({ actor_type: "customer" });
    expect(JSON.stringify(event)).not.toContain("second site");
    // Staff read who it was, not the contact's id.
    const visitor = await Visitor.signInAs("viewer");
    for (const path of [
      `/admin/activity?entity=${house.customer.id}`,
      `/admin/customers/${house.customer.id}`,
    ])
      expect((await visitor.get(path)).text).toContain(`by ${house.contact.email}`);
  });

  it.each<[string, Record<string, string>]>([
    ["for a renewal of no license", { kind: "renewal", license_id: "" }],
    ["for seats without a number", { kind: "seats", seats: "" }],
    ["for no seats", { kind: "seats", seats: "0" }],
    ["nothing", { kind: "question", text: "" }],
    ["for something unknown", { kind: "gift" }],
    ["at length", { kind: "question", text: "x".repeat(2_001) }],
  ])("%s is refused at its field", async (_, values) => {
    const house = await open();
    const refused = await ask(house.browser, { license_id: house.license.id, ...values });
    expect(refused.status).toBe(422);
    expect(await requestsOf(house)).toEqual([]);
  });

  it("about another customer's license is refused", async () => {
    const house = await open();
    const theirs = await newHouse();
    const refused = await ask(house.browser, { kind: "renewal", license_id: theirs.license.id });
    expect(refused.status).toBe(404);
    expect(await requestsOf(house)).toEqual([]);
  });

  it("ends at twenty that wait", async () => {
    const house = await open();
    await rows(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20)
       INSERT INTO customer_requests (id, customer_id, contact_id, kind, text, created_at)
       SELECT ? || i, ?, 'con_x', 'question', 'x', 0 FROM n`,
      `req_${house.customer.id}`,
      house.customer.id,
    );
    expect((await ask(house.browser, { kind: "question", text: "Hello?" })).status).toBe(409);
  });

  it("is said once: not after a reload, and not at an address that somebody was given", async () => {
    const { house } = await asked({ kind: "renewal" });
    const told = "We have your request.";
    const there = "/portal/requests?done=asked";
    // Another page in between takes nothing away.
    expect((await house.browser.get("/portal/contacts?done=removed")).html).not.toContain('role="status"');
    expect((await house.browser.get(there)).text).toContain(told);
    expect((await house.browser.get(there)).text).not.toContain(told);
    const other = await open();
    expect((await other.browser.get(there)).text).not.toContain(told);
  });

  it("shows a customer their own requests only", async () => {
    const { house } = await asked({ kind: "question", text: "Our own secret plan" });
    expect((await house.browser.get("/portal/requests")).text).toContain("Our own secret plan");
    const other = await open();
    expect((await other.browser.get("/portal/requests")).text).not.toContain("Our own secret plan");
  });

  it("writes what customers type as text", async () => {
    const { house } = await asked({ kind: "question", text: "<script>alert(1)</script>" });
    const { html } = await house.browser.get("/portal/requests");
    expect(html).not.toContain("<script>alert");
    expect(html).toContain("&lt;script&gt;alert");
  });
});

describe("accepting", () => {
  it("gives the seats: the license, the answer and the record in one step, and the instance sees it", async () => {
    const { house, id } = await asked({ kind: "seats", seats: "3" }, { max_instances: 1 });
    await activate(house.key, "one");
    expect((await activate(house.key, "two")).status).toBe(403);
    const accepted = await admin(`/requests/${id}/accept`, {
      body: { max_instances: 3, answer: "Gladly." },
      bindings: mailing(),
    });
    expect(accepted.status).toBe(200);
    expect(accepted.body).toMatchObject({ status: "accepted", answer: "Gladly." });
    expect((await licenseOf(house)).max_instances).toBe(3);
    expect((await activate(house.key, "two")).status).toBe(200);
    expect((await checkIn(house.key, "one")).body.instances.max).toBe(3);
    expect((await house.browser.get("/portal/requests")).text).toContain("Gladly.");
    const [mail] = resend.to(house.contact.email).slice(-1);
    expect(mail?.subject).toBe("Your request about CAIO is done: 3 seats in all");
    expect(mail?.text).toContain("Gladly.");
    const actions = (await eventsOf(house.customer.id)).map(({ action }) => action);
    expect(actions.filter((action) => action === "customer_request.accepted")).toHaveLength(1);
  });

  it("a question is called answered", async () => {
    const { id } = await asked({ kind: "question", text: "May we?" });
    await admin(`/requests/${id}/accept`, { body: { answer: "Yes." } });
    const visitor = await Visitor.signInAs("viewer");
    const { text } = await visitor.get(`/admin/requests/${id}`);
    expect(text).toContain("Question answered");
    expect(text).not.toContain("accepted");
  });

  it("renews, by the same words as a renewal", async () => {
    const { house, id } = await asked({ kind: "renewal" });
    const accepted = await admin(`/requests/${id}/accept`, { body: { expires_at: "2033-03-31" } });
    expect(accepted.body.status).toBe("accepted");
    expect((await licenseOf(house)).expires_at).toContain("2033-04-01");
  });

  it.each<[string, object]>([
    ["seats", {}],
    ["seats", { expires_in: "P1Y" }],
    ["seats", { max_instances: 3, expires_in: "P1Y" }],
    ["seats", { max_instances: -1 }],
    ["renewal", {}],
    ["renewal", { max_instances: 3 }],
    ["renewal", { expires_in: "P1Y", max_instances: 3 }],
    ["renewal", { expires_in: "P1Y", expires_days: 3 }],
    ["question", {}],
    ["question", { answer: "Yes.", max_instances: 3 }],
  ])("%s with %o is refused, and the request waits on", async (kind, body) => {
    const { house, id } = await asked({ kind, seats: "3", text: "Please" });
    const before = await licenseOf(house);
    expect((await admin(`/requests/${id}/accept`, { body })).status).toBe(422);
    expect((await admin(`/requests/${id}`)).body.status).toBe("open");
    expect(await licenseOf(house)).toEqual(before);
  });

  it("is done once, by however many of the staff", async () => {
    const { house, id } = await asked({ kind: "renewal" });
    const before = (await licenseOf(house)).expires_at;
    const answers = await Promise.all(
      Array.from({ length: 4 }, () => admin(`/requests/${id}/accept`, { body: { expires_in: "P1Y" } })),
    );
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 409, 409, 409]);
    const after = Date.parse((await licenseOf(house)).expires_at) - Date.parse(before);
    expect(after).toBeLessThan(367 * 86_400_000);
    expect((await admin(`/requests/${id}/decline`, { body: { reason: "No." } })).status).toBe(409);
  });

  it("of a request whose license is revoked changes nothing, and the request waits on", async () => {
    const { house, id } = await asked({ kind: "renewal" });
    await admin(`/licenses/${house.license.id}/revoke`, { body: { reason: "fraud" } });
    expect((await admin(`/requests/${id}/accept`, { body: { expires_in: "P1Y" } })).status).toBe(409);
    expect((await admin(`/requests/${id}`)).body.status).toBe("open");
  });

  it("of seats that the license has already settles the request", async () => {
    const { id } = await asked({ kind: "seats", seats: "2" }, { max_instances: 2 });
    expect((await admin(`/requests/${id}/accept`, { body: { max_instances: 2 } })).body.status).toBe(
      "accepted",
    );
  });
});

describe("declining", () => {
  it("tells the customer why", async () => {
    const { house, id } = await asked({ kind: "seats", seats: "99" });
    const declined = await admin(`/requests/${id}/decline`, {
      body: { reason: "Your plan ends at five." },
      bindings: mailing(),
    });
    expect(declined.body).toMatchObject({ status: "declined", answer: "Your plan ends at five." });
    expect((await house.browser.get("/portal/requests")).text).toContain("Your plan ends at five.");
    expect(resend.to(house.contact.email).at(-1)?.text).toContain("Your plan ends at five.");
    expect((await admin(`/requests/${id}/accept`, { body: { max_instances: 99 } })).status).toBe(409);
    expect((await licenseOf(house)).max_instances).toBe(2);
  });

  it("needs a reason", async () => {
    const { id } = await asked({ kind: "question", text: "Why?" });
    expect((await admin(`/requests/${id}/decline`, { body: {} })).status).toBe(422);
  });
});

describe("the list for staff", () => {
  it("has filters, and goes with its customer", async () => {
    const { house, id } = await asked({ kind: "question", text: "Why?" });
    const listed = async (query: string) =>
      (await admin(`/requests?customer_id=${house.customer.id}&${query}`)).body.data.map(
        (request: { id: string }) => request.id,
      );
    expect(await listed("status=open")).toEqual([id]);
    expect(await listed("status=declined")).toEqual([]);
    expect(await listed("kind=question")).toEqual([id]);
    expect(await listed("kind=seats")).toEqual([]);
    expect((await admin("/requests/req_none")).status).toBe(404);
    await rows("DELETE FROM license_terms WHERE license_id = ?", house.license.id);
    await rows("DELETE FROM licenses WHERE id = ?", house.license.id);
    expect((await admin(`/customers/${house.customer.id}`, { method: "DELETE" })).status).toBe(204);
    expect((await admin(`/requests/${id}`)).status).toBe(404);
  });

  it("names the company first and the person second, in each place", async () => {
    const { house, id } = await asked({ kind: "seats", seats: "4" });
    const [company, name] = [`Firm ${house.customer.id}`, house.customer.name];
    await rows("UPDATE customers SET company = ? WHERE id = ?", company, house.customer.id);
    // The oldest come first, and other tests have asked, too.
    await rows(
      "UPDATE customer_requests SET status = 'declined', answered_at = 1 WHERE id <> ? AND answered_at IS NULL",
      id,
    );
    const visitor = await Visitor.signInAs("viewer");
    const called = `${company} (${name})`;
    expect((await visitor.get("/admin")).text).toContain(`${called}, Seats: 4 in all`);
    expect((await visitor.get("/admin/requests")).text).toContain(`Seats: 4 in all ${company} ${name}`);
    const page = await visitor.get(`/admin/requests/${id}`);
    expect(page.text).toContain(called);
    expect(page.text).toContain(`Seats: 4 in all, ${company}`);
    const [note] = await notesOnRequests(asSystem());
    expect(note?.lines).toEqual([expect.stringContaining(`${id}: ${called} asks for seats (4 in all)`)]);
    // The page of the customer leads to it, and so does the list of theirs; the latest events name the firm, too.
    expect((await visitor.get(`/admin/customers/${house.customer.id}`)).html).toContain(
      `<a href="/admin/requests/${id}">Seats: 4 in all</a>`,
    );
    const theirs = await visitor.get(`/admin/requests?customer_id=${house.customer.id}`);
    expect(theirs.html.match(/\/admin\/requests\/req_/g)).toHaveLength(1);
    await admin(`/licenses/${house.license.id}/renew`, { body: { expires_in: "P1Y" } });
    const [, latest = ""] = (await visitor.get("/admin")).text.split("Latest events");
    expect(latest).toContain(`${company} …\u2060${house.license.id.slice(-6)}`);
    // A person without a company is called by name alone.
    await rows("UPDATE customers SET company = NULL WHERE id = ?", house.customer.id);
    expect((await visitor.get("/admin/requests")).text).toContain(`Seats: 4 in all ${name} `);
  });

  it("takes a form only from the session that it was made for", async () => {
    const house = await open();
    const other = await open();
    const foreign = hidden((await other.browser.get("/portal/requests")).html);
    const refused = await house.browser.post("/portal/requests", { ...foreign, kind: "question", text: "x" });
    expect(refused.status).toBe(403);
  });
});
