// An export as a file to save, for the API and the console.
import * as z from "zod/mini";
import type { Context } from "../context.ts";
import { CustomerId } from "../licensing/customers/customers.ts";
import { EXPORT_FORMATS, type ExportRequest, exportLicenses } from "../licensing/sheets/exports.ts";
import type { Http } from "./http.ts";

const CONTENT_TYPES = { csv: "text/csv; charset=utf-8; header=present", json: "application/json" };

export const ExportQuery = z.strictObject({
  format: z._default(z.enum(EXPORT_FORMATS), "csv"),
  customer_id: z.optional(CustomerId),
});

/** The export as a download. */
export async function answerExport(http: Http, context: Context, query: ExportRequest): Promise<Response> {
  const { name, bytes } = await exportLicenses(context, query);
  return http.body(bytes, 200, {
    "Content-Type": CONTENT_TYPES[query.format],
    "Content-Disposition": `attachment; filename="${name}"`,
  });
}
