// POST /v1/validate.
import { validate, ValidationRequest } from "../../licensing/seats/calls/validate.ts";
import { endpoint } from "../endpoint.ts";
import * as examples from "../examples.ts";
import { readyJson } from "../middleware.ts";
import { Validation } from "./schemas.ts";

export const validateEndpoint = endpoint(
  {
    method: "post",
    path: "/v1/validate",
    tag: "Instances",
    summary: "Check whether a license key is valid now",
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
  async ({ http, context, body }) => readyJson(http, await validate(context, body)),
);
