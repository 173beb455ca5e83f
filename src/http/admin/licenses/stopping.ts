// The two transitions that stop a license, each with a reason and a dry run.
import { Reasoned } from "../../../licensing/licenses/decisions.ts";
import type { suspendLicense } from "../../../licensing/licenses/lifecycle.ts";
import { previewChange } from "../../../licensing/licenses/preview.ts";
import { type Endpoint, endpoint } from "../../endpoint.ts";
import * as examples from "../../examples.ts";
import { DryRunQuery, Id, LicenseOrPreview } from "../schemas.ts";
import { showLicense } from "./licenses.ts";
import { TRANSITION_REFUSALS } from "./transition.ts";

export const stopping = (
  action: "suspend" | "revoke",
  summary: string,
  description: string,
  stopped: "suspended" | "revoked",
  stop: typeof suspendLicense,
): Endpoint =>
  endpoint(
    {
      method: "post",
      path: `/v1/admin/licenses/{id}/${action}`,
      tag: "Admin",
      summary,
      description: `${description} With dry_run=true it answers what that would do and writes nothing.`,
      access: "licenses",
      params: Id,
      query: DryRunQuery,
      body: { schema: Reasoned, example: { reason: "Invoice 4711 is not paid." } },
      answer: {
        status: 200,
        description: "The license, or the preview.",
        schema: LicenseOrPreview,
        etag: true,
        example: { ...examples.license, status: stopped, standing: stopped },
      },
      refusals: TRANSITION_REFUSALS,
    },
    async ({ http, context, params, query, body }) =>
      query.dry_run
        ? http.json(await previewChange(context, params.id, action))
        : showLicense(http, await stop(context, params.id, body)),
  );
