// Signing in to the customer's site, as customers do it and as others try.
import { beforeAll, describe, expect, it } from "vitest";
import { FakeResend, mailing } from "../../support/mail.ts";
import { Browser, type House, hidden, linkTo, newContact, newHouse, signedIn } from "../../support/portal.ts";
import { admin, eventsOf, newCustomer, rows, unique } from "../../support/service.ts";
import { Visitor } from "../../support/console.ts";

let resend: FakeResend;
let house: House;

beforeAll(async () => {
  resend = new FakeResend();
  house = await newHouse();
});

/** A house of its own, with a mail on its way to this browser. */
async function asked() {
  const own = await newHouse();
  const browser = new Browser();
  await browser.post("/portal/sign-in", { email: own.contact.email });
  return { own, browser, link: linkTo(resend, own.contact.email) };
}

const enter = async (browser: Browser, link: string, values: Record<string, string> = {}) =>
  browser.post("/portal/sign-in/link", { ...hidden((await browser.get(link)).html), ...values });

describe("a mailed link", () => {
  it("signs in the contact, and the record says so", async () => {
    const browser = await signedIn(resend, house.contact.email);
    const page = await browser.get("/portal");
    expect(page.status).toBe(200);
    expect(page.text).toContain(house.license.id);
    const events = await eventsOf(house.customer.id);
    expect(events).toContainEqual(
      expect.objectContaining({
        action: "contact.signed_in",
        actor_type: "customer",
        actor_id: house.contact.id,
      }),
    );
  });

  it("is written in the language of the contact", async () => {
    const german = await newContact(house.customer.id, { language: "de" });
    await new Browser().post("/portal/sign-in", { email: german.email });
    expect(resend.to(german.email)[0]?.subject).toBe("Anmelden bei CAIO Licensing");
  });

  it("works once", async () => {
    const { browser, link } = await asked();
    const form = hidden((await browser.get(link)).html);
    const secret = browser.cookies.get("__Host-caio-portal-asked")!;
    expect((await browser.post("/portal/sign-in/link", form)).status).toBe(303);
    browser.cookies.set("__Host-caio-portal-asked", secret);
    const again = await browser.post("/portal/sign-in/link", form);
    expect(again.status).toBe(401);
    expect(again.text).toContain("does not work here");
  });

  it("is spent once by many at the same time", async () => {
    const { browser, link, own } = await asked();
    const form = hidden((await browser.get(link)).html);
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => browser.post("/portal/sign-in/link", form)),
    );
    expect(answers.filter(({ status }) => status === 303)).toHaveLength(1);
    expect(await rows("SELECT 1 FROM portal_sessions WHERE customer_id = ?", own.customer.id)).toHaveLength(
      1,
    );
  });

  it("is not spent by whoever only opens it, such as the scanner of a mail server", async () => {
    const { browser, link } = await asked();
    const scanner = await new Browser().get(link);
    expect(scanner.text).not.toContain("Sign in as");
    await browser.get(link);
    await browser.get(link);
    expect((await enter(browser, link)).status).toBe(303);
  });

  it("opens nothing in another browser, also if that asked for a link of its own", async () => {
    const { browser, link, own } = await asked();
    const form = hidden((await browser.get(link)).html);
    const thief = new Browser();
    expect((await thief.post("/portal/sign-in/link", form)).status).toBe(401);
    await thief.post("/portal/sign-in", { email: own.contact.email });
    expect((await thief.get(link)).text).not.toContain("Sign in as");
    expect((await thief.post("/portal/sign-in/link", form)).status).toBe(401);
  });

  it.each([
    ["just before a quarter of an hour", 15 * 60_000 - 5_000, 303],
    ["after a quarter of an hour", 15 * 60_000 + 1_000, 401],
  ])("%s", async (_, age, status) => {
    const { browser, link, own } = await asked();
    const form = hidden((await browser.get(link)).html);
    await rows(
      "UPDATE portal_links SET created_at = created_at - ? WHERE contacts LIKE ?",
      age,
      `%${own.contact.id}%`,
    );
    expect((await browser.post("/portal/sign-in/link", form)).status).toBe(status);
  });

  it.each<[string, (own: House) => Promise<unknown>]>([
    [
      "removed",
      (own) => admin(`/customers/${own.customer.id}/contacts/${own.contact.id}`, { method: "DELETE" }),
    ],
    [
      "changed",
      (own) =>
        admin(`/customers/${own.customer.id}/contacts/${own.contact.id}`, {
          method: "PATCH",
          body: { email: `${unique("new")}@acme.example` },
        }),
    ],
    [
      "not allowed any more",
      (own) =>
        admin(`/customers/${own.customer.id}/contacts/${own.contact.id}`, {
          method: "PATCH",
          body: { portal: false },
        }),
    ],
  ])("signs nobody in whose contact was %s meanwhile", async (_, change) => {
    const { own, browser, link } = await asked();
    const form = hidden((await browser.get(link)).html);
    await change(own);
    expect((await browser.post("/portal/sign-in/link", form)).status).toBe(401);
    expect((await browser.get(link)).text).not.toContain("Sign in as");
  });

  it("signs in no contact but those of its address", async () => {
    const { browser, link } = await asked();
    expect((await enter(browser, link, { contact: house.contact.id })).status).toBe(401);
  });

  it("lets an address of several customers choose one", async () => {
    const email = `${unique("both")}@acme.example`;
    const houses = [await newHouse({}, { email }), await newHouse({}, { email })];
    const browser = new Browser();
    await browser.post("/portal/sign-in", { email });
    const page = await browser.get(linkTo(resend, email));
    for (const { customer } of houses) expect(page.text).toContain(customer.name);
    const second = houses[1]!;
    await enter(browser, linkTo(resend, email), { contact: second.contact.id });
    const home = (await browser.get("/portal")).text;
    expect(home).toContain(second.license.id);
    expect(home).not.toContain(houses[0]!.license.id);
  });

  it("is nowhere in the outbox, and only its hash is stored", async () => {
    const { own, link } = await asked();
    expect(await rows("SELECT 1 FROM messages WHERE recipient = ?", own.contact.email)).toEqual([]);
    const [token] = link.split("token=").slice(1);
    const stored = JSON.stringify(await rows("SELECT * FROM portal_links"));
    expect(stored).not.toContain(token);
    expect(stored).not.toContain(own.contact.email);
  });
});

