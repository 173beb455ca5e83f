// /v1/admin/exports
import * as z from "zod/mini";
import type { Context } from "../../context.ts";
import { CustomerId } from "../../licensing/customers/customers.ts";
import { EXPORT_FORMATS, type ExportRequest, exportLicenses } from "../../licensing/sheets/exports.ts";
import { endpoint } from "../endpoint.ts";
import type { Http } from "../http.ts";
import * as examples from "../examples.ts";
import { ExportedLicense } from "./schemas.ts";

const CONTENT_TYPES = { csv: "text/csv; charset=utf-8; header=present", json: "application/json" };

export const ExportQuery = z.strictObject({
  format: z._default(z.enum(EXPORT_FORMATS), "csv"),
  customer_id: z.optional(CustomerId),
});

/** The export as a file to be saved. */
export async function answerExport(http: Http, context: Context, query: ExportRequest): Promise<Response> {
  const { name, bytes } = await exportLicenses(context, query);
  return http.body(bytes, 200, {
    "Content-Type": CONTENT_TYPES[query.format],
    "Content-Disposition": `attachment; filename="${name}"`,
  });
}

export const exportEndpoints = [
  endpoint(
    {
      method: "get",
      path: "/v1/admin/exports/licenses",
      tag: "Admin",
      summary: "Export licenses with their keys",
      description:
        "Streamed, in the order of the ids. CSV is RFC 4180 and safe to open in a spreadsheet; an answer that breaks off is not the whole export.",
      access: "keys",
      query: ExportQuery,
      answer: {
        status: 200,
        description: "All licenses, or those of the customer.",
        contentType: "text/csv",
        schema: z.string(),
        example: examples.exportedCsv,
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
