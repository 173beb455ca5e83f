// POST /v1/admin/licenses/{id}/reinstate.
import { Reinstatement } from "../../../licensing/licenses/decisions.ts";
import { reinstateLicense } from "../../../licensing/licenses/lifecycle.ts";
import { endpoint } from "../../endpoint.ts";
import * as examples from "../../examples.ts";
import { Id, License } from "../schemas.ts";
import { showLicense } from "./licenses.ts";
import { TRANSITION_REFUSALS } from "./transition.ts";

export const reinstateEndpoint = endpoint(
  {
    method: "post",
    path: "/v1/admin/licenses/{id}/reinstate",
    tag: "Admin",
    summary: "Lift a suspension",
    access: "licenses",
    params: Id,
    body: { schema: Reinstatement, example: { reason: "The invoice was paid." } },
    answer: {
      status: 200,
      description: "The license.",
      schema: License,
      etag: true,
      example: examples.license,
    },
    refusals: TRANSITION_REFUSALS,
  },
  async ({ http, context, params, body }) =>
    showLicense(http, await reinstateLicense(context, params.id, body)),
);
