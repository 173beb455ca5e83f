// POST /v1/check-in.
import { checkIn, CheckInRequest } from "../../licensing/seats/calls/check-in.ts";
import { GRANT_REFUSALS } from "../../licensing/seats/grants.ts";
import { endpoint } from "../endpoint.ts";
import * as examples from "../examples.ts";
import { readyJson } from "../middleware.ts";
import { CheckIn } from "./schemas.ts";

export const checkInEndpoint = endpoint(
  {
    method: "post",
    path: "/v1/check-in",
    tag: "Instances",
    summary: "Check in: renew the lease and report usage",
    description:
      "usage is cumulative per UTC day: sending it again counts nothing twice, and a day's figure never goes down. Send the last certificate received: it lets a running instance switch to the new key after a reissue, and tells a clone from a restart. Using more than the license allows is a warning, never a refusal.",
    access: "public",
    body: { schema: CheckInRequest, example: examples.checkInRequest },
    answer: {
      status: 200,
      description: "The lease is renewed.",
      schema: CheckIn,
      example: examples.checkIn,
    },
    refusals: [...GRANT_REFUSALS, "INSTANCE_NOT_ACTIVATED", "RATE_LIMITED"],
  },
  async ({ http, context, body }) => readyJson(http, await checkIn(context, body)),
);
