// usage: show, correct
import type { Command } from "commander";
import { define, group, handle, path, withDryRun, withJson } from "../command.ts";
import { usage } from "../failures.ts";
import { given, meterOf, notNegative } from "../inputs.ts";
import { limit, list, note, print, printTable, text, when, write } from "../output.ts";
import type { CorrectedUsage, LicenseUsage, Statement } from "../shapes.ts";

const ID = "lic_01KAS3S9XQ4ZJ7T8M2N5V6W7X8";

interface Range {
  from?: string;
  to?: string;
}

interface Correction {
  requests: number;
  services: number;
  meter?: Record<string, number>;
  reason: string;
}

function printUsage({
  data,
  months = [],
  meters: limits = {},
  max_requests_per_day,
  max_services,
  from,
  to,
}: LicenseUsage): void {
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
      ["meters", ({ meters = {} }) => list(Object.entries(meters).map(([code, n]) => `${code}=${n}`))],
      ["", (row) => (row.corrected ? "corrected" : "")],
    ]);
  }
  for (const [code, { value, period }] of Object.entries(limits))
    note(`Limit of ${text(code)}: ${limit(value)} a ${period}.`);
  note(`Limits per day: ${limit(max_requests_per_day)} requests, ${limit(max_services)} services.`);
}

const allowed = (value: number | null | undefined): string => (value === undefined ? "" : limit(value));

function printStatement({ meters, requests, services, ...statement }: Statement): void {
  const { license_id, month, revision, closed_at, days_without_report } = statement;
  print(
    `License ${text(license_id)}, ${text(month)}, ${closed_at === null ? "not closed yet" : `closed ${when(closed_at)}, revision ${revision}`}`,
  );
  printFigures({ meters, requests, services, days_without_report });
}

/** The figures of a statement. */
export function printFigures({
  meters,
  requests,
  services,
  days_without_report: silent,
}: Pick<Statement, "meters" | "requests" | "services" | "days_without_report">): void {
  printTable(Object.entries({ ...meters, requests, services }), [
    ["meter", ([code]) => text(code)],
    ["total", ([, { total }]) => String(total)],
    ["highest day", ([, { peak }]) => String(peak)],
    ["allowed", ([, { value }]) => allowed(value)],
    ["days over", ([, { days_over }]) => String(days_over)],
  ]);
  note(`Days without a report: ${list(silent)}.`);
}

function addStatementCommand(program: Command): void {
  withJson(
    define(program, "statement <license> <month>", "Show what a license used in a month (UTC)", [
      `statement ${ID} 2026-11`,
      `statement ${ID} 2026-11 --csv > acme-2026-11.csv`,
      `statement ${ID} 2026-11 --signed > acme-2026-11.jwt`,
    ]),
  )
    .option("--csv", "print a sheet")
    .option("--signed", "print the signed statement of a closed month")
    .action(
      handle<{ csv?: boolean; signed?: boolean }>(async (call, license, month) => {
        const from = path("licenses", license, "statements", month);
        const { csv, signed } = call.options;
        if (csv) return write(await call.client().send({ path: from, query: { format: "csv" } }));
        if (!signed) return call.read(from, printStatement);
        const { statement } = JSON.parse(await call.client().send({ path: from })) as Statement;
        if (statement === null)
          throw usage(`${text(month)} is not closed yet: a statement is signed 40 days after its month.`);
        print(statement);
      }),
    );
}

export function addUsageCommands(program: Command): void {
  addStatementCommand(program);
  const used = group(program, "usage", "What the instances of a license used", `usage show ${ID}`);

  withJson(
    define(used, "show <license>", "Show what each instance used on each day (UTC)", [
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
      used,
      "correct <license> <date> <instance>",
      "Set what an instance used on a day. Its later reports for that day are ignored.",
      [`usage correct ${ID} 2026-11-24 caio-berlin-01 --requests 4210 --services 12 --reason "A load test."`],
    ),
  )
    .requiredOption("--requests <count>", "requests of the day", notNegative)
    .requiredOption("--services <count>", "services of the day", notNegative)
    .option("--meter <code=count>", "a meter of the day; can be repeated", meterOf)
    .requiredOption("--reason <text>", "why; kept in the record")
    .action(
      handle<Correction>((call, license, date, instance) => {
        const { requests, services, meter, reason } = call.options;
        return call.change(
          {
            method: "PUT",
            path: path("licenses", license, "usage", date, instance),
            body: given({ requests, services, meters: meter, reason }),
          },
          (now: CorrectedUsage) =>
            print(
              `${text(now.instance_id)} used ${now.requests} requests and ${now.services} services on ${text(now.date)}.`,
            ),
        );
      }),
    );
}
