// POST /v1/admin/licenses/{id}/reinstate.
import * as z from "zod/mini";
import { Reinstatement } from "../../../licensing/licenses/decisions.ts";
import { reinstateLicense } from "../../../licensing/licenses/lifecycle.ts";
import { endpoint, ifMatch } from "../../endpoint.ts";
import * as examples from "../../examples.ts";
import { Id, License } from "../schemas.ts";
import { showLicense } from "./licenses.ts";
import { accepted, effectiveAt, LATER, ordered, TRANSITION_REFUSALS } from "./transition.ts";

export const reinstateEndpoint = endpoint(
  {
    method: "post",
    path: "/v1/admin/licenses/{id}/reinstate",
    tag: "Admin",
    summary: "Lift a suspension",
    description: `Activations and check-ins are taken again at once.${LATER}`,
    access: "licenses",
    params: Id,
    body: { schema: z.safeExtend(Reinstatement, effectiveAt), example: { reason: "The invoice was paid." } },
    answer: {
      status: 200,
      description: "The license.",
      schema: License,
      etag: true,
      accepted,
      example: examples.license,
    },
    refusals: TRANSITION_REFUSALS,
  },
  async ({ http, context, params: { id }, body: { effective_at, ...input } }) =>
    (await ordered(http, context, id, { action: "reinstate", input }, effective_at)) ??
    showLicense(http, await reinstateLicense(context, id, input, ifMatch(http))),
);
