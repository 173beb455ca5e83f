// /v1/admin/webhook-endpoints: other systems that are told of events. (/webhooks/resend is the other direction.)
import { formatInstant } from "../../../kernel/dates.ts";
import { PageQuery } from "../../../kernel/pages.ts";
import { etagOf } from "../../../kernel/resources.ts";
import {
  changeEndpoint,
  createEndpoint,
  deleteEndpoint,
  EndpointChanges,
  getEndpoint,
  listEndpoints,
  NewEndpoint,
  presentEndpoint,
  rotateSecret,
} from "../../../webhook-endpoints/endpoints.ts";
import { endpoint } from "../../endpoint.ts";
import { Id, pageOf } from "../schemas.ts";
import { deliveryEndpoints } from "./deliveries.ts";
import {
  endpointExample,
  MadeEndpoint,
  newEndpointExample,
  RotatedSecret,
  SECRET_EXAMPLE,
  WebhookEndpoint,
} from "./schemas.ts";

const PATH = "/v1/admin/webhook-endpoints";

export const webhookEndpointEndpoints = [
  endpoint(
    {
      method: "post",
      path: PATH,
      tag: "Admin",
      summary: "Add a webhook endpoint",
      description:
        "It gets the events after this one, in the order of the record. The address is https on port 443 of a public host. The answer is the only place where the secret is ever shown.",
      access: "webhook-endpoints",
      body: { schema: NewEndpoint, example: newEndpointExample },
      answer: {
        status: 201,
        description: "Added.",
        schema: MadeEndpoint,
        example: { webhook_endpoint: endpointExample, secret: SECRET_EXAMPLE },
        etag: true,
      },
      refusals: ["CONFLICT"],
    },
    async ({ http, context, body }) => {
      const { endpoint: made, secret } = await createEndpoint(context, body);
      http.header("ETag", etagOf(made));
      return http.json({ webhook_endpoint: presentEndpoint(made), secret }, 201);
    },
  ),
  endpoint(
    {
      method: "get",
      path: PATH,
      tag: "Admin",
      summary: "List webhook endpoints",
      access: "webhook-endpoints",
      query: PageQuery,
      answer: {
        status: 200,
        description: "A page of endpoints in order of creation.",
        schema: pageOf(WebhookEndpoint),
        example: { data: [endpointExample], next_cursor: null },
      },
    },
    async ({ http, context, query }) => {
      const page = await listEndpoints(context, query);
      return http.json({ ...page, data: page.data.map(presentEndpoint) });
    },
  ),
  endpoint(
    {
      method: "get",
      path: `${PATH}/{id}`,
      tag: "Admin",
      summary: "Read a webhook endpoint",
      access: "webhook-endpoints",
      params: Id,
      answer: {
        status: 200,
        description: "The endpoint.",
        schema: WebhookEndpoint,
        example: endpointExample,
        etag: true,
      },
      refusals: ["NOT_FOUND"],
    },
    async ({ http, context, params }) => {
      const found = await getEndpoint(context, params.id);
      http.header("ETag", etagOf(found));
      return http.json(presentEndpoint(found));
    },
  ),
  endpoint(
    {
      method: "patch",
      path: `${PATH}/{id}`,
      tag: "Admin",
      summary: "Change a webhook endpoint",
      description:
        "An endpoint that is made active again is tried at once, and gets what happened meanwhile.",
      access: "webhook-endpoints",
      params: Id,
      body: { schema: EndpointChanges, example: { active: true } },
      answer: {
        status: 200,
        description: "The endpoint as it is now.",
        schema: WebhookEndpoint,
        example: endpointExample,
        etag: true,
      },
      refusals: ["NOT_FOUND", "CONFLICT", "PRECONDITION_FAILED"],
    },
    async ({ http, context, params, body }) => {
      const changed = await changeEndpoint(context, params.id, body, http.req.header("if-match"));
      http.header("ETag", etagOf(changed));
      return http.json(presentEndpoint(changed));
    },
  ),
  endpoint(
    {
      method: "delete",
      path: `${PATH}/{id}`,
      tag: "Admin",
      summary: "Delete a webhook endpoint",
      access: "webhook-endpoints",
      params: Id,
      answer: { status: 204, description: "It gets nothing any more." },
      refusals: ["NOT_FOUND"],
    },
    async ({ http, context, params }) => {
      await deleteEndpoint(context, params.id);
      return http.body(null, 204);
    },
  ),
  endpoint(
    {
      method: "post",
      path: `${PATH}/{id}/rotate-secret`,
      tag: "Admin",
      summary: "Give a webhook endpoint a new secret",
      description:
        "For 24 hours each delivery is signed with both secrets. Also where the secret is changed again meanwhile, a former one signs to its own end; the four latest at most.",
      access: "webhook-endpoints",
      params: Id,
      answer: {
        status: 200,
        description: "The new secret, which is shown this once.",
        schema: RotatedSecret,
        example: {
          webhook_endpoint: endpointExample,
          secret: SECRET_EXAMPLE,
          former_until: "2026-11-25T09:00:00.000Z",
        },
      },
      refusals: ["NOT_FOUND"],
    },
    async ({ http, context, params }) => {
      const { endpoint: found, secret, until } = await rotateSecret(context, params.id);
      return http.json({
        webhook_endpoint: presentEndpoint(found),
        secret,
        former_until: formatInstant(until),
      });
    },
  ),
  ...deliveryEndpoints,
];
