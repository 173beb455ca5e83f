// /v1/admin/customers
import * as z from "zod/mini";
import { endPortalSessions } from "../../access/portal-sessions.ts";
import {
  changeCustomer,
  createCustomer,
  CustomerChanges,
  deleteCustomer,
  getCustomer,
  NewCustomer,
  presentCustomer,
} from "../../licensing/customers/customers.ts";
import { CustomerFilter, listCustomers } from "../../licensing/customers/customer-list.ts";
import { reinstateCustomer, suspendCustomer } from "../../licensing/licenses/customer-suspension.ts";
import { Reasoned, Reinstatement } from "../../licensing/licenses/decisions.ts";
import { PageQuery } from "../../kernel/pages.ts";
import { etagOf } from "../../kernel/resources.ts";
import { endpoint, ifMatch } from "../endpoint.ts";
import type { Http } from "../http.ts";
import * as examples from "../examples.ts";
import { Customer, CustomerSuspension, DryRunQuery, Id, pageOf } from "./schemas.ts";

type CustomerRow = Parameters<typeof presentCustomer>[0];

function show(http: Http, customer: CustomerRow, status: 200 | 201 = 200): Response {
  http.header("ETag", etagOf(customer));
  return http.json(presentCustomer(customer), status);
}

const OUTCOME = { changed: 2, skipped: 1 };

export const customerEndpoints = [
  endpoint(
    {
      method: "post",
      path: "/v1/admin/customers",
      tag: "Admin",
      summary: "Create a customer",
      access: "customers",
      body: { schema: NewCustomer, example: examples.newCustomer },
      answer: {
        status: 201,
        description: "Created.",
        schema: Customer,
        etag: true,
        example: examples.customer,
      },
      refusals: ["CONFLICT"],
    },
    async ({ http, context, body }) => show(http, await createCustomer(context, body), 201),
  ),
  endpoint(
    {
      method: "get",
      path: "/v1/admin/customers",
      tag: "Admin",
      summary: "List customers",
      description:
        "By id, or with sort=name by company, or by name where there is none (name_last: from the end). With q: customers whose id, name, company, e-mail, metadata, tags, or notes (or a word of it) begin with q; accents and case do not matter. metadata.KEY=value and tag narrow the list; a key within another follows after a dot. email_status finds those without an address (none) and those to whom mail bounced or who complained. A page may have fewer rows than asked for, even if there is a next page.",
      access: "read",
      query: z.extend(PageQuery, CustomerFilter.shape),
      answer: {
        status: 200,
        description: "A page of customers.",
        schema: pageOf(Customer),
        example: { data: [examples.customer], next_cursor: null },
      },
    },
    async ({ http, context, query: { limit, cursor, ...filter } }) => {
      const page = await listCustomers(context, { limit, cursor }, filter);
      return http.json({ ...page, data: page.data.map(presentCustomer) });
    },
  ),
  endpoint(
    {
      method: "get",
      path: "/v1/admin/customers/{id}",
      tag: "Admin",
      summary: "Read a customer",
      access: "read",
      params: Id,
      answer: {
        status: 200,
        description: "The customer.",
        schema: Customer,
        etag: true,
        example: examples.customer,
      },
      refusals: ["CUSTOMER_NOT_FOUND"],
    },
    async ({ http, context, params }) => show(http, await getCustomer(context, params.id)),
  ),
  endpoint(
    {
      method: "patch",
      path: "/v1/admin/customers/{id}",
      tag: "Admin",
      summary: "Change a customer",
      description: "Changes only the given members; null clears email or company. Honors If-Match.",
      access: "customers",
      params: Id,
      body: { schema: CustomerChanges, example: { email: "licenses@acme.example" } },
      answer: {
        status: 200,
        description: "The customer as it is now.",
        schema: Customer,
        etag: true,
        example: examples.customer,
      },
      refusals: ["CUSTOMER_NOT_FOUND", "CONFLICT", "PRECONDITION_FAILED"],
    },
    async ({ http, context, params, body }) =>
      show(http, await changeCustomer(context, params.id, body, ifMatch(http))),
  ),
  endpoint(
    {
      method: "delete",
      path: "/v1/admin/customers/{id}",
      tag: "Admin",
      summary: "Delete a customer who has no licenses",
      description: "Honors If-Match.",
      access: "customers",
      params: Id,
      answer: { status: 204, description: "Deleted." },
      refusals: ["CUSTOMER_NOT_FOUND", "CONFLICT", "PRECONDITION_FAILED"],
    },
    async ({ http, context, params }) => {
      await deleteCustomer(context, params.id, ifMatch(http));
      return http.body(null, 204);
    },
  ),
  endpoint(
    {
      method: "post",
      path: "/v1/admin/customers/{id}/sign-out",
      tag: "Admin",
      summary: "End all sessions of a customer on the customer's site",
      description: "Who may sign in stays as it is: see the contacts, and portal of the customer.",
      access: "customers",
      params: Id,
      answer: {
        status: 200,
        description: "How many sessions ended.",
        schema: z.object({ ended: z.int() }),
        example: { ended: 2 },
      },
      refusals: ["CUSTOMER_NOT_FOUND"],
    },
    async ({ http, context, params }) => http.json(await endPortalSessions(context, params.id)),
  ),
  endpoint(
    {
      method: "post",
      path: "/v1/admin/customers/{id}/suspend",
      tag: "Admin",
      summary: "Suspend all licenses of a customer",
      description:
        "Every active license, in one step; licenses that are suspended or revoked already are skipped. With dry_run=true the answer shows what the call would do, and nothing is written.",
      access: "licenses",
      params: Id,
      query: DryRunQuery,
      body: { schema: Reasoned, example: { reason: "Invoice 4711 is not paid." } },
      answer: {
        status: 200,
        description: "How many licenses changed, or would change.",
        schema: CustomerSuspension,
        example: OUTCOME,
      },
      refusals: ["CUSTOMER_NOT_FOUND"],
    },
    async ({ http, context, params, query, body }) =>
      http.json(await suspendCustomer(context, params.id, body, query.dry_run)),
  ),
  endpoint(
    {
      method: "post",
      path: "/v1/admin/customers/{id}/reinstate",
      tag: "Admin",
      summary: "Lift the suspension of a customer",
      description:
        "Reinstates the licenses that suspending the customer suspended. A license that was suspended by itself stays suspended. With dry_run=true the answer shows what the call would do, and nothing is written.",
      access: "licenses",
      params: Id,
      query: DryRunQuery,
      body: { schema: Reinstatement, example: { reason: "The invoice was paid." } },
      answer: {
        status: 200,
        description: "How many licenses changed, or would change.",
        schema: CustomerSuspension,
        example: OUTCOME,
      },
      refusals: ["CUSTOMER_NOT_FOUND"],
    },
    async ({ http, context, params, query, body }) =>
      http.json(await reinstateCustomer(context, params.id, body, query.dry_run)),
  ),
];
