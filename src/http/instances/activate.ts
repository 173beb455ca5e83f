// POST /v1/activate.
import { activate, ActivationRequest } from "../../licensing/seats/calls/activate.ts";
import { GRANT_REFUSALS } from "../../licensing/seats/grants.ts";
import { endpoint } from "../endpoint.ts";
import * as examples from "../examples.ts";
import { readyJson } from "../middleware.ts";
import { Activation } from "./schemas.ts";

export const activateEndpoint = endpoint(
  {
    method: "post",
    path: "/v1/activate",
    tag: "Instances",
    summary: "Activate an installation",
    description:
      "Takes a seat of the license for this instance, or renews the lease of the one it has. Idempotent: the same instance never takes a second seat.",
    access: "public",
    body: { schema: ActivationRequest, example: examples.activationRequest },
    answer: {
      status: 200,
      description: "The instance holds a seat until lease_expires_at.",
      schema: Activation,
      example: examples.activation,
    },
    refusals: [...GRANT_REFUSALS, "RATE_LIMITED"],
  },
  async ({ http, context, body }) => readyJson(http, await activate(context, body)),
);
