// GET /v1/admin/licenses/{id}/usage.
import { readUsage, UsageQuery } from "../../../licensing/usage/usage.ts";
import { endpoint } from "../../endpoint.ts";
import * as examples from "../../examples.ts";
import { Id, LicenseUsage } from "../schemas.ts";

export const licenseUsageEndpoint = endpoint(
  {
    method: "get",
    path: "/v1/admin/licenses/{id}/usage",
    tag: "Admin",
    summary: "Read the usage of a license",
    description:
      "Per UTC day and instance, with the limits beside it; the last 30 days where no range is given.",
    access: "read",
    params: Id,
    query: UsageQuery,
    answer: {
      status: 200,
      description: "The usage.",
      schema: LicenseUsage,
      example: examples.licenseUsage,
    },
    refusals: ["LICENSE_NOT_FOUND"],
  },
  async ({ http, context, params, query }) => http.json(await readUsage(context, params.id, query)),
);
