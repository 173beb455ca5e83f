// attention: settled, unsettle
import { Argument, type Command } from "commander";
import type { AttentionKind } from "../../storage/schema.ts";
import { define, group, handle, path, withDryRun, withList } from "../command.ts";
import { given } from "../inputs.ts";
import { type Column, print, text, when } from "../output.ts";
import type { SettledAttention } from "../shapes.ts";

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

const COLUMNS: Column<SettledAttention>[] = [
  ["license", (row) => text(row.license_id)],
  ["customer", (row) => text(row.customer_name)],
  ["kind", (row) => row.kind],
  ["until", (row) => (row.until === null ? "something new" : when(row.until))],
  ["settled", (row) => when(row.settled_at)],
  ["by", (row) => text(row.actor.id)],
  ["reason", (row) => text(row.reason)],
];

export function addSettledCommands(program: Command): void {
  const attention =
    program.commands.find((command) => command.name() === "attention") ??
    group(program, "attention", "What needs attention", "attention settled");

  withList(
    define(attention, "settled", "List what is settled, the latest first", ["attention settled --all"]),
  ).action(
    handle((call) =>
      call.list<SettledAttention>(path("attention", "settled"), {}, COLUMNS, "Nothing is settled."),
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
