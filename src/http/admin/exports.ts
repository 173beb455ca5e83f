// /v1/admin/exports
import * as z from "zod/mini";
import { endpoint } from "../endpoint.ts";
import { answerExport, ExportQuery } from "../exports.ts";
import * as examples from "../examples.ts";
import { exportedCsv } from "./examples.ts";
import { ExportedLicense } from "./schemas.ts";

export const exportEndpoints = [
  endpoint(
    {
      method: "get",
      path: "/v1/admin/exports/licenses",
      tag: "Admin",
      summary: "Export licenses with their keys",
      description:
        "Streamed, in the order of the ids. CSV is RFC 4180 and safe to open in a spreadsheet; an answer that is cut off is not the whole export.",
      access: "keys",
      query: ExportQuery,
      answer: {
        status: 200,
        description: "All licenses, or those of the customer.",
        contentType: "text/csv",
        schema: z.string(),
        example: exportedCsv,
        alternative: {
          contentType: "application/json",
          schema: z.array(ExportedLicense),
          example: [examples.exportedLicense],
        },
      },
      records: true,
      refusals: ["CUSTOMER_NOT_FOUND"],
    },
    ({ http, context, query }) => answerExport(http, context, query),
  ),
];
