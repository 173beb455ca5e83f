import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { HOUR } from "../../../../src/kernel/dates.ts";
import { Visitor } from "../../../support/console.ts";
import { DAY, setTime } from "../../../support/clock.ts";
import { env } from "../../../support/env.ts";
import { emptyOutbox, FakeResend, fire, mailing, NIGHTLY } from "../../../support/mail.ts";
import { eventsOf, newLicense, rows, unique } from "../../../support/service.ts";

const HERE = "/admin/settings/mail/preview";
const KINDS = [
  "license_delivery",
  "license_renewed",
  "license_changed",
  "expiry_warning",
  "license_expired",
  "entitlement_expiring",
  "request_answered",
  "contact_added",
  "admin_digest",
];
const LANGUAGES = ["en", "de", "fr", "es", "ja"];

const BRAND = JSON.stringify({
  name: "SmartHaus",
  logo: "https://cdn.smarthaus.example/logo.png",
  footer: "HRB 12345 B",
});

beforeEach(emptyOutbox);

afterEach(() => {
  vi.unstubAllGlobals();
});

describe("the preview", () => {
  it("shows a viewer each kind in each language, and does not offer to send it", async () => {
    const visitor = await Visitor.signInAs("viewer");
    const subjects = new Set<string>();
    for (const kind of KINDS) {
      for (const language of LANGUAGES) {
        for (const licenses of ["one", "several"]) {
          const query = new URLSearchParams({ kind, language, licenses }).toString();
          const page = await visitor.get(`${HERE}?${query}`);
          expect(page.status).toBe(200);
          expect(page.html).toMatch(/<iframe title="[^"]+" sandbox="" src="[^"]+body\?kind=/);
          expect(page.html).not.toContain("Send me this");
          subjects.add(/<h2[^>]*>(.*?)<\/h2>/.exec(page.html)![1]!);
          const body = await visitor.get(`${HERE}/body?${query}&as=html`);
          expect(body.html).toContain(`<html lang="${kind === "admin_digest" ? "en" : language}"`);
          const text = await visitor.get(`${HERE}/body?${query}&as=text`);
          expect(text.headers.get("Content-Type")).toBe("text/plain; charset=utf-8");
          expect(text.html).not.toContain("<");
        }
      }
    }
    // Five kinds to customers in five languages, about one and several, and one digest a day about one and several.
    expect(subjects.size).toBe(82);
  });

  it("has the brand as configured, and lets the frame load its logo alone", async () => {
    const visitor = await Visitor.signIn(env.ADMIN_TOKEN, { ...env, BRAND });
    const { html, headers } = await visitor.get(`${HERE}/body?kind=license_expired&language=de`);
    expect(html).toContain('src="https://cdn.smarthaus.example/logo.png" alt="SmartHaus"');
    expect(html).toContain("HRB 12345 B");
    expect(headers.get("Content-Security-Policy")).toBe(
      "default-src 'none'; style-src 'unsafe-inline'; img-src data: https://cdn.smarthaus.example; frame-ancestors 'self'; sandbox",
    );
    expect(headers.get("X-Frame-Options")).toBe("SAMEORIGIN");
    const { text } = await visitor.get("/admin/settings/mail");
    expect(text).toContain("Name SmartHaus");
    expect(text).toContain("SmartHaus Licensing");
  });

  it("and the settings say what is wrong with a faulty brand", async () => {
    const visitor = await Visitor.signIn(env.ADMIN_TOKEN, { ...env, BRAND: '{"color":"hush"}' });
    const { text, html } = await visitor.get("/admin/settings/mail");
    expect(text).toContain("BRAND has a wrong color");
    expect(html).not.toContain("hush");
    expect((await visitor.get(HERE)).status).toBe(200);
  });

  it.each(["kind=newsletter", "language=xx", "licenses=many"])("of %s is refused", async (query) => {
    const visitor = await Visitor.signInAs("viewer");
    expect((await visitor.get(`${HERE}?${query}`)).status).toBe(422);
    expect((await visitor.get(`${HERE}/body?${query}`)).status).toBe(422);
  });
});

describe("send me this", () => {
  it("mails the preview on the way of all mail, once for each form, and records it", async () => {
    const resend = new FakeResend();
    const visitor = await Visitor.signIn(env.ADMIN_TOKEN, mailing({ BRAND }));
    const to = `${unique("me")}@smarthaus.example`;
    const page = await visitor.get(`${HERE}/send?kind=license_delivery&language=fr&licenses=several`);
    const sent = await visitor.submit(page, { to }, `${HERE}/send`);
    expect(sent.location).toBe(`${HERE}?kind=license_delivery&language=fr&licenses=several&done=sent`);
    expect((await visitor.submit(page, { to }, `${HERE}/send`)).location).toBe(sent.location);
    const [mail, ...more] = resend.to(to);
    expect(more).toEqual([]);
    expect(mail).toMatchObject({ subject: expect.stringMatching(/^Preview: Vos 3 licences CAIO/) });
    expect(mail!.attachments).toHaveLength(3);
    expect(mail!.html).toContain("HRB 12345 B");
    const [message] = await rows(
      "SELECT id, status, license_id, customer_id FROM messages WHERE recipient = ?",
      to,
    );
    expect(message).toMatchObject({ status: "sent", license_id: null, customer_id: null });
    expect(await eventsOf(String(message!["id"]))).toMatchObject([{ action: "message.previewed" }]);
  });

  it("asks for an address where a token has signed in, and refuses what is none", async () => {
    const visitor = await Visitor.signInAs("manager");
    const page = await visitor.get(`${HERE}/send?kind=expiry_warning`);
    expect(page.html).toMatch(/name="to"[^>]* value=""/);
    expect(page.text).toContain("Sending is not configured");
    const before = await rows("SELECT count(*) AS n FROM messages");
    for (const to of ["", "nobody", "a@b.example, c@d.example"]) {
      expect((await visitor.submit(page, { to }, `${HERE}/send`)).status).toBe(422);
    }
    expect(await rows("SELECT count(*) AS n FROM messages")).toEqual(before);
  });

  it("does not count as the digest of its day: the next one covers the time before it, too", async () => {
    const start = Date.parse("2071-03-01T03:00:00Z");
    const staff = `${unique("staff")}@smarthaus.example`;
    const bindings = mailing({ ADMIN_EMAILS: staff });
    const resend = new FakeResend();
    setTime(start - DAY);
    const { license } = await newLicense({ expires_at: new Date(start + 9 * HOUR).toISOString() });
    setTime(start);
    await fire(NIGHTLY, bindings, start);
    setTime(start + 12 * HOUR);
    const visitor = await Visitor.signIn(env.ADMIN_TOKEN, bindings);
    await visitor.fill(`${HERE}/send?kind=admin_digest`, { to: "me@smarthaus.example" });
    setTime(start + DAY);
    await fire(NIGHTLY, bindings, start + DAY);
    const [, digest] = resend.to(staff);
    expect(digest!.text.split("Expired (")[1]).toContain(license.id);
  });

  it("is not for viewers", async () => {
    const visitor = await Visitor.signInAs("viewer");
    expect((await visitor.get(`${HERE}/send`)).status).toBe(403);
  });
});
