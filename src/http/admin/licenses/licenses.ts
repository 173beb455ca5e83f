// /v1/admin/licenses: issuing, reading, finding and changing. Each path below the id has its own file
import * as z from "zod/mini";
import { LicenseChanges } from "../../../licensing/licenses/decisions.ts";
import { changeLicense } from "../../../licensing/licenses/lifecycle.ts";
import { listLicenses } from "../../../licensing/licenses/license-list.ts";
import { LicenseFilter } from "../../../licensing/licenses/search/license-filter.ts";
import {
  getLicense,
  IssueRequest,
  issueLicense,
  presentLicense,
} from "../../../licensing/licenses/licenses.ts";
import { PageQuery } from "../../../kernel/pages.ts";
import { etagOf } from "../../../kernel/resources.ts";
import { endpoint, ifMatch } from "../../endpoint.ts";
import type { Http } from "../../http.ts";
import * as examples from "../../examples.ts";
import { DryRunQuery, Id, IssuedLicense, License, LicenseOrPreview, pageOf } from "../schemas.ts";
import { accepted, effectiveAt, LATER, ordered, previewed, TRANSITION_REFUSALS } from "./transition.ts";

type LicenseRow = Parameters<typeof presentLicense>[0];

export function showLicense(http: Http, license: LicenseRow): Response {
  http.header("ETag", etagOf(license));
  return http.json(presentLicense(license, http.get("context").clock.now()));
}

/** The license together with its current key. */
export function showIssued(
  http: Http,
  { license, licenseKey }: { license: LicenseRow; licenseKey: string },
  status: 200 | 201 = 200,
): Response {
  http.header("ETag", etagOf(license));
  const shown = presentLicense(license, http.get("context").clock.now());
  return http.json({ license: shown, license_key: licenseKey }, status);
}

export const licenseEndpoints = [
  endpoint(
    {
      method: "post",
      path: "/v1/admin/licenses",
      tag: "Admin",
      summary: "Issue a license",
      description:
        "Members that are left out come from the license type. The end is one of expires_in (a calendar duration from now, such as P1Y), expires_days and expires_at. A bare date as expires_at is valid through that whole day everywhere on Earth; null is perpetual. With send_email the customer gets the key by mail.",
      access: "licenses",
      body: { schema: IssueRequest, example: examples.newLicense },
      answer: {
        status: 201,
        description: "Issued. The key can be derived again at any time.",
        schema: IssuedLicense,
        etag: true,
        example: examples.issuedLicense,
      },
      refusals: ["CUSTOMER_NOT_FOUND"],
    },
    async ({ http, context, body }) => showIssued(http, await issueLicense(context, body), 201),
  ),
  endpoint(
    {
      method: "get",
      path: "/v1/admin/licenses",
      tag: "Admin",
      summary: "List licenses",
      description:
        "The newest first, or as sort says; by their end or start if the standing asked for depends on it. sort=ending leaves out perpetual licenses, and ended ones unless their standing is asked for; ending_last is the same from its end. A page may have fewer rows than asked for, even if there is a next page.",
      access: "read",
      query: z.extend(PageQuery, LicenseFilter.shape),
      answer: {
        status: 200,
        description: "A page of licenses.",
        schema: pageOf(License),
        example: { data: [examples.license], next_cursor: null },
      },
    },
    async ({ http, context, query: { limit, cursor, ...filter } }) => {
      const page = await listLicenses(context, { limit, cursor }, filter);
      const now = context.clock.now();
      return http.json({ ...page, data: page.data.map((license) => presentLicense(license, now)) });
    },
  ),
  endpoint(
    {
      method: "get",
      path: "/v1/admin/licenses/{id}",
      tag: "Admin",
      summary: "Read a license",
      access: "read",
      params: Id,
      answer: {
        status: 200,
        description: "The license.",
        schema: License,
        etag: true,
        example: examples.license,
      },
      refusals: ["LICENSE_NOT_FOUND"],
    },
    async ({ http, context, params }) => showLicense(http, await getLicense(context, params.id)),
  ),
  endpoint(
    {
      method: "patch",
      path: "/v1/admin/licenses/{id}",
      tag: "Admin",
      summary: "Change the terms of a license",
      description: `Instances get the new terms at their next activation or check-in. A license_type that differs needs terms: type takes the terms of that type, except for members of the request; keep leaves the terms of the license as they are. Its end stays the same in both cases. Honors If-Match. With send_email the customer is told what changed. With dry_run=true the answer shows what the change would do, and nothing is written.${LATER}`,
      access: "licenses",
      params: Id,
      query: DryRunQuery,
      body: { schema: z.safeExtend(LicenseChanges, effectiveAt), example: { max_instances: 10 } },
      answer: {
        status: 200,
        description: "The license as it is now, or the preview.",
        schema: LicenseOrPreview,
        etag: true,
        accepted,
        example: examples.license,
      },
      refusals: TRANSITION_REFUSALS,
    },
    async ({ http, context, params: { id }, query, body: { effective_at, ...input } }) => {
      const action = { action: "change", input } as const;
      if (query.dry_run) return previewed(http, context, id, action, effective_at);
      return (
        (await ordered(http, context, id, action, effective_at)) ??
        showLicense(http, await changeLicense(context, id, input, ifMatch(http)))
      );
    },
  ),
];
