// /v1/admin/exports
import * as z from "zod/mini";
import { endpoint } from "../../endpoint.ts";
import { CustomerFilter } from "../../../licensing/customers/customer-list.ts";
import { exportCustomers } from "../../../licensing/sheets/customer-exports.ts";
import { ActivationFilter } from "../../../licensing/instances/instance-filter.ts";
import { exportInstances } from "../../../licensing/sheets/instance-exports.ts";
import { answerExport, answerFile, ExportQuery, LICENSE_FILTERS } from "../../exports.ts";
import * as examples from "../../examples.ts";
import {
  exportedCsv,
  exportedCustomer,
  exportedCustomersCsv,
  exportedInstance,
  exportedInstancesCsv,
} from "../examples.ts";
import { Instant, OptionalInstant } from "../../schemas.ts";
import { Contact, Customer, Instance, License } from "../schemas.ts";

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

const ExportedInstance = z.extend(Instance, {
  customer_id: z.nullable(z.string()),
  customer: z.nullable(z.string()).check(z.describe("The company, or the name where there is none")),
});

export const exportEndpoints = [
  endpoint(
    {
      method: "get",
      path: "/v1/admin/exports/licenses",
      tag: "Admin",
      summary: "Export licenses with their keys",
      description:
        "All, or what the filters find, as in the list of licenses. Streamed, in the order of the ids, or of the list if there are filters. CSV is RFC 4180 and safe to open in a spreadsheet; an answer that is cut off is not the whole export.",
      access: "keys",
      query: z.extend(ExportQuery, LICENSE_FILTERS),
      answer: {
        status: 200,
        description: "The licenses.",
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
    ({ http, context, query: { format, customer_id, ...filters } }) =>
      answerExport(http, context, {
        format,
        customer_id,
        filter: Object.keys(filters).length === 0 ? undefined : filters,
      }),
  ),
  endpoint(
    {
      method: "get",
      path: "/v1/admin/exports/customers",
      tag: "Admin",
      summary: "Export customers with their contacts",
      description:
        "All, or what the filters find, as in the list of customers. Streamed, in the order of the ids, or of the list if there are filters, with everything that an import needs to bring them back. In CSV, contacts and metadata are JSON; an answer that is cut off is not the whole export. Each export is recorded.",
      access: "customers",
      query: z.extend(ExportQuery, CustomerFilter.shape),
      answer: {
        status: 200,
        description: "The customers.",
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
    async ({ http, context, query: { format, customer_id, ...filters } }) => {
      const filter = Object.keys(filters).length === 0 ? undefined : filters;
      return answerFile(http, await exportCustomers(context, { format, customer_id, filter }), format);
    },
  ),
  endpoint(
    {
      method: "get",
      path: "/v1/admin/exports/instances",
      tag: "Admin",
      summary: "Export instances with their customers",
      description:
        "All, or what the filters find, as in the list of activations and in its order. Streamed; an answer that is cut off is not the whole export. Each export is recorded.",
      access: "read",
      query: z.extend(z.pick(ExportQuery, { format: true }), ActivationFilter.shape),
      answer: {
        status: 200,
        description: "The instances.",
        contentType: "text/csv",
        schema: z.string(),
        example: exportedInstancesCsv,
        alternative: {
          contentType: "application/json",
          schema: z.array(ExportedInstance),
          example: [exportedInstance],
        },
      },
      records: true,
    },
    async ({ http, context, query: { format, ...filter } }) =>
      answerFile(http, await exportInstances(context, format, filter), format),
  ),
];
