// POST /v1/admin/licenses/{id}/suspend and /revoke: what stops a license, each with a reason and a dry run.
import * as z from "zod/mini";
import { Reasoned } from "../../../licensing/licenses/decisions.ts";
import { revokeLicense, suspendLicense } from "../../../licensing/licenses/lifecycle.ts";
import { type Endpoint, endpoint, ifMatch } from "../../endpoint.ts";
import * as examples from "../../examples.ts";
import { DryRunQuery, Id, LicenseOrPreview } from "../schemas.ts";
import { showLicense } from "./licenses.ts";
import { accepted, effectiveAt, LATER, ordered, previewed, TRANSITION_REFUSALS } from "./transition.ts";

const stopping = (
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
      description: `${description} With dry_run=true the answer shows what the call would do, and nothing is written.${LATER}`,
      access: "licenses",
      params: Id,
      query: DryRunQuery,
      body: { schema: z.safeExtend(Reasoned, effectiveAt), example: { reason: "Invoice 4711 is not paid." } },
      answer: {
        status: 200,
        description: "The license, or the preview.",
        schema: LicenseOrPreview,
        etag: true,
        accepted,
        example: { ...examples.license, status: stopped, standing: stopped },
      },
      refusals: TRANSITION_REFUSALS,
    },
    async ({ http, context, params: { id }, query, body: { effective_at, ...input } }) => {
      if (query.dry_run) return previewed(http, context, id, { action, input }, effective_at);
      return (
        (await ordered(http, context, id, { action, input }, effective_at)) ??
        showLicense(http, await stop(context, id, input, ifMatch(http)))
      );
    },
  );

export const suspendEndpoint = stopping(
  "suspend",
  "Suspend a license",
  "Refuses its activations and check-ins until it is reinstated; certificates hold until their lease ends.",
  "suspended",
  suspendLicense,
);

export const revokeEndpoint = stopping(
  "revoke",
  "Revoke a license for good",
  "Final.",
  "revoked",
  revokeLicense,
);
