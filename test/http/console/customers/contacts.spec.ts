import { describe, expect, it } from "vitest";
import { Visitor } from "../../../support/console.ts";
import { admin, newCustomer, unique } from "../../../support/service.ts";

const address = (): string => `${unique("it")}@acme.example`;

const contactsOf = async (customer: string) => (await admin(`/customers/${customer}/contacts`)).body.data;

describe("contacts on the page of a customer", () => {
  it("are added, changed and removed by forms", async () => {
    const { id } = await newCustomer({ email: address() });
    const visitor = await Visitor.signInAs("manager");
    const email = address();
    const added = await visitor.fill(`/admin/customers/${id}/contacts/new`, {
      email,
      name: "Grace",
      roles: "billing",
      language: "de",
      portal: "yes",
    });
    expect(added.text).toContain("The contact is added.");
    expect(added.text).toContain("Grace");
    const [own, contact] = await contactsOf(id);
    expect(contact).toMatchObject({ email, roles: ["billing"], language: "de", portal: true });
    const edited = await visitor.fill(`/admin/customers/${id}/contacts/${contact.id}/edit`, {
      name: "",
      roles: "technical",
      language: "en",
    });
    expect(edited.text).toContain("The contact is changed.");
    expect((await contactsOf(id))[1]).toMatchObject({ name: null, roles: ["technical"], email });
    const page = await visitor.get(`/admin/customers/${id}/contacts/${own.id}/edit`);
    expect(page.html).not.toContain('name="email"');
    const removed = await visitor.fill(`/admin/customers/${id}/contacts/${contact.id}/remove`, {});
    expect(removed.text).toContain("The contact is removed.");
    expect(await contactsOf(id)).toHaveLength(1);
  });

  it("are refused with the fault at its field", async () => {
    const { id } = await newCustomer({ email: address() });
    const visitor = await Visitor.signInAs("manager");
    const refused = await visitor.fill(`/admin/customers/${id}/contacts/new`, { email: "nobody" });
    expect(refused.status).toBe(422);
    expect(refused.text).toContain("Must be an e-mail address");
    expect(await contactsOf(id)).toHaveLength(1);
  });

  it("are shown to a viewer, who is offered no form", async () => {
    const email = address();
    const { id } = await newCustomer({ email });
    const visitor = await Visitor.signInAs("viewer");
    const page = await visitor.get(`/admin/customers/${id}`);
    expect(page.text).toContain(email);
    expect(page.html).not.toContain("/contacts/");
  });
});
