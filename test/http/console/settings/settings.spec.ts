import { describe, expect, it } from "vitest";
import { Visitor } from "../../../support/console.ts";
import { env } from "../../../support/env.ts";
import { FakeResend, mailing, messagesOf, refusal, emptyOutbox } from "../../../support/mail.ts";
import { admin, newCustomer, ORIGIN, unique } from "../../../support/service.ts";

const PUBLIC = ["/admin/settings", "/admin/settings/mail", "/admin/settings/signing-keys"];

describe("the settings", () => {
  it("lead an owner to every part", async () => {
    const { html, text } = await (await Visitor.signIn()).get("/admin/settings");
    for (const part of ["license-types", "people", "api-tokens", "mail", "signing-keys"]) {
      expect(html).toContain(`href="/admin/settings/${part}"`);
    }
    expect(text).toContain(`Issuer ${ORIGIN}`);
    expect(text).toContain("Rate limits off");
    expect(text).toContain("ADMIN_TOKEN set");
  });

  it.each(["viewer", "manager"] as const)("are readable for a %s, but for access", async (role) => {
    const visitor = await Visitor.signInAs(role);
    for (const path of PUBLIC) expect((await visitor.get(path)).status).toBe(200);
    const { html, text } = await visitor.get("/admin/settings");
    expect(html).not.toMatch(/settings\/(?:people|api-tokens)/);
    expect(text).not.toContain("ADMIN_TOKEN");
  });
});

it("signing keys show their public halves alone", async () => {
  const { keys } = JSON.parse(env.SIGNING_KEYS) as { keys: { kid: string; x: string; d: string }[] };
  const { html, text } = await (await Visitor.signIn()).get("/admin/settings/signing-keys");
  for (const { kid, x, d } of keys) {
    expect(text).toContain(kid);
    expect(html).toContain(x);
    expect(html).not.toContain(d);
  }
  expect(html).toContain('href="/.well-known/jwks.json"');
});

describe("mail", () => {
  it("that is not configured is said not to be", async () => {
    const { text } = await (await Visitor.signIn()).get("/admin/settings/mail");
    expect(text).toContain("Sending is not configured");
    expect(text).toContain("not accepted: no webhook secret");
  });

  it("shows its configuration without its secrets", async () => {
    const webhookSecret = "whsec_c2VjcmV0c2VjcmV0c2VjcmV0";
    const bindings = mailing({
      RESEND_API_KEY: "re_verysecret",
      RESEND_WEBHOOK_SECRET: webhookSecret,
      MAIL_FROM: "Sales & Support <sales@acme.example>",
      MAIL_REPLY_TO: "reply@acme.example",
      ADMIN_EMAILS: "ops@acme.example, ceo@acme.example",
      RESEND_RATE_PER_SECOND: "7",
    });
    const { html, text } = await (
      await Visitor.signIn(env.ADMIN_TOKEN, bindings)
    ).get("/admin/settings/mail");
    for (const shown of [
      "Sales & Support <sales@acme.example>",
      "reply@acme.example",
      "ops@acme.example, ceo@acme.example",
    ]) {
      expect(text).toContain(shown);
    }
    expect(text).toContain("7 per second");
    for (const secret of ["verysecret", webhookSecret]) expect(html).not.toContain(secret);
  });

  it("that failed is linked, with its reason as text", async () => {
    await emptyOutbox();
    const resend = new FakeResend();
    resend.fault = () => refusal(422, "<b>validation_error</b>");
    const bindings = mailing();
    const email = `${unique("it")}@acme.example`;
    const { id } = await newCustomer({ email });
    const { body } = await admin("/licenses", {
      body: { customer_id: id, license_type: "standard", send_email: true },
      bindings,
    });
    const [message] = await messagesOf(body.license.id);
    expect(message.status).toBe("failed");
    const { html } = await (await Visitor.signIn()).get("/admin/settings/mail");
    expect(html).toContain(`<a href="/admin/messages/${message.id}">`);
    expect(html).toContain(`License delivery to ${email}`);
    expect(html).toContain("&lt;b&gt;validation_error");
    expect(html).not.toContain("<b>validation_error");
  });
});
