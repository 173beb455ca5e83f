// /v1/admin/customers/{id}/usage: what all licenses of a customer used in a quarter.
import * as z from "zod/mini";
import { invoicePeriods, periodNamed } from "../../kernel/periods.ts";
import { PageQuery } from "../../kernel/pages.ts";
import { getCustomer } from "../../licensing/customers/customers.ts";
import { streamedCsv } from "../../licensing/sheets/exported-files.ts";
import { customerUsageRows, listCustomerUsage } from "../../licensing/usage/customer-usage.ts";
import { endpoint } from "../endpoint.ts";
import { answerCsv } from "../exports.ts";
import { CustomerUsage } from "./entitlements/schemas.ts";
import * as examples from "./examples.ts";
import { Id } from "./schemas.ts";

export const customerUsageEndpoint = endpoint(
  {
    method: "get",
    path: "/v1/admin/customers/{id}/usage",
    tag: "Admin",
    summary: "Read what a customer used in a period",
    description:
      "Of each license and month, with the figures of the month's statement while it is open. period: a quarter such as 2026-Q3, of the last six, or 12m for the last twelve months; without it, this quarter. As JSON, a page of licenses, which may have fewer than asked for, even if there is a next page; as CSV, all of them, with a row for each meter.",
    access: "read",
    params: Id,
    query: z.extend(PageQuery, {
      period: z.optional(z.string().check(z.maxLength(10))),
      format: z._default(z.enum(["json", "csv"]), "json"),
    }),
    answer: {
      status: 200,
      description: "What was used.",
      schema: CustomerUsage,
      example: examples.customerUsage,
      alternative: { contentType: "text/csv", schema: z.string(), example: examples.customerUsageCsv },
    },
    refusals: ["CUSTOMER_NOT_FOUND"],
  },
  async ({ http, context, params: { id }, query: { period: name, format, ...request } }) => {
    const now = context.clock.now();
    const period = periodNamed(name, invoicePeriods(now));
    await getCustomer(context, id);
    if (format === "json") {
      const { label: _label, ...shown } = period;
      const page = await listCustomerUsage(context, id, period, request);
      return http.json({ customer_id: id, period: shown, ...page });
    }
    return answerCsv(
      http,
      `usage-${id}-${period.name}`,
      streamedCsv(context, customerUsageRows(context, id, period, now)),
    );
  },
);
