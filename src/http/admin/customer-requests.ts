// /v1/admin/requests: what customers asked for on their site.
import * as z from "zod/mini";
import {
  Acceptance,
  acceptRequest,
  Decline,
  declineRequest,
  getRequest,
  listRequests,
  presentRequest,
  RequestFilter,
} from "../../licensing/portal/requests.ts";
import { PageQuery } from "../../kernel/pages.ts";
import { endpoint } from "../endpoint.ts";
import * as examples from "./examples.ts";
import { CustomerRequest, Id, pageOf } from "./schemas.ts";

const accepted = {
  ...examples.customerRequest,
  status: "accepted",
  answer: "Gladly.",
  answered_at: "2026-11-23T10:00:00.000Z",
};

export const customerRequestEndpoints = [
  endpoint(
    {
      method: "get",
      path: "/v1/admin/requests",
      tag: "Admin",
      summary: "List what customers asked for",
      description: "The newest first.",
      access: "read",
      query: z.extend(PageQuery, RequestFilter.shape),
      answer: {
        status: 200,
        description: "A page of requests.",
        schema: pageOf(CustomerRequest),
        example: { data: [examples.customerRequest], next_cursor: null },
      },
    },
    async ({ http, context, query: { limit, cursor, ...filter } }) => {
      const page = await listRequests(context, { limit, cursor }, filter);
      return http.json({ ...page, data: page.data.map(presentRequest) });
    },
  ),
  endpoint(
    {
      method: "get",
      path: "/v1/admin/requests/{id}",
      tag: "Admin",
      summary: "Read a request of a customer",
      access: "read",
      params: Id,
      answer: {
        status: 200,
        description: "The request.",
        schema: CustomerRequest,
        example: examples.customerRequest,
      },
      refusals: ["NOT_FOUND"],
    },
    async ({ http, context, params }) => http.json(presentRequest(await getRequest(context, params.id))),
  ),
  endpoint(
    {
      method: "post",
      path: "/v1/admin/requests/{id}/accept",
      tag: "Admin",
      summary: "Do what a customer asked for",
      description:
        "A renewal takes one of expires_in, expires_days and expires_at; more seats take max_instances and any other change of a license; a question takes an answer alone. The license and the request change together, and a request is answered once.",
      access: "licenses",
      params: Id,
      body: { schema: Acceptance, example: { max_instances: 5, answer: "Gladly." } },
      answer: { status: 200, description: "Done.", schema: CustomerRequest, example: accepted },
      refusals: ["NOT_FOUND", "CONFLICT", "LICENSE_NOT_FOUND", "INVALID_TRANSITION"],
    },
    async ({ http, context, params, body }) =>
      http.json(presentRequest(await acceptRequest(context, params.id, body))),
  ),
  endpoint(
    {
      method: "post",
      path: "/v1/admin/requests/{id}/decline",
      tag: "Admin",
      summary: "Decline what a customer asked for",
      description: "The customer reads the reason.",
      access: "licenses",
      params: Id,
      body: { schema: Decline, example: { reason: "Your plan ends at five seats." } },
      answer: {
        status: 200,
        description: "Declined.",
        schema: CustomerRequest,
        example: { ...accepted, status: "declined", answer: "Your plan ends at five seats." },
      },
      refusals: ["NOT_FOUND", "CONFLICT"],
    },
    async ({ http, context, params, body }) =>
      http.json(presentRequest(await declineRequest(context, params.id, body))),
  ),
];
