// /v1/admin/licenses/{id}/usage: what the instances reported, and what staff corrected.
import * as z from "zod/mini";
import { InstanceId } from "../../../licensing/seats/calls/presented.ts";
import { CorrectedDay, correctUsage, UsageCorrection } from "../../../licensing/usage/corrections.ts";
import { readUsage, UsageQuery } from "../../../licensing/usage/read-usage.ts";
import { endpoint } from "../../endpoint.ts";
import * as examples from "../../examples.ts";
import { CorrectedUsage, LicenseUsage } from "../entitlements/schemas.ts";
import { Id } from "../schemas.ts";

export const licenseUsageEndpoints = [
  endpoint(
    {
      method: "get",
      path: "/v1/admin/licenses/{id}/usage",
      tag: "Admin",
      summary: "Read the usage of a license",
      description:
        "Per UTC day and instance, with the limits; the last 30 days if no range is given. Days are kept for 25 months; of earlier months the sums are in `months`.",
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
  ),
  endpoint(
    {
      method: "put",
      path: "/v1/admin/licenses/{id}/usage/{date}/{instance_id}",
      tag: "Admin",
      summary: "Correct a day's usage of an instance",
      description:
        "Reports can only raise a figure; a correction sets it. The instance's later reports for that day are ignored; sums and statistics follow. Days that are not kept any more cannot be corrected. Recorded as usage.corrected, with the earlier figures.",
      access: "licenses",
      params: z.extend(Id, { date: CorrectedDay, instance_id: InstanceId }),
      body: { schema: UsageCorrection, example: examples.usageCorrection },
      answer: {
        status: 200,
        description: "The day as it is now.",
        schema: CorrectedUsage,
        example: examples.correctedUsage,
      },
      refusals: ["LICENSE_NOT_FOUND", "NOT_FOUND"],
    },
    async ({ http, context, params, body }) => http.json(await correctUsage(context, params, body)),
  ),
];
