import { describe, expect, it } from "vitest";
import { Visitor } from "../../support/console.ts";
import { admin, newCustomer, newLicense, newToken } from "../../support/service.ts";

/** What the list says, without the words of its filters. */
const listed = (html: string): string => html.slice(html.indexOf('id="events"'));

describe("/admin/activity", () => {
  it("tells what happened in words, with all that was recorded", async () => {
    const { license } = await newLicense();
    await admin(`/licenses/${license.id}/suspend`, { body: { reason: "Invoice 4711" } });
    const visitor = await Visitor.signInAs("viewer");
    const { text, html } = await visitor.get(`/admin/activity?entity=${license.id}`);
    expect(text).toMatch(/Suspended “Invoice 4711” lic_\w+.*License issued/);
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
    expect(await find(`${about}&since=2020-01-01&until=2020-12-31`)).toContain("Nothing is like that");
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

  it("shows what was recorded as text", async () => {
    const hostile = "</pre><script>alert(1)</script>";
    const { id } = await newCustomer({ name: hostile });
    const { html, text } = await (await Visitor.signIn()).get(`/admin/activity?entity=${id}`);
    expect(html).not.toContain("<script>alert");
    expect(text).toContain(hostile);
  });
});
