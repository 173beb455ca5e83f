// /v1/admin/imports
import { CustomerRow, LicenseRow } from "../../../licensing/sheets/import-rows.ts";
import { importCustomers, importLicenses } from "../../../licensing/sheets/imports.ts";
import { endpoint } from "../../endpoint.ts";
import * as examples from "../../examples.ts";
import { customersCsv, imported, importedLicenses, licensesCsv } from "../examples.ts";
import { DryRunQuery, Imported, ImportedLicenses } from "../schemas.ts";
import { MAX_UPLOAD, readSheet } from "../../uploads.ts";

export const importEndpoints = [
  endpoint(
    {
      method: "post",
      path: "/v1/admin/imports/customers",
      tag: "Admin",
      summary: "Import customers, all rows or none",
      description:
        "CSV or JSON up to 5 MiB and 20000 rows. Faults are listed by row and column; with dry_run=true nothing is written.",
      access: "imports",
      query: DryRunQuery,
      upload: {
        row: CustomerRow,
        examples: { json: [examples.newCustomer], csv: customersCsv },
        maxBytes: MAX_UPLOAD,
      },
      answer: {
        status: 200,
        description: "Imported, or with dry_run: what would have been imported.",
        schema: Imported,
        example: imported,
      },
      refusals: ["CONFLICT"],
    },
    async ({ http, context, query }) =>
      http.json(await importCustomers(context, await readSheet(http), query.dry_run)),
  ),
  endpoint(
    {
      method: "post",
      path: "/v1/admin/imports/licenses",
      tag: "Admin",
      summary: "Import licenses, all rows or none",
      description:
        "A row with an id restores a license as it was exported and creates its customer if there is none; a row without one issues a license. CSV or JSON up to 5 MiB and 20000 rows. Faults are listed by row and column; with dry_run=true nothing is written.",
      access: "imports",
      query: DryRunQuery,
      upload: {
        row: LicenseRow,
        examples: { json: [examples.exportedLicense, examples.newLicense], csv: licensesCsv },
        maxBytes: MAX_UPLOAD,
      },
      answer: {
        status: 200,
        description: "Imported, or with dry_run: what would have been imported.",
        schema: ImportedLicenses,
        example: importedLicenses,
      },
      refusals: ["CONFLICT"],
    },
    async ({ http, context, query }) =>
      http.json(await importLicenses(context, await readSheet(http), query.dry_run)),
  ),
];
