// /v1/admin/license-types
import { getLicenseType, listLicenseTypes, presentLicenseType } from "../../licensing/license-types.ts";
import { PageQuery } from "../../licensing/pages.ts";
import { endpoint } from "../endpoint.ts";
import * as examples from "../examples.ts";
import { Id, LicenseType, pageOf } from "../schemas.ts";

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
        example: examples.licenseType,
      },
      refusals: ["NOT_FOUND"],
    },
    async ({ http, context, params }) =>
      http.json(presentLicenseType(await getLicenseType(context, params.id))),
  ),
];
