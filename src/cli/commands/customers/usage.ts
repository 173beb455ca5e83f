// customers: usage
import type { Command } from "commander";
import { define, handle, path, withJson } from "../../command.ts";
import { printStream } from "../../files.ts";
import { limit, note, print, printTable, text } from "../../output.ts";
import type { CustomerUsage } from "../../shapes.ts";

interface Options {
  period?: string;
  csv?: boolean;
}

function printUsage({ period, data }: CustomerUsage): void {
  const rows = data.flatMap(({ license_id, license_type, months }) =>
    months.flatMap(({ month, meters, requests, services }) =>
      Object.entries({ ...meters, requests, services }).map(([meter, figure]) => ({
        license: `${license_id} (${license_type})`,
        month,
        meter,
        figure,
      })),
    ),
  );
  print(`From ${text(period.from)} to ${text(period.to)}`);
  if (rows.length === 0) return note("This customer has no license.");
  printTable(rows, [
    ["license", (row) => text(row.license)],
    ["month", (row) => text(row.month)],
    ["meter", (row) => text(row.meter)],
    // Services of two days are the same services.
    ["total", ({ meter, figure }) => (meter === "services" ? "" : String(figure.total))],
    ["highest day", ({ figure }) => String(figure.peak)],
    ["allowed", ({ figure: { value } }) => (value === undefined ? "" : limit(value))],
    ["days over", ({ figure }) => String(figure.days_over)],
  ]);
}

export function addCustomerUsage(customers: Command): void {
  withJson(
    define(customers, "usage <id>", "Show what all licenses of a customer used in a quarter (UTC)", [
      "customers usage acme",
      "customers usage acme --period 2026-Q3 --csv > acme-2026-Q3.csv",
      "customers usage acme --period 12m --json",
    ]),
  )
    .option(
      "--period <period>",
      "a quarter, such as 2026-Q3, or 12m for the last twelve months (default: this quarter)",
    )
    .option("--csv", "print a sheet")
    .action(
      handle<Options>(async (call, id) => {
        const { period, csv, json } = call.options;
        const client = call.client();
        const from = path("customers", id, "usage");
        if (csv) return printStream(await client.stream({ path: from, query: { period, format: "csv" } }));
        const data: CustomerUsage["data"] = [];
        let page: CustomerUsage;
        let cursor: string | undefined;
        do {
          const answer = await client.send({ path: from, query: { period, limit: 100, cursor } });
          page = JSON.parse(answer) as CustomerUsage;
          data.push(...page.data);
          cursor = page.next_cursor ?? undefined;
        } while (cursor !== undefined);
        const whole = { ...page, data };
        if (json) print(JSON.stringify(whole));
        else printUsage(whole);
      }),
    );
}