describe("whether an address is known", () => {
  const stranger = (): string => `${unique("nobody")}@elsewhere.example`;

  it("does not show in the answer", async () => {
    const known = await newContact(house.customer.id);
    const shown = await new Browser().post("/portal/sign-in", { email: known.email });
    const other = await new Browser().post("/portal/sign-in", { email: stranger() });
    expect(other.status).toBe(shown.status);
    expect(other.html).toBe(shown.html);
    expect([...other.headers.keys()].toSorted()).toEqual([...shown.headers.keys()].toSorted());
  });

  it("does not show in the limit: the fourth in an hour is refused, known or not", async () => {
    const known = await newContact(house.customer.id);
    for (const email of [known.email, stranger()]) {
      const statuses: number[] = [];
      // From everywhere, and however it is written.
      for (const text of [email, email.toUpperCase(), email, email, email]) {
        const { status, headers } = await new Browser().post("/portal/sign-in", { email: text });
        statuses.push(status);
        if (status === 429) expect(headers.get("Retry-After")).toBe("3600");
      }
      expect(statuses).toEqual([200, 200, 200, 429, 429]);
    }
    expect(resend.to(known.email)).toHaveLength(3);
  });

  it("twenty from a network in an hour, for whichever addresses", async () => {
    const browser = new Browser({ ...mailing() });
    const statuses: number[] = [];
    for (let n = 0; n < 22; n++) {
      statuses.push((await browser.post("/portal/sign-in", { email: stranger() })).status);
    }
    expect(statuses.filter((status) => status === 200)).toHaveLength(20);
    expect(statuses.slice(20)).toEqual([429, 429]);
  });

  it("an address that is not a contact for the site gets no mail", async () => {
    const billing = await newContact(house.customer.id, { portal: false });
    await new Browser().post("/portal/sign-in", { email: billing.email });
    expect(resend.to(billing.email)).toEqual([]);
  });
});

describe("a license key", () => {
  it("shows the standing, the end and the counts of its license, and nothing else", async () => {
    const own = await newHouse();
    await newHouse();
    const browser = new Browser();
    expect((await browser.post("/portal/sign-in/key", { license_key: ` "${own.key}"\n` })).location).toBe(
      "/portal",
    );
    const page = await browser.get(`/portal/licenses/${own.license.id}`);
    expect(page.status).toBe(200);
    expect(page.text).toContain("0 of 2 in use");
    for (const hiddenPart of [own.key, "Installations that hold a seat", "/key"])
      expect(page.html).not.toContain(hiddenPart);
    expect((await browser.get(`/portal/licenses/${own.license.id}/key`)).status).toBe(403);
  });

  it("does not show other licenses of the same customer", async () => {
    const own = await newHouse();
    const other = await admin("/licenses", {
      body: { customer_id: own.customer.id, license_type: "standard" },
    });
    const browser = new Browser();
    await browser.post("/portal/sign-in/key", { license_key: own.key });
    expect((await browser.get("/portal")).text).not.toContain(other.body.license.id);
    expect((await browser.get(`/portal/licenses/${other.body.license.id}`)).status).toBe(404);
  });

  it("that was replaced signs nobody in, and is not repeated", async () => {
    const own = await newHouse();
    await admin(`/licenses/${own.license.id}/reissue`, { body: { reason: "leaked" } });
    const refused = await new Browser().post("/portal/sign-in/key", { license_key: own.key });
    expect(refused.status).toBe(403);
    expect(refused.html).not.toContain(own.key);
  });

  it.each(["", "x", "a.b.c"])("%j is refused", async (license_key) => {
    const refused = await new Browser().post("/portal/sign-in/key", { license_key });
    expect(refused.status).toBeGreaterThanOrEqual(400);
    expect(refused.status).toBeLessThan(500);
    expect(refused.headers.get("Set-Cookie")).toBeNull();
  });
});

