// POST /v1/admin/licenses/{id}/transfer.
import * as z from "zod/mini";
import { Transfer } from "../../../licensing/licenses/decisions.ts";
import { transferLicense } from "../../../licensing/licenses/lifecycle.ts";
import { endpoint, ifMatch } from "../../endpoint.ts";
import * as examples from "../../examples.ts";
import { DryRunQuery, Id, IssuedOrPreview } from "../schemas.ts";
import { showIssued } from "./licenses.ts";
import { accepted, effectiveAt, LATER, ordered, previewed, TRANSITION_REFUSALS } from "./transition.ts";

export const transferEndpoint = endpoint(
  {
    method: "post",
    path: "/v1/admin/licenses/{id}/transfer",
    tag: "Admin",
    summary: "Give a license to another customer",
    description: `Raises the revision, so that the former customer's key installs nothing more. Running instances go on by their certificate and get the new key at their next check-in; those without proof are renewed for 72 hours more. Mail to the former customer that was not sent yet is skipped. Events and mail keep the customer of their time. With send_email the new customer gets the key by mail. Honors If-Match. With dry_run=true it answers what that would do and writes nothing.${LATER}`,
    access: "licenses",
    params: Id,
    query: DryRunQuery,
    body: {
      schema: z.safeExtend(Transfer, effectiveAt),
      example: {
        customer_id: "acme-europe",
        reason: "Acme Europe took the contract over.",
        send_email: true,
      },
    },
    answer: {
      status: 200,
      description: "The license and its new key, or the preview.",
      schema: IssuedOrPreview,
      etag: true,
      accepted,
      example: {
        ...examples.issuedLicense,
        license: { ...examples.license, customer_id: "acme-europe", revision: 2 },
      },
    },
    refusals: [...TRANSITION_REFUSALS, "CUSTOMER_NOT_FOUND"],
  },
  async ({ http, context, params: { id }, query, body: { effective_at, ...input } }) => {
    const action = { action: "transfer", input } as const;
    if (query.dry_run) return previewed(http, context, id, action, effective_at);
    return (
      (await ordered(http, context, id, action, effective_at)) ??
      showIssued(http, await transferLicense(context, id, input, ifMatch(http)))
    );
  },
);
