// What the API answers about webhook endpoints, and the examples of it.
import * as z from "zod/mini";
import { ENDPOINT_STATES } from "../../../webhook-endpoints/endpoints.ts";
import { Instant, OptionalInstant, Text } from "../../schemas.ts";

export const WebhookEndpoint = z.object({
  id: z.string(),
  url: z.string(),
  events: z.array(z.string()),
  description: Text,
  active: z.boolean(),
  include_personal: z.boolean(),
  state: z
    .enum(ENDPOINT_STATES)
    .check(
      z.describe(
        "active: it gets events; failing: the last attempt failed, and there will be another; paused: by staff; switched_off: nothing succeeded for five days",
      ),
    ),
  last_event: z.int().check(z.describe("The id of the last event that it has, or that was not for it")),
  failures: z.int().check(z.describe("Attempts that failed since the last one that succeeded")),
  failing_since: OptionalInstant,
  next_try_at: OptionalInstant.check(z.describe("Of a failing endpoint; null: by the next run")),
  last_success_at: OptionalInstant,
  switched_off_at: OptionalInstant,
  created_at: Instant,
  updated_at: Instant,
});

const secret = z.string().check(z.describe("Shown here and never again"));

export const MadeEndpoint = z.object({ webhook_endpoint: WebhookEndpoint, secret });

export const RotatedSecret = z.object({
  webhook_endpoint: WebhookEndpoint,
  secret,
  former_until: Instant.check(z.describe("Up to then the former secret signs, too")),
});

export const WebhookDelivery = z.object({
  event_id: z.int(),
  type: z.string(),
  at: Instant,
  delivered: z.boolean(),
  status: z.nullable(z.int()).check(z.describe("Of the answer; null: there was none")),
  ms: z.int(),
  error: Text.check(z.describe("Why it counts as failed")),
  answer: z.string().check(z.describe("The first 200 bytes of the answer")),
});

export const newEndpointExample = {
  url: "https://hooks.acme.example/caio",
  events: ["license.*", "seats.exhausted"],
  description: "CRM",
};

export const endpointExample = {
  id: "whe_01KB3QN2C4E6G8J0K2M4P6R8T0",
  ...newEndpointExample,
  active: true,
  include_personal: false,
  state: "active",
  last_event: 1_207,
  failures: 0,
  failing_since: null,
  next_try_at: null,
  last_success_at: "2026-11-24T09:00:01.180Z",
  switched_off_at: null,
  created_at: "2026-11-23T09:00:00.000Z",
  updated_at: "2026-11-23T09:00:00.000Z",
};

/** Made of the words of the specification, so that nobody takes it for a secret. */
export const SECRET_EXAMPLE = "whsec_ZXhhbXBsZS1vZi1hLXNlY3JldC1vZi0zMi1ieXRlcw==";

export const deliveryExample = {
  event_id: 1_207,
  type: "license.renewed",
  at: "2026-11-24T09:00:01.000Z",
  delivered: true,
  status: 204,
  ms: 180,
  error: null,
  answer: "",
};
