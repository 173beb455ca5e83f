import { beforeEach, describe, expect, it } from "vitest";
import { Visitor } from "../../../support/console.ts";
import { metered } from "../../../support/meter.ts";
import { FakeResend, mailing, messagesOf, emptyOutbox } from "../../../support/mail.ts";
import { admin, eventsOf, newCustomer, newLicense, rows } from "../../../support/service.ts";

const EMAIL = "ada@acme.example";

/** A license whose key was to be mailed, which is not configured here: so the mail was skipped. */
async function skipped(name = "Acme") {
  const { id: customer_id } = await newCustomer({ name, email: EMAIL });
  const { license, license_key } = await newLicense({ customer_id, send_email: true });
  const [{ id }] = (await messagesOf(license.id)) as [{ id: string }];
  return { id, license, license_key };
}

const timesShown = async (licenseId: string): Promise<number> =>
  (await eventsOf(licenseId)).filter(({ action }) => action === "license.key_revealed").length;

beforeEach(emptyOutbox);

describe("/admin/messages", () => {
  it("finds by status, kind and license", async () => {
    const { id, license } = await skipped();
    const visitor = await Visitor.signInAs("viewer");
    const list = async (query: string) =>
      (await visitor.get(`/admin/messages?license_id=${license.id}&${query}`)).html;
    expect(await list("status=&kind=")).toContain(`/admin/messages/${id}"`);
    expect(await list("status=skipped&kind=license_delivery")).toContain(`/admin/messages/${id}"`);
    expect(await list("status=sent")).toContain("Nothing matches these filters");
    expect(await list(`recipient=${EMAIL.toUpperCase()}`)).toContain(`/admin/messages/${id}"`);
    expect(await list("recipient=nobody@acme.example")).toContain("Nothing matches these filters");
    expect(await visitor.get("/admin/messages?status=lost")).toMatchObject({ status: 422 });
  });
});

describe("a message's page", () => {
  it("tells how far it is, and shows a key only when asked to, once on record each time", async () => {
    const { id, license, license_key } = await skipped();
    const visitor = await Visitor.signInAs("manager");
    const page = await visitor.get(`/admin/messages/${id}`);
    expect(page.text).toContain("because sending is not configured");
    expect(page.text).toContain("RESEND_API_KEY is not set.");
    // By their names, each a link.
    expect(page.text).toContain(`Customer Acme License standard …\u2060${license.id.slice(-6)}`);
    expect(page.html).toContain(`href="/admin/licenses/${license.id}"`);
    expect(page.html).not.toContain("<iframe");
    expect(await timesShown(license.id)).toBe(0);

    const open = await visitor.get(`/admin/messages/${id}?as=html`);
    expect(open.html).toContain(
      `<iframe title="The mail" sandbox="" src="/admin/messages/${id}/body?as=html"></iframe>`,
    );
    expect(open.html).not.toContain(license_key);
    expect(await timesShown(license.id)).toBe(0);
    const body = await visitor.get(`/admin/messages/${id}/body?as=html`);
    expect(body.headers.get("Content-Type")).toBe("text/html; charset=utf-8");
    expect(body.html).toContain("<html");
    expect(await timesShown(license.id)).toBe(1);
    const plain = await visitor.get(`/admin/messages/${id}/body?as=text`);
    expect(plain.headers.get("Content-Type")).toBe("text/plain; charset=utf-8");
    expect(plain.html).toContain(license_key);
    expect(await timesShown(license.id)).toBe(2);
  });

  it("frames the mail such that nothing of it runs or loads, and only here", async () => {
    const { id } = await skipped();
    const visitor = await Visitor.signIn();
    const { headers } = await visitor.get(`/admin/messages/${id}/body`);
    expect(headers.get("Content-Security-Policy")).toBe(
      "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; sandbox",
    );
    expect(headers.get("X-Frame-Options")).toBe("SAMEORIGIN");
    expect(headers.get("Cache-Control")).toBe("no-store");
    const page = await visitor.get(`/admin/messages/${id}`);
    expect(page.headers.get("X-Frame-Options")).toBe("DENY");
  });

  it("tells a viewer that it holds a key, and shows none", async () => {
    const { id, license, license_key } = await skipped();
    const viewer = await Visitor.signInAs("viewer");
    const page = await viewer.get(`/admin/messages/${id}?as=html`);
    expect(page.text).toContain("contains a license key");
    expect(page.html).not.toMatch(/<iframe|\/retry/);
    const body = await viewer.get(`/admin/messages/${id}/body?as=text`);
    expect(body.status).toBe(403);
    expect(body.html).not.toContain(license_key);
    expect(await timesShown(license.id)).toBe(0);
  });

  it("shows a viewer a mail without a key at once", async () => {
    const { id } = await skipped();
    await rows("UPDATE messages SET kind = 'expiry_warning' WHERE id = ?", id);
    const viewer = await Visitor.signInAs("viewer");
    expect((await viewer.get(`/admin/messages/${id}`)).html).toContain("<iframe");
    expect(await viewer.get(`/admin/messages/${id}/body`)).toMatchObject({ status: 200 });
  });

  it("shows subjects and recipients as text", async () => {
    const { id, license } = await skipped();
    const hostile = "<script>alert(1)</script>";
    await rows(
      "UPDATE messages SET subject = ?1, recipient = ?1, last_error = ?1 WHERE id = ?2",
      hostile,
      id,
    );
    const visitor = await Visitor.signIn();
    for (const path of [`/${id}`, `/${id}/retry`, `?license_id=${license.id}`]) {
      const page = await visitor.get(`/admin/messages${path}`);
      expect(page.html).not.toContain("<script>alert");
      expect(page.text).toContain(hostile);
    }
  });

  it("costs three trips where it says what it takes to bring the mail to the customer", async () => {
    const { id } = await skipped();
    await rows("UPDATE messages SET status = 'bounced' WHERE id = ?", id);
    const { cost, bindings } = metered();
    const visitor = await Visitor.signIn(undefined, bindings);
    cost.trips = 0;
    expect((await visitor.get(`/admin/messages/${id}`)).text).toContain("Correct and send");
    expect(cost.trips).toBeLessThanOrEqual(3);
  });

  it("is not there for an id that is none", async () => {
    const visitor = await Visitor.signIn();
    for (const path of ["msg_none", "msg_none/body", "msg_none/retry"]) {
      expect(await visitor.get(`/admin/messages/${path}`)).toMatchObject({ status: 404 });
    }
  });
});

