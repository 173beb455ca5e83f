// attention: list, settle, settled, unsettle
import { Argument, type Command } from "commander";
import type { AttentionKind } from "../../storage/schema.ts";
import { define, group, handle, path, withDryRun, withJson, withList } from "../command.ts";
import { given, positive } from "../inputs.ts";
import { type Column, list, note, print, printTable, text, when } from "../output.ts";
import type { Settled, SettledAttention, Trouble } from "../shapes.ts";

const ID = "lic_01KAS3S9XQ4ZJ7T8M2N5V6W7X8";

const KINDS: AttentionKind[] = [
  "cloned",
  "scattered",
  "undelivered",
  "stuck",
  "ending",
  "overused",
  "silent",
  "implausible",
];

function printAttention({ data }: { data: Trouble[] }): void {
  if (data.length === 0) return note("Nothing needs attention.");
  printTable(data, [
    ["license", (row) => text(row.license_id)],
    ["customer", (row) => text(row.customer_name)],
    ["what", (row) => row.kind],
    ["how often", (row) => String(row.count)],
    ["at", (row) => when(row.at)],
    [
      "worst",
      ({ worst }) => list(Object.entries(worst).map(([name, value]) => `${name}=${text(shown(value))}`)),
    ],
  ]);
}

const shown = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));

const SETTLED: Column<SettledAttention>[] = [
  ["license", (row) => text(row.license_id)],
  ["customer", (row) => text(row.customer_name)],
  ["kind", (row) => row.kind],
  ["until", (row) => (row.until === null ? "something new" : when(row.until))],
  ["settled", (row) => when(row.settled_at)],
  ["by", (row) => text(row.actor.id)],
  ["reason", (row) => text(row.reason)],
];

export function addAttentionCommands(program: Command): void {
  const attention = group(program, "attention", "What needs attention", "attention list");

  withJson(
    define(attention, "list", "List what needs attention, by license and kind", [
      "attention list",
      "attention list --json",
    ]),
  ).action(handle((call) => call.read(path("attention"), printAttention)));

  withDryRun(
    define(
      attention,
      "settle",
      "Take a kind of trouble of a license off the list, until something new of it happens",
      [
        `attention settle ${ID} silent --reason "The machine is in storage."`,
        `attention settle ${ID} ending --days 14 --reason "Their order is on its way."`,
      ],
    ),
  )
    .argument("<license>", "the license")
    .addArgument(new Argument("<kind>", "what it is").choices(KINDS))
    .requiredOption("--reason <text>", "why; kept in the record")
    .option("--days <count>", "for so many days", positive)
    .action(
      handle<{ reason: string; days?: number }>((call, id, kind) => {
        const { reason, days } = call.options;
        return call.change(
          {
            method: "POST",
            path: path("licenses", id, "settle"),
            body: given({ kind, reason, snooze_days: days }),
          },
          ({ until }: Settled) =>
            print(until === null ? "Settled until something new happens." : `Settled until ${when(until)}.`),
        );
      }),
    );

  withList(
    define(attention, "settled", "List what is settled, the latest first", ["attention settled --all"]),
  ).action(
    handle((call) =>
      call.list<SettledAttention>(path("attention", "settled"), {}, SETTLED, "Nothing is settled."),
    ),
  );

  withDryRun(
    define(attention, "unsettle", "Take back that a kind of trouble of a license is settled", [
      `attention unsettle ${ID} silent --reason "It was taken out of storage."`,
    ]),
  )
    .argument("<license>", "the license")
    .addArgument(new Argument("<kind>", "what it is").choices(KINDS))
    .option("--reason <text>", "why; kept in the record")
    .action(
      handle<{ reason?: string }>((call, id, kind) =>
        call.change(
          {
            method: "POST",
            path: path("licenses", id, "unsettle"),
            body: given({ kind, reason: call.options.reason }),
          },
          () => print("Taken back. It needs attention again if it is still there."),
        ),
      ),
    );
}
