// The public API of an installation: activate, validate, deactivate. No credentials beyond the license key.
import {
  activate,
  ActivationRequest,
  deactivate,
  DeactivationRequest,
  validate,
  ValidationRequest,
} from "../../licensing/activations.ts";
import { endpoint } from "../endpoint.ts";
import * as examples from "../examples.ts";
import { Activation, Validation } from "../schemas.ts";

export const instanceEndpoints = [
  endpoint(
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
      refusals: [
        "LICENSE_KEY_INVALID",
        "LICENSE_EXPIRED",
        "LICENSE_SUSPENDED",
        "LICENSE_REVOKED",
        "LICENSE_NOT_STARTED",
        "LICENSE_KEY_SUPERSEDED",
        "ACTIVATION_LIMIT_REACHED",
        "LICENSE_NOT_FOUND",
        "RATE_LIMITED",
      ],
    },
    async ({ http, context, body }) => http.json(await activate(context, body)),
  ),
  endpoint(
    {
      method: "post",
      path: "/v1/validate",
      tag: "Instances",
      summary: "Ask what a license key is worth now",
      description:
        "Writes nothing. With an instance_id, the answer is valid only while that instance holds a seat.",
      access: "public",
      body: { schema: ValidationRequest, example: examples.validationRequest },
      answer: {
        status: 200,
        description: "Whether the key lets an installation run, and if not, why.",
        schema: Validation,
        example: examples.validation,
      },
      refusals: ["LICENSE_KEY_INVALID", "LICENSE_NOT_FOUND", "RATE_LIMITED"],
    },
    async ({ http, context, body }) => http.json(await validate(context, body)),
  ),
  endpoint(
    {
      method: "post",
      path: "/v1/deactivate",
      tag: "Instances",
      summary: "Give a seat back",
      access: "public",
      body: { schema: DeactivationRequest, example: examples.validationRequest },
      answer: { status: 204, description: "The instance holds no seat (any more)." },
      refusals: ["LICENSE_KEY_INVALID", "LICENSE_KEY_SUPERSEDED", "LICENSE_NOT_FOUND", "RATE_LIMITED"],
    },
    async ({ http, context, body }) => {
      await deactivate(context, body);
      return http.body(null, 204);
    },
  ),
];
