import { describe, expect, it } from "vitest";
import { Visitor } from "../../../support/console.ts";
import { admin, newCustomer, newLicense, unique } from "../../../support/service.ts";

describe("erasing a customer in the console", () => {
  it("shows what goes, refuses a reason that names them, and forgets them", async () => {
    const name = unique("Grace");
    const { id } = await newCustomer({ name, email: `${unique("it")}@acme.example`, notes: "Call her" });
    const owner = await Visitor.signInAs("owner");
    const page = await owner.get(`/admin/customers/${id}`);
    expect(page.html).toContain(`/admin/customers/${id}/erase`);
    const form = await owner.get(`/admin/customers/${id}/erase`);
    expect(form.text).toContain("1 × contact");
    expect(form.text).toContain("This cannot be undone.");
    const refused = await owner.fill(`/admin/customers/${id}/erase`, { reason: `${name} asked` });
    expect(refused.status).toBe(422);
    expect(refused.text).toContain("Names whom it is about");
    const done = await owner.fill(`/admin/customers/${id}/erase`, { reason: "Asked for on 3 May." });
    expect(done.text).toContain("is erased.");
    expect(done.text).not.toContain(name);
    expect((await admin(`/customers/${id}`)).body).toMatchObject({
      name: "Erased",
      email: null,
      notes: null,
    });
  });

  it("says why it is not possible while a license may run", async () => {
    const { license } = await newLicense();
    const owner = await Visitor.signInAs("owner");
    const page = await owner.get(`/admin/customers/${license.customer_id}/erase`);
    expect(page.text).toContain("may still run");
    expect(page.html).not.toContain("Erase customer");
  });

  it("forgets a contact", async () => {
    const email = `${unique("grace")}@acme.example`;
    const { id } = await newCustomer();
    const { body: contact } = await admin(`/customers/${id}/contacts`, { body: { email } });
    const owner = await Visitor.signInAs("owner");
    const edit = await owner.get(`/admin/customers/${id}/contacts/${contact.id}/edit`);
    expect(edit.html).toContain(`/contacts/${contact.id}/erase`);
    const done = await owner.fill(`/admin/customers/${id}/contacts/${contact.id}/erase`, {
      reason: "Asked.",
    });
    expect(done.text).toContain("is erased.");
    expect(done.text).not.toContain(email);
  });

  it("gives the customer's data as a file", async () => {
    const { id, name } = await newCustomer({ name: unique("Grace") });
    const owner = await Visitor.signInAs("owner");
    const file = await owner.fill(`/admin/customers/${id}/data`, {});
    expect(JSON.parse(file.html)).toMatchObject({ customer: { id, name } });
  });

  it("is for owners alone", async () => {
    const { id } = await newCustomer();
    const manager = await Visitor.signInAs("manager");
    const page = await manager.get(`/admin/customers/${id}`);
    expect(page.html).not.toContain(`/admin/customers/${id}/erase`);
    expect((await manager.get(`/admin/customers/${id}/erase`)).status).toBe(403);
  });
});
