// Contacts that customers keep themselves: nobody brings in somebody else alone.
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { DAY, setTime } from "../../support/clock.ts";
import { FakeResend } from "../../support/mail.ts";
import { Browser, hidden, type House, newContact, newHouse, signedIn } from "../../support/portal.ts";
import { admin, eventsOf, rows, unique } from "../../support/service.ts";

let resend: FakeResend;

const NOW = Date.parse("2031-03-04T09:00:00.000Z");

beforeAll(() => {
  resend = new FakeResend();
});

beforeEach(() => setTime(NOW));

async function open(contact: Record<string, unknown> = {}): Promise<House & { browser: Browser }> {
  const house = await newHouse({}, { name: "Ada", ...contact });
  return { ...house, browser: await signedIn(resend, house.contact.email) };
}

const newAddress = (): string => `${unique("new")}@acme.example`;

const invite = (browser: Browser, email: string, values: Record<string, string> = {}) =>
  browser.submit("/portal/contacts", { email, name: "Grace", roles: "technical", language: "de", ...values });

/** The path of the link in the last mail to an address that confirms it. */
function confirmationTo(email: string): string {
  const text = resend.to(email).at(-1)?.text ?? "";
  const [link] = /\/portal\/confirm\?token=[\w-]+/.exec(text) ?? [];
  if (link === undefined) throw new Error(`no link in: ${text}`);
  return link;
}

async function confirm(link: string, browser = new Browser()) {
  const page = await browser.get(link);
  return browser.post("/portal/confirm", hidden(page.html));
}

const contactsOf = async (house: House) =>
  (await admin(`/customers/${house.customer.id}/contacts`)).body.data as {
    id: string;
    email: string;
    portal: boolean;
    roles: string[];
  }[];

const contactAt = async (house: House, email: string) =>
  (await contactsOf(house)).find((contact) => contact.email === email);

/** A house with a second contact, named by the first and confirmed. */
async function withNamed(values: Record<string, string> = {}) {
  const house = await open();
  const email = newAddress();
  await invite(house.browser, email, values);
  await confirm(confirmationTo(email));
  return { ...house, email, named: (await contactAt(house, email))! };
}

const change = async (browser: Browser, id: string, values: Record<string, string>) => {
  const page = await browser.get(`/portal/contacts/${id}`);
  return browser.post(`/portal/contacts/${id}`, {
    ...hidden(page.html),
    roles: "technical",
    language: "en",
    ...values,
  });
};

