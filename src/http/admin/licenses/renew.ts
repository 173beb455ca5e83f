// POST /v1/admin/licenses/{id}/renew.
import { Renewal, renewLicense } from "../../../licensing/licenses/lifecycle.ts";
import { endpoint } from "../../endpoint.ts";
import * as examples from "../../examples.ts";
import { Id, IssuedLicense } from "../schemas.ts";
import { showIssued } from "./licenses.ts";
import { TRANSITION_REFUSALS } from "./transition.ts";

export const renewEndpoint = endpoint(
  {
    method: "post",
    path: "/v1/admin/licenses/{id}/renew",
    tag: "Admin",
    summary: "Renew a license",
    description:
      "expires_days counts from the later of now and the license's end. The key in use keeps working: each activation and check-in answers with the current one.",
    access: "licenses",
    params: Id,
    body: { schema: Renewal, example: { expires_days: 365 } },
    answer: {
      status: 200,
      description: "The license and its new key.",
      schema: IssuedLicense,
      etag: true,
      example: examples.issuedLicense,
    },
    refusals: TRANSITION_REFUSALS,
  },
  async ({ http, context, params, body }) => showIssued(http, await renewLicense(context, params.id, body)),
);
