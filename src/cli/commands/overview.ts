// expiring, stats, events
import type { Command } from "commander";
import { STANDINGS } from "../../licensing/licenses/standing.ts";
import { define, handle, path, withJson, withList } from "../command.ts";
import { notNegative } from "../inputs.ts";
import { type Column, print, printDetails, printTable, text, when } from "../output.ts";
import type { EventDocument, License, Statistics } from "../shapes.ts";
import { LICENSE_COLUMNS } from "./licenses/license-view.ts";

interface EventFilter {
  entity?: string;
  actor?: string;
  action?: string;
  since?: string;
  until?: string;
}

const EVENT_COLUMNS: Column<EventDocument>[] = [
  ["id", (row) => String(row.id)],
  ["at", (row) => when(row.at)],
  ["action", (row) => text(row.action)],
  ["entity", (row) => `${text(row.entity.type)} ${text(row.entity.id)}`],
  ["actor", (row) => `${text(row.actor.type)} ${text(row.actor.id)}`],
  ["request", (row) => text(row.request_id)],
];

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

  withList(
    define(program, "events", "List what happened, the latest first", [
      "events --entity lic_01KAS3S9XQ4ZJ7T8M2N5V6W7X8",
      "events --action license.revoked --since 2026-11-01",
    ]),
  )
    .option("--entity <id>", "about this license, customer, …")
    .option("--actor <id>", "done by ADMIN_TOKEN, a token's id, an e-mail address, or an instance's id")
    .option("--action <name>", "such as license.issued")
    .option("--since <date>", "from this date on")
    .option("--until <date>", "up to this date")
    .action(
      handle<EventFilter>((call) => {
        const { entity, actor, action, since, until } = call.options;
        const filter = { entity, actor, action, since, until };
        return call.list<EventDocument>(path("events"), filter, EVENT_COLUMNS, "No events.");
      }),
    );
}