describe("a contact who is named by another one", () => {
  it("is none before the mailbox is confirmed, and gets no other mail until then", async () => {
    const house = await open();
    const email = newAddress();
    expect((await invite(house.browser, email)).location).toBe("/portal/contacts?done=invited");
    expect(await contactAt(house, email)).toBeUndefined();
    expect((await house.browser.get("/portal/contacts")).text).toContain(email);
    await admin(`/licenses/${house.license.id}/send-email`, { body: {} });
    expect(await rows("SELECT 1 FROM messages WHERE recipient = ?", email)).toEqual([]);
    const [mail] = resend.to(email);
    expect(mail?.text).toContain("Ada von");
    expect(mail?.subject).toContain("Bestätigen");
  });

  it("is confirmed by a button, not by whatever opens the link, and once", async () => {
    const house = await open();
    const email = newAddress();
    await invite(house.browser, email);
    const link = confirmationTo(email);
    for (let n = 0; n < 3; n++)
      expect((await new Browser().get(link)).text).toContain("Confirm your mailbox");
    expect(await contactAt(house, email)).toBeUndefined();
    expect((await confirm(link)).text).toContain("Confirmed");
    expect(await contactAt(house, email)).toMatchObject({ portal: false, roles: ["technical"] });
    expect((await new Browser().get(link)).text).toContain("does not work any more");
    expect(
      await rows("SELECT email, hash FROM portal_invitations WHERE customer_id = ?", house.customer.id),
    ).toEqual([{ email: null, hash: null }]);
  });

  it("is told to all others, in their languages, and recorded without an address", async () => {
    const house = await open();
    const other = await newContact(house.customer.id, { language: "fr" });
    const email = newAddress();
    await invite(house.browser, email);
    await confirm(confirmationTo(email));
    expect(resend.to(house.contact.email).at(-1)?.text).toContain(`Ada added Grace (${email})`);
    expect(resend.to(other.email).at(-1)?.text).toContain("Ada a ajouté Grace");
    expect(resend.to(email)).toHaveLength(1);
    const event = (await eventsOf(house.customer.id)).findLast(({ action }) => action === "contact.created");
    expect(event).toMatchObject({ actor_type: "customer" });
    expect(JSON.stringify(event)).not.toContain(email);
  });

  it("signs in once another contact lets them, never by the one who named them", async () => {
    const { browser, email, named, customer } = await withNamed();
    await expect(signedIn(resend, email)).rejects.toThrow("no link in");
    const refused = await change(browser, named.id, { portal: "on" });
    expect(refused.status).toBe(409);
    expect(refused.text).toContain("You named this contact");
    const other = await newContact(customer.id);
    const second = await signedIn(resend, other.email);
    expect((await change(second, named.id, { portal: "on" })).location).toBe("/portal/contacts?done=changed");
    expect((await (await signedIn(resend, email)).get("/portal")).status).toBe(200);
  });

  it("signs in once staff let them", async () => {
    const { email, named, customer } = await withNamed();
    await admin(`/customers/${customer.id}/contacts/${named.id}`, {
      method: "PATCH",
      body: { portal: true },
    });
    expect((await (await signedIn(resend, email)).get("/portal")).status).toBe(200);
  });

  it.each<[string, (house: House & { browser: Browser }) => Promise<unknown>]>([
    ["after a week", async () => setTime(NOW + 7 * DAY)],
    [
      "once the one who named them is gone",
      ({ customer, contact }) =>
        admin(`/customers/${customer.id}/contacts/${contact.id}`, { method: "DELETE" }),
    ],
    [
      "while the customer has no site",
      ({ customer }) => admin(`/customers/${customer.id}`, { method: "PATCH", body: { portal: false } }),
    ],
  ])("cannot confirm %s", async (_, happens) => {
    const house = await open();
    const email = newAddress();
    await invite(house.browser, email);
    const link = confirmationTo(email);
    const form = hidden((await new Browser().get(link)).html);
    await happens(house);
    expect((await new Browser().post("/portal/confirm", form)).status).toBe(401);
    expect(await contactAt(house, email)).toBeUndefined();
  });

  it("cannot be confirmed twice at once", async () => {
    const house = await open();
    const email = newAddress();
    await invite(house.browser, email);
    const link = confirmationTo(email);
    await Promise.all([confirm(link), confirm(link), confirm(link)]);
    expect((await contactsOf(house)).filter((contact) => contact.email === email)).toHaveLength(1);
    expect(resend.to(house.contact.email).filter(({ subject }) => /new contact/i.test(subject))).toHaveLength(
      1,
    );
  });

  it("replaces who was invited at the same address before", async () => {
    const house = await open();
    const email = newAddress();
    await invite(house.browser, email);
    const former = confirmationTo(email);
    await invite(house.browser, email.toUpperCase());
    expect((await confirm(former)).status).toBe(401);
    expect(
      await rows("SELECT 1 FROM portal_invitations WHERE customer_id = ?", house.customer.id),
    ).toHaveLength(1);
  });
});

describe("naming", () => {
  it("takes no address that is a contact already", async () => {
    const house = await open();
    const refused = await invite(house.browser, house.contact.email.toUpperCase());
    expect(refused.status).toBe(422);
    expect(refused.text).toContain("Is the address of another contact");
  });

  it("ends at ten a day: strangers are not mailed without a bound", async () => {
    const house = await open();
    for (let n = 0; n < 10; n++) expect((await invite(house.browser, newAddress())).status).toBe(303);
    const late = newAddress();
    expect((await invite(house.browser, late)).status).toBe(429);
    expect(resend.to(late)).toEqual([]);
    setTime(NOW + DAY);
    expect((await invite(house.browser, late)).status).toBe(303);
  });

  it.each(["billing", "technical"])("is not for a contact for %s", async (role) => {
    const { browser } = await open({ roles: [role] });
    expect((await browser.get("/portal/contacts")).status).toBe(403);
    expect(
      (await browser.post("/portal/contacts", { email: newAddress(), once: crypto.randomUUID() })).status,
    ).toBe(403);
  });
});

