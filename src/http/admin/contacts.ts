// /v1/admin/customers/{id}/contacts
import * as z from "zod/mini";
import {
  changeContact,
  createContact,
  deleteContact,
  getContact,
  listContacts,
  presentContact,
} from "../../licensing/customers/contacts.ts";
import { ContactChanges, NewContact } from "../../licensing/customers/contact-rows.ts";
import { etagOf } from "../../kernel/resources.ts";
import { endpoint, ifMatch } from "../endpoint.ts";
import type { Http } from "../http.ts";
import * as examples from "./examples.ts";
import { Contact, Id, pageOf } from "./schemas.ts";

export const ContactId = z.extend(Id, { contact_id: z.string().check(z.minLength(1), z.maxLength(80)) });

function show(http: Http, contact: Parameters<typeof presentContact>[0], status: 200 | 201 = 200): Response {
  http.header("ETag", etagOf(contact));
  return http.json(presentContact(contact), status);
}

const one = (description: string) => ({
  description,
  schema: Contact,
  etag: true as const,
  example: examples.contact,
});

export const contactEndpoints = [
  endpoint(
    {
      method: "post",
      path: "/v1/admin/customers/{id}/contacts",
      tag: "Admin",
      summary: "Add a contact to a customer",
      description:
        "license: delivery and renewals; billing: expiry; technical: instances. What is left out: all roles, English, portal true.",
      access: "customers",
      params: Id,
      body: { schema: NewContact, example: examples.newContact },
      answer: { status: 201, ...one("Added.") },
      refusals: ["CUSTOMER_NOT_FOUND", "CONFLICT"],
    },
    async ({ http, context, params, body }) => show(http, await createContact(context, params.id, body), 201),
  ),
  endpoint(
    {
      method: "get",
      path: "/v1/admin/customers/{id}/contacts",
      tag: "Admin",
      summary: "List the contacts of a customer",
      description:
        "All of them, the customer's own address first, then the oldest: it gets what nobody has a role for.",
      access: "read",
      params: Id,
      answer: {
        status: 200,
        description: "The contacts.",
        schema: pageOf(Contact),
        example: { data: [examples.contact], next_cursor: null },
      },
      refusals: ["CUSTOMER_NOT_FOUND"],
    },
    async ({ http, context, params }) =>
      http.json({
        data: (await listContacts(context, params.id)).map(presentContact),
        next_cursor: null,
      }),
  ),
  endpoint(
    {
      method: "get",
      path: "/v1/admin/customers/{id}/contacts/{contact_id}",
      tag: "Admin",
      summary: "Read a contact",
      access: "read",
      params: ContactId,
      answer: { status: 200, ...one("The contact.") },
      refusals: ["CUSTOMER_NOT_FOUND", "NOT_FOUND"],
    },
    async ({ http, context, params }) => show(http, await getContact(context, params.id, params.contact_id)),
  ),
  endpoint(
    {
      method: "patch",
      path: "/v1/admin/customers/{id}/contacts/{contact_id}",
      tag: "Admin",
      summary: "Change a contact",
      description:
        "Changes the members given; null empties name or language. The customer's own address is changed at the customer (409). Honors If-Match.",
      access: "customers",
      params: ContactId,
      body: { schema: ContactChanges, example: { roles: ["license", "billing"] } },
      answer: { status: 200, ...one("The contact as it is now.") },
      refusals: ["CUSTOMER_NOT_FOUND", "NOT_FOUND", "CONFLICT", "PRECONDITION_FAILED"],
    },
    async ({ http, context, params, body }) =>
      show(http, await changeContact(context, params.id, params.contact_id, body, ifMatch(http))),
  ),
  endpoint(
    {
      method: "delete",
      path: "/v1/admin/customers/{id}/contacts/{contact_id}",
      tag: "Admin",
      summary: "Remove a contact",
      description: "Not the customer's own address (409): take it away from the customer. Honors If-Match.",
      access: "customers",
      params: ContactId,
      answer: { status: 204, description: "Removed." },
      refusals: ["CUSTOMER_NOT_FOUND", "NOT_FOUND", "CONFLICT", "PRECONDITION_FAILED"],
    },
    async ({ http, context, params }) => {
      await deleteContact(context, params.id, params.contact_id, ifMatch(http));
      return http.body(null, 204);
    },
  ),
];
