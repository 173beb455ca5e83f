// /v1/admin/licenses
import * as z from "zod/mini";
import { CustomerId } from "../../licensing/customers.ts";
import {
  getLicense,
  issueLicense,
  listLicenses,
  NewLicense,
  presentLicense,
} from "../../licensing/licenses.ts";
import { PageQuery } from "../../licensing/pages.ts";
import { endpoint } from "../endpoint.ts";
import * as examples from "../examples.ts";
import { Id, IssuedLicense, License, pageOf } from "../schemas.ts";

export const licenseEndpoints = [
  endpoint(
    {
      method: "post",
      path: "/v1/admin/licenses",
      tag: "Admin",
      summary: "Issue a license",
      description:
        "What is left out comes from the license type. A bare date as expires_at is valid through that whole day everywhere on Earth; null is perpetual.",
      access: "licenses",
      body: { schema: NewLicense, example: examples.newLicense },
      answer: {
        status: 201,
        description: "Issued. The key can be derived again at any time.",
        schema: IssuedLicense,
        example: examples.issuedLicense,
      },
      refusals: ["CUSTOMER_NOT_FOUND"],
    },
    async ({ http, context, body }) => {
      const { license, licenseKey } = await issueLicense(context, body);
      const shown = presentLicense(license, context.clock.now());
      return http.json({ license: shown, license_key: licenseKey }, 201);
    },
  ),
  endpoint(
    {
      method: "get",
      path: "/v1/admin/licenses",
      tag: "Admin",
      summary: "List licenses",
      access: "read",
      query: z.extend(PageQuery, { customer_id: z.optional(CustomerId) }),
      answer: {
        status: 200,
        description: "A page of licenses in the order in which they were issued.",
        schema: pageOf(License),
        example: { data: [examples.license], next_cursor: null },
      },
    },
    async ({ http, context, query }) => {
      const page = await listLicenses(context, query, query);
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
      answer: { status: 200, description: "The license.", schema: License, example: examples.license },
      refusals: ["LICENSE_NOT_FOUND"],
    },
    async ({ http, context, params }) =>
      http.json(presentLicense(await getLicense(context, params.id), context.clock.now())),
  ),
];
