// POST /v1/deactivate.
import { deactivate, DeactivationRequest } from "../../licensing/seats/calls/deactivate.ts";
import { endpoint } from "../endpoint.ts";
import * as examples from "../examples.ts";

export const deactivateEndpoint = endpoint(
  {
    method: "post",
    path: "/v1/deactivate",
    tag: "Instances",
    summary: "Give a seat back",
    description:
      "Send the certificate that the instance holds: it proves that the seat is its own. Without it, a live seat stays taken until its lease ends.",
    access: "public",
    body: { schema: DeactivationRequest, example: examples.deactivationRequest },
    answer: { status: 204, description: "The instance holds no seat now." },
    refusals: [
      "LICENSE_KEY_INVALID",
      "LICENSE_KEY_SUPERSEDED",
      "LICENSE_NOT_FOUND",
      "CERTIFICATE_REQUIRED",
      "RATE_LIMITED",
    ],
  },
  async ({ http, context, body }) => {
    await deactivate(context, body);
    return http.body(null, 204);
  },
);
