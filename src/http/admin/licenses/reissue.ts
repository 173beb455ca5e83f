// POST /v1/admin/licenses/{id}/reissue.
import { Reasoned, reissueLicense } from "../../../licensing/licenses/lifecycle.ts";
import { endpoint } from "../../endpoint.ts";
import * as examples from "../../examples.ts";
import { Id, IssuedLicense } from "../schemas.ts";
import { showIssued } from "./licenses.ts";
import { TRANSITION_REFUSALS } from "./transition.ts";

export const reissueEndpoint = endpoint(
  {
    method: "post",
    path: "/v1/admin/licenses/{id}/reissue",
    tag: "Admin",
    summary: "Replace a leaked license key",
    description: "Raises the revision: keys of older revisions are refused with LICENSE_KEY_SUPERSEDED.",
    access: "licenses",
    params: Id,
    body: { schema: Reasoned, example: { reason: "The key was posted in a public forum." } },
    answer: {
      status: 200,
      description: "The license and its new key.",
      schema: IssuedLicense,
      etag: true,
      example: { ...examples.issuedLicense, license: { ...examples.license, revision: 2 } },
    },
    refusals: TRANSITION_REFUSALS,
  },
  async ({ http, context, params, body }) => showIssued(http, await reissueLicense(context, params.id, body)),
);
