// usage: show, correct
import type { Command } from "commander";
import { define, group, handle, path, withDryRun, withJson } from "../command.ts";
import { notNegative } from "../inputs.ts";
import { limit, note, print, printTable, text } from "../output.ts";
import type { CorrectedUsage, LicenseUsage } from "../shapes.ts";

const ID = "lic_01KAS3S9XQ4ZJ7T8M2N5V6W7X8";

interface Range {
  from?: string;
  to?: string;
}

interface Correction {
  requests: number;
  services: number;
  reason: string;
}

function printUsage({ data, months = [], max_requests_per_day, max_services, from, to }: LicenseUsage): void {
  const rows = data.flatMap(({ date, instances }) => instances.map((row) => ({ date, ...row })));
  if (months.length > 0) {
    printTable(months, [
      ["month", ({ month }) => text(month)],
      ["requests", ({ requests }) => String(requests)],
      ["services, at most", ({ services }) => String(services)],
      ["days", ({ days }) => String(days)],
    ]);
    note("Of these months the days are not kept any more.");
  }
  if (rows.length === 0 && months.length === 0)
    note(`Nothing was reported from ${text(from)} to ${text(to)}.`);
  if (rows.length > 0) {
    printTable(rows, [
      ["day", (row) => text(row.date)],
      ["instance", (row) => text(row.instance_id)],
      ["requests", (row) => String(row.requests)],
      ["services", (row) => String(row.services)],
      ["", (row) => (row.corrected ? "corrected" : "")],
    ]);
  }
  note(`Limits per day: ${limit(max_requests_per_day)} requests, ${limit(max_services)} services.`);
}

export function addUsageCommands(program: Command): void {
  const usage = group(program, "usage", "What the instances of a license used", `usage show ${ID}`);

  withJson(
    define(usage, "show <license>", "Show what each instance used on each day (UTC)", [
      `usage show ${ID}`,
      `usage show ${ID} --from 2026-11-01 --to 2026-11-30`,
    ]),
  )
    .option("--from <date>", "from this day on (default: the last 30 days)")
    .option("--to <date>", "up to this day (default: today)")
    .action(
      handle<Range>((call, license) => {
        const { from, to } = call.options;
        return call.read(path("licenses", license, "usage"), printUsage, { from, to });
      }),
    );

  withDryRun(
    define(
      usage,
      "correct <license> <date> <instance>",
      "Set what an instance used on a day. Its later reports for that day are ignored.",
      [`usage correct ${ID} 2026-11-24 caio-berlin-01 --requests 4210 --services 12 --reason "A load test."`],
    ),
  )
    .requiredOption("--requests <count>", "requests of the day", notNegative)
    .requiredOption("--services <count>", "services of the day", notNegative)
    .requiredOption("--reason <text>", "why; kept in the record")
    .action(
      handle<Correction>((call, license, date, instance) => {
        const { requests, services, reason } = call.options;
        return call.change(
          {
            method: "PUT",
            path: path("licenses", license, "usage", date, instance),
            body: { requests, services, reason },
          },
          (now: CorrectedUsage) =>
            print(
              `${text(now.instance_id)} used ${now.requests} requests and ${now.services} services on ${text(now.date)}.`,
            ),
        );
      }),
    );
}
