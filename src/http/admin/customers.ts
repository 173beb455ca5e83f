// /v1/admin/customers
import * as z from "zod/mini";
import {
  changeCustomer,
  createCustomer,
  CustomerChanges,
  deleteCustomer,
  getCustomer,
  listCustomers,
  NewCustomer,
  presentCustomer,
} from "../../licensing/customers/customers.ts";
import { PageQuery } from "../../kernel/pages.ts";
import { etagOf } from "../../kernel/resources.ts";
import { SearchText } from "../../kernel/inputs.ts";
import { endpoint, ifMatch } from "../endpoint.ts";
import type { Http } from "../http.ts";
import * as examples from "../examples.ts";
import { Customer, Id, pageOf } from "./schemas.ts";

type CustomerRow = Parameters<typeof presentCustomer>[0];

function show(http: Http, customer: CustomerRow, status: 200 | 201 = 200): Response {
  http.header("ETag", etagOf(customer));
  return http.json(presentCustomer(customer), status);
}

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
        "By id. With q: customers whose id, name, company, or e-mail (or a word of it) begins with q.",
      access: "read",
      query: z.extend(PageQuery, { q: z.optional(SearchText) }),
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
];
