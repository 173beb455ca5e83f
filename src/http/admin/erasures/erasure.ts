// /v1/admin/customers/{id}/erase and /v1/admin/customers/{id}/contacts/{contact_id}/erase
import { eraseContact, eraseCustomer, ErasureRequest } from "../../../licensing/customers/erase.ts";
import { customerData } from "../../../licensing/sheets/customer-data.ts";
import { endpoint } from "../../endpoint.ts";
import { answerFile } from "../../exports.ts";
import { ContactId } from "../contacts.ts";
import { CustomerData, Erasure } from "./schemas.ts";
import { DryRunQuery, Id } from "../schemas.ts";

const EXAMPLE = {
  erasure_id: "era_01KVKY2ZQ9R6C2D8JH4T5W7X1B",
  customer_id: "acme",
  contact_id: null,
  goes: {
    contacts: 2,
    licenses: 1,
    instances: 3,
    mails: 14,
    digests: 60,
    pending_changes: 0,
    requests: 1,
    refusals: 1,
    deliveries: 4,
  },
  events_that_stay: 0,
  kept: true,
  finished: true,
};

const answer = {
  status: 200 as const,
  description:
    "What goes, by number. events_that_stay: events of before the record held no values, which nobody can change. kept: whether the erasure is written to the bucket BACKUPS, so that a restore of an older backup applies it again. What is not finished or not kept yet, the night goes on with.",
  schema: Erasure,
  example: EXAMPLE,
};

export const erasureEndpoints = [
  endpoint(
    {
      method: "post",
      path: "/v1/admin/customers/{id}/erase",
      tag: "Admin",
      summary: "Forget a customer",
      description:
        "Names, addresses, notes, tags, metadata, texts and recipients of mails, where instances ran, and what receivers of webhooks answered leave every table. Ids, terms, figures and the record stay. Refused while a license may run. Mail that waits is not sent, changes to come are cancelled, and digests to staff lose their texts. With dry_run=true the answer shows what the call would do, and nothing is written.",
      access: "erasure",
      params: Id,
      query: DryRunQuery,
      body: { schema: ErasureRequest, example: { reason: "Asked for on 3 May." } },
      answer,
      refusals: ["CUSTOMER_NOT_FOUND", "CONFLICT"],
    },
    async ({ http, context, params, query, body }) =>
      http.json(await eraseCustomer(context, params.id, body, query.dry_run)),
  ),
  endpoint(
    {
      method: "get",
      path: "/v1/admin/customers/{id}/data",
      tag: "Admin",
      summary: "Read all that is kept about a customer",
      description:
        "One JSON document, streamed: the customer, contacts, licenses, changes to come, activations and refusals, requests, sessions and freed seats of the customer's site, usage and statements, mails with their texts as long as these are kept, deliveries to webhook endpoints, and events. License keys in mails are left out. An answer that is cut off is not the whole. Each call is recorded.",
      access: "erasure",
      params: Id,
      answer: {
        status: 200,
        description: "All that is kept.",
        schema: CustomerData,
        example: {
          customer: { id: "acme", name: "Acme" },
          contacts: [],
          licenses: [],
          pending_changes: [],
          activations: [],
          usage: [],
          usage_months: [],
          license_months: [],
          overuse: [],
          meter_overuse: [],
          statements: [],
          license_told: [],
          silent_instances: [],
          license_refusals: [],
          settled_attention: [],
          webhook_deliveries: [],
          mails: [],
          events: [],
        },
      },
      records: true,
      refusals: ["CUSTOMER_NOT_FOUND"],
    },
    async ({ http, context, params }) => answerFile(http, await customerData(context, params.id), "json"),
  ),
  endpoint(
    {
      method: "post",
      path: "/v1/admin/customers/{id}/contacts/{contact_id}/erase",
      tag: "Admin",
      summary: "Forget a contact",
      description:
        "Also while its licenses run. The contact goes, and so does what mails to it said, and what receivers of webhooks answered about the customer; also mails to addresses that are no longer those of a contact of the customer. What staff wrote about a contact into notes or metadata of the customer stays until they change it.",
      access: "erasure",
      params: ContactId,
      query: DryRunQuery,
      body: { schema: ErasureRequest, example: { reason: "Asked for on 3 May." } },
      answer: { ...answer, example: { ...EXAMPLE, contact_id: "con_01KVKY2ZQ9R6C2D8JH4T5W7X1B" } },
      refusals: ["CUSTOMER_NOT_FOUND", "NOT_FOUND", "CONFLICT"],
    },
    async ({ http, context, params, query, body }) =>
      http.json(await eraseContact(context, params.id, params.contact_id, body, query.dry_run)),
  ),
];
