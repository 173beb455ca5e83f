// expiring, stats
import type { Command } from "commander";
import { STANDINGS } from "../../licensing/licenses/standing.ts";
import { define, handle, path, withJson, withList } from "../command.ts";
import { notNegative } from "../inputs.ts";
import { print, printDetails, printTable, text } from "../output.ts";
import type { License, Statistics } from "../shapes.ts";
import { LICENSE_COLUMNS } from "./licenses/license-view.ts";

function printStatistics(figures: Statistics): void {
  printDetails([
    ["licenses", String(figures.total)],
    ["entitled to run", String(figures.active)],
    ["ending within 30 days", String(figures.expiring_soon)],
    ["seats taken", `${figures.instances.active}; instances so far: ${figures.instances.total}`],
  ]);
  print("");
  printTable(
    [...STANDINGS],
    [
      ["standing", (name) => name],
      ["licenses", (name) => String(figures.by_standing[name] ?? 0)],
    ],
  );
  print("");
  printTable(Object.entries(figures.by_type), [
    ["type", ([name]) => text(name)],
    ["licenses", ([, licenses]) => String(licenses)],
  ]);
  const ends = figures.expirations_by_month.filter(({ count }) => count > 0);
  if (ends.length === 0) return;
  print("");
  printTable(ends, [
    ["month", (row) => text(row.month)],
    ["licenses that end", (row) => String(row.count)],
  ]);
}

export function addOverviewCommands(program: Command): void {
  withList(
    define(program, "expiring", "List licenses that end soon, the next one first", [
      "expiring",
      "expiring --days 7 --all --json",
    ]),
  )
    .option("--days <count>", "within this many days", notNegative, 30)
    .action(
      handle<{ days: number }>((call) => {
        const { days } = call.options;
        const filter = { expiring_within_days: days };
        return call.list<License>(
          path("licenses"),
          filter,
          LICENSE_COLUMNS,
          `No license ends within ${days} days.`,
        );
      }),
    );

  withJson(define(program, "stats", "Show the statistics", ["stats", "stats --json"])).action(
    handle((call) => call.read(path("statistics"), printStatistics)),
  );
}
