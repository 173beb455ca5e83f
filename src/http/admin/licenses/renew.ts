// POST /v1/admin/licenses/{id}/renew.
import * as z from "zod/mini";
import { Renewal } from "../../../licensing/licenses/decisions.ts";
import { renewLicense } from "../../../licensing/licenses/lifecycle.ts";
import { endpoint, ifMatch } from "../../endpoint.ts";
import * as examples from "../../examples.ts";
import { Id, IssuedLicense } from "../schemas.ts";
import { showIssued } from "./licenses.ts";
import { accepted, effectiveAt, LATER, ordered, TRANSITION_REFUSALS } from "./transition.ts";

export const renewEndpoint = endpoint(
  {
    method: "post",
    path: "/v1/admin/licenses/{id}/renew",
    tag: "Admin",
    summary: "Renew a license",
    description: `Takes one of expires_in, expires_days and expires_at. expires_in (a calendar duration) and expires_days count from the later of now and the license's end; if that end is a date, months and years are added to that date. The key in use keeps working: each activation and check-in answers with the current one.${LATER}`,
    access: "licenses",
    params: Id,
    body: { schema: z.safeExtend(Renewal, effectiveAt), example: { expires_in: "P1Y" } },
    answer: {
      status: 200,
      description: "The license and its new key.",
      schema: IssuedLicense,
      etag: true,
      accepted,
      example: examples.issuedLicense,
    },
    refusals: TRANSITION_REFUSALS,
  },
  async ({ http, context, params: { id }, body: { effective_at, ...input } }) =>
    (await ordered(http, context, id, { action: "renew", input }, effective_at)) ??
    showIssued(http, await renewLicense(context, id, input, ifMatch(http))),
);
