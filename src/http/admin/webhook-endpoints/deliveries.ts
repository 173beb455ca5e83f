// What was sent to a webhook endpoint, sending it again, and trying it out.
import * as z from "zod/mini";
import {
  listDeliveries,
  presentDelivery,
  replay,
  ReplayRequest,
  testEndpoint,
} from "../../../webhook-endpoints/deliveries.ts";
import { presentEndpoint } from "../../../webhook-endpoints/endpoints.ts";
import { endpoint } from "../../endpoint.ts";
import { Id } from "../schemas.ts";
import { deliveryExample, endpointExample, WebhookDelivery, WebhookEndpoint } from "./schemas.ts";

const PATH = "/v1/admin/webhook-endpoints/{id}";

export const deliveryEndpoints = [
  endpoint(
    {
      method: "post",
      path: `${PATH}/test`,
      tag: "Admin",
      summary: "Send one event to a webhook endpoint now",
      description:
        "The event is webhook_endpoint.tested, which records the test. It is sent whatever the endpoint is subscribed to, also to one that is not active. A failure is an answer, not a refusal.",
      access: "webhook-endpoints",
      params: Id,
      answer: {
        status: 200,
        description: "What became of it.",
        schema: WebhookDelivery,
        example: { ...deliveryExample, type: "webhook_endpoint.tested" },
      },
      refusals: ["NOT_FOUND"],
    },
    async ({ http, context, params }) => http.json(presentDelivery(await testEndpoint(context, params.id))),
  ),
  endpoint(
    {
      method: "post",
      path: `${PATH}/replay`,
      tag: "Admin",
      summary: "Send events to a webhook endpoint again",
      description:
        "All that it is subscribed to, from this event on, in order. The id after the last event skips what waits.",
      access: "webhook-endpoints",
      params: Id,
      body: { schema: ReplayRequest, example: { from_event: 1_150 } },
      answer: {
        status: 200,
        description: "The endpoint as it is now; the events follow.",
        schema: WebhookEndpoint,
        example: { ...endpointExample, last_event: 1_149 },
      },
      refusals: ["NOT_FOUND"],
    },
    async ({ http, context, params, body }) =>
      http.json(presentEndpoint(await replay(context, params.id, body))),
  ),
  endpoint(
    {
      method: "get",
      path: `${PATH}/deliveries`,
      tag: "Admin",
      summary: "List the last deliveries to a webhook endpoint",
      access: "webhook-endpoints",
      params: Id,
      answer: {
        status: 200,
        description: "At most 100, the latest first.",
        schema: z.object({ data: z.array(WebhookDelivery), next_cursor: z.null() }),
        example: { data: [deliveryExample], next_cursor: null },
      },
      refusals: ["NOT_FOUND"],
    },
    async ({ http, context, params }) =>
      http.json({ data: (await listDeliveries(context, params.id)).map(presentDelivery), next_cursor: null }),
  ),
];
