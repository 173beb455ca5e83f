// /v1/admin/customers
import {
  createCustomer,
  getCustomer,
  listCustomers,
  NewCustomer,
  presentCustomer,
} from "../../licensing/customers.ts";
import { PageQuery } from "../../licensing/pages.ts";
import { endpoint } from "../endpoint.ts";
import * as examples from "../examples.ts";
import { Customer, Id, pageOf } from "../schemas.ts";

export const customerEndpoints = [
  endpoint(
    {
      method: "post",
      path: "/v1/admin/customers",
      tag: "Admin",
      summary: "Create a customer",
      access: "customers",
      body: { schema: NewCustomer, example: examples.newCustomer },
      answer: { status: 201, description: "Created.", schema: Customer, example: examples.customer },
      refusals: ["CONFLICT"],
    },
    async ({ http, context, body }) => http.json(presentCustomer(await createCustomer(context, body)), 201),
  ),
  endpoint(
    {
      method: "get",
      path: "/v1/admin/customers",
      tag: "Admin",
      summary: "List customers",
      access: "read",
      query: PageQuery,
      answer: {
        status: 200,
        description: "A page of customers by id.",
        schema: pageOf(Customer),
        example: { data: [examples.customer], next_cursor: null },
      },
    },
    async ({ http, context, query }) => {
      const page = await listCustomers(context, query);
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
      answer: { status: 200, description: "The customer.", schema: Customer, example: examples.customer },
      refusals: ["CUSTOMER_NOT_FOUND"],
    },
    async ({ http, context, params }) => http.json(presentCustomer(await getCustomer(context, params.id))),
  ),
];