describe("a session", () => {
  it.each<[string, (own: House) => Promise<unknown>]>([
    [
      "its contact is removed",
      (own) => admin(`/customers/${own.customer.id}/contacts/${own.contact.id}`, { method: "DELETE" }),
    ],
    [
      "its contact gets other roles",
      (own) =>
        admin(`/customers/${own.customer.id}/contacts/${own.contact.id}`, {
          method: "PATCH",
          body: { roles: ["billing"] },
        }),
    ],
    [
      "a license is transferred",
      async (own) =>
        admin(`/licenses/${own.license.id}/transfer`, {
          body: { customer_id: (await newCustomer()).id, reason: "sold" },
        }),
    ],
    [
      "its customer is deleted",
      async (own) => {
        await rows("DELETE FROM activations WHERE license_id = ?", own.license.id);
        await rows("DELETE FROM license_terms WHERE license_id = ?", own.license.id);
        await rows("DELETE FROM licenses WHERE id = ?", own.license.id);
        expect((await admin(`/customers/${own.customer.id}`, { method: "DELETE" })).status).toBe(204);
      },
    ],
    [
      "a license is reissued",
      (own) => admin(`/licenses/${own.license.id}/reissue`, { body: { reason: "leaked" } }),
    ],
    [
      "staff sign the customer out",
      async (own) =>
        expect((await admin(`/customers/${own.customer.id}/sign-out`, { method: "POST" })).body).toEqual({
          ended: 1,
        }),
    ],
    [
      "the customer's site is switched off for its customer",
      (own) => admin(`/customers/${own.customer.id}`, { method: "PATCH", body: { portal: false } }),
    ],
    [
      "its customer is erased",
      async (own) => {
        await admin(`/licenses/${own.license.id}/revoke`, { body: { reason: "over" } });
        expect(
          (await admin(`/customers/${own.customer.id}/erase`, { body: { reason: "asked for" } })).status,
        ).toBe(200);
      },
    ],
    [
      "it is 30 days old",
      (own) => rows("UPDATE portal_sessions SET expires_at = 0 WHERE customer_id = ?", own.customer.id),
    ],
  ])("ends when %s", async (_, change) => {
    const own = await newHouse();
    const browser = await signedIn(resend, own.contact.email);
    expect((await browser.get("/portal")).status).toBe(200);
    await change(own);
    expect((await browser.get("/portal")).location).toBe("/portal/sign-in?ended=session");
  });

  it("that is over says so on the sign-in, and that a form was not sent", async () => {
    const own = await newHouse();
    const browser = await signedIn(resend, own.contact.email);
    const form = hidden((await browser.get("/portal/requests")).html);
    await admin(`/customers/${own.customer.id}/sign-out`, { body: {} });
    const late = await browser.post("/portal/requests", { ...form, kind: "question", text: "A question" });
    expect((await browser.get(late.location)).text).toContain("so nothing was sent");
    const { location } = await browser.get("/portal");
    expect((await browser.get(location)).text).toContain("Your session has ended.");
    expect((await browser.get("/portal/sign-in")).text).not.toContain("ended");
  });

  it("is never one of staff, nor the other way round", async () => {
    const browser = await signedIn(resend, (await newHouse()).contact.email);
    const cookie = browser.cookies.get("__Host-caio-portal")!;
    expect((await browser.get("/admin", { Cookie: `__Host-caio-session=${cookie}` })).status).toBe(303);
    await Visitor.signIn();
    const [staff] = await rows<{ id: string }>("SELECT id FROM sessions ORDER BY created_at DESC LIMIT 1");
    const asCustomer = await new Browser().get("/portal", { Cookie: `__Host-caio-portal=${staff!.id}` });
    expect(asCustomer.location).toBe("/portal/sign-in?ended=session");
  });

  it("gets a new id at each sign-in, whatever cookie the browser had", async () => {
    const planted = "A".repeat(43);
    const browser = new Browser();
    browser.cookies.set("__Host-caio-portal", planted);
    await signedIn(resend, (await newHouse()).contact.email, browser);
    expect(browser.cookies.get("__Host-caio-portal")).not.toBe(planted);
  });

  it("has a cookie that scripts and other sites do not get", async () => {
    const own = await newHouse();
    const answer = await new Browser().post("/portal/sign-in/key", { license_key: own.key });
    expect(answer.headers.get("Set-Cookie")).toMatch(
      /^__Host-caio-portal=[\w-]{43}; Max-Age=2592000; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
    );
  });

  it("ends with signing out, for each copy of the cookie", async () => {
    const browser = await signedIn(resend, (await newHouse()).contact.email);
    const copy = new Browser();
    for (const [name, value] of browser.cookies) copy.cookies.set(name, value);
    const page = await browser.get("/portal");
    const [, form = ""] = /<form class="who"(.*?)<\/form>/s.exec(page.html) ?? [];
    expect((await browser.post("/portal/sign-out", hidden(`<form${form}`))).status).toBe(303);
    expect((await copy.get("/portal")).location).toBe("/portal/sign-in?ended=session");
  });

  it("is not ended by another site", async () => {
    const browser = await signedIn(resend, (await newHouse()).contact.email);
    await browser.post(
      "/portal/sign-out",
      {},
      { Origin: "https://evil.example", "Sec-Fetch-Site": "cross-site" },
    );
    expect((await browser.get("/portal")).status).toBe(200);
  });
});

