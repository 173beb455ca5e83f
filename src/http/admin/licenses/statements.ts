// /v1/admin/licenses/{id}/statements/{month}: what was used in a month, signed once the month is closed.
import * as z from "zod/mini";
import { csvOf } from "../../../licensing/sheets/sheets.ts";
import { Month, readStatement, statementRows } from "../../../licensing/usage/statements.ts";
import { endpoint } from "../../endpoint.ts";
import { statement, statementCsv } from "../examples.ts";
import { Statement } from "../entitlements/schemas.ts";
import { Id } from "../schemas.ts";

export const statementEndpoint = endpoint(
  {
    method: "get",
    path: "/v1/admin/licenses/{id}/statements/{month}",
    tag: "Admin",
    summary: "Read the usage statement of a month",
    description:
      "Of each meter, of requests and of services: the sum of the month's days, the highest day, and the days above what is allowed; and the days without a report. 40 days after its end a month is closed, by the night if the license has meters and otherwise by the first call: the statement is then signed (statement, typ usage-statement+jwt) and kept as it is. Figures that come later make the next revision, and previous is the hash of the one before. The days of months older than 25 are not kept; their closed statements are.",
    access: "read",
    params: z.extend(Id, { month: Month }),
    query: z.strictObject({ format: z._default(z.enum(["json", "csv"]), "json") }),
    answer: {
      status: 200,
      description: "The statement.",
      schema: Statement,
      example: statement,
      alternative: { contentType: "text/csv", schema: z.string(), example: statementCsv },
    },
    records: true,
    refusals: ["LICENSE_NOT_FOUND"],
  },
  async ({ http, context, params, query }) => {
    const stated = await readStatement(context, params.id, params.month);
    if (query.format === "json") return http.json(stated);
    return http.body(csvOf(statementRows(stated)), 200, {
      "Content-Type": "text/csv; charset=utf-8; header=present",
      "Content-Disposition": `attachment; filename="statement-${params.id}-${params.month}.csv"`,
    });
  },
);
