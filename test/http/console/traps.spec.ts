// What must not happen to a person at the console: words that are not true, and work that is lost.
import { describe, expect, it } from "vitest";
import { DAY, setTime } from "../../support/clock.ts";
import { Visitor } from "../../support/console.ts";
import { newCustomer, newLicense, newToken, unique } from "../../support/service.ts";

const NOW = Date.parse("2026-06-01T08:00:00.000Z");

const HOUR = DAY / 24;

describe("what a form did", () => {
  it("is said once: not after a reload, and not at an address that somebody was given", async () => {
    const visitor = await Visitor.signInAs("manager");
    const { license } = await newLicense();
    const at = `/admin/licenses/${license.id}`;
    const told = 'role="status"';
    expect((await visitor.get(`${at}?done=revoked`)).html).not.toContain(told);
    const sent = await visitor.submit(await visitor.get(`${at}/suspend`), { reason: "Unpaid" });
    expect(sent.location).toBe(`${at}?done=suspended`);
    // Another page in between tells nothing and takes nothing away.
    expect((await visitor.get("/admin/customers?done=deleted")).html).not.toContain(told);
    expect((await visitor.get(`${at}?done=revoked`)).html).not.toContain(told);
    expect((await visitor.get(sent.location)).text).toContain("Suspended.");
    expect((await visitor.get(sent.location)).html).not.toContain(told);
  });

  it.each([
    ["/admin/customers?done=deleted", "is deleted"],
    ["/admin/messages?retried=3", "sent again"],
    ["/admin/settings/api-tokens?done=revoked", "is revoked"],
    ["/admin/settings/webhook-endpoints?done=deleted", "is deleted"],
    ["/admin/settings/mail/preview?done=sent", "on its way"],
  ])("is not said at %s by itself", async (path, words) => {
    const page = await (await Visitor.signInAs("owner")).get(path);
    expect(page.status).toBe(200);
    expect(page.html).not.toContain('role="status"');
    expect(page.text).not.toContain(words);
  });

  it("sets a cookie for a minute that scripts do not get, and takes it back when it is told", async () => {
    const visitor = await Visitor.signInAs("manager");
    const page = await visitor.get("/admin/customers/new");
    const sent = await visitor.submit(page, { name: unique("Firm") });
    const [cookie] = sent.headers.getSetCookie();
    expect(cookie).toMatch(/^__Host-caio-notice=/);
    for (const attribute of ["Max-Age=60", "Path=/", "HttpOnly", "Secure", "SameSite=Lax"])
      expect(cookie).toContain(attribute);
    const [gone] = (await visitor.get(sent.location)).headers.getSetCookie();
    expect(gone).toMatch(/^__Host-caio-notice=; Max-Age=0/);
  });
});

/** A form that was filled in and sent when the session was over, and the sign-in that it led to. */
async function sentTooLate() {
  setTime(NOW);
  const { token } = await newToken({ role: "manager" });
  const visitor = await Visitor.signIn(token);
  const customer = await newCustomer();
  const path = `/admin/customers/${customer.id}/edit`;
  const page = await visitor.get(path);
  setTime(NOW + 13 * HOUR);
  const company = unique("Typed for an hour");
  return { token, visitor, customer, path, page, company };
}

