// POST /v1/admin/licenses/{id}/reissue.
import * as z from "zod/mini";
import { previewReissue, Reissue, reissueLicense } from "../../../licensing/instances/reissue.ts";
import { presentLicense } from "../../../licensing/licenses/licenses.ts";
import { etagOf } from "../../../kernel/resources.ts";
import { endpoint, ifMatch } from "../../endpoint.ts";
import * as examples from "../../examples.ts";
import { DryRunQuery, Id, ReissuedLicense, ReissuePreview } from "../schemas.ts";
import { TRANSITION_REFUSALS } from "./transition.ts";

export const reissueEndpoint = endpoint(
  {
    method: "post",
    path: "/v1/admin/licenses/{id}/reissue",
    tag: "Admin",
    summary: "Replace a leaked license key",
    description:
      "Raises the revision: keys of older revisions are refused with LICENSE_KEY_SUPERSEDED. Running instances switch with their certificate; those without proof are renewed for unproven_hours more, without the new key. The answer lists the running instances; free frees the seats of some of them in the same step. With dry_run=true the answer shows what the call would do, and nothing is written.",
    access: "licenses",
    params: Id,
    query: DryRunQuery,
    body: {
      schema: Reissue,
      example: { reason: "The key was posted in a public forum.", free: [examples.ACTIVATION_ID] },
    },
    answer: {
      status: 200,
      description: "The license, its new key, and the instances that run on it; or the preview.",
      schema: z.union([ReissuedLicense, ReissuePreview]),
      etag: true,
      example: {
        ...examples.issuedLicense,
        license: { ...examples.license, revision: 2 },
        instances: { active: 1, listed: [examples.runningInstance] },
      },
    },
    refusals: TRANSITION_REFUSALS,
  },
  async ({ http, context, params, query, body }) => {
    if (query.dry_run) return http.json(await previewReissue(context, params.id, body, ifMatch(http)));
    const { license, licenseKey, instances } = await reissueLicense(context, params.id, body, ifMatch(http));
    http.header("ETag", etagOf(license));
    const shown = presentLicense(license, context.clock.now());
    return http.json({ license: shown, license_key: licenseKey, instances });
  },
);