describe("changing and removing", () => {
  it("is for others, not for oneself", async () => {
    const { browser, contact, ...house } = await open();
    await newContact(house.customer.id);
    expect((await browser.get(`/portal/contacts/${contact.id}`)).text).toContain("This is you");
    const form = hidden((await browser.get("/portal/contacts")).html);
    for (const path of [`/portal/contacts/${contact.id}`, `/portal/contacts/${contact.id}/remove`]) {
      const refused = await browser.post(path, { ...form, roles: "technical", once: crypto.randomUUID() });
      expect(refused.status, path).toBe(409);
    }
    expect(await contactAt({ ...house, contact }, contact.email)).toMatchObject({
      roles: ["license", "billing", "technical"],
    });
  });

  it("ends the sessions of whom it is about", async () => {
    const house = await open();
    const other = await newContact(house.customer.id);
    const theirs = await signedIn(resend, other.email);
    expect((await change(house.browser, other.id, { portal: "on", roles: "billing" })).status).toBe(303);
    expect((await theirs.get("/portal")).location).toBe("/portal/sign-in?ended=session");
    expect(await contactAt(house, other.email)).toMatchObject({ roles: ["billing"], portal: true });
    await house.browser.submit(`/portal/contacts/${other.id}/remove`);
    expect(await contactAt(house, other.email)).toBeUndefined();
    await expect(signedIn(resend, other.email)).rejects.toThrow("This link does not work");
  });

  it("refuses what is overtaken", async () => {
    const house = await open();
    const other = await newContact(house.customer.id);
    const form = hidden((await house.browser.get(`/portal/contacts/${other.id}`)).html);
    await admin(`/customers/${house.customer.id}/contacts/${other.id}`, {
      method: "PATCH",
      body: { name: "Linus" },
    });
    const refused = await house.browser.post(`/portal/contacts/${other.id}`, {
      ...form,
      roles: "technical",
      language: "en",
    });
    expect(refused.status).toBe(412);
  });

  it("leaves the customer's own address to staff", async () => {
    const house = await open();
    await admin(`/customers/${house.customer.id}`, { method: "PATCH", body: { email: newAddress() } });
    const own = `con_${house.customer.id}`;
    const refused = await house.browser.submit(`/portal/contacts/${own}/remove`);
    expect(refused.status).toBe(409);
    expect((await contactsOf(house)).map(({ id }) => id)).toContain(own);
  });

  it("goes with the customer", async () => {
    const house = await open();
    await invite(house.browser, newAddress());
    await rows("DELETE FROM licenses WHERE customer_id = ?", house.customer.id);
    await admin(`/customers/${house.customer.id}`, { method: "DELETE" });
    expect(await rows("SELECT 1 FROM portal_invitations WHERE customer_id = ?", house.customer.id)).toEqual(
      [],
    );
  });

  it("forgets who named them once they are removed", async () => {
    const { browser, named, customer } = await withNamed();
    await browser.submit(`/portal/contacts/${named.id}/remove`);
    expect(await rows("SELECT 1 FROM portal_invitations WHERE customer_id = ?", customer.id)).toEqual([]);
  });
});

describe("what happened", () => {
  it("tells of contacts, sign-ins and requests, by their words", async () => {
    const house = await open();
    const page = await house.browser.get("/portal/events");
    expect(page.text).toMatch(/Signed in here by Ada/);
    expect(page.text).toMatch(/A contact was added by us/);
  });

  it("says once what happened several times in a row", async () => {
    const { browser, license } = await open();
    for (let n = 0; n < 3; n++) await browser.get(`/portal/licenses/${license.id}/key`);
    const { text } = await browser.get(`/portal/licenses/${license.id}/events`);
    expect(text).toContain("The key was looked at, 3 times by Ada");
    expect(text.match(/The key was looked at/g)).toHaveLength(1);
  });

  it("tells what happened to a license, and nothing of what staff noted or ordered", async () => {
    const house = await open();
    const { id } = house.license;
    await admin(`/licenses/${id}/suspend`, { body: { reason: "Invoice 4711, they never pay" } });
    const later = new Date(NOW + 30 * DAY).toISOString();
    await admin(`/licenses/${id}`, { method: "PATCH", body: { notes: "A secret", effective_at: later } });
    const page = await house.browser.get(`/portal/licenses/${id}/events`);
    expect(page.text).toContain("The license was suspended by us");
    expect(page.text).toContain("The license was issued");
    expect(page.text).not.toMatch(/4711|secret|ordered/i);
  });

  it("comes in pages", async () => {
    const house = await open();
    await rows(
      `INSERT INTO events (at, action, entity_type, entity_id, actor_type, actor_id, request_id, detail)
       WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60)
       SELECT ?, 'activation.created', 'license', ?, 'instance', 'box-' || i, 'r', json_object('instance_id', 'box-' || i) FROM n`,
      NOW,
      house.license.id,
    );
    const first = await house.browser.get(`/portal/licenses/${house.license.id}/events`);
    expect(first.text).toContain("box-60");
    expect(first.text).not.toMatch(/box-1\b/);
    const [, next] = /href="(\?before=\d+)"/.exec(first.html) ?? [];
    const second = await house.browser.get(`/portal/licenses/${house.license.id}/events${next}`);
    expect(second.text).toMatch(/box-1\b/);
    expect(second.text).toContain("The license was issued");
  });
});