describe("the site", () => {
  it("of a customer without one lets nobody in, by a link or by a key, and looks as if nobody were known", async () => {
    const own = await newHouse();
    const browser = new Browser();
    await browser.post("/portal/sign-in", { email: own.contact.email });
    const link = linkTo(resend, own.contact.email);
    const form = hidden((await browser.get(link)).html);
    await admin(`/customers/${own.customer.id}`, { method: "PATCH", body: { portal: false } });
    expect((await browser.post("/portal/sign-in/link", form)).status).toBe(401);
    const mails = resend.to(own.contact.email).length;
    const answered = await browser.post("/portal/sign-in", { email: own.contact.email });
    expect(answered.text).toContain("Look into your mailbox");
    expect(resend.to(own.contact.email)).toHaveLength(mails);
    expect(
      (await browser.post("/portal/sign-in/key", { license_key: own.key })).status,
    ).toBeGreaterThanOrEqual(400);
    expect(await rows("SELECT 1 FROM portal_sessions WHERE customer_id = ?", own.customer.id)).toEqual([]);
    await admin(`/customers/${own.customer.id}`, { method: "PATCH", body: { portal: true } });
    expect((await (await signedIn(resend, own.contact.email)).get("/portal")).status).toBe(200);
  });

  it("is not there with PORTAL=off, signed in or not", async () => {
    const own = await newHouse();
    const open = await signedIn(resend, own.contact.email);
    const closed = new Browser({ ...mailing(), PORTAL: "off" });
    for (const [name, value] of open.cookies) closed.cookies.set(name, value);
    for (const path of ["/portal", "/portal/sign-in", `/portal/licenses/${own.license.id}`])
      expect((await closed.get(path)).status, path).toBe(404);
    expect((await closed.post("/portal/sign-in", { email: own.contact.email })).status).toBe(404);
  });

  it("is closed, and says so in the log, if PORTAL is something else", async () => {
    expect((await new Browser({ ...mailing(), PORTAL: "false" }).get("/portal/sign-in")).status).toBe(404);
  });

  it.each(["/portal/sign-in", "/portal/nothing"])("%s can be framed by nobody", async (path) => {
    const { headers } = await new Browser().get(path);
    if (path === "/portal/sign-in")
      expect(headers.get("Content-Security-Policy")).toContain("frame-ancestors 'none'");
    expect(headers.get("X-Frame-Options")).toBe("DENY");
  });

  it("takes no form of another site", async () => {
    const own = await newHouse();
    for (const [path, fields] of [
      ["/portal/sign-in", { email: own.contact.email }],
      ["/portal/sign-in/key", { license_key: own.key }],
    ] as const) {
      const forged = await new Browser().post(path, fields, { Origin: "https://evil.example" });
      expect(forged.status, path).toBe(403);
      expect(forged.headers.get("Set-Cookie")).toBeNull();
    }
  });

  it("leads nowhere else after the sign-in", async () => {
    const own = await newHouse();
    const answer = await new Browser().post("/portal/sign-in/key?next=https://evil.example", {
      license_key: own.key,
      next: "//evil.example",
    });
    expect(answer.location).toBe("/portal");
  });
});
