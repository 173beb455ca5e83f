// /v1/admin/license-types
import * as z from "zod/mini";
import {
  deleteLicenseType,
  getLicenseType,
  LicenseTypeId,
  LicenseTypeTerms,
  listLicenseTypes,
  presentLicenseType,
  putLicenseType,
} from "../../licensing/licenses/license-types.ts";
import { PageQuery } from "../../kernel/pages.ts";
import { etagOf } from "../../kernel/resources.ts";
import { endpoint, ifMatch } from "../endpoint.ts";
import type { Http } from "../http.ts";
import * as examples from "../examples.ts";
import { Id, LicenseType, pageOf } from "./schemas.ts";

type LicenseTypeRow = Parameters<typeof presentLicenseType>[0];

function show(http: Http, type: LicenseTypeRow, status: 200 | 201 = 200): Response {
  http.header("ETag", etagOf(type));
  return http.json(presentLicenseType(type), status);
}

export const licenseTypeEndpoints = [
  endpoint(
    {
      method: "get",
      path: "/v1/admin/license-types",
      tag: "Admin",
      summary: "List license types",
      access: "read",
      query: PageQuery,
      answer: {
        status: 200,
        description: "A page of license types by id.",
        schema: pageOf(LicenseType),
        example: { data: [examples.licenseType], next_cursor: null },
      },
    },
    async ({ http, context, query }) => {
      const page = await listLicenseTypes(context, query);
      return http.json({ ...page, data: page.data.map(presentLicenseType) });
    },
  ),
  endpoint(
    {
      method: "get",
      path: "/v1/admin/license-types/{id}",
      tag: "Admin",
      summary: "Read a license type",
      access: "read",
      params: Id,
      answer: {
        status: 200,
        description: "The license type.",
        schema: LicenseType,
        etag: true,
        example: examples.licenseType,
      },
      refusals: ["NOT_FOUND"],
    },
    async ({ http, context, params }) => show(http, await getLicenseType(context, params.id)),
  ),
  endpoint(
    {
      method: "put",
      path: "/v1/admin/license-types/{id}",
      tag: "Admin",
      summary: "Create or replace a license type",
      description:
        "Members that are left out take their defaults. Give duration or duration_days; without both it is one year. Licenses already issued keep their terms. Honors If-Match.",
      access: "license-types",
      params: z.object({ id: LicenseTypeId }),
      body: { schema: LicenseTypeTerms, example: examples.licenseTypeTerms },
      answer: {
        status: 200,
        description: "The license type as it is now.",
        created: "The license type is new.",
        schema: LicenseType,
        etag: true,
        example: examples.licenseType,
      },
      refusals: ["CONFLICT", "PRECONDITION_FAILED"],
    },
    async ({ http, context, params, body }) => {
      const { type, created } = await putLicenseType(context, params.id, body, ifMatch(http));
      return show(http, type, created ? 201 : 200);
    },
  ),
  endpoint(
    {
      method: "delete",
      path: "/v1/admin/license-types/{id}",
      tag: "Admin",
      summary: "Delete a license type that no license was issued from",
      description: "Honors If-Match.",
      access: "license-types",
      params: Id,
      answer: { status: 204, description: "Deleted." },
      refusals: ["NOT_FOUND", "CONFLICT", "PRECONDITION_FAILED"],
    },
    async ({ http, context, params }) => {
      await deleteLicenseType(context, params.id, ifMatch(http));
      return http.body(null, 204);
    },
  ),
];
