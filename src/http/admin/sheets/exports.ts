// /v1/admin/exports
import * as z from "zod/mini";
import { endpoint } from "../../endpoint.ts";
import { exportCustomers } from "../../../licensing/sheets/customer-exports.ts";
import { answerExport, answerFile, ExportQuery } from "../../exports.ts";
import * as examples from "../../examples.ts";
import { exportedCsv, exportedCustomer, exportedCustomersCsv } from "../examples.ts";
import { Instant, OptionalInstant } from "../../schemas.ts";
import { Contact, Customer, License } from "../schemas.ts";

const { email_status, ...customer } = Customer.shape;

const { id, email, name, roles, language, portal } = Contact.shape;

const ExportedCustomer = z.object({
  id: customer.id,
  name: customer.name,
  email: customer.email,
  company: customer.company,
  metadata: customer.metadata,
  tags: customer.tags,
  notes: customer.notes,
  email_status,
  created_at: Instant,
  contacts: z.array(
    z.object({
      id: z.optional(id),
      own: z
        .optional(z.literal(true))
        .check(z.describe("It is the customer's own address; it has no id then")),
      email,
      name,
      roles,
      language,
      portal,
      email_status,
      created_at: Instant,
    }),
  ),
  portal: customer.portal,
});

const { grace_until: _derived, updated_at: _changed, ...exportedTerms } = License.shape;

const ExportedLicense = z.object({
  ...exportedTerms,
  license_key: z.string(),
  signed_until: OptionalInstant,
  unproven_until: OptionalInstant,
  term_began_at: OptionalInstant,
  suspension: z.nullable(z.string()),
});

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
  endpoint(
    {
      method: "get",
      path: "/v1/admin/exports/customers",
      tag: "Admin",
      summary: "Export customers with their contacts",
      description:
        "Streamed, in the order of the ids, with everything that an import needs to bring them back. In CSV, contacts and metadata are JSON; an answer that is cut off is not the whole export. Each export is recorded.",
      access: "customers",
      query: ExportQuery,
      answer: {
        status: 200,
        description: "All customers, or the one.",
        contentType: "text/csv",
        schema: z.string(),
        example: exportedCustomersCsv,
        alternative: {
          contentType: "application/json",
          schema: z.array(ExportedCustomer),
          example: [exportedCustomer],
        },
      },
      records: true,
      refusals: ["CUSTOMER_NOT_FOUND"],
    },
    async ({ http, context, query }) => answerFile(http, await exportCustomers(context, query), query.format),
  ),
];