describe("a form that is sent after the session ended", () => {
  it("goes through the sign-in, is shown again as it was, and does nothing until it is sent again", async () => {
    const { token, visitor, customer, path, page, company } = await sentTooLate();
    const asked = await visitor.submit(page, { company }, path);
    expect(asked.status).toBe(401);
    expect(asked.text).toContain("What you entered is kept");
    expect(asked.html).not.toContain(company);
    // A wrong token does not lose it.
    const again = await visitor.submit(asked, { token: "caio_wrong" }, "/admin/sign-in");
    expect(again.status).toBe(401);
    const offered = await visitor.submit(again, { token }, "/admin/sign-in");
    expect(offered.text).toContain("Nothing is done yet");
    const back = await visitor.submit(offered, {}, path);
    expect(back.status).toBe(200);
    expect(back.text).toContain("It is not sent yet");
    const fields = Object.fromEntries(back.forms.find((form) => form.action === path)!.fields);
    expect(fields).toMatchObject({ company, name: customer.name });
    expect((await visitor.get(`/admin/customers/${customer.id}`)).text).not.toContain(company);
    await visitor.submit(back, {}, path);
    expect((await visitor.get(`/admin/customers/${customer.id}`)).text).toContain(company);
  });

  it("is not kept if it came from another site, holds nothing of ours, or too much", async () => {
    const { visitor, path, company } = await sentTooLate();
    const refused = [
      await visitor.post(path, { form_token: "x", company }, { Origin: "https://evil.example" }),
      await visitor.post(path, { company }),
      await visitor.post(path, { form_token: "x", once: "y" }),
      await visitor.post(path, { form_token: "x", company: "x".repeat(33_000) }),
    ];
    for (const { status, location } of refused) {
      expect(status).toBe(303);
      expect(location).toBe(`/admin/sign-in?next=${encodeURIComponent(path)}`);
    }
  });

  it("is opened by the form alone that it was sent to, within 12 hours, and by nothing that was made up", async () => {
    const { token, visitor, path, page, company } = await sentTooLate();
    const asked = await visitor.submit(page, { company }, path);
    const kept = asked.forms[0]!.fields.find(([name]) => name === "kept")![1];
    const signedIn = await Visitor.signIn(token);
    const look = async (at: string, value: string) => {
      const { text, html } = await signedIn.submit(await signedIn.get(at), { kept: value }, at);
      return [text.includes("no longer there"), html.includes(company)];
    };
    expect(await look(path, kept)).toEqual([false, true]);
    const other = `/admin/customers/${(await newCustomer()).id}/edit`;
    expect(await look(other, kept)).toEqual([true, false]);
    expect(await look(path, `${kept.slice(0, 60)}${kept.slice(61)}`)).toEqual([true, false]);
    expect(await look(path, `${kept.slice(0, 60)}A${kept.slice(61)}A`)).toEqual([true, false]);
    expect(await look(path, "x")).toEqual([true, false]);
    setTime(NOW + 26 * HOUR);
    const later = await Visitor.signIn(token);
    const late = await later.submit(await later.get(path), { kept }, path);
    expect(late.text).toContain("no longer there");
    expect(late.html).not.toContain(company);
  });

  it("keeps no secret", async () => {
    const { token, visitor, path, page, company } = await sentTooLate();
    const asked = await visitor.submit(
      page,
      { company, api_token: "t0ps3cret", password: "t0ps3cret" },
      path,
    );
    const offered = await visitor.submit(asked, { token }, "/admin/sign-in");
    expect((await visitor.submit(offered, {}, path)).html).not.toContain("t0ps3cret");
  });
});

describe("a feature that no license type has", () => {
  const values = { customer_id: "+new", new_name: "Firm", license_type: "standard" };

  it("is issued only if somebody says that it is new", async () => {
    const visitor = await Visitor.signInAs("manager");
    const page = await visitor.get("/admin/licenses/new");
    expect(page.html).toContain('data-word="analytics"');
    expect(page.html).not.toContain("new_features");
    const name = unique("Firm");
    const entered = { ...values, new_name: name, features: "api analitics" };
    const refused = await visitor.submit(page, entered, "/admin/licenses/new");
    expect(refused.status).toBe(422);
    expect(refused.text).toContain("No license type has “analitics”. Did you mean “analytics”?");
    expect(refused.html).toContain('name="new_features"');
    // Nobody was made for it.
    expect((await visitor.get(`/admin/customers?q=${encodeURIComponent(name)}`)).text).toContain(
      "Nothing matches",
    );
    const issued = await visitor.submit(refused, { new_features: "yes" }, "/admin/licenses/new");
    expect(issued.status).toBe(303);
  });

  it("is asked for in a change, too, unless the license has it", async () => {
    const visitor = await Visitor.signInAs("manager");
    const { license } = await newLicense({ features: ["own"] });
    const at = `/admin/licenses/${license.id}/edit`;
    const page = await visitor.get(at);
    expect((await visitor.submit(page, { grace_days: "9" }, at)).status).toBe(303);
    const refused = await visitor.submit(await visitor.get(at), { features: "own zebra" }, at);
    expect(refused.text).toContain("No license type has “zebra”. If it is new");
    expect(refused.text).not.toContain("Did you mean");
    expect((await visitor.submit(refused, { new_features: "yes" }, at)).status).toBe(303);
  });

  it("is offered while the form is filled in", async () => {
    const visitor = await Visitor.signInAs("manager");
    const page = await visitor.get("/admin/licenses/new");
    const looked = await visitor.submit(
      page,
      { ...values, features: "zebra", look: "yes" },
      "/admin/licenses/new",
    );
    expect(looked.text).toContain("zebra: new, and spelled as meant");
  });
});