describe("sending a message again", () => {
  it("sends it, once, and says so", async () => {
    const resend = new FakeResend();
    const { id, license_key } = await skipped();
    await rows("UPDATE messages SET recipient = ? WHERE id = ?", EMAIL, id);
    const visitor = await Visitor.signInAs("manager", mailing());
    const form = await visitor.get(`/admin/messages/${id}/retry`);
    expect(form.text).toContain("unchanged. To mail the license as it is now");
    const done = await visitor.submit(form);
    expect(done.location).toBe(`/admin/messages/${id}?done=retried`);
    expect((await visitor.submit(form)).location).toBe(done.location);
    expect(resend.inbox.filter(({ text }) => text.includes(license_key))).toHaveLength(1);
    const page = await visitor.get(done.location);
    expect(page.text).toContain("It is sent again.");
    expect(page.text).toContain("Resend took it.");
    expect(page.html).not.toContain("/retry");
  });

  it("says that a notice goes out in the words of today", async () => {
    const { id } = await skipped();
    await rows("UPDATE messages SET kind = 'expiry_warning' WHERE id = ?", id);
    const { text } = await (await Visitor.signIn()).get(`/admin/messages/${id}/retry`);
    expect(text).toContain("in the words of today, with all that the same mail tells.");
    expect(text).not.toMatch(/unchanged|license as it is now/);
  });

  it("says why nothing can be sent", async () => {
    const { id } = await skipped();
    const page = await (await Visitor.signIn()).fill(`/admin/messages/${id}/retry`);
    expect(page.status).toBe(409);
    expect(page.text).toContain("RESEND_API_KEY is not set.");
  });

  it("is not taken from a viewer or a forged form", async () => {
    const { id } = await skipped();
    const viewer = await Visitor.signInAs("viewer");
    const [token] = (await viewer.get("/admin/messages")).forms.flatMap(({ fields }) => fields);
    const fields = { form_token: token![1], once: crypto.randomUUID() };
    expect(await viewer.post(`/admin/messages/${id}/retry`, fields)).toMatchObject({ status: 403 });
    const owner = await Visitor.signIn();
    const form = await owner.get(`/admin/messages/${id}/retry`);
    expect(await owner.submit(form, { form_token: "no" })).toMatchObject({ status: 403 });
    expect((await admin(`/messages/${id}`)).body.status).toBe("skipped");
  });
});
