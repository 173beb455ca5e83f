// An export as a file to save, for the API and the console.
import * as z from "zod/mini";
import type { Context } from "../context.ts";
import { CustomerId } from "../licensing/customers/customers.ts";
import { LicenseFilter } from "../licensing/licenses/search/license-filter.ts";
import { EXPORT_FORMATS, type ExportedFile } from "../licensing/sheets/exported-files.ts";
import { type ExportRequest, exportLicenses } from "../licensing/sheets/exports.ts";
import type { Http } from "./http.ts";

const CONTENT_TYPES = { csv: "text/csv; charset=utf-8; header=present", json: "application/json" };

export const ExportQuery = z.strictObject({
  format: z._default(z.enum(EXPORT_FORMATS), "csv"),
  customer_id: z.optional(CustomerId),
});

const { customer_id: _chosen, ...filters } = LicenseFilter.shape;

/** What the list of licenses is filtered by, besides the customer. */
export const LICENSE_FILTERS = filters;

/** The export as a download. */
export const answerExport = async (http: Http, context: Context, query: ExportRequest): Promise<Response> =>
  answerFile(http, await exportLicenses(context, query), query.format);

/** Rows as CSV to save. */
export const answerCsv = (http: Http, name: string, csv: string | ReadableStream<Uint8Array>): Response =>
  http.body(csv, 200, {
    "Content-Type": CONTENT_TYPES.csv,
    "Content-Disposition": `attachment; filename="${name}.csv"`,
  });

/** A file to save. */
export const answerFile = (
  http: Http,
  { name, bytes }: ExportedFile,
  format: keyof typeof CONTENT_TYPES,
): Response =>
  http.body(bytes, 200, {
    "Content-Type": CONTENT_TYPES[format],
    "Content-Disposition": `attachment; filename="${name}"`,
  });
